#include "shard/tuning.h"

#include <cstdio>

namespace martlet::shard {
namespace {

// Why the shards have no CPU each, or nothing when they have.
std::string SharedCpus(unsigned shards, const CpuShare& share) {
  if (share.cpus < shards) {
    return std::to_string(shards) + " shards share " + std::to_string(share.cpus) +
           (share.cpus == 1 ? " CPU" : " CPUs");
  }
  if (share.quota > 0 && share.quota < shards) {
    char quota[32];
    std::snprintf(quota, sizeof quota, "%.3g", share.quota);
    return "the control group grants " + std::to_string(shards) + " shards the time of " + quota +
           " CPUs";
  }
  return "";
}

const char* Name(Profile profile) {
  switch (profile) {
    case Profile::kLatency:
      return "latency";
    case Profile::kThroughput:
      return "throughput";
    case Profile::kBalanced:
      break;
  }
  return "balanced";
}

}  // namespace

Tuning TuningOf(Profile profile, unsigned shards, const CpuShare& share) {
  // What stays in the second-level cache. Half of it for a receive would cost 20 % of CPU at 128 B
  // and 40 % at 16 KiB; without a cap turns get ten times as long, and the CPU hardly less.
  constexpr size_t kCacheBytes = size_t{256} << 10;
  Tuning tuning = {.budget = {.completions = 64, .received_bytes = kCacheBytes},
                   .receive_cap_bytes = kCacheBytes,
                   .spread_cap_bytes = 4 * kCacheBytes,
                   .send_bytes_max = kCacheBytes};
  if (profile == Profile::kThroughput) {
    tuning.why = "gathers work for 50 us instead";
    tuning.batching = {.usec = 50, .completions = 64};
    tuning.budget = {.completions = 256, .received_bytes = size_t{1} << 20};
    tuning.receive_cap_bytes = tuning.spread_cap_bytes = 0;
    tuning.send_bytes_max = size_t{1} << 20;
    return tuning;
  }
  tuning.why = SharedCpus(shards, share);
  if (!tuning.why.empty()) return tuning;
  tuning.why = "a CPU for each shard";
  tuning.spin = profile == Profile::kLatency ? SpinMode::kAlways : SpinMode::kAdaptive;
  return tuning;
}

std::string Tuning::Describe(Profile profile) const {
  const char* spins = "does not spin";
  if (spin == SpinMode::kAdaptive) spins = "spins before sleep where that costs no CPU";
  if (spin == SpinMode::kAlways) spins = "spins instead of sleeping";
  return std::string(Name(profile)) + ", " + spins + " (" + why + ")";
}

}  // namespace martlet::shard
