// The log: lines in the reference server's format, written by a thread of their own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/log_line.h"
#include "base/log_options.h"

namespace martlet::base {

class LogWriter;

/// Takes lines from any thread and writes them from its own, so that a slow disk, a terminal or a
/// syslog daemon that hangs never delays a shard.
///
/// Thread:     every public function may be called from any thread.
/// Bound:      at most kQueuedBytesMax of text waits (as much again may be on its way to the
///             destination); past it lines are dropped and counted, and the count is said in one
///             WRN line when there is room again. Lines that the disk refuses count as dropped too.
/// Signals:    the writer thread blocks them all.
/// Order:      lines of one thread keep their order. A line that repeats the one before it is told
///             as a number (LogRepeats), traces never.
/// Source:     spec monitoring-and-logs.md section 3; reference server/log.go.
class Log {
 public:
  static constexpr size_t kQueuedBytesMax = size_t{8} << 20;
  /// A destination that takes nothing holds up the end of the process, and Flush(), for so long.
  static constexpr std::chrono::seconds kEndPatience{1};
  static constexpr std::chrono::seconds kFlushPatience{10};

  /// Opens the destination, which may take a while (OpenLogSink), and starts the writer. A file is
  /// appended to, and made with mode 0640. The error is the reference's: `error opening file: open
  /// x: permission denied`.
  static absl::StatusOr<std::unique_ptr<Log>> Open(const LogOptions& options);

  /// Writes everything queued, then ends the writer.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  bool enabled(LogLevel level) const {
    const uint32_t mask = enabled_.load(std::memory_order_relaxed);  // guards nothing
    return (mask >> static_cast<unsigned>(level)) & 1U;
  }

  /// Queues one line of any length unless the level is off; pid, time and label are added, and a
  /// newline where it lacks one. `text` is copied. Never waits for the disk.
  void Write(LogLevel level, std::string_view text);

  /// printf-style, without a limit of length; formats only when the level is on.
  [[gnu::format(printf, 3, 4)]] void Printf(LogLevel level, const char* format, ...);

  /// Returns when all lines queued before the call are written, or after kFlushPatience.
  void Flush();

  /// SIGUSR1: has the writer close and open the file again, after the lines queued so far, and say
  /// so in the new one: `File log re-opened`, or `File log re-open ignored, not a file logger`.
  /// Returns at once; Flush() waits for it. When the file cannot be opened the old one stays.
  void Reopen();

  /// A reload: all of the new options hold, or none. Lines queued so far still go to the old
  /// destination, later ones to the new; levels change at once. A destination that stays is not
  /// opened again. Blocks as Open() does, and fails with its errors.
  absl::Status Reconfigure(const LogOptions& options);

  /// Lines dropped so far because the queue was full or a write failed.
  uint64_t dropped_lines() const;

 private:
  explicit Log(std::unique_ptr<LogWriter> writer, const LogOptions& options);

  std::mutex reconfigure_mutex_;  // one change at a time; not for the writer's thread
  std::atomic<uint32_t> enabled_;
  std::unique_ptr<LogWriter> writer_;
};

}  // namespace martlet::base

// Nothing is formatted when the level is off. `log` is a martlet::base::Log&.
#define MARTLET_LOG_AT(log, level, ...)    \
  do {                                     \
    if ((log).enabled(level)) [[unlikely]] \
      (log).Printf(level, __VA_ARGS__);    \
  } while (false)
#define LOG_INFO(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kInfo, __VA_ARGS__)
#define LOG_DEBUG(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kDebug, __VA_ARGS__)
#define LOG_WARN(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kWarning, __VA_ARGS__)
#define LOG_ERROR(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kError, __VA_ARGS__)
#define LOG_FATAL(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kFatal, __VA_ARGS__)
#define LOG_TRACE(log, ...) MARTLET_LOG_AT(log, ::martlet::base::LogLevel::kTrace, __VA_ARGS__)
