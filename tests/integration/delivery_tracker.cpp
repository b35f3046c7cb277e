// Finds out from the plan who must get what, and judges each delivery.
#include "delivery_tracker.h"

namespace delivery {

Tracker::Tracker(const Plan& plan, const Messages& messages, Report& report)
    : plan_(plan), messages_(messages), report_(report) {
  for (const auto& [publisher, subject, count] : plan.streams) {
    streams_.push_back({.publisher = publisher, .subject = subject, .messages = count});
  }
  for (const auto& [connection, filter, queue] : plan.subscriptions) {
    Subscription& added = subscriptions_.emplace_back();
    if (queue.empty()) {
      added.tracks.resize(streams_.size());
    } else {
      AddGroup(queue, filter);
      added.group = FindGroup(queue);
    }
  }
  for (const auto& [filter, queue] : plan.churners) {
    if (!queue.empty()) AddGroup(queue, filter);
  }
  receivers_.resize(plan.subscribers + groups_.size());
  for (uint32_t stream = 0; stream < streams_.size(); ++stream) FindReceivers(stream);
}

uint32_t Tracker::FindGroup(std::string_view queue) const {
  const auto same = [&](const Group& group) { return group.queue == queue; };
  const auto found = std::find_if(groups_.begin(), groups_.end(), same);
  return static_cast<uint32_t>(found - groups_.begin());
}

void Tracker::AddGroup(const std::string& queue, const std::string& filter) {
  if (FindGroup(queue) != groups_.size()) return;
  groups_.push_back({.queue = queue, .filter = filter, .tracks = {}});
  for (const Stream& stream : streams_) groups_.back().tracks.emplace_back(stream.messages);
}

void Tracker::FindReceivers(uint32_t index) {
  Stream& stream = streams_[index];
  for (uint32_t i = 0; i < plan_.subscriptions.size(); ++i) {
    const Plan::Subscription& subscription = plan_.subscriptions[i];
    if (!subscription.queue.empty() || !Matches(subscription.filter, stream.subject)) continue;
    stream.subscriptions.push_back(i);
    stream.receivers.push_back(subscription.connection);
  }
  for (uint32_t i = 0; i < groups_.size(); ++i) {
    if (!Matches(groups_[i].filter, stream.subject)) continue;
    stream.groups.push_back(i);
    stream.receivers.push_back(plan_.subscribers + i);
  }
  expected_ += stream.messages * stream.receivers.size();
}

void Tracker::OnPublished(uint32_t index, size_t payload_bytes) {
  Stream& stream = streams_[index];
  ++stream.published;
  ++report_.published;
  for (const uint32_t receiver : stream.receivers) {
    receivers_[receiver].published_bytes += payload_bytes;
  }
}

std::optional<Stamp> Tracker::Check(const raw::Frame& frame, bool headers) {
  Stamp stamp{};
  const char* wrong = messages_.Read(frame, headers, stamp);
  if (wrong == nullptr) {
    const bool known =
        stamp.stream < streams_.size() && stamp.stream_seq < streams_[stamp.stream].published;
    if (known && frame.subject == streams_[stamp.stream].subject) return stamp;
    wrong = known ? "wrong subject" : "never published";
  }
  report_.Count(report_.corrupted, "corrupted: " + std::string(wrong) + ", sid " +
                                       std::to_string(frame.sid) + " subject " +
                                       std::string(frame.subject) + " publisher " +
                                       std::to_string(stamp.publisher) + " sequence " +
                                       std::to_string(stamp.stream_seq) + " size " +
                                       std::to_string(frame.payload.size()));
  return std::nullopt;
}

void Tracker::Take(uint32_t index, Order& order, const Stamp& stamp, size_t payload_bytes) {
  Subscription& subscription = subscriptions_[index];
  const auto& [connection, filter, queue] = plan_.subscriptions[index];
  if (!queue.empty()) return TakeMember(subscription.group, order, stamp, payload_bytes);
  receivers_[connection].received_bytes += payload_bytes;
  const Verdict verdict = subscription.tracks[stamp.stream].Take(stamp.stream_seq);
  if (verdict == Verdict::kDuplicate) {
    return report_.Count(report_.duplicated, "duplicated: " + Where(stamp, filter));
  }
  ++report_.delivered;
  CheckOrder(order, stamp, filter);
}

void Tracker::TakeMember(uint32_t index, Order& order, const Stamp& stamp, size_t payload_bytes) {
  Group& group = groups_[index];
  receivers_[plan_.subscribers + index].received_bytes += payload_bytes;
  if (!group.tracks[stamp.stream].Take(stamp.stream_seq)) {
    return report_.Count(report_.duplicated, "duplicated: " + Where(stamp, "group " + group.queue));
  }
  ++report_.delivered;
  CheckOrder(order, stamp, group.queue);
}

void Tracker::CheckOrder(Order& order, const Stamp& stamp, std::string_view where) {
  uint64_t& last = order[stamp.publisher];
  // Equal is fine: two subscriptions of the connection that both match.
  if (stamp.publisher_seq < last) {
    return report_.Count(
        report_.reordered,
        "reordered: " + Where(stamp, where) + ", after publisher sequence " + std::to_string(last));
  }
  last = stamp.publisher_seq;
}

void Tracker::NoteLost(uint32_t stream, const std::string& which, const std::string& where) {
  report_.Note("lost: publisher " + std::to_string(streams_[stream].publisher) + " stream " +
               std::to_string(stream) + " sequence " + which + " at " + where);
}

void Tracker::CountLost() {
  for (uint32_t index = 0; index < streams_.size(); ++index) {
    const Stream& stream = streams_[index];
    for (const uint32_t i : stream.subscriptions) {
      const StreamTrack& track = subscriptions_[i].tracks[index];
      const uint64_t missing = track.missing() + stream.published - track.next();
      if (missing == 0) continue;
      report_.lost += missing;
      NoteLost(index, track.Describe(stream.published),
               plan_.subscriptions[i].filter + " sid " + std::to_string(i + 1));
    }
    for (const uint32_t i : stream.groups) {
      const GroupTrack& track = groups_[i].tracks[index];
      const uint64_t missing = stream.published - track.count();
      if (missing == 0) continue;
      report_.lost += missing;
      NoteLost(index, track.Describe(stream.published), "group " + groups_[i].queue);
    }
  }
}

}  // namespace delivery
