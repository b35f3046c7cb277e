// What the benchmarks of the subject index share.
#pragma once

#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

#include "subject/subject_index.h"

namespace martlet::subject {

/// What a figure must not exceed, and what it had better not. Nothing fails by it: machines differ.
inline void Bound(benchmark::State& state, double must, double aim) {
  state.counters["must"] = must;
  state.counters["aim"] = aim;
}
/// The bounded figure, where it is not the CPU time.
inline void Measured(benchmark::State& state, double figure) {
  state.counters["measured"] = figure;
}

/// The usual table; then the bounded figures beside their bounds.
class BoundsReporter : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      const auto must = run.counters.find("must");
      if (must == run.counters.end()) continue;
      const auto measured = run.counters.find("measured");
      rows_.push_back(
          {run.benchmark_name(), must->second.value, run.counters.at("aim").value,
           measured != run.counters.end() ? measured->second.value : run.GetAdjustedCPUTime()});
    }
  }
  void Finalize() override {
    std::printf("\n%-48s %10s %10s %10s\n", "bounded figure", "must", "aim", "measured");
    for (const Row& row : rows_) {
      std::printf("%-48s %10.4g %10.4g %10.4g %s\n", row.name.c_str(), row.must, row.aim,
                  row.measured,
                  row.measured <= row.aim    ? "aim"
                  : row.measured <= row.must ? "must"
                                             : "MISSED");
    }
  }

 private:
  struct Row {
    std::string name;
    double must;
    double aim;
    double measured;
  };
  std::vector<Row> rows_;
};

/// Instead of BENCHMARK_MAIN().
inline int RunBounded(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  BoundsReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  benchmark::Shutdown();
  return 0;
}

/// An index with one reader online on each shard, and subscribers of shard 0.
class FilledIndex {
 public:
  explicit FilledIndex(unsigned shards = 1) : index_(shards) {
    for (unsigned shard = 0; shard < shards; ++shard) index_.reclaimer().Online(shard);
  }
  ~FilledIndex() {
    for (const auto& subscriber : subscribers_) index_.Remove(0, *subscriber);
    for (unsigned shard = 0; shard < index_.shards(); ++shard) index_.reclaimer().Offline(shard);
  }
  FilledIndex(const FilledIndex&) = delete;
  FilledIndex& operator=(const FilledIndex&) = delete;

  SubjectIndex& index() { return index_; }
  void Add(std::string_view filter) {
    subscribers_.push_back(std::make_unique<Subscriber>());
    index_.Add(0, kGlobalAccount, filter, {}, *subscribers_.back());
    // As a shard does between its turns.
    if (subscribers_.size() % 64 == 0) Quiesce();
  }
  void Quiesce() {
    for (unsigned shard = 0; shard < index_.shards(); ++shard) index_.reclaimer().Quiesce(shard);
  }

 private:
  SubjectIndex index_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
};

/// Distinct literal subjects that look like those of devices: 24 to 30 bytes.
inline std::string DeviceSubject(size_t number) {
  return "devices.eu-west." + std::to_string(number) + ".state";
}

/// Of twenty: sixteen literals, two with `*` at the end, one with `*` in the middle, one with `>`.
inline bool IsLiteralOfMix(size_t number) { return number % 20 < 16; }
inline std::string FilterOfMix(size_t number) {
  const std::string text = std::to_string(number);
  switch (number % 20) {
    case 16:
    case 17:
      return "devices.eu-west." + text + ".*";
    case 18:
      return "devices.*." + text + ".state";
    case 19:
      return "devices.eu-west." + text + ".>";
    default:
      return DeviceSubject(number);
  }
}

}  // namespace martlet::subject
