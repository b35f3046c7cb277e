// Results as the load generator would give them, made from a seed.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "load/result.h"
#include "report/comparison.h"
#include "report/html.h"

namespace martlet::report {

/// Latencies with a long tail: most near `typical_us`, a few a hundred times later.
inline load::Latency SampleLatency(std::string id, std::string label, double typical_us,
                                   int samples, uint64_t seed) {
  load::Latency latency{.id = std::move(id), .label = std::move(label)};
  base::Random random(seed);
  for (int i = 0; i < samples; ++i) {
    const double share = (static_cast<double>(random.Below(1'000'000)) + 1) / 1'000'001;
    const double us = typical_us * (0.7 + 0.25 / std::pow(1 - share, 0.45));
    latency.histogram.Record(std::llround(us * 1000));
  }
  return latency;
}

inline load::Result SampleResult(uint64_t seed = 1, double typical_us = 20, int samples = 20'000) {
  load::Result result;
  result.plan.rate = 100'000;
  result.server = {.name = "nats-server",
                   .version = "2.11.4",
                   .language = "go1.24.3",
                   .url = "nats://127.0.0.1:4222",
                   .pid = 4711};
  result.backend = "io_uring (multishot receive)";
  result.seconds = 10;
  result.sent = 1'000'000;
  result.delivered = 1'000'000;
  result.figures = {
      {"deliveries_per_second", "deliveries per second", 99'998.25, "1/s", true, true},
      {"payload_per_second", "payload delivered", 12'799'776, "B/s", true, false},
      {"server_cpu_per_delivery", "server CPU per delivery", 0.4127, "us", false, true},
      {"server_resident", "server memory, resident", 23.5 * 1024 * 1024, "B", false, true}};
  result.latencies.push_back(
      SampleLatency("intended", "latency from the intended send time", typical_us, samples, seed));
  result.latencies.push_back(SampleLatency("actual", "latency from the actual send time",
                                           typical_us * 0.8, samples, seed + 1));
  base::Random random(seed);
  for (int i = 0; i < 10; ++i) {
    const uint64_t messages = 99'000 + random.Below(2000);
    const auto noise = static_cast<int64_t>(random.Below(4000));
    result.intervals.push_back({.begin_seconds = static_cast<double>(i),
                                .seconds = 1,
                                .messages = messages,
                                .bytes = messages * 128,
                                .server_cpu_seconds = 0.4 + static_cast<double>(noise) / 1e5,
                                .p50_ns = std::llround(typical_us * 950) + noise / 4,
                                .p99_ns = std::llround(typical_us * 2700) + noise * 4,
                                .max_ns = std::llround(typical_us * 60'000) + noise * 200});
  }
  result.server_known = true;
  result.server_use = {.user_seconds = 1.24,
                       .system_seconds = 2.89,
                       .resident_bytes = 24'641'536,
                       .peak_resident_bytes = 25'165'824,
                       .voluntary_switches = 123'456,
                       .involuntary_switches = 789,
                       .threads = 9};
  result.client_cpu_share = 0.37;
  result.server_cpu_share = 0.413;
  result.other_cpu_share = 0.004;
  return result;
}

inline Provenance SampleProvenance() {
  Provenance provenance{.command_line = "martlet bench pubsub --rate 100000 --size 128",
                        .version = "martlet 0.1.0",
                        .date = "2026-01-31T12:00:00Z"};
  provenance.machine = {.kernel = "Linux 6.1.0-18-amd64 x86_64",
                        .cpu = "Some CPU @ 2.00GHz",
                        .cpus = 2,
                        .cpus_online = 8,
                        .governor = "performance",
                        .virtualization = "kvm",
                        .memory_bytes = uint64_t{16} << 30,
                        .mitigations = {"spectre_v2: Mitigation: Retpolines"},
                        .distribution = "Some Linux 12"};
  return provenance;
}

/// Rounds around `level`, a few percent apart.
inline std::vector<double> SampleRounds(double level, uint64_t seed, size_t rounds = 7) {
  base::Random random(seed);
  std::vector<double> values;
  for (size_t i = 0; i < rounds; ++i) {
    values.push_back(level * (0.97 + random.Below(60'000) / 1e6));
  }
  return values;
}

/// Two servers and two scenarios: b is better at some, worse at one, the same at another.
inline Comparison SampleComparison() {
  Comparison comparison;
  comparison.provenance = SampleProvenance();
  comparison.servers = {{"a", "nats-server -p 4222", "", "nats-server", "2.11.4", "go1.24.3"},
                        {"b", "", "nats://127.0.0.1:5222", "martlet", "0.1.0", "c++20"}};
  comparison.seed = 42;
  comparison.seconds = 321.5;
  const auto figure = [](std::string id, std::string label, std::string unit, bool up, double a,
                         double b, uint64_t seed) {
    return ComparedFigure{.id = std::move(id),
                          .label = std::move(label),
                          .unit = std::move(unit),
                          .higher_is_better = up,
                          .rounds = {SampleRounds(a, seed), SampleRounds(b, seed + 1)}};
  };
  ComparedScenario first{.name = "1:1, 128 B", .rounds = 7, .repeated = 1};
  first.parameters = {{"publishers", "1"}, {"subscribers", "1"}, {"payload", "128 B"}};
  first.figures = {
      figure("deliveries_per_second", "deliveries per second", "1/s", true, 1.9e6, 5.89e6, 1),
      figure("server_cpu_per_delivery", "server CPU per delivery", "us", false, 0.98, 0.24, 3),
      figure("server_resident", "server memory, resident", "B", false, 2.1e7, 2.4e7, 5)};
  ComparedFigure plain = figure("sent", "messages sent", "", true, 1e6, 1e6, 7);
  plain.judged = false;
  first.figures.push_back(plain);
  ComparedScenario second{.name = "request and reply, 16 B", .rounds = 7};
  second.figures = {figure("requests_per_second", "requests per second", "1/s", true, 4e4, 4e4, 9),
                    figure("p99", "round trip, p99", "us", false, 312, 198, 11)};
  second.latencies = {{SampleLatency("round_trip", "round trip", 90, 20'000, 21)},
                      {SampleLatency("round_trip", "round trip", 60, 20'000, 22)}};
  second.warnings = {"a, round 3: the client is the bottleneck: its busiest thread ran 97 %"};
  comparison.scenarios = {std::move(first), std::move(second)};
  FillFigures(comparison);
  return comparison;
}

}  // namespace martlet::report
