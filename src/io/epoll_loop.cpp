#include "io/epoll_loop.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <utility>

#include "base/check.h"
#include "io/refusal.h"
#include "io/send_now.h"
#include "io/wake.h"

namespace martlet::io {
namespace {

// Receive buffers beside the one that is read into.
constexpr unsigned kKeptBuffersMax = 32;
constexpr size_t kEventsPerWait = 512;
constexpr int kAcceptsPerTurn = 64;
constexpr uint64_t kWakeUps = ~uint64_t{0};  // event data of our own eventfd
constexpr int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr int64_t kNanosecondsPerMicrosecond = 1000;

enum Kind : uint8_t { kAccept, kReceive, kPoll, kSend, kConnect };

// Operation::Pending::flags.
constexpr uint8_t kAnswered = 1;  // its answer waits for the next RunCompletions()

void Start(Operation& op, uint8_t kind, int fd) {
  CHECK(!op.in_flight());
  op.pending() = {.fd = fd, .kind = kind};
  op.Begin();
}

/// Accept and connect have no flag that says "do not wait", as receives and sends have.
void MakeNonBlocking(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

bool MustWait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

/// Cuts `bytes` off the front; returns how many parts are used up.
size_t CutFront(std::span<iovec> parts, size_t bytes) {
  size_t used = 0;
  while (used < parts.size() && bytes >= parts[used].iov_len) bytes -= parts[used++].iov_len;
  if (used < parts.size()) {
    parts[used].iov_base = static_cast<char*>(parts[used].iov_base) + bytes;
    parts[used].iov_len -= bytes;
  }
  return used;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Loop>> EpollLoop::Create(const LoopOptions& options) {
  std::unique_ptr<EpollLoop> loop(new EpollLoop);
  absl::Status opened = loop->Open(options);
  if (!opened.ok()) return opened;
  return std::unique_ptr<Loop>(std::move(loop));
}

absl::Status EpollLoop::Open(const LoopOptions& options) {
  epoll_fd_.Reset(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_fd_) return SystemRefused("epoll_create1", errno);
  wake_fd_.Reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_fd_) return SystemRefused("eventfd", errno);
  // Edge-triggered, so that it never needs to be read: each write makes a new event.
  epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.u64 = kWakeUps}};
  if (epoll_ctl(epoll_fd_.get(), EPOLL_CTL_ADD, wake_fd_.get(), &event) < 0) {
    return SystemRefused("epoll_ctl", errno);
  }
  events_.resize(kEventsPerWait);
  batching_ = options.batching;
  if (options.receives) {
    size_t bytes = options.receive_buffer_bytes;
    if (options.receive_cap_bytes > 0) bytes = std::min(bytes, options.receive_cap_bytes);
    const int result = buffers_.Open(1 + kKeptBuffersMax, bytes);
    if (result < 0) return SystemRefused("mmap", -result);
  }
  return absl::OkStatus();
}

// Requests.

void EpollLoop::Accept(Operation& op, int listen_fd) {
  MakeNonBlocking(listen_fd);
  StartReader(op, listen_fd, kAccept);
}

void EpollLoop::Receive(Operation& op, int fd) {
  CHECK(buffers_.count() > 0);
  StartReader(op, fd, kReceive);
}

void EpollLoop::PollReadable(Operation& op, int fd) { StartReader(op, fd, kPoll); }

void EpollLoop::StartReader(Operation& op, int fd, uint8_t kind) {
  Start(op, kind, fd);
  CHECK(At(fd).reader == nullptr);
  At(fd).reader = &op;
  const int error = UpdateInterest(fd);
  if (error == 0) return;
  At(fd).reader = nullptr;
  AnswerLater(op, -error);
}

void EpollLoop::Send(Operation& op, int fd, std::span<const iovec> parts) {
  DCHECK(!parts.empty());
  DCHECK(parts.size() <= kSendPartsMax);
  Start(op, kSend, fd);
  size_t total_bytes = 0;
  for (const iovec& part : parts) total_bytes += part.iov_len;
  const ssize_t sent = SendNow(fd, parts);
  const bool stuck = sent < 0 ? IsForLater(sent) : static_cast<size_t>(sent) < total_bytes;
  if (!stuck) return AnswerLater(op, static_cast<int32_t>(sent));

  auto unsent = std::make_unique<Unsent>();
  unsent->parts.assign(parts.begin(), parts.end());
  unsent->sent_bytes = static_cast<size_t>(std::max<ssize_t>(sent, 0));
  unsent->next = CutFront(unsent->parts, unsent->sent_bytes);
  At(fd).unsent = std::move(unsent);
  StartWriter(op, fd);
}

void EpollLoop::Connect(Operation& op, int fd, const sockaddr* address, socklen_t length) {
  MakeNonBlocking(fd);
  Start(op, kConnect, fd);
  if (connect(fd, address, length) == 0) return AnswerLater(op, 0);
  // An interrupted connect goes on in the background, like one in progress.
  if (errno != EINPROGRESS && errno != EINTR) return AnswerLater(op, -errno);
  StartWriter(op, fd);
}

void EpollLoop::StartWriter(Operation& op, int fd) {
  CHECK(At(fd).writer == nullptr);
  At(fd).writer = &op;
  const int error = UpdateInterest(fd);
  if (error == 0) return;
  At(fd).writer = nullptr;
  At(fd).unsent.reset();
  AnswerLater(op, -error);
}

void EpollLoop::Cancel(Operation& op) {
  if (!op.in_flight() || (op.pending().flags & kAnswered) != 0) return;
  const int fd = op.pending().fd;
  Descriptor& descriptor = At(fd);
  int32_t result = -ECANCELED;
  if (descriptor.reader == &op) {
    descriptor.reader = nullptr;
  } else {
    CHECK(descriptor.writer == &op);
    descriptor.writer = nullptr;
    // What has left cannot be called back, and the owner must know.
    const size_t sent_bytes = descriptor.unsent ? descriptor.unsent->sent_bytes : 0;
    if (sent_bytes > 0) result = static_cast<int32_t>(sent_bytes);
    descriptor.unsent.reset();
  }
  UpdateInterest(fd);
  AnswerLater(op, result);
}

// The turn.

void EpollLoop::SubmitAndWait(int64_t timeout_ns) {
  if (events_ready_ > 0) return;
  if (!answers_.empty()) timeout_ns = 0;
  if (timeout_ns != 0) timeout_ns = Gather(timeout_ns);
  const int ready = Wait(timeout_ns);
  stats_.enters.Add();
  CHECK(ready >= 0 || errno == EINTR);
  events_ready_ = static_cast<size_t>(std::max(ready, 0));
}

/// epoll cannot wait for a number of events or for a time at least, so the time is slept away
/// before; returns what is left of the timeout.
int64_t EpollLoop::Gather(int64_t timeout_ns) {
  int64_t gather_ns = int64_t{batching_.usec} * kNanosecondsPerMicrosecond;
  if (gather_ns == 0 || was_full_) return timeout_ns;
  if (timeout_ns > 0) gather_ns = std::min(gather_ns, timeout_ns);
  const timespec pause = {.tv_sec = 0, .tv_nsec = gather_ns};
  clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, nullptr);
  return timeout_ns < 0 ? timeout_ns : timeout_ns - gather_ns;
}

int EpollLoop::Wait(int64_t timeout_ns) {
  const int room = static_cast<int>(events_.size());
  if (timeout_ns > 0 && has_nanosecond_wait_) {
    const timespec limit = {.tv_sec = timeout_ns / kNanosecondsPerSecond,
                            .tv_nsec = timeout_ns % kNanosecondsPerSecond};
    const int ready = epoll_pwait2(epoll_fd_.get(), events_.data(), room, &limit, nullptr);
    // Old seccomp profiles answer EPERM for a call that they do not know.
    if (ready >= 0 || (errno != ENOSYS && errno != EPERM)) return ready;
    has_nanosecond_wait_ = false;
  }
  // Rounded up: waking early would make the caller come back just to wait for the rest.
  int64_t milliseconds = -1;
  if (timeout_ns >= 0) {
    milliseconds = timeout_ns / kNanosecondsPerMillisecond +
                   (timeout_ns % kNanosecondsPerMillisecond == 0 ? 0 : 1);
  }
  return epoll_wait(epoll_fd_.get(), events_.data(), room,
                    static_cast<int>(std::min<int64_t>(milliseconds, INT_MAX)));
}

bool EpollLoop::Poll() {
  if (events_ready_ == 0 && answers_.empty()) SubmitAndWait(0);
  return events_ready_ > 0 || !answers_.empty();
}

size_t EpollLoop::RunCompletions(const TurnBudget& budget) {
  received_bytes_ = 0;
  size_t answered = RunAnswers();
  while (events_done_ < events_ready_) {
    if (answered >= budget.completions || received_bytes_ >= budget.received_bytes) break;
    answered += Dispatch(events_[events_done_++]);
  }
  if (events_done_ == events_ready_) events_done_ = events_ready_ = 0;
  was_full_ = IsFull(batching_, answered, received_bytes_);
  stats_.completions.Add(answered);
  stats_.received_bytes.Add(received_bytes_);
  return answered;
}

/// Handlers make new answers; those wait for the next turn, as with io_uring.
size_t EpollLoop::RunAnswers() {
  answering_.swap(answers_);
  for (const Answer& answer : answering_) answer.op->Complete({.result = answer.result});
  const size_t answered = answering_.size();
  answering_.clear();
  return answered;
}

size_t EpollLoop::Dispatch(const epoll_event& event) {
  if (event.data.u64 == kWakeUps) return 0;
  const int fd = static_cast<int>(event.data.u64 & UINT32_MAX);
  const auto generation = static_cast<uint32_t>(event.data.u64 >> 32);
  // Errors and hang-ups come unasked; whoever waits finds out by trying.
  constexpr uint32_t kBroken = EPOLLERR | EPOLLHUP;
  size_t answered = 0;
  if ((event.events & (EPOLLIN | kBroken)) != 0 && IsCurrent(fd, generation)) {
    answered += OnReadable(fd, event.events);
  }
  // Asked again: the handler may have closed the descriptor and opened another by its number.
  if ((event.events & (EPOLLOUT | kBroken)) != 0 && IsCurrent(fd, generation)) {
    answered += OnWritable(fd);
  }
  return answered;
}

bool EpollLoop::IsCurrent(int fd, uint32_t generation) const {
  const Descriptor& descriptor = descriptors_[static_cast<size_t>(fd)];
  return descriptor.interest != 0 && descriptor.generation == generation;
}

void EpollLoop::Wake(const Waker& target) { WakeByEvent(target.event_fd); }

void EpollLoop::Trim() { buffers_.TrimSpare(); }

// Readiness. Handlers may grow the table, so no reference into it lives across one.

size_t EpollLoop::OnReadable(int fd, uint32_t events) {
  Operation* op = At(fd).reader;
  if (op == nullptr) return 0;
  switch (op->pending().kind) {
    case kAccept:
      return AcceptSome(*op, fd);
    case kReceive:
      return ReceiveOnce(*op, fd);
    default:
      op->Complete({.result = static_cast<int32_t>(events), .more = true});
      return 1;
  }
}

size_t EpollLoop::AcceptSome(Operation& op, int fd) {
  size_t answered = 0;
  // The handler of each may cancel the rest.
  for (int tries = 0; tries < kAcceptsPerTurn && At(fd).reader == &op; ++tries) {
    const int accepted = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
      // A peer that gave up while queued says nothing about the listener.
      if (errno == ECONNABORTED) continue;
      return MustWait(errno) ? answered : answered + FinishReader(fd, -errno);
    }
    ++answered;
    op.Complete({.result = accepted, .more = true});
  }
  return answered;
}

size_t EpollLoop::ReceiveOnce(Operation& op, int fd) {
  const uint16_t id = buffers_.Take();
  base::KeptMemory& memory = buffers_.memory(id);
  memory.Keep();
  const ssize_t received = recv(fd, buffers_.data(id), buffers_.bytes(), MSG_DONTWAIT);
  if (received > 0) {
    received_bytes_ += static_cast<size_t>(received);
    op.Complete({.result = static_cast<int32_t>(received),
                 .more = true,
                 .data = {buffers_.data(id), static_cast<size_t>(received)},
                 .memory = buffers_.spare() > 0 ? &memory : nullptr});
  }
  const int error = errno;
  memory.LetGo();
  if (received > 0) return 1;
  if (received < 0 && MustWait(error)) return 0;
  return FinishReader(fd, received == 0 ? 0 : -error);
}

size_t EpollLoop::OnWritable(int fd) {
  Descriptor& descriptor = At(fd);
  if (descriptor.writer == nullptr) return 0;
  if (!descriptor.unsent) {  // a connect
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) < 0) error = errno;
    return FinishWriter(fd, -error);
  }
  Unsent& unsent = *descriptor.unsent;
  const std::span<iovec> rest = std::span(unsent.parts).subspan(unsent.next);
  const ssize_t sent = SendNow(fd, rest);
  if (sent < 0) {
    if (IsForLater(sent)) return 0;
    // As io_uring does: what got through before the connection broke, if anything.
    const auto result = unsent.sent_bytes > 0 ? static_cast<ssize_t>(unsent.sent_bytes) : sent;
    return FinishWriter(fd, static_cast<int32_t>(result));
  }
  unsent.sent_bytes += static_cast<size_t>(sent);
  unsent.next += CutFront(rest, static_cast<size_t>(sent));
  if (unsent.next < unsent.parts.size()) return 0;
  return FinishWriter(fd, static_cast<int32_t>(unsent.sent_bytes));
}

size_t EpollLoop::FinishReader(int fd, int32_t result) {
  Operation* op = std::exchange(At(fd).reader, nullptr);
  UpdateInterest(fd);
  op->Complete({.result = result});
  return 1;
}

size_t EpollLoop::FinishWriter(int fd, int32_t result) {
  Operation* op = std::exchange(At(fd).writer, nullptr);
  At(fd).unsent.reset();
  UpdateInterest(fd);
  op->Complete({.result = result});
  return 1;
}

// Bookkeeping.

EpollLoop::Descriptor& EpollLoop::At(int fd) {
  CHECK(fd >= 0);
  const auto index = static_cast<size_t>(fd);
  if (index >= descriptors_.size()) descriptors_.resize(std::max(index + 1, index * 2));
  return descriptors_[index];
}

/// Makes the epoll set agree with who waits; 0 or errno.
int EpollLoop::UpdateInterest(int fd) {
  Descriptor& descriptor = At(fd);
  const uint32_t reads = descriptor.reader != nullptr ? uint32_t{EPOLLIN} : 0;
  const uint32_t writes = descriptor.writer != nullptr ? uint32_t{EPOLLOUT} : 0;
  const uint32_t wanted = reads | writes;
  if (wanted == descriptor.interest) return 0;
  int change = EPOLL_CTL_MOD;
  if (descriptor.interest == 0) {
    change = EPOLL_CTL_ADD;
    ++descriptor.generation;
  } else if (wanted == 0) {
    change = EPOLL_CTL_DEL;
  }
  const uint64_t tag = uint64_t{descriptor.generation} << 32 | static_cast<uint32_t>(fd);
  epoll_event event = {.events = wanted, .data = {.u64 = tag}};
  const int result = epoll_ctl(epoll_fd_.get(), change, fd, &event);
  if (result < 0 && change != EPOLL_CTL_DEL) return errno;
  descriptor.interest = wanted;
  return 0;
}

void EpollLoop::AnswerLater(Operation& op, int32_t result) {
  op.pending().flags |= kAnswered;
  answers_.push_back({.op = &op, .result = result});
}

}  // namespace martlet::io
