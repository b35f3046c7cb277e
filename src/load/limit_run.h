// How much this client can do at most: against a sink that throws away and a source that only
// sends.
#pragma once

#include "load/run.h"

namespace martlet::load {

/// Publishes, then receives, for the plan's duration each, over loopback, with a thread of its own
/// as the other side. The other side's CPU is not the client's.
absl::StatusOr<Result> RunLimit(const Plan& plan, const OnInterval& on_interval);

}  // namespace martlet::load
