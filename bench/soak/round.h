// One round of the mix: from nobody to nobody.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/statusor.h>

#include "client/connection.h"
#include "load/result.h"

namespace martlet::soak {

/// What a round is to do.
struct RoundPlan {
  double seconds = 60;
  uint64_t subscriptions = 0;  // SUB and UNSUB, spread over the time
  uint64_t connects = 0;
  double load = 1;               // times the usual rates of messages
  double patience_seconds = 15;  // what has not moved for so long is lost; servers may wait for 10
  uint64_t seed = 1;
};

/// What it has done.
struct RoundDone {
  double seconds =
      0;  // until everything was done; more than planned where the machine was too slow
  uint64_t messages = 0;  // delivered, and requests answered
  uint64_t subscriptions = 0;
  uint64_t connects = 0;
  load::Faults faults;
};

/// Runs the mix against `peer`, all on the calling thread: 1:1 of 128 B and 16 KiB, 1:50, a queue
/// group of eight of which one leaves and comes back all the time, requests, subscriptions and
/// clients that come and go. When the time is over and the subscriptions and connects are done, it
/// waits for what is on the way, and closes every connection. `on_turn` is called all the time.
///
/// Twice the planned time is the most that it takes; what is not done then is missing from the
/// counts. Errors: a connection that was refused, cut, or answered with -ERR.
absl::StatusOr<RoundDone> RunRound(const client::Peer& peer, const RoundPlan& plan,
                                   const std::function<void()>& on_turn);

}  // namespace martlet::soak
