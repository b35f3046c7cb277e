// Messages to other servers, and from them.
#include <utility>

#include "base/check.h"
#include "session/client_session.h"
#include "session/delivery.h"
#include "session/route_session.h"

namespace martlet::session {

using subject::Filter;
using subject::MatchResult;
using subject::RouteKey;
using subject::ShardSet;

// One copy for each route, however many of its filters match.
void Delivery::AddTarget(RouteKey route, std::string_view queue) {
  size_t i = 0;
  while (i < targets_used_ && targets_[i].route != route) ++i;
  if (i == targets_used_) {
    if (targets_used_++ == targets_.size()) targets_.emplace_back();
    targets_[i].route = route;
    targets_[i].queues.clear();
  }
  if (queue.empty()) return;
  std::string& queues = targets_[i].queues;
  if (!queues.empty()) queues += ' ';
  queues += queue;
}

void Delivery::SendToTargets(const Message& message, const Source& source) {
  SharedPayload* shared = nullptr;
  for (size_t i = 0; i < targets_used_; ++i) {
    SendToRoute(targets_[i].route, targets_[i].queues, message, source, shared);
  }
  if (shared != nullptr) shared->Release();
  targets_used_ = 0;
}

// Where the route is on this shard, at once; else by a record for each piece of a run.
void Delivery::SendToRoute(RouteKey route, std::string_view queues, const Message& message,
                           const Source& source, SharedPayload*& shared) {
  const unsigned shard = subject::ShardOf(route);
  if (shard == context_.shard) {
    const auto found = context_.routes.find(route);
    if (found == context_.routes.end()) return context_.stats.lost_routes.Add(message.count);
    return DeliverToRoute(*found->second, queues, message, source);
  }
  for (uint32_t next = 0; next < message.count;) {
    const uint32_t left = message.count - next;
    const uint32_t count =
        message.picks == nullptr ? CountForRecord(message, left) : CountOfPicks(message, left);
    MessageRecord record = {.kind = RecordKind::kRouted,
                            .publisher = source.id,
                            .origin = static_cast<uint8_t>(source.shard),
                            .route = route,
                            .routed = source.routed,
                            .queue = queues,
                            .message = message.Part(next, count)};
    const bool whole = count == message.count;
    SharedPayload* of_piece = nullptr;
    Forward(shard, record, whole ? shared : of_piece);
    if (of_piece != nullptr) of_piece->Release();
    next += count;
  }
}

void Delivery::OnRouted(const MessageRecord& record) {
  const auto found = context_.routes.find(record.route);
  if (found == context_.routes.end()) {
    return context_.stats.lost_routes.Add(record.message.count);
  }
  const Source source = {nullptr, record.publisher, record.origin, UINT64_MAX, record.routed};
  DeliverToRoute(*found->second, record.queue, record.message, source);
}

// A route is never closed for what waits for it; who fills it has to wait.
// Source: spec cluster-behaviour.md section 13.
void Delivery::DeliverToRoute(RouteSession& route, std::string_view queues, const Message& message,
                              const Source& source) {
  route.Deliver(message, queues);
  const Options& options = context_.facts->options;
  const auto pending = static_cast<int64_t>(route.pending_bytes());
  if (pending > options.max_pending_bytes / 4 * 3 && !source.routed) [[unlikely]] {
    StallSource(source, ClientSession::kStallStepMs);
  }
}

// Source: spec route-protocol.md sections 5.3, 5.4; reference processInboundRoutedMsg.
void Delivery::PublishRouted(const Message& message, std::string_view queues,
                             const RouteSession& route, const MatchResult& match) {
  const bool in_one = message.count == 1 || (queues.empty() && RunGoesInOneToPlain(match));
  if (in_one) return PublishRoutedOne(message, queues, route, match);
  if (match.plain.empty() && SpreadRouted(message, queues, route, match)) return;
  for (uint32_t i = 0; i < message.count; ++i) {
    // A delivery may end subscriptions, so each message looks anew.
    PublishRoutedOne(message.Part(i, 1), queues, route,
                     context_.cache.Match(message.account, message.subject));
  }
}

// A run for one group and nobody else.
bool Delivery::SpreadRouted(const Message& run, std::string_view queues, const RouteSession& route,
                            const MatchResult& match) {
  const std::string_view name = proto::TakeQueue(queues);
  if (!proto::TakeQueue(queues).empty()) return false;
  const Source source = {
      .client = nullptr, .id = route.id(), .shard = context_.shard, .routed = true};
  for (const MatchResult::Group& group : match.groups) {
    if (group.queue != name) continue;
    const bool done = Spread(group, run, source, match.as_of, false);
    ExpireSubscriptions();
    return done;
  }
  return false;
}

void Delivery::PublishRoutedOne(const Message& message, std::string_view queues,
                                const RouteSession& route, const MatchResult& match) {
  const Source source = {
      .client = nullptr, .id = route.id(), .shard = context_.shard, .routed = true};
  bool delivered = DeliverPlain(match, message, source);
  const ShardSet others = match.plain_shards & ~Only(context_.shard);
  if (others != 0) {
    ForwardPlain(others, message, source, match.as_of);
    delivered = true;
  }
  for (std::string_view name; !(name = proto::TakeQueue(queues)).empty();) {
    for (const MatchResult::Group& group : match.groups) {
      if (group.queue != name) continue;
      delivered |= DeliverOneToGroup(group, message, source, 0, match.as_of) ||
                   PassOn(group, message, source);
      break;
    }
  }
  ExpireSubscriptions();
  // Its interest may have gone while the message was on its way; that is a gap with a cause.
  if (!delivered) context_.stats.lost_interest.Add(message.count);
}

// The group has no member here: the first server that has one gets the message, maybe the one that
// it came from, which is glad to have it back.
bool Delivery::PassOn(const MatchResult::Group& group, const Message& message,
                      const Source& source) {
  for (const Filter* filter : group.remote) {
    if (filter->weight() == 0) continue;
    SharedPayload* shared = nullptr;
    SendToRoute(filter->route(), group.queue, message, source, shared);
    if (shared != nullptr) shared->Release();
    return true;
  }
  return false;
}

}  // namespace martlet::session
