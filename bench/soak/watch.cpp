#include "watch.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "measure/process.h"
#include "measure/text_file.h"

namespace martlet::soak {

std::optional<Reading> Read(int pid, double seconds) {
  const auto use = measure::ReadProcess(pid);
  if (!use) return std::nullopt;
  Reading reading;
  reading.seconds = seconds;
  reading.resident_bytes = use->resident_bytes;
  reading.threads = use->threads - use->kernel_workers;
  reading.cpu_seconds = use->cpu_seconds();
  std::error_code error;
  const std::filesystem::path folder = "/proc/" + std::to_string(pid) + "/fd";
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    ++reading.files;
  }
  return reading;
}

std::string ReadingsCsv(const std::vector<Reading>& readings) {
  std::string out = "seconds,resident_bytes,files,threads,cpu_seconds\n";
  char line[128];
  for (const Reading& r : readings) {
    std::snprintf(line, sizeof line, "%.3f,%llu,%llu,%u,%.3f\n", r.seconds,
                  static_cast<unsigned long long>(r.resident_bytes),
                  static_cast<unsigned long long>(r.files), r.threads, r.cpu_seconds);
    out += line;
  }
  return out;
}

Verdict Judge(const Reading& start, const Reading& end, double tolerance_percent) {
  Verdict verdict;
  const auto before = static_cast<double>(start.resident_bytes);
  verdict.memory_percent = (static_cast<double>(end.resident_bytes) - before) * 100 / before;
  verdict.memory_back = verdict.memory_percent <= tolerance_percent;
  verdict.files_back = end.files <= start.files;
  verdict.threads_back = end.threads <= start.threads;
  return verdict;
}

std::vector<Mapping> ReadMappings(int pid) {
  return ParseMappings(measure::ReadText("/proc/" + std::to_string(pid) + "/smaps"));
}

std::vector<Mapping> ParseMappings(const std::string& smaps) {
  constexpr size_t kName = 5;  // range, rights, offset, device, inode, name
  std::vector<Mapping> out;
  for (size_t at = 0; at < smaps.size();) {
    const size_t end = std::min(smaps.find('\n', at), smaps.size());
    const std::string_view line = std::string_view(smaps).substr(at, end - at);
    at = end + 1;
    const auto words = measure::Words(line);
    if (words.empty()) continue;
    if (!words[0].ends_with(':')) {
      Mapping& mapping = out.emplace_back();
      mapping.range = words[0];
      if (words.size() > kName) mapping.name = words[kName];
    } else if (words[0] == "Rss:" && words.size() > 1 && !out.empty()) {
      out.back().resident_bytes = measure::ParseNumber<uint64_t>(words[1]).value_or(0) << 10;
    }
  }
  return out;
}

std::vector<std::string> Growth(const std::vector<Mapping>& before,
                                const std::vector<Mapping>& after, size_t count) {
  const auto begin = [](const Mapping& m) { return m.range.substr(0, m.range.find('-')); };
  std::map<std::string, uint64_t> known;
  for (const Mapping& mapping : before) known[begin(mapping)] = mapping.resident_bytes;
  std::vector<std::pair<uint64_t, std::string>> grown;
  for (const Mapping& mapping : after) {
    const uint64_t was = known[begin(mapping)];
    if (mapping.resident_bytes <= was) continue;
    const uint64_t more = mapping.resident_bytes - was;
    grown.emplace_back(more, std::to_string(more >> 10) + " KiB in " + mapping.range + " " +
                                 (mapping.name.empty() ? "anonymous" : mapping.name) + ", now " +
                                 std::to_string(mapping.resident_bytes >> 10) + " KiB");
  }
  std::sort(grown.begin(), grown.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<std::string> out;
  for (size_t i = 0; i < std::min(count, grown.size()); ++i) out.push_back(grown[i].second);
  return out;
}

bool Calm(const std::vector<Reading>& readings, size_t count) {
  if (readings.size() < count) return false;
  return std::all_of(
      readings.end() - static_cast<ptrdiff_t>(count), readings.end(),
      [&](const Reading& r) { return r.resident_bytes == readings.back().resident_bytes; });
}

}  // namespace martlet::soak
