// Who must get which message, and who has got it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery_ledger.h"
#include "delivery_messages.h"
#include "delivery_plan.h"
#include "raw_client.h"

namespace delivery {

/// Compares what arrives at steady subscriptions and at queue groups with what was published.
///
/// Knows no socket: the connections tell it what they published and took.
///
/// Thread:   the run's.
/// Lifetime: borrows the plan, the messages and the report, into which all findings go.
class Tracker {
 public:
  struct Stream {
    uint32_t publisher;
    std::string subject;
    uint64_t messages;
    uint64_t published = 0;
    std::vector<uint32_t> receivers = {};      // may name one twice: two subscriptions, two copies
    std::vector<uint32_t> subscriptions = {};  // plain ones
    std::vector<uint32_t> groups = {};
  };
  /// Of one connection, by publisher: the last publisher_seq that it has got.
  using Order = std::vector<uint64_t>;

  Tracker(const Plan& plan, const Messages& messages, Report& report);

  const std::vector<Stream>& streams() const { return streams_; }
  /// Deliveries to everybody but the plain churners.
  uint64_t expected() const { return expected_; }
  /// The group's index; it must be in the plan.
  uint32_t FindGroup(std::string_view queue) const;

  void OnPublished(uint32_t stream, size_t payload_bytes);
  /// Payload bytes that were published and have not yet come to this one of a stream's receivers.
  uint64_t outstanding(uint32_t receiver) const { return receivers_[receiver].outstanding(); }

  /// Nothing if the message is not one of ours, or not as it was sent.
  std::optional<Stamp> Check(const raw::Frame& frame, bool headers);
  /// A message for the subscription with this index in the plan, plain or of a group.
  void Take(uint32_t subscription, Order& order, const Stamp& stamp, size_t payload_bytes);
  void TakeMember(uint32_t group, Order& order, const Stamp& stamp, size_t payload_bytes);
  /// One publisher connection to one subscriber connection is first in, first out.
  void CheckOrder(Order& order, const Stamp& stamp, std::string_view where);
  /// What has not arrived by now is lost.
  void CountLost();

 private:
  /// Bytes on their way to one subscriber connection or one queue group, for back-pressure.
  struct Receiver {
    uint64_t published_bytes = 0;
    uint64_t received_bytes = 0;
    uint64_t outstanding() const {
      return published_bytes - std::min(received_bytes, published_bytes);
    }
  };
  struct Group {
    std::string queue;
    std::string filter;
    std::vector<GroupTrack> tracks;  // by stream
  };
  struct Subscription {
    uint32_t group = 0;               // an index, if it is of a queue group
    std::vector<StreamTrack> tracks;  // by stream, if it is plain
  };

  void AddGroup(const std::string& queue, const std::string& filter);
  void FindReceivers(uint32_t stream);
  void NoteLost(uint32_t stream, const std::string& which, const std::string& where);

  const Plan& plan_;
  const Messages& messages_;
  Report& report_;
  std::vector<Stream> streams_;
  std::vector<Subscription> subscriptions_;
  std::vector<Group> groups_;
  std::vector<Receiver> receivers_;  // subscribers first, then groups
  uint64_t expected_ = 0;
};

}  // namespace delivery
