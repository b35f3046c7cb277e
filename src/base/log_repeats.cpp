#include "base/log_repeats.h"

#include <algorithm>
#include <utility>

namespace martlet::base {
namespace {

std::chrono::nanoseconds Between(const timespec& from, const timespec& to) {
  return std::chrono::seconds(to.tv_sec - from.tv_sec) +
         std::chrono::nanoseconds(to.tv_nsec - from.tv_nsec);
}

}  // namespace

// Two threads may come in the order opposite to their times.
bool LogRepeats::InWindow(const timespec& at) const {
  const std::chrono::nanoseconds age = Between(first_at_, at);
  return age > -kWindow && age < kWindow;
}

bool LogRepeats::Count(const LogLine& line) {
  if (!valid_ || line.level != level_ || line.text != text_ || !InWindow(line.at)) return false;
  last_at_ = line.at;
  ++count_;
  return true;
}

void LogRepeats::Remember(const LogLine& line) {
  valid_ = line.level != LogLevel::kTrace && line.text.size() <= kTextBytesMax;
  if (!valid_) return;
  level_ = line.level;
  text_ = line.text;
  first_at_ = line.at;
}

std::optional<LogLine> LogRepeats::Take() {
  const uint64_t count = std::exchange(count_, 0);
  if (count == 0) return std::nullopt;
  if (count == 1) return LogLine{last_at_, level_, text_};
  said_ = "repeated " + std::to_string(count) + " times: " + text_;
  return LogLine{last_at_, level_, said_};
}

std::optional<std::chrono::nanoseconds> LogRepeats::due_in(const timespec& now) const {
  if (count_ == 0) return std::nullopt;
  using std::chrono::nanoseconds;
  return std::clamp<nanoseconds>(kWindow - Between(first_at_, now), nanoseconds{0}, kWindow);
}

}  // namespace martlet::base
