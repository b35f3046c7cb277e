// Many subscriptions on one connection: how fast, how much memory, and what publishing costs then.
#pragma once

#include "client/connection.h"
#include "load/run.h"

namespace martlet::load {

absl::StatusOr<Result> RunSubscriptions(const Plan& plan, const client::Peer& peer,
                                        const OnInterval& on_interval);

}  // namespace martlet::load
