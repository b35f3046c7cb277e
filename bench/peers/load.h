// The load on a broker: publishers and subscribers of one scenario on one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "load/result.h"
#include "measure/histogram.h"
#include "wire.h"

namespace martlet::peers {

/// What is asked of every broker.
struct Scenario {
  std::string id;     // as in `martlet bench suite`
  std::string title;  // for people
  int publishers = 1;
  int subscribers = 1;  // each hears all publishers, or with `pairs` its own
  bool pairs = false;
  uint32_t size_bytes = 128;
  double rate = 0;  // messages a second; 0: as fast as the window lets it
};

struct Timing {
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(500);
  std::chrono::nanoseconds duration = std::chrono::seconds(2);
};

/// What one run has measured. A message is a delivery; without subscribers one that the broker has
/// confirmed.
struct Measured {
  double per_second = 0;
  double server_us_per_message = 0;
  double server_cores = 0;
  double client_cores = 0;
  double other_cores = 0;  // used by neither
  uint64_t resident_bytes = 0;
  measure::Histogram latency;  // from the time when it was due; with a rate only

  uint64_t expected = 0;  // deliveries of the whole run
  load::Faults faults;    // of these; brokers may lose messages at QoS 0, which has to be said
};

/// Runs `scenario` against the broker on 127.0.0.1:`port`, which is process `pid`; blocks, on the
/// calling thread. Every payload is checked (load::Contents), every publisher's messages must come
/// once and in order.
///
/// Publishers write up to 64 KiB at a time and have as much on the way as `martlet bench` lets them
/// (4 MiB over all subscribers and 64 KiB): no broker reaches the limits of its queues, unless they
/// are shorter than that. What does not arrive within half a second counts as lost then, and the
/// publisher goes on.
///
/// Errors: no broker, connections refused or cut, something that is not its protocol.
absl::StatusOr<Measured> RunLoad(const Wire& wire, uint16_t port, int pid, const Scenario& scenario,
                                 const Timing& timing, uint64_t seed);

}  // namespace martlet::peers
