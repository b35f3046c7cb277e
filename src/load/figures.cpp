#include "load/figures.h"

#include <algorithm>
#include <cstdio>

namespace martlet::load {
namespace {

constexpr double kBusyShare = 0.9;       // a thread, or server, with more than this is at its limit
constexpr double kDisturbedShare = 0.1;  // of the machine

std::string Percent(double share) {
  char text[16];
  std::snprintf(text, sizeof text, "%.0f %%", share * 100);
  return text;
}

double PerMessage(double seconds, uint64_t messages) {
  return messages == 0 ? 0 : seconds * 1e6 / static_cast<double>(messages);
}

void AddPercentiles(const Latency& latency, const std::string& prefix, Result& result) {
  static constexpr struct {
    double percentile;
    const char* id;
    const char* label;
  } kShown[] = {{50, "p50", "p50"}, {99, "p99", "p99"}, {99.9, "p999", "p99.9"}};
  for (const auto& shown : kShown) {
    result.figures.push_back(
        {.id = prefix + "_" + shown.id + "_us",
         .label = std::string(shown.label) + ", " + latency.label,
         .value = static_cast<double>(latency.histogram.ValueAt(shown.percentile)) / 1000,
         .unit = "us",
         .higher_is_better = false});
  }
}

/// What one message is called in this scenario, and how many there were.
struct Unit {
  const char* id;
  const char* name;
  uint64_t count;
};

Unit UnitOf(const Result& result) {
  switch (result.plan.scenario) {
    case Scenario::kRequest:
      return {"request", "request", result.delivered};
    case Scenario::kPubSub:
      return {"delivery", "delivery", result.delivered};
    default:
      return {"message", "message", result.sent};
  }
}

}  // namespace

void AddLatencies(const std::vector<const Recorder*>& recorders, Result& result) {
  const bool requests = result.plan.scenario == Scenario::kRequest;
  const bool open_loop = result.plan.rate > 0;
  Latency intended{
      .id = requests ? "round_trip" : "intended",
      .label = requests    ? (open_loop ? "round trip from the intended send time" : "round trip")
               : open_loop ? "latency from the intended send time"
                           : "",
      .histogram = measure::Histogram()};
  Latency actual{
      .id = "actual", .label = "from the actual send time", .histogram = measure::Histogram()};
  Latency delay{.id = "sender_delay",
                .label = "delay of the sender itself",
                .histogram = measure::Histogram()};
  std::vector<measure::Histogram> laps(result.intervals.size(),
                                       measure::Histogram(Recorder::kIntervalDigits));
  for (const Recorder* recorder : recorders) {
    intended.histogram.Merge(recorder->intended());
    actual.histogram.Merge(recorder->actual());
    delay.histogram.Merge(recorder->delay());
    for (size_t i = 0; i < std::min(laps.size(), recorder->intervals().size()); ++i) {
      laps[i].Merge(recorder->intervals()[i]);
    }
  }
  for (size_t i = 0; i < laps.size(); ++i) {
    result.intervals[i].p50_ns = laps[i].ValueAt(50);
    result.intervals[i].p99_ns = laps[i].ValueAt(99);
    result.intervals[i].max_ns = laps[i].Max();
  }
  for (Latency* latency : {&intended, &actual, &delay}) {
    if (latency->histogram.count() > 0) result.latencies.push_back(std::move(*latency));
  }
}

void AddMessageFigures(Result& result) {
  const Unit unit = UnitOf(result);
  const double seconds = std::max(result.seconds, 1e-9);
  const auto count = static_cast<double>(unit.count);
  const std::string plural =
      result.plan.scenario == Scenario::kPubSub ? "deliveries" : std::string(unit.name) + "s";
  result.figures.push_back({.id = plural + "_per_second",
                            .label = plural + " per second",
                            .value = count / seconds,
                            .unit = "1/s",
                            .compared = result.plan.rate == 0});
  result.figures.push_back({.id = "payload_bytes_per_second",
                            .label = "payload per second",
                            .value = count * result.plan.size_bytes / seconds,
                            .unit = "B/s",
                            .compared = false});
  if (result.server_known) {
    result.figures.push_back({.id = std::string("server_cpu_us_per_") + unit.id,
                              .label = std::string("server CPU per ") + unit.name,
                              .value = PerMessage(result.server_use.cpu_seconds(), unit.count),
                              .unit = "us",
                              .higher_is_better = false});
    result.figures.push_back({.id = "server_resident_bytes",
                              .label = "server resident memory",
                              .value = static_cast<double>(result.server_use.resident_bytes),
                              .unit = "B",
                              .higher_is_better = false,
                              .compared = false});
  }
  if (!result.latencies.empty()) {
    AddPercentiles(result.latencies.front(), result.latencies.front().id, result);
  }
}

void AddQueueFigure(const std::vector<uint64_t>& delivered_each, Result& result) {
  double sum = 0;
  for (const uint64_t delivered : delivered_each) sum += static_cast<double>(delivered);
  if (delivered_each.size() < 2 || sum == 0) return;
  const double expected = sum / static_cast<double>(delivered_each.size());
  double chi_squared = 0;
  for (const uint64_t delivered : delivered_each) {
    const double off = static_cast<double>(delivered) - expected;
    chi_squared += off * off / expected;
  }
  result.figures.push_back({.id = "queue_chi_squared",
                            .label = "chi-squared of the members, per degree of freedom",
                            .value = chi_squared / static_cast<double>(delivered_each.size() - 1),
                            .unit = "",
                            .higher_is_better = false,
                            .compared = false});
}

void AddChurnFigure(uint64_t pairs, Result& result) {
  result.figures.push_back({.id = "churn_pairs_per_second",
                            .label = "SUB/UNSUB pairs per second",
                            .value = static_cast<double>(pairs) / std::max(result.seconds, 1e-9),
                            .unit = "1/s",
                            .compared = false});
}

void AddFloodFigure(uint64_t messages, Result& result) {
  result.figures.push_back({.id = "flood_messages_per_second",
                            .label = "messages of the flood per second",
                            .value = static_cast<double>(messages) / std::max(result.seconds, 1e-9),
                            .unit = "1/s",
                            .compared = false});
}

void AddWarnings(Result& result) {
  const bool by_window = result.plan.rate == 0;
  const bool client_busy = result.client_cpu_share > kBusyShare;
  if (by_window && client_busy && result.server_known && result.server_cpu_share < kBusyShare) {
    result.warnings.push_back("the client is the bottleneck: its busiest thread used " +
                              Percent(result.client_cpu_share) + " of a CPU, the server " +
                              Percent(result.server_cpu_share) +
                              "; compare CPU per message, not messages per second");
  }
  if (by_window && client_busy && !result.server_known) {
    result.warnings.push_back("the client may be the bottleneck: its busiest thread used " +
                              Percent(result.client_cpu_share) + " of a CPU");
  }
  if (result.other_cpu_share > kDisturbedShare) {
    result.warnings.push_back("others used " + Percent(result.other_cpu_share) +
                              " of this machine's CPUs meanwhile");
  }
  for (const Latency& latency : result.latencies) {
    if (latency.histogram.clamped() == 0) continue;
    result.warnings.push_back(std::to_string(latency.histogram.clamped()) +
                              " latencies were above an hour and count as an hour");
  }
}

}  // namespace martlet::load
