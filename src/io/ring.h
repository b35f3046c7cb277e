// The io_uring itself: requests in, completions out, one system call between them.
#pragma once

#include <cstdint>
#include <deque>

#include "io/loop.h"
#include "io/probe.h"
#include "io/request_arena.h"

namespace martlet::io {

/// A thin wrapper that never loses a request.
///
///   Next() --> submission queue --(full)--> backlog, in order
///                    |                         |
///                  Enter() <-------------------+   kernel   --> completion queue --> Pop()
///
/// Ownership:  owns the ring; counts into the loop's stats.
/// Thread:     its loop's.
/// Invariants: requests reach the kernel in the order of Next(); what they point to in arena()
///             stays until all of them have.
/// Errors:     a full queue, EAGAIN, EBUSY and EINTR only delay; anything else from
///             io_uring_enter is a broken promise of ours.
class Ring {
 public:
  explicit Ring(LoopStats& stats) : stats_(stats) {}
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Returns 0 or -errno. Called once, before anything else.
  int Open(unsigned submission_entries, unsigned completion_entries, const FeatureLimits& limits);

  /// A request to fill in; submits first if the queue is full. Valid until the next call.
  io_uring_sqe* Next();
  /// For what the request just taken from Next() points to; the one after it may reset this.
  RequestArena& arena() { return arena_; }

  /// Submits without running completions: cheap, for the middle of a turn.
  void Submit();
  void SubmitIfAny() {
    if (!backlog_.empty() || io_uring_sq_ready(&ring_) > 0) Submit();
  }
  /// Submits, lets the kernel post completions and waits for one, at most `timeout_ns`; 0: does
  /// not wait, negative: no limit. `batching` says how long to gather while it waits.
  void SubmitAndWait(int64_t timeout_ns, const Batching& batching);
  /// Whether an enter without waiting would bring completions, or some are there already.
  bool HasCompletions() const { return ready() > 0 || KernelHasWork(); }

  unsigned ready() const { return io_uring_cq_ready(&ring_); }
  /// Takes the oldest completion; there is one.
  io_uring_cqe Pop();

  io_uring* get() { return &ring_; }
  int fd() const { return ring_.ring_fd; }
  const Features& features() const { return features_; }

 private:
  int Enter(unsigned wait_for, unsigned flags, int64_t timeout_ns, uint32_t min_wait_usec = 0);
  int Wait(int64_t timeout_ns, const Batching& batching);
  unsigned PublishRequests();
  bool FlushBacklog();
  bool NeedsEnter() const;
  bool KernelHasWork() const;
  void NoteOverflow();

  LoopStats& stats_;
  io_uring ring_ = {};
  bool open_ = false;
  bool overflowed_ = false;
  Features features_;
  RequestArena arena_;
  std::deque<io_uring_sqe> backlog_;  // requests that the submission queue had no room for
};

}  // namespace martlet::io
