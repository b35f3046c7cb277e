// Runs with messages: publish only, publish and subscribe, request and reply.
#pragma once

#include "client/connection.h"
#include "load/run.h"

namespace martlet::load {

absl::StatusOr<Result> RunMessages(const Plan& plan, const client::Peer& peer,
                                   const client::Peer& publish_peer, const OnInterval& on_interval);

}  // namespace martlet::load
