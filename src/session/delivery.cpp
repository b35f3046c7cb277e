#include "session/delivery.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "session/client_session.h"
#include "session/message_writer.h"

namespace martlet::session {

using subject::Filter;
using subject::MatchResult;
using subject::ShardSet;

/// Written when the first and the last subscription of a list want the same bytes, which is a good
/// guess for those between; each is asked all the same.
class Delivery::Shared {
 public:
  /// Writes what `messages` begin with, as much as has room in a block.
  Shared(std::span<subject::Subscriber* const> local, const Message& messages, ChunkPool& pool)
      : count_(messages.count) {
    if (local.size() < 2) return;
    const Subscription& first = AsSubscription(local.front());
    sid_ = first.sid();
    headers_ = first.client().headers();
    if (!Fits(AsSubscription(local.back()))) return;
    bytes_ = WriteShared(messages, sid_, headers_, pool, count_);
    bytes_.block->Keep();
  }
  ~Shared() {
    if (bytes_.block != nullptr) bytes_.block->LetGo();
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;

  /// Messages to go on with: those that were written, or all when none is.
  uint32_t count() const { return count_; }
  bool Fits(const Subscription& subscription) const {
    return subscription.client().headers() == headers_ && subscription.sid() == sid_;
  }
  /// Null when the subscription gets something else.
  const SharedBytes* For(const Subscription& subscription) const {
    return bytes_.block != nullptr && Fits(subscription) ? &bytes_ : nullptr;
  }

 private:
  std::string_view sid_;
  bool headers_ = false;
  uint32_t count_;
  SharedBytes bytes_;
};

bool Delivery::Publish(const Message& message, ClientSession* publisher, const MatchResult& match) {
  if (match.empty()) return false;
  if (!GoesInOne(message, match)) return PublishOneByOne(message, publisher, match);
  const Source source = {publisher, publisher == nullptr ? 0 : publisher->id(), context_.shard};

  bool delivered = DeliverPlain(match, message, source);
  const ShardSet others = match.plain_shards & ~Only(context_.shard);
  if (others != 0) {
    ForwardPlain(others, message, source, match.as_of);
    delivered = true;
  }
  for (const Filter* filter : match.remote) AddTarget(filter->route(), {});
  for (const MatchResult::Group& group : match.groups) {
    delivered |= DeliverToGroup(group, message, source, match.as_of);
  }
  if (targets_used_ > 0) {
    SendToTargets(message, source);
    delivered = true;
  }
  ExpireSubscriptions();
  return delivered;
}

// A delivery may end subscriptions, so each message looks anew.
bool Delivery::PublishOneByOne(const Message& run, ClientSession* publisher,
                               const MatchResult& match) {
  bool delivered = Publish(run.Part(0, 1), publisher, match);
  for (uint32_t i = 1; i < run.count; ++i) delivered |= Publish(run.Part(i, 1), publisher);
  return delivered;
}

// False for a run when a connection has several of the subscriptions: its messages would change
// places. Connections of other shards are looked at there.
bool Delivery::GoesInOne(const Message& message, const MatchResult& match) {
  if (message.count == 1) return true;
  if (!match.groups.empty()) {
    return match.plain.empty() && match.remote.empty() && match.groups.size() == 1;
  }
  return RunGoesInOneToPlain(match);
}

bool Delivery::RunGoesInOneToPlain(const MatchResult& match) {
  if (match.plain.empty()) return true;
  if (match.plain.size() == 1 && match.plain.front()->local(context_.shard).size() < 2) return true;
  ++marks_;
  for (const Filter* filter : match.plain) {
    for (subject::Subscriber* subscriber : filter->local(context_.shard)) {
      if (!AsSubscription(subscriber).client().TakeMark(marks_)) return false;
    }
  }
  return true;
}

bool Delivery::DeliverPlain(const MatchResult& match, const Message& message,
                            const Source& source) {
  if (match.local_filters == 0) return false;
  if (match.local_filters == 1) {
    const subject::LocalList& list = *match.first_local;
    return list.active_since() <= source.as_of && DeliverToLocal(list.members(), message, source);
  }
  bool delivered = false;
  for (const Filter* filter : match.plain) {
    if (filter->active_since(context_.shard) > source.as_of) continue;
    delivered |= DeliverToLocal(filter->local(context_.shard), message, source);
  }
  return delivered;
}

bool Delivery::DeliverToLocal(std::span<subject::Subscriber* const> local, const Message& message,
                              const Source& source) {
  if (local.size() == 1) return DeliverTo(AsSubscription(local.front()), message, source);
  bool delivered = false;
  for (uint32_t next = 0; next < message.count;) {
    const Shared shared(local, message.Part(next, message.count - next), context_.pool);
    const Message part = message.Part(next, shared.count());
    for (subject::Subscriber* subscriber : local) {
      delivered |= DeliverTo(AsSubscription(subscriber), part, source, &shared);
    }
    next += part.count;
  }
  return delivered;
}

bool Delivery::DeliverTo(Subscription& subscription, const Message& message, const Source& source,
                         const Shared* shared) {
  ClientSession& client = subscription.client();
  if (!Takes(subscription, source)) return false;
  if (message.count > 1 && MayReachLimit(subscription, message)) [[unlikely]] {
    return DeliverOneByOne(subscription, message, source);
  }

  subscription.delivered += message.count;
  if (const SharedBytes* bytes = shared == nullptr ? nullptr : shared->For(subscription)) {
    client.DeliverShared(subscription, message, *bytes);
  } else {
    client.Deliver(subscription, message);
  }
  if (subscription.used_up()) expired_.push_back(&subscription);

  const Options& options = context_.facts->options;
  const auto pending = static_cast<int64_t>(client.outbound().pending_bytes());
  if (pending > options.max_pending_bytes / 4 * 3 && options.stall_fast_producers) [[unlikely]] {
    if (!client.stuck()) StallSource(source, ClientSession::kStallStepMs);
  }
  return true;
}

bool Delivery::Takes(const Subscription& subscription, const Source& source) {
  const ClientSession& client = subscription.client();
  return !client.closing() && !subscription.used_up() &&
         (&client != source.client || client.echo());
}

bool Delivery::DeliverOneByOne(Subscription& subscription, const Message& run,
                               const Source& source) {
  bool delivered = false;
  for (uint32_t i = 0; i < run.count; ++i) {
    delivered |= DeliverTo(subscription, run.Part(i, 1), source);
  }
  return delivered;
}

// Whether something could become due in the midst of the run: the end of the subscription, a stall
// of the publisher, the end of a client that does not read.
bool Delivery::MayReachLimit(const Subscription& subscription, const Message& run) const {
  if (subscription.max > 0) return true;
  const size_t line_bytes = run.subject.size() + subscription.sid().size() + run.reply.size() + 32;
  const size_t bytes = run.count * (line_bytes + run.payload.size());
  const auto pending =
      static_cast<int64_t>(subscription.client().outbound().pending_bytes() + bytes);
  return pending > context_.facts->options.max_pending_bytes / 4 * 3;
}

// Of a run, in one record: a small part of a ring.
uint32_t Delivery::RunBytesMax() const {
  constexpr size_t kUsualBytes = 32768;
  return static_cast<uint32_t>(std::min(kUsualBytes, context_.mailroom.record_bytes_max() / 2));
}

void Delivery::ForwardPlain(ShardSet shards, const Message& message, const Source& source,
                            uint64_t as_of) {
  for (uint32_t next = 0; next < message.count;) {
    const Message piece = message.Part(next, CountForRecord(message, message.count - next));
    SharedPayload* shared = nullptr;
    for (ShardSet to = shards; to != 0; to &= to - 1) {
      MessageRecord record = {.kind = RecordKind::kMessage,
                              .publisher = source.id,
                              .origin = static_cast<uint8_t>(context_.shard),
                              .as_of = as_of,
                              .routed = source.routed,
                              .message = piece};
      Forward(static_cast<unsigned>(__builtin_ctzll(to)), record, shared);
    }
    if (shared != nullptr) shared->Release();
    next += piece.count;
  }
}

// How many of the next messages of a run go in one record: all where it can be lent, as many as
// take a small part of a ring where they are small, else one.
uint32_t Delivery::CountForRecord(const Message& message, uint32_t left) const {
  if (message.count == 1) return 1;
  if (message.memory != nullptr) return left;
  if (message.payload.size() > MessageRecord::kInlineBytesMax) return 1;
  return static_cast<uint32_t>(std::clamp<size_t>(RunBytesMax() / message.stride, 1, left));
}

// Sends to another shard. What is large is lent or copied once, as `shared`, for all records.
void Delivery::Forward(unsigned shard, MessageRecord& record, SharedPayload*& shared) {
  const Message& message = record.message;
  if (message.picks == nullptr && message.span().size() > MessageRecord::kInlineBytesMax &&
      (message.count == 1 || message.memory != nullptr)) {
    if (shared == nullptr) {
      shared = message.memory == nullptr ? SharedPayload::Copy(message.span())
                                         : context_.mailroom.Lend(message.span(), *message.memory);
    }
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
  MessageRecord record = MessageRecord::Decode(bytes);
  const base::Keeper memory(record.shared == nullptr ? nullptr : KeptHere(*record.shared));
  record.message.memory = memory.get();
  switch (record.kind) {
    case RecordKind::kMessage:
      OnMessage(record);
      break;
    case RecordKind::kQueuePick:
      OnQueuePick(record);
      break;
    case RecordKind::kRouted:
      OnRouted(record);
      break;
    default:
      DCHECK(record.kind == RecordKind::kBounce);
      OnBounce(record);
      break;
  }
  ExpireSubscriptions();
}

void Delivery::OnMessage(const MessageRecord& record) {
  const Message& message = record.message;
  const Source source = {nullptr, record.publisher, record.origin, record.as_of, record.routed};
  const MatchResult& match = context_.cache.Match(message.account, message.subject);
  bool delivered = false;
  if (GoesInOne(message, match)) {
    delivered = DeliverPlain(match, message, source);
  } else {
    for (uint32_t i = 0; i < message.count; ++i) {
      delivered |= DeliverPlain(context_.cache.Match(message.account, message.subject),
                                message.Part(i, 1), source);
      ExpireSubscriptions();
    }
  }
  // The last subscriber may have gone while the message was on its way; that is a gap with a cause.
  if (!delivered) context_.stats.lost_interest.Add(message.count);
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
