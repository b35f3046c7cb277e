// What a server has and uses, second by second, and whether it came back to where it was.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace martlet::soak {

struct Reading {
  double seconds = 0;  // since the server was started
  uint64_t resident_bytes = 0;
  uint64_t files = 0;
  // Without workers of io_uring: the kernel makes one when a request has to block, and never ends
  // the last of them.
  unsigned threads = 0;
  double cpu_seconds = 0;
};

/// Nothing when there is no such process any more.
std::optional<Reading> Read(int pid, double seconds);

/// CSV, with a line of names.
std::string ReadingsCsv(const std::vector<Reading>& readings);

/// What has to be true when all clients have gone.
struct Verdict {
  double memory_percent = 0;  // end against start; below 0: less
  bool memory_back = false;
  bool files_back = false;
  bool threads_back = false;
  bool back() const { return memory_back && files_back && threads_back; }
};

/// `tolerance_percent` is for memory that grew; having less is never wrong.
Verdict Judge(const Reading& start, const Reading& end, double tolerance_percent);

/// One stretch of a process's memory, from smaps.
struct Mapping {
  std::string range;  // "7f12c0000000-7f12c4000000"
  std::string name;   // file, "[heap]"; empty: anonymous
  uint64_t resident_bytes = 0;
};

std::vector<Mapping> ReadMappings(int pid);
/// Pure, for one file's text.
std::vector<Mapping> ParseMappings(const std::string& smaps);

/// Lines that say where most memory was added between two readings, at most `count`: mappings are
/// the same when they begin at the same address. Empty where nothing grew.
std::vector<std::string> Growth(const std::vector<Mapping>& before,
                                const std::vector<Mapping>& after, size_t count);

/// The readings between which nothing happens any more: resident memory has not changed in the last
/// `count` of them.
bool Calm(const std::vector<Reading>& readings, size_t count);

}  // namespace martlet::soak
