// Watches a run from outside: counters, server process, machine, at the ends of its intervals.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "load/result.h"
#include "measure/process.h"

namespace martlet::load {

/// What is counted while a run goes on; read on the sampling thread.
struct Counts {
  uint64_t sent = 0;
  uint64_t delivered = 0;
  uint64_t churned = 0;
  uint64_t flooded = 0;
  std::vector<double> thread_cpu_seconds;  // of each worker
};

/// Takes a sample at the beginning, at each interval's end and at the end of the measured time, and
/// turns them into the parts of a result that are differences.
///
/// Thread: one, the caller's of Run().
class Sampler {
 public:
  /// `server_pid` 0: not watched. `bytes_each`: payload of a message.
  Sampler(int server_pid, uint32_t bytes_each, std::function<Counts()> read)
      : pid_(server_pid), bytes_each_(bytes_each), read_(std::move(read)) {}

  void Begin();
  /// Ends an interval; returns it (without latencies).
  Interval Lap();
  /// Fills what a result has from the whole of the samples: seconds, sent, delivered, intervals,
  /// uses and shares.
  void Finish(Result& result) const;
  uint64_t churned() const { return last_.counts.churned - first_.counts.churned; }
  uint64_t flooded() const { return last_.counts.flooded - first_.counts.flooded; }

 private:
  struct Sample {
    uint64_t now_ns = 0;
    Counts counts;
    std::optional<measure::ProcessUse> server;
    double machine_seconds = 0;
    double own_seconds = 0;
  };
  Sample Take();

  int pid_;
  uint32_t bytes_each_;
  std::function<Counts()> read_;
  Sample first_;
  Sample last_;
  std::vector<Interval> laps_;
};

/// CPU seconds of this process so far, all its threads.
double OwnCpuSeconds();

}  // namespace martlet::load
