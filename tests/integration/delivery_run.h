// Publishes a plan of stamped messages to a server and checks every delivery.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "delivery_ledger.h"
#include "raw_client.h"

namespace delivery {

/// Who publishes what and who wants it; connections are counted from 0 on each side.
struct Plan {
  struct Stream {
    uint32_t publisher;
    std::string subject;
    uint64_t messages;
  };
  struct Subscription {
    uint32_t connection;
    std::string filter;
    std::string queue = {};  // empty: plain
  };
  /// A connection that subscribes, takes some messages, leaves, reconnects, and so on.
  struct Churner {
    std::string filter;
    std::string queue = {};
  };

  std::string name;
  uint32_t publishers = 1;
  uint32_t subscribers = 1;  // connections
  std::vector<Stream> streams;
  std::vector<Subscription> subscriptions;
  std::vector<Churner> churners;
  size_t payload_min = 128;
  size_t payload_max = 128;
  bool odd_forms = false;  // every eighth message with a reply, every eighth with headers
};

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
