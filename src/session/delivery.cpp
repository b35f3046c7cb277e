#include "session/delivery.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "session/client_session.h"
#include "session/message_writer.h"

namespace martlet::session {
namespace {

using subject::Filter;
using subject::MatchResult;
using subject::ShardSet;

ShardSet Only(unsigned shard) { return ShardSet{1} << shard; }

Subscription& AsSubscription(subject::Subscriber* subscriber) {
  return *static_cast<Subscription*>(subscriber);
}

uint32_t Members(const MatchResult::Group& group, unsigned shard) {
  uint32_t members = 0;
  for (const Filter* filter : group.filters) members += filter->members(shard);
  return members;
}

}  // namespace

/// Written when the first and the last subscription of a list want the same bytes, which is a good
/// guess for those between; each is asked all the same.
class Delivery::Shared {
 public:
  Shared(std::span<subject::Subscriber* const> local, const Message& message, ChunkPool& pool)
      : pool_(pool) {
    if (local.size() < 2) return;
    const Subscription& first = AsSubscription(local.front());
    sid_ = first.sid();
    headers_ = first.client().headers();
    if (!Fits(AsSubscription(local.back()))) return;
    bytes_ = WriteShared(message, sid_, headers_, pool);
    ChunkPool::Acquire(*bytes_.block);
  }
  ~Shared() {
    if (written()) pool_.Release(*bytes_.block);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  bool written() const { return bytes_.block != nullptr; }
  bool Fits(const Subscription& subscription) const {
    return subscription.client().headers() == headers_ && subscription.sid() == sid_;
  }
  const SharedBytes& bytes() const { return bytes_; }

 private:
  ChunkPool& pool_;
  std::string_view sid_;
  bool headers_ = false;
  SharedBytes bytes_;
};

bool Delivery::Publish(const Message& message, ClientSession* publisher, const MatchResult& match) {
  if (match.empty()) return false;
  const Source source = {publisher, publisher == nullptr ? 0 : publisher->id(), context_.shard};

  size_t deliveries = DeliverPlain(match, message, source);
  SharedPayload* shared = nullptr;
  for (ShardSet others = match.plain_shards & ~Only(context_.shard); others != 0;
       others &= others - 1) {
    MessageRecord record = {.kind = RecordKind::kMessage,
                            .publisher = source.id,
                            .origin = static_cast<uint8_t>(context_.shard),
                            .as_of = match.as_of,
                            .message = message};
    Forward(static_cast<unsigned>(__builtin_ctzll(others)), record, shared);
    ++deliveries;
  }
  if (shared != nullptr) shared->Release();
  for (const MatchResult::Group& group : match.groups) {
    deliveries += DeliverToGroup(group, message, source, 0, match.as_of) ? 1 : 0;
  }
  ExpireSubscriptions();
  return deliveries != 0;
}

size_t Delivery::DeliverPlain(const MatchResult& match, const Message& message,
                              const Source& source) {
  size_t deliveries = 0;
  if ((match.plain_shards & Only(context_.shard)) == 0) return 0;
  for (const Filter* filter : match.plain) {
    if (filter->active_since(context_.shard) > source.as_of) continue;
    deliveries += DeliverToLocal(filter->local(context_.shard), message, source);
  }
  return deliveries;
}

size_t Delivery::DeliverToLocal(std::span<subject::Subscriber* const> local, const Message& message,
                                const Source& source) {
  if (local.size() == 1) return DeliverTo(AsSubscription(local.front()), message, source) ? 1 : 0;
  size_t deliveries = 0;
  const Shared shared(local, message, context_.pool);
  const Shared* const written = shared.written() ? &shared : nullptr;
  for (subject::Subscriber* subscriber : local) {
    deliveries += DeliverTo(AsSubscription(subscriber), message, source, written) ? 1 : 0;
  }
  return deliveries;
}

bool Delivery::DeliverTo(Subscription& subscription, const Message& message, const Source& source,
                         const Shared* shared) {
  ClientSession& client = subscription.client();
  if (client.closing() || subscription.used_up()) return false;
  if (&client == source.client && !client.echo()) return false;

  ++subscription.delivered;
  if (shared != nullptr && shared->Fits(subscription)) {
    client.DeliverShared(subscription, message, shared->bytes());
  } else {
    client.Deliver(subscription, message);
  }
  if (subscription.used_up()) expired_.push_back(&subscription);

  const Options& options = context_.facts->options;
  const auto pending = static_cast<int64_t>(client.outbound().pending_bytes());
  if (pending > options.max_pending_bytes / 4 * 3 && options.stall_fast_producers) [[unlikely]] {
    StallSource(source, ClientSession::kStallStepMs);
  }
  return true;
}

bool Delivery::DeliverToGroup(const MatchResult::Group& group, const Message& message,
                              const Source& source, ShardSet tried, uint64_t as_of) {
  const unsigned shards = context_.index.shards();
  for (;;) {
    uint32_t total = 0;
    for (unsigned shard = 0; shard < shards; ++shard) {
      if ((tried & Only(shard)) == 0) total += Members(group, shard);
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
    // A count may have gone down between the two loops: draw again.
    if (chosen == shards) continue;

    if (chosen != context_.shard) {
      MessageRecord record = {.kind = RecordKind::kQueuePick,
                              .publisher = source.id,
                              .tried = tried,
                              .origin = static_cast<uint8_t>(source.shard),
                              .as_of = as_of,
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

// Sends to another shard. A large payload is copied once, into `shared`, for all records.
void Delivery::Forward(unsigned shard, MessageRecord& record, SharedPayload*& shared) {
  if (record.message.payload.size() > MessageRecord::kInlineBytesMax) {
    if (shared == nullptr) shared = SharedPayload::Create(record.message.payload_line());
    shared->Acquire();
    record.shared = shared;
  }
  context_.mailroom.Send(shard, record);
}

void Delivery::AnswerNoResponders(const Message& message, ClientSession& publisher) {
  if (message.reply.empty() || !publisher.no_responders()) return;
  const std::string subject(message.subject);  // the next match may reuse what it points to
  const MatchResult& match = context_.cache.Match(message.account, message.reply);
  for (const Filter* filter : match.plain) {
    for (subject::Subscriber* subscriber : filter->local(context_.shard)) {
      const Subscription& subscription = AsSubscription(subscriber);
      if (&subscription.client() != &publisher) continue;
      publisher.DeliverStatus(subscription, message.reply,
                              "NATS/1.0 503\r\nNats-Subject: " + subject + "\r\n\r\n");
      return;
    }
  }
}

void Delivery::OnRecord(std::span<const char> bytes) {
  if (KindOf(bytes) == RecordKind::kStall) return OnStall(DecodePlain<StallRecord>(bytes));
  const MessageRecord record = MessageRecord::Decode(bytes);
  switch (record.kind) {
    case RecordKind::kMessage:
      OnMessage(record);
      break;
    case RecordKind::kQueuePick:
      OnQueuePick(record);
      break;
    default:
      DCHECK(record.kind == RecordKind::kBounce);
      OnBounce(record);
      break;
  }
  ExpireSubscriptions();
  if (record.shared != nullptr) record.shared->Release();
}

void Delivery::OnMessage(const MessageRecord& record) {
  const MatchResult& match = context_.cache.Match(record.message.account, record.message.subject);
  const Source source = {nullptr, record.publisher, record.origin, record.as_of};
  // The last subscriber may have gone while the message was on its way; that is a gap with a cause.
  if (DeliverPlain(match, record.message, source) == 0) context_.stats.lost_interest.Add();
}

void Delivery::OnQueuePick(const MessageRecord& record) {
  const MatchResult& match = context_.cache.Match(record.message.account, record.message.subject);
  const Source source = {nullptr, record.publisher, record.origin, record.as_of};
  for (const MatchResult::Group& group : match.groups) {
    if (group.queue != record.queue) continue;
    const uint32_t members = LocalMembers(group, source.as_of);
    if (members != 0 &&
        DeliverToLocalMember(group, record.message, source, context_.random.Below(members))) {
      return;
    }
  }
  MessageRecord bounced = record;
  bounced.kind = RecordKind::kBounce;
  bounced.tried |= Only(context_.shard);
  if (bounced.shared != nullptr) bounced.shared->Acquire();
  context_.mailroom.Send(record.origin, bounced);
}

// A member we chose on another shard was gone: choose among the rest. When nobody is left, the
// publisher learns it as if there had been nobody from the start.
void Delivery::OnBounce(const MessageRecord& record) {
  const auto client = context_.clients.find(record.publisher);
  ClientSession* publisher = client == context_.clients.end() ? nullptr : client->second;
  const Source source = {publisher, record.publisher, context_.shard};
  const MatchResult& match = context_.cache.Match(record.message.account, record.message.subject);
  for (const MatchResult::Group& group : match.groups) {
    if (group.queue == record.queue &&
        DeliverToGroup(group, record.message, source, record.tried, match.as_of)) {
      return;
    }
  }
  context_.stats.lost_interest.Add();
  if (publisher != nullptr && !publisher->closing()) {
    AnswerNoResponders(record.message, *publisher);
  }
}

void Delivery::OnStall(const StallRecord& record) {
  const auto client = context_.clients.find(record.publisher);
  if (client != context_.clients.end()) client->second->Stall(record.milliseconds);
}

void Delivery::StallSource(const Source& source, uint32_t milliseconds) {
  if (source.shard == context_.shard) {
    if (source.client != nullptr) source.client->Stall(milliseconds);
    return;
  }
  // Once per publisher and millisecond is enough: the pause is longer than that.
  const uint64_t now = context_.timers.now();
  if (stalled_publisher_ == source.id && stalled_at_ms_ == now) return;
  stalled_publisher_ = source.id;
  stalled_at_ms_ = now;
  context_.mailroom.SendPlain(source.shard,
                              StallRecord{RecordKind::kStall, milliseconds, source.id});
}

void Delivery::ExpireSubscriptions() {
  for (Subscription* subscription : expired_) subscription->client().Expire(*subscription);
  expired_.clear();
}

}  // namespace martlet::session
