// One line of the log: what it is made of, and what it looks like as text or as JSON.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include <martlet/options.h>

namespace martlet::base {

/// Levels as the reference names them: `[INF]`, `[DBG]`, `[WRN]`, `[ERR]`, `[FTL]`, `[TRC]`.
enum class LogLevel : uint8_t { kInfo, kDebug, kWarning, kError, kFatal, kTrace };

/// A line on its way to a sink. The text is borrowed.
struct LogLine {
  timespec at;  // wall clock
  LogLevel level;
  std::string_view text;  // a newline at its end is no part of the message
};

/// Something that the log says of itself.
struct LogNotice {
  LogLevel level;
  std::string text;
};

/// A time made readable, anew only when the second changes.
///
/// Thread: any one at a time.
class ClockText {
 public:
  /// `format` is strftime's, borrowed for ever; `utc` instead of the local zone.
  ClockText(const char* format, bool utc) : format_(format), utc_(utc) {}

  /// Valid until the next call.
  std::string_view At(time_t second);

 private:
  const char* format_;
  bool utc_;
  time_t second_ = -1;
  size_t bytes_ = 0;
  char text_[64];
};

/// Appends the members of a line to one JSON object and a newline: `time` (RFC 3339 with
/// nanoseconds, UTC), `level`, `pid`, `msg`, in this order; docs/logs.md promises them.
class JsonLines {
 public:
  JsonLines();

  void Append(const LogLine& line, std::string& out);

 private:
  ClockText clock_{"%Y-%m-%dT%H:%M:%S", true};
  const std::string pid_;
};

struct LineStyle {
  LogFormat format = LogFormat::kText;
  bool timestamps = true;  // of text; JSON always has the time
  bool utc = false;        // of text
  bool colours = false;    // of text
};

/// Writes lines as they stand in a file and on standard error.
///
/// Thread: any one at a time.
/// Source: spec monitoring-and-logs.md section 3; reference logger/log.go.
class LineFormatter {
 public:
  explicit LineFormatter(const LineStyle& style);

  /// Appends the line; it ends with exactly one newline where the text had none or one.
  void Append(const LogLine& line, std::string& out);

  /// Appends what a file says about its own rotation: in local time whatever the style, and with
  /// CR LF at the end, as the reference has it. JSON knows no such difference.
  void AppendNotice(const LogLine& line, std::string& out);

 private:
  void AppendHead(const LogLine& line, ClockText& clock, std::string& out);

  LineStyle style_;
  std::string pid_prefix_;
  ClockText clock_;
  ClockText local_clock_;
  JsonLines json_;
};

}  // namespace martlet::base
