// Where the lines of the log go: the one class that each destination is.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <absl/status/statusor.h>

#include "base/log_line.h"
#include "base/log_options.h"

namespace martlet::base {

/// A destination. Never waits longer than kPatience for one that does not take anything, a file on
/// a disk apart; what to do then is the log's decision, not the sink's.
///
/// Thread:     made by any thread, then the log's own.
/// Bound:      holds at most kBufferedBytesMax of text, or one line if that is longer.
/// Errors:     lines that are lost for good are counted, see TakeLost().
class LogSink {
 public:
  static constexpr size_t kBufferedBytesMax = size_t{64} << 10;
  static constexpr std::chrono::milliseconds kPatience{100};

  virtual ~LogSink() = default;

  /// Comes before the first line, and again when other options change and the destination stays.
  virtual void Adopt(const LogOptions& options) = 0;

  /// Takes the line, or loses it and counts that. False: not now; the caller may try the same line
  /// again after retry_in(), and brings no other one before.
  virtual bool Write(const LogLine& line) = 0;

  /// Hands on what it still holds. False: not now, as above.
  virtual bool Flush() { return true; }

  /// SIGUSR1; nothing is held when it is called. Returns what is to be said about it.
  virtual LogNotice Reopen() {
    return {LogLevel::kInfo, "File log re-open ignored, not a file logger"};
  }

  /// Its destination never takes what it holds: that is lost.
  virtual void GiveUp() {}

  /// After a refusal: when it is worth trying again.
  virtual std::chrono::milliseconds retry_in() const { return {}; }

  /// Lines lost since the last call.
  uint64_t TakeLost() { return std::exchange(lost_, 0); }

 protected:
  uint64_t lost_ = 0;
};

/// Opens what the options say; Adopt() is the caller's. Blocks; for a syslog daemon over TCP up to
/// five seconds, and as long as its name takes to resolve. The error is the reference's: `error
/// opening file: open x: permission denied`, `error connecting to syslog: "dial tcp 127.0.0.1:514:
/// connect: connection refused"`.
absl::StatusOr<std::unique_ptr<LogSink>> OpenLogSink(const LogOptions& options);

}  // namespace martlet::base
