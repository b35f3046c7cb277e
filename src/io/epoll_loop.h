// The loop on epoll, for kernels and containers that refuse io_uring.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <sys/epoll.h>
#include <vector>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"
#include "io/loop.h"
#include "io/receive_buffers.h"

namespace martlet::io {

/// Performs requests itself when epoll says that they will not block.
///
///   Send/Connect: tried at once --done--> ready_ ------------> RunCompletions() --> handler
///                       |                                          ^
///                     EAGAIN --> writer of the descriptor --EPOLLOUT (tried again)
///   Receive, Accept, PollReadable --> reader of the descriptor --EPOLLIN (tried)
///
/// Level-triggered, and one read per descriptor and turn: what is left over is reported again,
/// behind the others, so a busy peer starves nobody.
///
/// Ownership:  owns the epoll set, the receive buffers, and what is left of stuck sends.
/// Invariants: a descriptor is in the set exactly while it has a reader or a writer, so its owner
///             may close it once its operations are answered. At most one of each.
/// Source:     epoll(7).
class EpollLoop final : public Loop {
 public:
  static absl::StatusOr<std::unique_ptr<Loop>> Create(const LoopOptions& options);

  void Accept(Operation& op, int listen_fd) override;
  void Receive(Operation& op, int fd) override;
  void Send(Operation& op, int fd, std::span<const iovec> parts) override;
  void Connect(Operation& op, int fd, const sockaddr* address, socklen_t length) override;
  void PollReadable(Operation& op, int fd) override;
  void Cancel(Operation& op) override;

  using Loop::RunCompletions;
  size_t RunCompletions(const TurnBudget& budget) override;
  bool Poll() override;
  void SubmitAndWait(int64_t timeout_ns) override;
  void Wake(const Waker& target) override;
  void CapReceives(size_t) override {}  // a receive takes one buffer
  void Trim() override;

  Waker waker() const override { return {.ring_fd = -1, .event_fd = wake_fd_.get()}; }
  const LoopStats& stats() const override { return stats_; }
  std::string Describe() const override { return "epoll"; }
  bool is_uring() const override { return false; }

 private:
  /// A send that the socket had no room for.
  struct Unsent {
    std::vector<iovec> parts;
    size_t next = 0;  // the first part not fully sent; its front is cut off as it goes
    size_t sent_bytes = 0;
  };
  /// What waits on a descriptor; found by its number.
  struct Descriptor {
    Operation* reader = nullptr;
    Operation* writer = nullptr;
    std::unique_ptr<Unsent> unsent;  // while the writer is a send
    uint32_t interest = 0;           // as registered; 0: not in the set
    uint32_t generation = 0;         // tells events of a closed namesake apart
  };
  /// An operation to be answered in the next RunCompletions().
  struct Answer {
    Operation* op;
    int32_t result;
  };

  EpollLoop() = default;
  absl::Status Open(const LoopOptions& options);

  Descriptor& At(int fd);
  void StartReader(Operation& op, int fd, uint8_t kind);
  void StartWriter(Operation& op, int fd);
  int UpdateInterest(int fd);
  void AnswerLater(Operation& op, int32_t result);

  int64_t Gather(int64_t timeout_ns);
  int Wait(int64_t timeout_ns);
  size_t RunAnswers();
  size_t Dispatch(const epoll_event& event);
  bool IsCurrent(int fd, uint32_t generation) const;

  size_t OnReadable(int fd, uint32_t events);
  size_t AcceptSome(Operation& op, int fd);
  size_t ReceiveOnce(Operation& op, int fd);
  size_t OnWritable(int fd);
  size_t FinishReader(int fd, int32_t result);
  size_t FinishWriter(int fd, int32_t result);

  LoopStats stats_;
  base::UniqueFd epoll_fd_;
  base::UniqueFd wake_fd_;
  ReceiveBuffers buffers_;
  std::vector<Descriptor> descriptors_;
  std::vector<Answer> answers_;
  std::vector<Answer> answering_;    // answers_ of this turn
  std::vector<epoll_event> events_;  // room for one wait
  size_t events_ready_ = 0;          // of them filled, for RunCompletions()
  size_t events_done_ = 0;           // of those handled; the rest waits for the next turn's budget
  size_t received_bytes_ = 0;        // in this RunCompletions()
  Batching batching_;
  bool was_full_ = false;  // the last RunCompletions() had a batch's worth without waiting
  bool has_nanosecond_wait_ = true;  // epoll_pwait2, Linux 5.11
};

}  // namespace martlet::io
