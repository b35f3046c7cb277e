// The loop on io_uring.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"
#include "io/buffer_ring.h"
#include "io/loop.h"
#include "io/ring.h"

namespace martlet::io {

/// Turns requests into submissions and completions into calls of handlers.
///
/// A request's user data is the address of its operation. Three low bits, free by alignment, tell
/// our own traffic (wake-ups, answers to cancellations) apart; see Tag in the .cpp.
///
/// What an operation in flight may be, besides "with the kernel":
///   starved    a receive that found no free buffer, or came to the end of its own while others
///              had none; waits in `starved_` to be armed again
///   cancelled  was starved when it was cancelled; waits in `cancelled_` to be answered
///
/// Invariants: SubmitAndWait does not sleep while either list holds something. An operation has
///             at most one request with the kernel, and is touched last by its final Complete.
class UringLoop final : public Loop {
 public:
  /// Fails where the kernel refuses, in words that say what to do about it.
  static absl::StatusOr<std::unique_ptr<Loop>> Create(const LoopOptions& options,
                                                      const FeatureLimits& limits = {});

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
  void CapReceives(size_t bytes) override { receive_cap_bytes_ = bytes; }
  void Trim() override;

  Waker waker() const override;
  const LoopStats& stats() const override { return stats_; }
  std::string Describe() const override;
  bool is_uring() const override { return true; }

 private:
  /// First in, first out; linked through Operation::Pending::next.
  struct OperationList {
    Operation* first = nullptr;
    Operation* last = nullptr;
    void Append(Operation& op);
    Operation* TakeFirst();
  };

  UringLoop() : ring_(stats_) {}
  absl::Status Open(const LoopOptions& options, const FeatureLimits& limits);

  void ArmAccept(Operation& op);
  void ArmReceive(Operation& op, unsigned how);
  void ArmAgain(Operation& op, bool has_more_data);
  void ArmPoll(Operation& op);
  void ArmWakeUps();
  void ArmStarved();
  void Starve(Operation& op);

  size_t AnswerCancelled();
  bool Dispatch(const io_uring_cqe& cqe);
  void FinishAccept(Operation& op, const io_uring_cqe& cqe);
  void FinishReceive(Operation& op, const io_uring_cqe& cqe);
  void FinishPoll(Operation& op, const io_uring_cqe& cqe);
  void DeliverData(Operation& op, const io_uring_cqe& cqe);

  LoopStats stats_;
  Batching batching_;
  bool was_full_ = false;         // the last RunCompletions() had a batch's worth without waiting
  size_t receive_cap_bytes_ = 0;  // of one receive, before others go first; 0: none
  size_t received_bytes_ = 0;     // in this RunCompletions()
  base::UniqueFd wake_fd_;
  BufferRing buffers_;  // before the ring: it must outlive it
  Ring ring_;
  OperationList starved_;
  std::vector<Operation*> cancelled_;
  std::vector<Operation*> answering_;  // cancelled_ of this turn
  unsigned reapable_ = 0;              // completions that RunCompletions() may handle
};

}  // namespace martlet::io
