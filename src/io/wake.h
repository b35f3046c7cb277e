// Waking a loop through its eventfd.
#pragma once

namespace martlet::io {

/// Wakes the loop behind `event_fd`, from any thread, also one without a loop.
void WakeByEvent(int event_fd);

}  // namespace martlet::io
