#include "io/uring_loop.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <utility>

#include "base/check.h"
#include "io/refusal.h"
#include "io/wake.h"

namespace martlet::io {
namespace {

/// What the low bits of a completion's user data say.
enum Tag : uint64_t {
  kOperation = 0,   // the rest is the address of the operation
  kIgnored = 1,     // the answer to a cancellation
  kMessage = 2,     // a ring message from another loop: it has woken us, that was all
  kWakeUps = 3,     // our own eventfd became readable
  kUndelivered = 4  // a ring message of ours came back; the rest is the target's eventfd
};
constexpr uint64_t kTagMask = 7;
constexpr unsigned kTagBits = 3;
static_assert(alignof(Operation) > kTagMask);

enum Kind : uint8_t { kAccept, kReceive, kSend, kConnect, kPoll };

// Operation::Pending::flags.
constexpr uint8_t kCancelling = 1;
constexpr uint8_t kStarved = 2;
constexpr uint8_t kSingleShot = 4;  // the kernel refused a multishot accept on this socket

void Start(Operation& op, Kind kind, int fd) {
  CHECK(!op.in_flight());
  op.pending() = {.fd = fd, .kind = kind};
  op.Begin();
}

bool IsCancelling(Operation& op) { return (op.pending().flags & kCancelling) != 0; }

// How to arm a receive: one that goes on while there is data and buffers, or takes one buffer.
constexpr unsigned kManyBuffers = IORING_RECV_MULTISHOT;
constexpr unsigned kOneBuffer = 0;

void SetOwner(io_uring_sqe* sqe, Operation& op) {
  io_uring_sqe_set_data64(sqe, reinterpret_cast<uintptr_t>(&op));
}

/// On a non-blocking socket some kernels answer accept and connect with EAGAIN or EINPROGRESS
/// instead of waiting for us. io_uring itself never blocks this thread.
void MakeBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) != 0) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Loop>> UringLoop::Create(const LoopOptions& options,
                                                        const FeatureLimits& limits) {
  std::unique_ptr<UringLoop> loop(new UringLoop);
  absl::Status opened = loop->Open(options, limits);
  if (!opened.ok()) return opened;
  return std::unique_ptr<Loop>(std::move(loop));
}

absl::Status UringLoop::Open(const LoopOptions& options, const FeatureLimits& limits) {
  int result = ring_.Open(options.submission_entries, options.completion_entries, limits);
  if (result < 0) return UringRefused("io_uring_setup", -result);
  batching_ = options.batching;
  receive_cap_bytes_ = options.receive_cap_bytes;
  if (options.receives) {
    result = buffers_.Open(ring_.get(), options.receive_buffers, options.receive_buffer_bytes);
    if (result < 0) return UringRefused("registering receive buffers with io_uring", -result);
  }
  wake_fd_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_fd_) return UringRefused("eventfd", errno);
  ArmWakeUps();
  return absl::OkStatus();
}

// Requests.

void UringLoop::Accept(Operation& op, int listen_fd) {
  MakeBlocking(listen_fd);
  Start(op, kAccept, listen_fd);
  ArmAccept(op);
}

void UringLoop::ArmAccept(Operation& op) {
  io_uring_sqe* sqe = ring_.Next();
  io_uring_prep_accept(sqe, op.pending().fd, nullptr, nullptr, SOCK_CLOEXEC);
  const bool single_shot = (op.pending().flags & kSingleShot) != 0;
  if (!single_shot) sqe->ioprio |= IORING_ACCEPT_MULTISHOT;
  SetOwner(sqe, op);
}

void UringLoop::Receive(Operation& op, int fd) {
  CHECK(buffers_.count() > 0);
  Start(op, kReceive, fd);
  // Most connections are quiet when they are armed: a try that finds nothing costs more than the
  // poll that follows it anyway.
  ArmReceive(op, kManyBuffers | IORING_RECVSEND_POLL_FIRST);
}

/// `how`: IORING_RECV_MULTISHOT and IORING_RECVSEND_POLL_FIRST, or 0.
void UringLoop::ArmReceive(Operation& op, unsigned how) {
  if (!ring_.features().multishot_receive) how &= ~kManyBuffers;
  const bool multishot = (how & kManyBuffers) != 0;
  io_uring_sqe* sqe = ring_.Next();
  size_t bytes = receive_cap_bytes_;
  if (multishot && !ring_.features().receive_cap) bytes = 0;
  if (!multishot && (bytes == 0 || bytes > buffers_.bytes())) bytes = buffers_.bytes();
  io_uring_prep_recv(sqe, op.pending().fd, nullptr, bytes, 0);
  if (multishot) sqe->file_index = static_cast<uint32_t>(bytes);  // optlen: and then it ends
  sqe->ioprio = static_cast<uint16_t>(how);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  sqe->buf_group = BufferRing::kGroup;
  SetOwner(sqe, op);
}

void UringLoop::Send(Operation& op, int fd, std::span<const iovec> parts) {
  DCHECK(!parts.empty());
  DCHECK(parts.size() <= kSendPartsMax);
  Start(op, kSend, fd);
  // WAITALL makes the kernel go on after a short send, so an answer means the socket is done.
  constexpr int kFlags = MSG_NOSIGNAL | MSG_WAITALL;
  io_uring_sqe* sqe = ring_.Next();
  if (parts.size() == 1) {
    io_uring_prep_send(sqe, fd, parts[0].iov_base, parts[0].iov_len, kFlags);
  } else {
    auto* copies = ring_.arena().Take<iovec>(parts.size());
    std::copy(parts.begin(), parts.end(), copies);
    auto* message = ring_.arena().Take<msghdr>(1);
    *message = {};
    message->msg_iov = copies;
    message->msg_iovlen = parts.size();
    io_uring_prep_sendmsg(sqe, fd, message, kFlags);
  }
  SetOwner(sqe, op);
}

void UringLoop::Connect(Operation& op, int fd, const sockaddr* address, socklen_t length) {
  MakeBlocking(fd);
  Start(op, kConnect, fd);
  io_uring_sqe* sqe = ring_.Next();
  auto* copy = ring_.arena().Take<std::byte>(length);
  std::memcpy(copy, address, length);
  io_uring_prep_connect(sqe, fd, reinterpret_cast<const sockaddr*>(copy), length);
  SetOwner(sqe, op);
}

void UringLoop::PollReadable(Operation& op, int fd) {
  Start(op, kPoll, fd);
  ArmPoll(op);
}

void UringLoop::ArmPoll(Operation& op) {
  io_uring_sqe* sqe = ring_.Next();
  io_uring_prep_poll_multishot(sqe, op.pending().fd, POLLIN);
  SetOwner(sqe, op);
}

void UringLoop::ArmWakeUps() {
  io_uring_sqe* sqe = ring_.Next();
  io_uring_prep_poll_multishot(sqe, wake_fd_.get(), POLLIN);
  io_uring_sqe_set_data64(sqe, kWakeUps);
}

void UringLoop::Cancel(Operation& op) {
  if (!op.in_flight() || IsCancelling(op)) return;
  op.pending().flags |= kCancelling;
  if ((op.pending().flags & kStarved) != 0) return;  // the kernel does not have it
  io_uring_sqe* sqe = ring_.Next();
  io_uring_prep_cancel64(sqe, reinterpret_cast<uintptr_t>(&op), 0);
  if (ring_.features().skip_success) sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(sqe, kIgnored);
}

// The turn.

void UringLoop::SubmitAndWait(int64_t timeout_ns) {
  buffers_.Publish();
  ArmStarved();
  // What a budget left over comes first: more from the kernel would only stand behind it.
  if (reapable_ > 0) return ring_.SubmitIfAny();
  const bool idle = starved_.first == nullptr && cancelled_.empty();
  ring_.SubmitAndWait(idle ? timeout_ns : 0, was_full_ ? Batching{} : batching_);
  // Not more than these: a wake-up that arrives while handlers run must still be there at the
  // next call, or the message it announces could be slept over.
  reapable_ = ring_.ready();
}

bool UringLoop::Poll() {
  return reapable_ > 0 || ring_.HasCompletions() || starved_.first != nullptr ||
         !cancelled_.empty();
}

size_t UringLoop::RunCompletions(const TurnBudget& budget) {
  received_bytes_ = 0;
  size_t answered = AnswerCancelled();
  for (; reapable_ > 0; --reapable_) {
    if (answered >= budget.completions || received_bytes_ >= budget.received_bytes) break;
    if (Dispatch(ring_.Pop())) ++answered;
  }
  was_full_ = IsFull(batching_, answered, received_bytes_);
  stats_.completions.Add(answered);
  stats_.received_bytes.Add(received_bytes_);
  return answered;
}

/// Arms starved receives, at most as many as there are buffers, each for one buffer. All at once
/// would mostly starve again, a storm with thousands of connections; and multishot ones would let
/// the first in line take every buffer, each time.
void UringLoop::ArmStarved() {
  for (unsigned tries = buffers_.count(); tries > 0 && starved_.first != nullptr; --tries) {
    Operation& op = *starved_.TakeFirst();
    op.pending().flags &= static_cast<uint8_t>(~kStarved);
    if (IsCancelling(op)) {
      cancelled_.push_back(&op);
    } else {
      ArmReceive(op, kOneBuffer);  // not poll first: there was data when it starved
    }
  }
}

void UringLoop::Starve(Operation& op) {
  op.pending().flags |= kStarved;
  starved_.Append(op);
}

size_t UringLoop::AnswerCancelled() {
  answering_.swap(cancelled_);
  for (Operation* op : answering_) op->Complete({.result = -ECANCELED});
  const size_t answered = answering_.size();
  answering_.clear();
  return answered;
}

void UringLoop::Wake(const Waker& target) {
  if (target.ring_fd < 0 || !ring_.features().ring_messages) return WakeByEvent(target.event_fd);
  io_uring_sqe* sqe = ring_.Next();
  io_uring_prep_msg_ring(sqe, target.ring_fd, 0, kMessage, 0);
  if (ring_.features().skip_success) sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
  const auto event_fd = static_cast<uint64_t>(target.event_fd);
  io_uring_sqe_set_data64(sqe, event_fd << kTagBits | kUndelivered);
  buffers_.Publish();
  ring_.Submit();  // waiting for the end of the turn would make the sleeper wait, too
}

/// With deferred task work the kernel receives only while this thread is inside io_uring_enter, and
/// answers there: as long as no completion waits, the buffers that it has hold nothing. Without, it
/// may fill one whenever this thread crosses into the kernel, be it for the madvise itself.
void UringLoop::Trim() {
  const bool kernel_waits =
      ring_.features().deferred_task_work && reapable_ == 0 && !ring_.HasCompletions();
  buffers_.Trim(kernel_waits);
}

// Completions.

/// Returns whether it was an operation's, not our own.
bool UringLoop::Dispatch(const io_uring_cqe& cqe) {
  switch (cqe.user_data & kTagMask) {
    case kOperation:
      break;
    case kWakeUps:
      // The eventfd is never read: each write makes a new event, the count means nothing.
      if ((cqe.flags & IORING_CQE_F_MORE) == 0) ArmWakeUps();
      return false;
    case kUndelivered:
      if (cqe.res < 0) WakeByEvent(static_cast<int>(cqe.user_data >> kTagBits));
      return false;
    default:
      return false;
  }
  // An address is what we gave the kernel, and what it gives back.
  Operation& op =
      *reinterpret_cast<Operation*>(cqe.user_data);  // NOLINT(performance-no-int-to-ptr)
  switch (op.pending().kind) {
    case kAccept:
      FinishAccept(op, cqe);
      break;
    case kReceive:
      FinishReceive(op, cqe);
      break;
    case kPoll:
      FinishPoll(op, cqe);
      break;
    default:
      op.Complete({.result = cqe.res});
  }
  return true;
}

void UringLoop::FinishAccept(Operation& op, const io_uring_cqe& cqe) {
  const bool armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
  const bool cancelling = IsCancelling(op);
  if (cqe.res >= 0) {
    if (!armed && !cancelling) ArmAccept(op);
    op.Complete({.result = cqe.res, .more = true});
    if (!armed && cancelling) op.Complete({.result = -ECANCELED});
    return;
  }
  // A kernel before 5.19, or a listener that was shut down: the second try tells.
  if (cqe.res == -EINVAL && (op.pending().flags & kSingleShot) == 0 && !cancelling) {
    op.pending().flags |= kSingleShot;
    return ArmAccept(op);
  }
  // A peer that gave up while queued says nothing about the listener.
  if ((cqe.res == -ECONNABORTED || cqe.res == -EINTR) && !cancelling) return ArmAccept(op);
  op.Complete({.result = cqe.res});
}

void UringLoop::FinishReceive(Operation& op, const io_uring_cqe& cqe) {
  if (cqe.res > 0) return DeliverData(op, cqe);
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    buffers_.TakeBack(static_cast<uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT)).LetGo();
  }
  if (cqe.res == -ENOBUFS && !buffers_.Widen()) stats_.buffers_exhausted.Add();
  const bool again = cqe.res == -ENOBUFS || cqe.res == -EINTR || cqe.res == -EAGAIN;
  if (!again) return op.Complete({.result = cqe.res});
  if (IsCancelling(op)) return op.Complete({.result = -ECANCELED});
  if (cqe.res == -ENOBUFS) return Starve(op);
  ArmReceive(op, kManyBuffers | IORING_RECVSEND_POLL_FIRST);
}

void UringLoop::DeliverData(Operation& op, const io_uring_cqe& cqe) {
  const bool armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
  const bool cancelling = IsCancelling(op);
  // Before the handler, so that it may cancel again.
  if (!armed && !cancelling) ArmAgain(op, (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0);
  const auto id = static_cast<uint16_t>(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
  received_bytes_ += static_cast<size_t>(cqe.res);
  base::KeptMemory& memory = buffers_.TakeBack(id);
  // The last spare ones are for receiving.
  const bool may_be_kept = buffers_.buffers().spare() > buffers_.count();
  op.Complete({.result = cqe.res,
               .more = true,
               .data = {buffers_.buffers().data(id), static_cast<size_t>(cqe.res)},
               .memory = may_be_kept ? &memory : nullptr});
  memory.LetGo();
  if (!armed && cancelling) op.Complete({.result = -ECANCELED});
}

/// Goes on with a receive that the kernel ended with data.
void UringLoop::ArmAgain(Operation& op, bool has_more_data) {
  // Where others wait for buffers it waits behind them; armed now, it would be served first.
  if (starved_.first != nullptr) return Starve(op);
  ArmReceive(op, has_more_data ? kManyBuffers : kManyBuffers | IORING_RECVSEND_POLL_FIRST);
}

void UringLoop::FinishPoll(Operation& op, const io_uring_cqe& cqe) {
  const bool armed = (cqe.flags & IORING_CQE_F_MORE) != 0;
  if (cqe.res < 0) return op.Complete({.result = cqe.res});
  const bool cancelling = IsCancelling(op);
  if (!armed && !cancelling) ArmPoll(op);
  op.Complete({.result = cqe.res, .more = true});
  if (!armed && cancelling) op.Complete({.result = -ECANCELED});
}

// The rest.

Waker UringLoop::waker() const {
  return {.ring_fd = ring_.features().ring_messages ? ring_.fd() : -1, .event_fd = wake_fd_.get()};
}

std::string UringLoop::Describe() const { return "io_uring (" + ring_.features().Describe() + ")"; }

void UringLoop::OperationList::Append(Operation& op) {
  op.pending().next = nullptr;
  (last == nullptr ? first : last->pending().next) = &op;
  last = &op;
}

Operation* UringLoop::OperationList::TakeFirst() {
  Operation* taken = first;
  first = taken->pending().next;
  if (first == nullptr) last = nullptr;
  return taken;
}

}  // namespace martlet::io
