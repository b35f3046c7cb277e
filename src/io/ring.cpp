#include "io/ring.h"

#include <cerrno>

#include "base/check.h"

namespace martlet::io {
namespace {

constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr int64_t kNanosecondsPerMicrosecond = 1000;
constexpr int64_t kForeverNs = 3600 * kNanosecondsPerSecond;

// How long to wait before another try when the kernel has no memory for requests: long enough
// not to spin, short enough that nobody notices.
constexpr int64_t kRetryAfterNs = 1'000'000;

bool IsShortOfMemory(int result) { return result == -EAGAIN || result == -ENOMEM; }

/// EBADR tells of completions dropped for want of memory. ETIME and EINTR end a wait.
bool IsSurvivable(int result) {
  return result >= 0 || IsShortOfMemory(result) || result == -EBUSY || result == -EINTR ||
         result == -ETIME || result == -EBADR;
}

}  // namespace

Ring::~Ring() {
  if (open_) io_uring_queue_exit(&ring_);
}

int Ring::Open(unsigned submission_entries, unsigned completion_entries,
               const FeatureLimits& limits) {
  CHECK(!open_);
  const int result = OpenRing(submission_entries, completion_entries, limits, &ring_, &features_);
  open_ = result == 0;
  return result;
}

io_uring_sqe* Ring::Next() {
  if (backlog_.empty()) {
    if (io_uring_sqe* free = io_uring_get_sqe(&ring_)) return free;
    Submit();
    if (io_uring_sqe* free = io_uring_get_sqe(&ring_)) return free;
  }
  // The kernel takes nothing just now (no memory, or completions must be reaped first), and we
  // are inside a handler, where we cannot reap. A deque, so that the address stays.
  return &backlog_.emplace_back();
}

void Ring::Submit() { Enter(0, 0, 0); }

void Ring::SubmitAndWait(int64_t timeout_ns, const Batching& batching) {
  if (!FlushBacklog() || ready() >= batching.completions) timeout_ns = 0;
  if (timeout_ns == 0 && !NeedsEnter()) return;
  const int result =
      timeout_ns == 0 ? Enter(0, IORING_ENTER_GETEVENTS, 0) : Wait(timeout_ns, batching);
  // After a failed submission the kernel has not waited, and the caller would come back at once.
  if (IsShortOfMemory(result) && ready() == 0) {
    __kernel_timespec pause = {.tv_sec = 0, .tv_nsec = kRetryAfterNs};
    io_uring_getevents_arg arg = {};
    arg.ts = reinterpret_cast<uintptr_t>(&pause);
    // By descriptor, which is right whether or not the ring is registered: this path is rare.
    io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), 0, 1,
                    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG,
                    reinterpret_cast<sigset_t*>(&arg), sizeof arg);
  }
}

int Ring::Wait(int64_t timeout_ns, const Batching& batching) {
  const int64_t gather_ns = int64_t{batching.usec} * kNanosecondsPerMicrosecond;
  if (gather_ns == 0) return Enter(1, IORING_ENTER_GETEVENTS, timeout_ns);
  if (timeout_ns > 0 && timeout_ns <= gather_ns) {
    return Enter(batching.completions, IORING_ENTER_GETEVENTS, timeout_ns);
  }
  if (features_.min_wait) {
    // Without a limit the kernel takes the gathering time for one and comes back with nothing.
    if (timeout_ns < 0) timeout_ns = kForeverNs;
    return Enter(batching.completions, IORING_ENTER_GETEVENTS, timeout_ns, batching.usec);
  }
  // Before 6.12 it takes two waits where one finds nothing.
  const int result = Enter(batching.completions, IORING_ENTER_GETEVENTS, gather_ns);
  if (result != -ETIME || ready() > 0) return result;
  return Enter(1, IORING_ENTER_GETEVENTS, timeout_ns < 0 ? timeout_ns : timeout_ns - gather_ns);
}

/// Moves the backlog into the submission queue as far as the kernel makes room; true when all of
/// it went.
bool Ring::FlushBacklog() {
  while (!backlog_.empty()) {
    io_uring_sqe* free = io_uring_get_sqe(&ring_);
    if (free == nullptr) {
      if (Enter(0, IORING_ENTER_GETEVENTS, 0) <= 0) return false;
      continue;
    }
    *free = backlog_.front();
    backlog_.pop_front();
  }
  return true;
}

/// Whether an enter that does not wait would do anything. With deferred task work completions
/// appear only inside an enter, and this flag is how the kernel announces them to a spinning loop.
bool Ring::NeedsEnter() const {
  return !features_.task_work_flag || io_uring_sq_ready(&ring_) > 0 || KernelHasWork();
}

bool Ring::KernelHasWork() const {
  const unsigned flags = IO_URING_READ_ONCE(*ring_.sq.kflags);
  return (flags & (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW)) != 0;
}

int Ring::Enter(unsigned wait_for, unsigned flags, int64_t timeout_ns, uint32_t min_wait_usec) {
  __kernel_timespec limit = {.tv_sec = timeout_ns / kNanosecondsPerSecond,
                             .tv_nsec = timeout_ns % kNanosecondsPerSecond};
  GetEventsArg arg = {.min_wait_usec = min_wait_usec};
  if (timeout_ns > 0) arg.timeout = reinterpret_cast<uintptr_t>(&limit);
  flags |= IORING_ENTER_EXT_ARG;
  if (features_.registered_ring) flags |= IORING_ENTER_REGISTERED_RING;

  const unsigned to_submit = PublishRequests();
  const int result =
      io_uring_enter2(static_cast<unsigned>(ring_.enter_ring_fd), to_submit, wait_for, flags,
                      reinterpret_cast<sigset_t*>(&arg), sizeof arg);
  CHECK(IsSurvivable(result));
  stats_.enters.Add();
  NoteOverflow();
  if (backlog_.empty() && io_uring_sq_ready(&ring_) == 0) arena_.Reset();
  return result;
}

/// Makes the filled-in requests visible and returns how many the kernel has not yet taken. What
/// io_uring_submit() does before it enters; it has no call for "and wait with a timeout" that
/// enters exactly once in every liburing since 2.3.
unsigned Ring::PublishRequests() {
  io_uring_sq& queue = ring_.sq;
  if (queue.sqe_head != queue.sqe_tail) {
    queue.sqe_head = queue.sqe_tail;
    // Pairs with the kernel's acquire load of the tail; without SQPOLL it runs in this thread.
    io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
  }
  return io_uring_sq_ready(&ring_);
}

io_uring_cqe Ring::Pop() {
  DCHECK(ready() > 0);
  const io_uring_cqe oldest = ring_.cq.cqes[*ring_.cq.khead & ring_.cq.ring_mask];
  // One by one, not once per batch: a handler may enter the kernel, which then needs the room.
  io_uring_cq_advance(&ring_, 1);
  return oldest;
}

/// Counts each time the completion queue ran over. The kernel keeps what did not fit and hands it
/// in at a later enter.
void Ring::NoteOverflow() {
  const bool overflowed = (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0;
  if (overflowed && !overflowed_) stats_.completion_overflows.Add();
  overflowed_ = overflowed;
}

}  // namespace martlet::io
