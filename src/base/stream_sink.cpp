#include "base/stream_sink.h"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace martlet::base {
namespace {

// POLLOUT of a pipe promises room for a page. More than that in one call could wait for the reader,
// where the pipe is in blocking mode; standard error is not ours to change that.
constexpr size_t kPipeRoomBytes = 4096;

bool CanTakeMore(int fd) {
  pollfd waiting{.fd = fd, .events = POLLOUT, .revents = 0};
  return ::poll(&waiting, 1, static_cast<int>(LogSink::kPatience.count())) > 0;
}

}  // namespace

StreamSink::StreamSink() {
  Use(STDERR_FILENO);
  terminal_ = ::isatty(STDERR_FILENO) == 1;
}

void StreamSink::Use(int fd) {
  struct stat info {};
  fd_ = fd;
  regular_ = ::fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  torn_ = false;
  written_bytes_ = 0;
}

void StreamSink::Adopt(const LogOptions& options) {
  formatter_.emplace(LineStyle{.format = options.format,
                               .timestamps = options.timestamps,
                               .utc = options.utc,
                               .colours = terminal_});
}

bool StreamSink::Write(const LogLine& line) {
  if (held_bytes() >= kBufferedBytesMax) {
    Flush();
    if (held_bytes() >= kBufferedBytesMax) return false;
  }
  formatter_->Append(line, buffer_);
  ends_.push_back(buffer_.size());
  return true;
}

bool StreamSink::Flush() {
  while (sent_ < buffer_.size()) {
    if (!SendSome()) return false;
  }
  buffer_.clear();
  ends_.clear();
  sent_ = 0;
  return true;
}

// False: the descriptor takes nothing at present. An error loses what is held.
bool StreamSink::SendSome() {
  if (!regular_ && !CanTakeMore(fd_)) return false;
  if (torn_ && ::write(fd_, "\n", 1) != 1) {
    GiveUp();
    return true;
  }
  torn_ = false;

  const size_t left = buffer_.size() - sent_;
  const ssize_t written =
      ::write(fd_, buffer_.data() + sent_, regular_ ? left : std::min(left, kPipeRoomBytes));
  if (written > 0) {
    sent_ += static_cast<size_t>(written);
    written_bytes_ += static_cast<size_t>(written);
  } else if (written == 0 || (errno != EINTR && errno != EAGAIN)) {
    GiveUp();
  }
  return true;
}

void StreamSink::GiveUp() {
  if (sent_ > 0) torn_ = buffer_[sent_ - 1] != '\n';
  lost_ += static_cast<uint64_t>(
      std::count_if(ends_.begin(), ends_.end(), [this](size_t end) { return end > sent_; }));
  sent_ = buffer_.size();
}

}  // namespace martlet::base
