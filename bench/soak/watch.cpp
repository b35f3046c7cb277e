#include "watch.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "measure/process.h"

namespace martlet::soak {

std::optional<Reading> Read(int pid, double seconds) {
  const auto use = measure::ReadProcess(pid);
  if (!use) return std::nullopt;
  Reading reading;
  reading.seconds = seconds;
  reading.resident_bytes = use->resident_bytes;
  reading.threads = use->threads;
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

bool Calm(const std::vector<Reading>& readings, size_t count) {
  if (readings.size() < count) return false;
  return std::all_of(
      readings.end() - static_cast<ptrdiff_t>(count), readings.end(),
      [&](const Reading& r) { return r.resident_bytes == readings.back().resident_bytes; });
}

}  // namespace martlet::soak
