// Publishes a plan of stamped messages to a server and checks every delivery.
#pragma once

#include <cstdint>

#include "delivery_ledger.h"
#include "delivery_plan.h"
#include "raw_client.h"

namespace delivery {

struct RunOptions {
  raw::Endpoint server;
  uint64_t window_bytes = 4 << 20;  // published and not yet read, per subscriber
  double stall_seconds = 10;
  bool late_ok = false;  // PONG is no barrier: a subscriber behind a route
  uint64_t seed = 1;
};

/// Runs the plan to its end; one thread, all sockets in one epoll.
///
/// Order of things: SUB and PING/PONG on every subscriber, then publish within the window, then
/// PING/PONG on every publisher, then on every subscriber. After that last PONG everything must
/// have arrived: what comes later is counted as late, what does not come as lost.
Report Execute(const Plan& plan, const RunOptions& options);

}  // namespace delivery
