// Lines that come over and over, told as a number.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/log_line.h"

namespace martlet::base {

/// Finds lines that repeat the one right before them: same level, same text, within a second of the
/// first of them. That one is written, the others are counted, and the count is said before any
/// other line and at the latest when the second is over. So nothing is hidden and nothing changes
/// its place. A single repeat is written as it is. Trace lines, and very long ones, never count.
///
/// Thread: any one at a time.
class LogRepeats {
 public:
  static constexpr size_t kTextBytesMax = 1024;
  static constexpr std::chrono::seconds kWindow{1};

  /// True: the line is counted and not to be written. False: Take() what there is to say first,
  /// then write it, and Remember() it.
  bool Count(const LogLine& line);
  void Remember(const LogLine& line);

  /// What to say of those counted since, with the time of the last; null: nothing. Valid until the
  /// next call of any of these.
  std::optional<LogLine> Take();

  /// How long the count may still wait; null: there is none.
  std::optional<std::chrono::nanoseconds> due_in(const timespec& now) const;

 private:
  bool InWindow(const timespec& at) const;

  bool valid_ = false;  // there is a line that can be repeated
  LogLevel level_ = LogLevel::kInfo;
  std::string text_;
  timespec first_at_{};
  timespec last_at_{};
  uint64_t count_ = 0;
  std::string said_;
};

}  // namespace martlet::base
