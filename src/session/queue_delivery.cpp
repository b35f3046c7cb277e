// One member of each queue group: choosing it, here and on other shards.
#include <algorithm>

#include "base/check.h"
#include "session/client_session.h"
#include "session/delivery.h"

namespace martlet::session {
namespace {

using subject::Filter;
using subject::MatchResult;
using subject::ShardSet;

uint32_t Members(const MatchResult::Group& group, unsigned shard) {
  uint32_t members = 0;
  for (const Filter* filter : group.filters) members += filter->members(shard);
  return members;
}

}  // namespace

bool Delivery::DeliverToGroup(const MatchResult::Group& group, const Message& message,
                              const Source& source, uint64_t as_of) {
  if (message.count == 1) return DeliverOneToGroup(group, message, source, 0, as_of);
  if (Spread(group, message, source, as_of, false)) return true;
  bool delivered = false;
  for (uint32_t i = 0; i < message.count; ++i) {
    const Message part = message.Part(i, 1);
    delivered |= DeliverOneToGroup(group, part, source, 0, as_of);
    SendToTargets(part, source);
  }
  return delivered;
}

// A run over the members of a group: each message is drawn as if it came alone, but each member
// gets its messages in one go. False, and nothing done, where the group has to be asked message by
// message.
bool Delivery::Spread(const MatchResult::Group& group, const Message& run, const Source& source,
                      uint64_t as_of, bool picked_here) {
  if (!CollectMembers(group, run, source)) return false;
  const auto local_members = static_cast<uint32_t>(shares_.size());
  const unsigned shards = picked_here ? 0 : context_.index.shards();
  for (unsigned shard = 0; shard < shards; ++shard) {
    const uint32_t members = shard == context_.shard ? 0 : Members(group, shard);
    if (members != 0) {
      shares_.push_back({.member = nullptr, .shard = shard, .route = 0, .weight = members});
    }
  }
  if (!picked_here && !source.routed) {
    for (const Filter* filter : group.remote) {
      const subject::RouteKey route = filter->route();
      if (filter->weight() == 0) continue;
      shares_.push_back({.member = nullptr,
                         .shard = subject::ShardOf(route),
                         .route = route,
                         .weight = filter->weight()});
    }
  }
  const bool others = shares_.size() != local_members;
  if (shares_.empty() || (others && run.payload.size() > MessageRecord::kInlineBytesMax)) {
    return false;
  }
  Draw(run.count, local_members);
  for (const Share& share : shares_) {
    if (share.messages == 0) continue;
    const Message picked = run.Picked(&picks_[share.first], share.messages);
    if (share.member != nullptr) {
      DeliverTo(*share.member, picked, source);
    } else if (share.route != 0) {
      SharedPayload* shared = nullptr;  // small ones go without
      SendToRoute(share.route, group.queue, picked, source, shared);
    } else {
      ForwardPicks(share.shard, group.queue, picked, source, as_of);
    }
  }
  return true;
}

// Fills `shares_` with the members of this shard that take messages. False when one of them may
// come to a limit within the run.
bool Delivery::CollectMembers(const MatchResult::Group& group, const Message& run,
                              const Source& source) {
  shares_.clear();
  for (const Filter* filter : group.filters) {
    if (filter->active_since(context_.shard) > source.as_of) continue;
    for (subject::Subscriber* subscriber : filter->local(context_.shard)) {
      Subscription& subscription = AsSubscription(subscriber);
      if (!Takes(subscription, source)) continue;
      if (MayReachLimit(subscription, run)) return false;
      shares_.push_back(
          {.member = &subscription, .shard = context_.shard, .route = 0, .weight = 1});
    }
  }
  return true;
}

// Draws a member for each message; then sorts the messages by share, in their order.
void Delivery::Draw(uint32_t messages, uint32_t local_members) {
  uint32_t total = 0;
  for (const Share& share : shares_) total += share.weight;
  drawn_.resize(messages);
  for (uint32_t& share : drawn_) {
    uint32_t member = context_.random.Below(total);
    share = std::min(member, local_members);
    for (member -= share; share >= local_members && member >= shares_[share].weight; ++share) {
      member -= shares_[share].weight;
    }
    ++shares_[share].messages;
  }
  picks_.resize(messages);
  uint32_t first = 0;
  for (Share& share : shares_) {
    share.first = first;
    first += share.messages;
    share.messages = 0;
  }
  for (uint32_t i = 0; i < messages; ++i) {
    Share& share = shares_[drawn_[i]];
    picks_[share.first + share.messages++] = i;
  }
}

// How many of the next picked messages go in one record.
uint32_t Delivery::CountOfPicks(const Message& picks, uint32_t left) const {
  const uint32_t fit = RunBytesMax() / static_cast<uint32_t>(picks.payload.size() + 2);
  return std::min(left, std::max(fit, 1u));
}

void Delivery::ForwardPicks(unsigned shard, std::string_view queue, const Message& picks,
                            const Source& source, uint64_t as_of) {
  for (uint32_t next = 0; next < picks.count;) {
    const uint32_t count = CountOfPicks(picks, picks.count - next);
    MessageRecord record = {.kind = RecordKind::kQueuePick,
                            .publisher = source.id,
                            .origin = static_cast<uint8_t>(source.shard),
                            .as_of = as_of,
                            .routed = source.routed,
                            .queue = queue,
                            .message = picks.Part(next, count)};
    SharedPayload* shared = nullptr;  // small ones go without
    Forward(shard, record, shared);
    next += count;
  }
}

bool Delivery::DeliverOneToGroup(const MatchResult::Group& group, const Message& message,
                                 const Source& source, ShardSet tried, uint64_t as_of) {
  const unsigned shards = context_.index.shards();
  for (;;) {
    uint32_t total = 0;
    for (unsigned shard = 0; shard < shards; ++shard) {
      if ((tried & Only(shard)) == 0) total += Members(group, shard);
    }
    if (!source.routed) {
      for (const Filter* filter : group.remote) total += filter->weight();
    }
    if (total == 0) return false;

    uint32_t pick = context_.random.Below(total);
    unsigned chosen = 0;
    for (; chosen < shards; ++chosen) {
      if ((tried & Only(chosen)) != 0) continue;
      const uint32_t members = Members(group, chosen);
      if (pick < members) break;
      pick -= members;
    }
    if (chosen == shards) {
      if (!source.routed && PickRemote(group, pick)) return true;
      continue;  // a count went down between the two loops: draw again
    }

    if (chosen != context_.shard) {
      MessageRecord record = {.kind = RecordKind::kQueuePick,
                              .publisher = source.id,
                              .tried = tried,
                              .origin = static_cast<uint8_t>(source.shard),
                              .as_of = as_of,
                              .routed = source.routed,
                              .queue = group.queue,
                              .message = message};
      SharedPayload* shared = nullptr;
      Forward(chosen, record, shared);
      if (shared != nullptr) shared->Release();
      return true;
    }
    if (DeliverToLocalMember(group, message, source, pick)) return true;
    tried |= Only(context_.shard);
  }
}

// Of the members on other servers the one of this number.
bool Delivery::PickRemote(const MatchResult::Group& group, uint32_t pick) {
  for (const Filter* filter : group.remote) {
    const uint32_t weight = filter->weight();
    if (pick < weight) {
      AddTarget(filter->route(), group.queue);
      return true;
    }
    pick -= weight;
  }
  return false;
}

uint32_t Delivery::LocalMembers(const MatchResult::Group& group, uint64_t as_of) const {
  uint32_t members = 0;
  for (const Filter* filter : group.filters) {
    if (filter->active_since(context_.shard) <= as_of) members += filter->members(context_.shard);
  }
  return members;
}

// Walks once around the members of this shard, from number `start` on.
bool Delivery::DeliverToLocalMember(const MatchResult::Group& group, const Message& message,
                                    const Source& source, uint32_t start) {
  const uint32_t members = LocalMembers(group, source.as_of);
  for (uint32_t step = 0; step < members; ++step) {
    uint32_t number = (start + step) % members;
    for (const Filter* filter : group.filters) {
      if (filter->active_since(context_.shard) > source.as_of) continue;
      const auto local = filter->local(context_.shard);
      if (number < local.size()) {
        if (DeliverTo(AsSubscription(local[number]), message, source)) return true;
        break;
      }
      number -= static_cast<uint32_t>(local.size());
    }
  }
  return false;
}

void Delivery::OnQueuePick(const MessageRecord& record) {
  const Message& run = record.message;
  if (run.count > 1) {
    const Source source = {nullptr, record.publisher, record.origin, record.as_of, record.routed};
    const MatchResult& match = context_.cache.Match(run.account, run.subject);
    for (const MatchResult::Group& group : match.groups) {
      if (group.queue == record.queue && Spread(group, run, source, 0, true)) return;
    }
  }
  for (uint32_t i = 0; i < run.count; ++i) {
    const Message message = run.Part(i, 1);
    if (!DeliverPicked(record, message)) Bounce(record, message);
  }
}

bool Delivery::DeliverPicked(const MessageRecord& record, const Message& message) {
  const Source source = {nullptr, record.publisher, record.origin, record.as_of, record.routed};
  const MatchResult& match = context_.cache.Match(message.account, message.subject);
  for (const MatchResult::Group& group : match.groups) {
    if (group.queue != record.queue) continue;
    const uint32_t members = LocalMembers(group, source.as_of);
    const bool delivered = members != 0 && DeliverToLocalMember(group, message, source,
                                                                context_.random.Below(members));
    ExpireSubscriptions();
    return delivered;
  }
  return false;
}

// A chosen member was not there any more: the publisher's shard chooses again.
void Delivery::Bounce(const MessageRecord& record, const Message& message) {
  MessageRecord bounced = record;
  bounced.kind = RecordKind::kBounce;
  bounced.tried |= Only(context_.shard);
  bounced.message = message;
  if (bounced.shared != nullptr) bounced.shared->Acquire();
  context_.mailroom.Send(record.origin, bounced);
}

// A member we chose on another shard was gone: choose among the rest. When nobody is left, the
// publisher learns it as if there had been nobody from the start.
void Delivery::OnBounce(const MessageRecord& record) {
  const auto client = context_.clients.find(record.publisher);
  ClientSession* publisher = client == context_.clients.end() ? nullptr : client->second;
  const Source source = {publisher, record.publisher, context_.shard, UINT64_MAX, record.routed};
  const MatchResult& match = context_.cache.Match(record.message.account, record.message.subject);
  for (const MatchResult::Group& group : match.groups) {
    if (group.queue != record.queue) continue;
    if (DeliverOneToGroup(group, record.message, source, record.tried, match.as_of)) {
      return SendToTargets(record.message, source);
    }
    if (record.routed && PassOn(group, record.message, source)) return;
  }
  context_.stats.lost_interest.Add();
  if (publisher != nullptr && !publisher->closing()) {
    AnswerNoResponders(record.message, *publisher);
  }
}

}  // namespace martlet::session
