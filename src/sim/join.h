// What a cluster of a certain size costs, counted.
#pragma once

#include <cstdint>
#include <string>

namespace martlet::sim {

/// Everything that one more server brings about, in all servers together.
struct JoinCost {
  std::string failure;       // empty: the cluster became whole
  int servers = 0;           // before it came
  uint64_t start_ms = 0;     // from the start of them all until the cluster was whole
  uint64_t join_ms = 0;      // from the start of the newcomer until it was again
  uint64_t connections = 0;  // of the newcomer, then
  uint64_t dials = 0;
  uint64_t messages = 0;  // lines on routes but for interest
  uint64_t gossip = 0;    // of those, about other servers
  uint64_t bytes = 0;     // of those messages
  uint64_t interest = 0;  // lines of interest
};

/// Starts `servers` servers of the default configuration that know one of them, each with
/// `subjects` subjects wanted; then one more. No faults, a network of up to 3 ms.
JoinCost MeasureJoin(int servers, int subjects);

}  // namespace martlet::sim
