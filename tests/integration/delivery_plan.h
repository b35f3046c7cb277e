// A plan: who publishes what and who wants it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace delivery {

/// Plain data; connections are counted from 0 on each side.
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

}  // namespace delivery
