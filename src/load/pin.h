// The threads that make load.
#pragma once

#include <functional>

#include "load/plan.h"

namespace martlet::load {

/// CPU seconds of the calling thread so far.
double ThreadCpuSeconds();

/// Runs `work` on a thread of its own, pinned to the plan's first CPU, and waits for it.
void OnThread(const Plan& plan, const std::function<void()>& work);

}  // namespace martlet::load
