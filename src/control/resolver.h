// Looking up names.
#pragma once

#include "cluster/events.h"

namespace martlet::control {

/// All addresses of a host, in the resolver's order; a numeric one is its own. Blocks for as long
/// as the name servers please. The error is Go's: `lookup x: no such host`.
cluster::Resolved LookUp(const cluster::Resolve& question);

}  // namespace martlet::control
