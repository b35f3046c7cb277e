// What a profile sets.
#pragma once

#include <cstddef>
#include <cstdint>
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
  size_t spread_cap_bytes = 0;   // the same, while that spreads over many connections
  size_t send_bytes_max = 0;     // to one connection, likewise

  /// The cap after a turn that has so much to send to so many connections. Output that spreads is
  /// sent in many small pieces, each of which costs as much as copying tens of kilobytes; the more
  /// input they come from, the larger they get (a queue group of 100: half of the CPU).
  size_t ReceiveCap(size_t connections, uint64_t output_bytes) const {
    constexpr size_t kManyConnections = 16;
    constexpr size_t kSmallBytes = 16384;
    const bool spreads = connections > kManyConnections && output_bytes < connections * kSmallBytes;
    return spreads ? spread_cap_bytes : receive_cap_bytes;
  }

  /// For the line at start: `latency, always spins: ...`.
  std::string Describe(Profile profile) const;
};

/// Pure.
Tuning TuningOf(Profile profile, unsigned shards, const CpuShare& share);

}  // namespace martlet::shard
