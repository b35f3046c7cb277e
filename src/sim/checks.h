// Whether a cluster is what it should be.
#pragma once

#include <string>

#include "sim/faults.h"

namespace martlet::sim {

/// The first thing that is not as it should be; empty: every server has exactly the connections to
/// every other that it should have, both ends agree on what they are, all have one name, all know
/// what the others want, and clients are told of all servers.
std::string WhatIsWrong(const Nodes& nodes, const Network& network);

}  // namespace martlet::sim
