// The seam to the kernel: one shape, completions, for io_uring and epoll.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <sys/socket.h>
#include <sys/uio.h>

#include <absl/status/statusor.h>

#include <martlet/options.h>

#include "base/counter.h"
#include "io/operation.h"

namespace martlet::io {

/// How another thread reaches a sleeping loop. Plain values, copied to every sender at start.
struct Waker {
  int ring_fd = -1;   // message-ring wake-ups; -1 where the mode is not used
  int event_fd = -1;  // always there; the only way from a thread without a ring
};

/// Counters of one loop; written by its thread, read by the monitor.
struct LoopStats {
  base::Counter enters;  // io_uring_enter or epoll_wait calls
  base::Counter completions;
  base::Counter buffers_exhausted;  // receives that found no free buffer and were armed again
  base::Counter completion_overflows;
  base::Counter received_bytes;
};

/// How long a loop that sleeps gathers work before it wakes. Nothing by default.
///
/// With `usec` a sleep lasts at least so long, unless `completions` of them are there before; only
/// when nothing came in that time, the first one ends it at once. After a turn that was a batch of
/// its own accord there is no need to wait for one.
struct Batching {
  uint32_t usec = 0;
  unsigned completions = 1;
};
inline bool IsFull(const Batching& batching, size_t completions, size_t received_bytes) {
  constexpr size_t kManyBytes = size_t{64} << 10;
  return completions >= batching.completions || received_bytes >= kManyBytes;
}

/// How much one RunCompletions() takes on before the caller gets to send and to look around.
struct TurnBudget {
  size_t completions = SIZE_MAX;
  size_t received_bytes = SIZE_MAX;  // the completion that passes it is the last
};

struct LoopOptions {
  IoBackend backend = IoBackend::kAuto;
  unsigned submission_entries = 2048;
  unsigned completion_entries = 32768;
  unsigned receive_buffers = 16;  // a power of two; more than these exist only while some are kept
  size_t receive_buffer_bytes = size_t{256} << 10;
  bool receives = true;  // false: no buffer ring (the control shard's loop needs none)
  Batching batching;
  // A connection with much to read lets the others go first after so many bytes; 0: after the
  // kernel's own measure, which may be all receive buffers. With io_uring from Linux 6.17, and
  // where receives are single-shot.
  size_t receive_cap_bytes = 0;
};

/// Sends requests to the kernel and hands the answers to their operations.
///
/// One indirect call per request to the kernel, none per message.
///
/// Ownership:  owns ring or epoll set, receive buffers and wake-up descriptor; borrows operations
///             and, until the call that says otherwise, nothing else.
/// Thread:     created, used and destroyed on one thread, except Wake of *another* loop's waker,
///             which any thread with a loop may do through its own.
/// Lifetime:   outlives every operation in flight.
/// Errors:     the kernel's -errno in the completion. Full queues, exhausted receive buffers and
///             overflowed completions are the loop's own business: survived, counted in stats(),
///             never shown to a handler.
class Loop {
 public:
  /// Makes a loop of the wished backend. kAuto tries io_uring and falls back to epoll; then
  /// `*fallback_reason` says why (errno text and what to do), else it is empty. kUring fails
  /// where the kernel refuses.
  static absl::StatusOr<std::unique_ptr<Loop>> Create(const LoopOptions& options,
                                                      std::string* fallback_reason);
  virtual ~Loop() = default;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Accepts on a listening socket until the end. Each completion carries a new close-on-exec
  /// descriptor (`more` true), or -errno (EMFILE, ENFILE, ENOMEM, ...) with `more` false; the
  /// caller arms again when it sees fit. -ECANCELED ends it.
  ///
  /// Blocking or not: sockets passed in may be either, and this and Connect() put theirs into the
  /// mode that their backend wants. The new ones are non-blocking with epoll and blocking with
  /// io_uring (which never blocks the thread), so own system calls on them say MSG_DONTWAIT.
  virtual void Accept(Operation& op, int listen_fd) = 0;

  /// Receives until the end: completions with data (`more` true), then one last with `more`
  /// false: 0 at end of stream, else -errno. Stays armed by itself in between, also where the
  /// kernel has single-shot receives only. At most one reading and one writing operation per
  /// descriptor (Accept, Receive, PollReadable; Send, Connect). A handler may keep the memory that
  /// the data is in; when too much is kept already, a completion offers none.
  virtual void Receive(Operation& op, int fd) = 0;

  /// Sends all of `parts` (at most kSendPartsMax); the iovec array may go when the call returns,
  /// the bytes stay lent until the completion. The result is the bytes sent, which may be short
  /// on a broken connection, or -errno. The completion never comes inside the call.
  virtual void Send(Operation& op, int fd, std::span<const iovec> parts) = 0;
  static constexpr size_t kSendPartsMax = 512;

  /// Connects a socket; the result is 0 or -errno. The address may go when the call returns.
  virtual void Connect(Operation& op, int fd, const sockaddr* address, socklen_t length) = 0;

  /// Answers (`more` true, the result is the poll mask) whenever `fd` is readable, until
  /// cancelled. The handler must read it empty.
  virtual void PollReadable(Operation& op, int fd) = 0;

  /// Ends an operation in flight early: its last completion comes with -ECANCELED, or with the
  /// result that won the race. Nothing happens for one that is not in flight.
  virtual void Cancel(Operation& op) = 0;

  /// Runs the handlers of what is complete, within the budget; returns how many completions there
  /// were. The rest is there at the next call; until then SubmitAndWait does not wait.
  virtual size_t RunCompletions(const TurnBudget& budget) = 0;
  size_t RunCompletions() { return RunCompletions(TurnBudget{}); }

  /// Whether something is there, or would be after SubmitAndWait(0). For spinning: with io_uring
  /// two loads, with epoll a system call. It submits nothing.
  virtual bool Poll() = 0;

  /// Submits what was asked for, then waits for a completion or a wake-up, at most
  /// `timeout_ns`; 0: does not wait, negative: no limit. Handlers run in the next
  /// RunCompletions().
  virtual void SubmitAndWait(int64_t timeout_ns) = 0;

  /// Ends the SubmitAndWait of the loop behind `target`, now or at its next call; at once, not
  /// with the next submission.
  virtual void Wake(const Waker& target) = 0;

  /// Changes LoopOptions::receive_cap_bytes, for receives that begin or go on from now on.
  virtual void CapReceives(size_t bytes) = 0;

  /// Gives the memory of receive buffers in which nothing stands back to the system. Between
  /// turns, not from a handler.
  virtual void Trim() = 0;

  virtual Waker waker() const = 0;
  virtual const LoopStats& stats() const = 0;

  /// The chosen modes in words, for the one line at start, for example
  /// `io_uring (multishot receive, ring-message wake-ups, deferred task work)`.
  virtual std::string Describe() const = 0;
  virtual bool is_uring() const = 0;

 protected:
  Loop() = default;
};

}  // namespace martlet::io
