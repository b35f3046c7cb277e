// Runs about connections: idle ones, a storm of them, a herd that comes back.
#pragma once

#include "client/connection.h"
#include "load/run.h"

namespace martlet::load {

/// Connects once and returns what the server says of itself.
absl::StatusOr<ServerFacts> AskServer(IoBackend backend, const client::Peer& peer);

/// kIdle:    connects and subscribes, then watches what that costs for the plan's duration.
/// kConnect: connects, CONNECT, PING, SUB: how many a second, and how long until the PONG.
/// kHerd:    the same, each with its subscriptions; then all drop at once and come back.
absl::StatusOr<Result> RunConnects(const Plan& plan, const client::Peer& peer,
                                   const OnInterval& on_interval);

}  // namespace martlet::load
