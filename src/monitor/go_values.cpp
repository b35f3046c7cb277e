#include "monitor/go_values.h"

#include <chrono>

#include "base/go_text.h"

namespace martlet::monitor {

std::string UptimeText(int64_t nanoseconds) {
  const int64_t seconds = nanoseconds / 1'000'000'000;
  const int64_t minutes = seconds / 60;
  const int64_t hours = minutes / 60;
  const int64_t days = hours / 24;
  const int64_t years = days / 365;
  std::string text;
  if (years > 0) text += std::to_string(years) + "y";
  if (days > 0) text += std::to_string(days % 365) + "d";
  if (hours > 0) text += std::to_string(hours % 24) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + std::to_string(seconds % 60) + "s";
}

std::string RttText(int64_t nanoseconds) {
  if (nanoseconds > 1'000 && nanoseconds < 1'000'000) nanoseconds -= nanoseconds % 1'000;
  return base::GoDuration(std::chrono::nanoseconds(nanoseconds));
}

}  // namespace martlet::monitor
