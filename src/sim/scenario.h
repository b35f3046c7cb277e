// What a seed makes of a cluster: how many servers, how configured, and what befalls them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"
#include "cluster/events.h"

namespace martlet::sim {

struct Scenario {
  /// As all should be in the end. Ids are given anew with each start.
  std::vector<cluster::Settings> servers;
  /// As they start where that is another way.
  std::vector<cluster::Settings> at_start;
  uint64_t faults_ms = 0;  // how long things go wrong
  int faults = 0;
  uint64_t delay_max_ms = 3;
  uint64_t ping_ms = 3000;
  /// Connections are lost at one end alone, at the end that dials again, and pings would find the
  /// other end much too late.
  bool one_sided = false;
};

/// The routes join all servers, whatever else they are.
Scenario MakeScenario(base::Random& random, int servers);

/// One of the kinds of compression.
cluster::CompressionMode AnyCompression(base::Random& random);

}  // namespace martlet::sim
