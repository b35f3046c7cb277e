// What a profile sets.
#pragma once

#include <cstddef>
#include <string>

#include <martlet/options.h>

#include "io/loop.h"
#include "shard/patience.h"

namespace martlet::shard {

/// The processors that the process may use.
struct CpuShare {
  size_t cpus = 1;   // in the affinity mask
  double quota = 0;  // CPUs' worth of time that the control group grants; 0: no limit
};

/// How a shard waits, and how much it takes on before it looks around. Docs: docs/profiles.md.
struct Tuning {
  SpinMode spin = SpinMode::kNever;
  std::string why;  // it spins or does not, in words for the log
  io::Batching batching;
  io::TurnBudget budget;
  size_t receive_cap_bytes = 0;  // from one connection, before others get their turn
  size_t send_bytes_max = 0;     // to one connection, likewise

  /// For the line at start: `latency, always spins: ...`.
  std::string Describe(Profile profile) const;
};

/// Pure.
Tuning TuningOf(Profile profile, unsigned shards, const CpuShare& share);

}  // namespace martlet::shard
