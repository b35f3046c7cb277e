#include "cli/units.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>

namespace martlet::cli {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

absl::Status Refuse(const std::string& text, std::string_view wanted) {
  return absl::InvalidArgumentError("\"" + text + "\" is not " + std::string(wanted));
}

/// A number and one of `units` behind it.
absl::StatusOr<double> ParseWithUnit(const std::string& text, std::string_view wanted,
                                     std::initializer_list<Unit> units) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  const auto* found =
      std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
  if (error != std::errc() || !(number >= 0) || found == units.end()) return Refuse(text, wanted);
  return number * found->factor;
}

}  // namespace

absl::StatusOr<uint32_t> ParseSize(const std::string& text) {
  constexpr std::string_view kWanted = "a size such as 128, 16KiB, 1MB";
  constexpr double kKi = 1024;
  const auto bytes = ParseWithUnit(text, kWanted,
                                   {{"", 1},
                                    {"B", 1},
                                    {"K", kKi},
                                    {"KiB", kKi},
                                    {"KB", 1e3},
                                    {"kB", 1e3},
                                    {"M", kKi * kKi},
                                    {"MiB", kKi * kKi},
                                    {"MB", 1e6}});
  if (!bytes.ok()) return bytes.status();
  if (*bytes > std::numeric_limits<uint32_t>::max()) return Refuse(text, kWanted);
  return static_cast<uint32_t>(*bytes);
}

absl::StatusOr<double> ParseCount(const std::string& text) {
  std::string plain = text;
  std::erase(plain, ',');
  return ParseWithUnit(plain, "a number such as 1000, 10k, 1.5M",
                       {{"", 1}, {"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}});
}

absl::StatusOr<std::vector<int>> ParseCpuList(const std::string& text) {
  constexpr std::string_view kWanted = "a list of CPUs such as 0,2-5";
  constexpr int kCpuMax = 1023;
  std::vector<int> cpus;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    int first = 0;
    auto parsed = std::from_chars(at, end, first);
    if (parsed.ec != std::errc()) return Refuse(text, kWanted);
    int last = first;
    if (parsed.ptr < end && *parsed.ptr == '-') {
      parsed = std::from_chars(parsed.ptr + 1, end, last);
      if (parsed.ec != std::errc()) return Refuse(text, kWanted);
    }
    if (first < 0 || last < first || last > kCpuMax) return Refuse(text, kWanted);
    for (int cpu = first; cpu <= last; ++cpu) cpus.push_back(cpu);
    if (parsed.ptr == end) break;
    if (*parsed.ptr != ',') return Refuse(text, kWanted);
    at = parsed.ptr + 1;
  }
  std::sort(cpus.begin(), cpus.end());
  cpus.erase(std::unique(cpus.begin(), cpus.end()), cpus.end());
  return cpus;
}

}  // namespace martlet::cli
