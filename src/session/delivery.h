// From a published message to everybody who wants it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "session/message.h"
#include "session/record.h"
#include "session/shard_context.h"
#include "session/subscription.h"

namespace martlet::session {

inline Subscription& AsSubscription(subject::Subscriber* subscriber) {
  return *static_cast<Subscription*>(subscriber);
}
inline subject::ShardSet Only(unsigned shard) { return subject::ShardSet{1} << shard; }

/// Publishes for the sessions of one shard, and takes what other shards publish to it.
///
/// Rules (spec subjects-and-routing.md sections 2, 3): each matching plain subscription gets a
/// copy, each queue group one copy for one member, chosen with equal chance among all members on
/// all shards; a member that cannot take it passes to the next. Copies to plain subscriptions come
/// first.
///
/// Other servers get one copy each, for their plain subscriptions and for the groups of which they
/// were chosen a member, each with the weight that it told; it goes by the shard that has the
/// route. What comes from another server goes to clients of this one alone, and of the groups only
/// to those that it names; a group that has no member here any more is passed on to a server that
/// has one.
///
/// A run goes to one subscription after the other, each time all its messages: so each connection
/// is touched, and each output extended, once. It is taken apart where the messages of a connection
/// would come in another order than one by one.
///
/// Thread: its shard's, always. Not re-entered: sessions only append and note.
class Delivery {
 public:
  explicit Delivery(ShardContext& context) : context_(context) {}

  /// Delivers a message or a run of a client, or of the server itself (null). False when nobody
  /// took it, here or on another shard.
  bool Publish(const Message& message, ClientSession* publisher) {
    return Publish(message, publisher, context_.cache.Match(message.account, message.subject));
  }
  /// The same, with the match at hand.
  bool Publish(const Message& message, ClientSession* publisher, const subject::MatchResult& match);

  /// Delivers a message or a run that came by a route, with the groups (a blank between two) that
  /// are to get it here.
  void PublishRouted(const Message& message, std::string_view queues, const RouteSession& route,
                     const subject::MatchResult& match);

  /// Sends the 503 reply to the publisher's own plain subscription that matches `message.reply`,
  /// if it asked for that and has one.
  void AnswerNoResponders(const Message& message, ClientSession& publisher);

  /// A kMessage, kQueuePick, kBounce, kRouted or kStall record of another shard.
  void OnRecord(std::span<const char> record);

 private:
  // Where a message comes from: a client of this shard, or of another one.
  struct Source {
    ClientSession* client;  // null when it is elsewhere, or gone
    uint64_t id;
    unsigned shard;
    // Only to filters that the match on the publisher's shard is sure to have seen.
    uint64_t as_of = UINT64_MAX;
    bool routed = false;  // by another server
  };

  void OnMessage(const MessageRecord& record);
  void OnQueuePick(const MessageRecord& record);
  void OnBounce(const MessageRecord& record);
  void OnStall(const StallRecord& record);
  void OnRouted(const MessageRecord& record);
  void PublishRoutedOne(const Message& message, std::string_view queues, const RouteSession& route,
                        const subject::MatchResult& match);
  bool SpreadRouted(const Message& run, std::string_view queues, const RouteSession& route,
                    const subject::MatchResult& match);
  void AddTarget(subject::RouteKey route, std::string_view queue);
  void SendToTargets(const Message& message, const Source& source);
  void SendToRoute(subject::RouteKey route, std::string_view queues, const Message& message,
                   const Source& source, SharedPayload*& shared);
  void DeliverToRoute(RouteSession& route, std::string_view queues, const Message& message,
                      const Source& source);
  bool PassOn(const subject::MatchResult::Group& group, const Message& message,
              const Source& source);
  bool PickRemote(const subject::MatchResult::Group& group, uint32_t pick);

  bool PublishOneByOne(const Message& run, ClientSession* publisher,
                       const subject::MatchResult& match);
  bool GoesInOne(const Message& message, const subject::MatchResult& match);
  bool RunGoesInOneToPlain(const subject::MatchResult& match);
  bool DeliverPlain(const subject::MatchResult& match, const Message& message,
                    const Source& source);
  // One form of a message, written for all local subscriptions that get it just so.
  class Shared;

  bool DeliverToLocal(std::span<subject::Subscriber* const> local, const Message& message,
                      const Source& source);
  bool DeliverTo(Subscription& subscription, const Message& message, const Source& source,
                 const Shared* shared = nullptr);
  bool DeliverOneByOne(Subscription& subscription, const Message& run, const Source& source);
  bool MayReachLimit(const Subscription& subscription, const Message& run) const;
  bool DeliverToGroup(const subject::MatchResult::Group& group, const Message& message,
                      const Source& source, uint64_t as_of);
  bool DeliverOneToGroup(const subject::MatchResult::Group& group, const Message& message,
                         const Source& source, subject::ShardSet tried, uint64_t as_of);
  bool Spread(const subject::MatchResult::Group& group, const Message& run, const Source& source,
              uint64_t as_of, bool picked_here);
  bool CollectMembers(const subject::MatchResult::Group& group, const Message& run,
                      const Source& source);
  void Draw(uint32_t messages, uint32_t local_members);
  void ForwardPicks(unsigned shard, std::string_view queue, const Message& picks,
                    const Source& source, uint64_t as_of);
  bool DeliverPicked(const MessageRecord& record, const Message& message);
  void Bounce(const MessageRecord& record, const Message& message);
  static bool Takes(const Subscription& subscription, const Source& source);
  uint32_t RunBytesMax() const;
  uint32_t CountForRecord(const Message& message, uint32_t left) const;
  uint32_t CountOfPicks(const Message& picks, uint32_t left) const;
  uint32_t LocalMembers(const subject::MatchResult::Group& group, uint64_t as_of) const;
  bool DeliverToLocalMember(const subject::MatchResult::Group& group, const Message& message,
                            const Source& source, uint32_t start);
  void ForwardPlain(subject::ShardSet shards, const Message& message, const Source& source,
                    uint64_t as_of);
  void Forward(unsigned shard, MessageRecord& record, SharedPayload*& shared);
  void StallSource(const Source& source, uint32_t milliseconds);
  void ExpireSubscriptions();

  ShardContext& context_;
  std::vector<Subscription*> expired_;  // have had all they wanted, in this delivery
  // Who can take messages of a run, and which each gets; members of other shards are one each.
  struct Share {
    Subscription* member;  // null: on another shard, or server
    unsigned shard;
    subject::RouteKey route;  // 0: of this server
    uint32_t weight;
    uint32_t messages = 0;
    uint32_t first = 0;  // of its picks
  };
  std::vector<Share> shares_;
  // Routes that are to get the present message, and for which groups.
  struct Target {
    subject::RouteKey route;
    std::string queues;  // a blank between two
  };
  std::vector<Target> targets_;
  size_t targets_used_ = 0;         // of them; the rest are kept for their strings
  std::vector<uint32_t> drawn_;     // for each message, the share it goes to
  std::vector<uint32_t> picks_;     // numbers of messages, by share
  uint64_t marks_ = 0;              // the last mark that GoesInOne has given
  uint64_t stalled_publisher_ = 0;  // who was last told to pause, and when
  uint64_t stalled_at_ms_ = 0;
};

}  // namespace martlet::session
