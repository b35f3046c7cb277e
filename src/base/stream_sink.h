// The log on standard error, and what a log file has in common with that.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log_sink.h"

namespace martlet::base {

/// Lines into a descriptor, many at a time.
///
/// Bound: text waits in a buffer until Flush(), at most kBufferedBytesMax before it is written.
/// Errors: a full disk loses the lines it cuts short or refuses; a torn one is ended with a newline
///         before the next.
class StreamSink : public LogSink {
 public:
  /// Standard error, which stays open behind it. Coloured on a terminal.
  StreamSink();

  void Adopt(const LogOptions& options) override;
  bool Write(const LogLine& line) override;
  bool Flush() override;
  void GiveUp() override;

 protected:
  /// For the subclass, which owns the descriptor and keeps it open while it is in use.
  explicit StreamSink(int fd) { Use(fd); }
  void Use(int fd);  // from now on this one; nothing is held when it is called
  /// Bytes written since Use(), and bytes that wait.
  size_t written_bytes() const { return written_bytes_; }
  size_t held_bytes() const { return buffer_.size() - sent_; }
  LineFormatter& formatter() { return *formatter_; }
  bool regular() const { return regular_; }
  /// Puts text behind what waits that is no line of the caller's, whatever the bound.
  void Append(std::string_view text) { buffer_ += text; }

 private:
  bool SendSome();

  int fd_ = -1;
  bool regular_ = false;  // a file on a disk: writing waits for that, and no poll could tell
  bool terminal_ = false;
  bool torn_ = false;  // what was written last lacks its newline
  std::optional<LineFormatter> formatter_;

  // The buffer: [0, sent_) is out already. Of each line in it, where it ends.
  std::string buffer_;
  size_t sent_ = 0;
  std::vector<size_t> ends_;
  size_t written_bytes_ = 0;
};

}  // namespace martlet::base
