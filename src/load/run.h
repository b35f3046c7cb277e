// Runs a plan and says what was measured.
#pragma once

#include <functional>

#include <absl/status/statusor.h>

#include "load/plan.h"
#include "load/result.h"

namespace martlet::load {

/// Told of each interval as it ends; on the calling thread or, while that waits, on one of the run.
using OnInterval = std::function<void(const Interval&)>;

/// Runs `plan` to its end and returns what it measured; blocks. Faults in the stream of messages
/// are in the result; an error is what kept the run from being one: no server, refused, a plan
/// that cannot be, a connection lost on the way.
absl::StatusOr<Result> Run(const Plan& plan, const OnInterval& on_interval);

}  // namespace martlet::load
