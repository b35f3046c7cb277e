// Signals as a descriptor that a loop can watch.
#pragma once

#include <string_view>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"

namespace martlet::ops {

/// Blocks the signals that the server handles (HUP, INT, TERM, USR1, USR2) for this thread and all
/// it will start, ignores PIPE, and returns a non-blocking signalfd for them. Call before the first
/// thread is made.
absl::StatusOr<base::UniqueFd> BlockAndWatchSignals();

/// Reads one pending signal; 0 when there is none.
int NextSignal(int signal_fd);

/// The name in `Trapped "<name>" signal`: hangup, interrupt, terminated, user defined signal 1, 2.
std::string_view SignalName(int signal);

}  // namespace martlet::ops
