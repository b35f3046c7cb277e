// The client protocol: what a client's operations mean.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_set.h>

#include "base/linked_list.h"
#include "base/timer_wheel.h"
#include "proto/client_parser.h"
#include "proto/connect_info.h"
#include "session/message.h"
#include "session/peer.h"
#include "session/session.h"
#include "session/subscription.h"

namespace martlet::session {

/// One client connection.
///
/// Source: spec client-protocol.md sections 1 to 8 and 11; reference client.go.
class ClientSession final : public Session, public base::ListNode {
 public:
  // What the client told about itself, for log lines and the monitor.
  struct Identity {
    std::string version, lang, name;
    std::string label;  // account and user, when credentials came
    std::string user;   // of those what identifies; [REDACTED] for a token
  };
  using Subscriptions = absl::flat_hash_set<Subscription*, SidHash, SidEqual>;

  ClientSession(ShardContext& context, Transport& transport, uint64_t id, Peer peer);
  ~ClientSession() override;

  /// Begins: counts the client, sends the first INFO, arms its timers. `over_limit`: there are too
  /// many connections, it is told so and closed.
  void Start(bool over_limit);

  void OnBytes(std::string_view bytes, base::KeptMemory* memory) override;
  void OnResume() override;
  void Detach() override;

  /// A message or a run for one of its subscriptions, counted against its maximum by the caller.
  void Deliver(const Subscription& subscription, const Message& message);
  /// The same, where the message is written already as this subscription gets it.
  void DeliverShared(const Subscription& subscription, const Message& message,
                     const SharedBytes& written);
  /// The answer of the server itself on a subscription: `block` is a header block, body empty.
  void DeliverStatus(const Subscription& subscription, std::string_view reply,
                     std::string_view block);
  /// A subscription has had all the messages it wanted.
  void Expire(Subscription& subscription);

  /// A subscriber of this publisher's messages is slow: take no input for so long. At most
  /// kStallMaxMs in all for one chunk of input.
  void Stall(uint32_t milliseconds);
  void OnRingsFree() override;
  static constexpr uint32_t kStallMaxMs = 10;
  static constexpr uint32_t kStallStepMs = 2;

  /// Reads nothing, or too slowly for a stall of its publishers to be of any help: a stalled
  /// publisher still sends a chunk of input each kStallMaxMs, and who keeps up with that empties a
  /// third of the largest send buffer (then the socket takes more) well within this time.
  bool stuck() const { return send_waits_ms() >= kStuckMs; }
  static constexpr uint64_t kStuckMs = 250;

  /// There are more clients than there may be.
  void CloseForMaximumConnections();

  /// Tells the client which servers there are now (INFO), if it can take that.
  void SendInfo();
  /// Tells the client that the server will go (INFO with ldm), if it can take that.
  void SendLameDuckInfo();

  uint64_t id() const { return id_; }
  bool echo() const { return echo_; }
  bool no_responders() const { return no_responders_; }
  bool headers() const { return headers_; }
  const Peer& peer() const { return peer_; }
  size_t subscriptions() const { return subscriptions_.size(); }

  // For the monitor.
  const Subscriptions& subscription_set() const { return subscriptions_; }
  /// Differs whenever the set has changed: its iterators are good as long as this stays.
  uint32_t subscription_changes() const { return subscription_changes_; }
  /// Null when the client said nothing.
  const Identity* identity() const { return identity_.get(); }
  /// Times of the monotonic clock: when it came, and when it last sent or got a message, or changed
  /// a subscription.
  uint64_t start_ns() const { return start_ns_; }
  uint64_t last_activity_ns() const;
  /// Of the last ping, or of the first INFO to the CONNECT; 0: not known. As exact as turns are
  /// long.
  uint64_t round_trip_ns() const { return round_trip_ns_; }
  uint32_t stalls() const { return stalls_; }

  /// False when it has been given this mark already: tells a delivery that it comes by again.
  bool TakeMark(uint64_t mark) { return std::exchange(mark_, mark) != mark; }

  WriteLimit write_limit() const override;
  void OnWriteDeadline(size_t chunks, size_t bytes) override;

  void Log(base::LogLevel level, std::string_view text) const;
  bool Logs(base::LogLevel level) const { return context_.log.enabled(level); }

 private:
  void Process();
  void Execute(const proto::Op& op);
  void OnPublish(const proto::Op& op);
  base::KeptMemory* KeepInput();
  std::string_view Read(std::string_view bytes, base::KeptMemory* memory);
  void ReadLater(std::string_view bytes, base::KeptMemory* memory);
  proto::ParserLimits ParserLimitsNow() const;
  bool PublishRuns(Message message, subject::MatchCache::Memo& memo);
  void PublishAhead();
  void Foresee(std::span<const uint64_t> hashes);
  bool PublishOne(const Message& message, uint64_t hash, subject::MatchCache::Memo& memo);
  bool AnswerRequest(const Message& message);
  void Publish(const Message& message, const subject::MatchResult& match);
  void OnSubscribe(const proto::Op& op);
  void OnUnsubscribe(const proto::Op& op);
  void OnConnect(std::string_view text);
  void OnPing();
  void OnPong();
  void OnPeerError(std::string_view text);
  void OnInfo(std::string_view text);
  void OnParseError();

  bool AcceptConnect(const proto::ConnectInfo& info);
  void Remember(const proto::ConnectInfo& info);
  bool MayPublish(std::string_view subject, std::string_view reply);
  bool MaySubscribe(const proto::Op& op);
  void Unsubscribe(Subscription& subscription);
  void Withdraw(Subscription& subscription);
  void DropSubscriptions();

  void SendError(std::string_view text);
  void SendOk();
  void SendLine(std::string_view line);
  void AfterMessage(const Subscription& subscription, const Message& message);
  void AfterAppend();

  uint64_t RoundTripSince(uint64_t begin_ns) const;
  void ArmFirstPing();
  void OnPingTimer();
  void OnStallTimer();
  void WarnOfStall();
  void PauseForRings();
  void UpdatePause();

  void TraceIn(std::string_view verb, std::string_view argument) const;
  void TracePayload(std::string_view direction, std::string_view payload,
                    size_t header_bytes) const;
  void TraceOut(std::string_view text) const;
  void TraceDelivery(const Subscription& subscription, const Message& message) const;

  const uint64_t id_;
  const Peer peer_;
  proto::ClientParser parser_;
  base::KeptMemory* input_memory_ = nullptr;  // of the present chunk of input
  struct Unread {
    base::Keeper memory;
    std::string_view bytes;
  };
  std::vector<Unread> unread_;  // what came while paused, or was left over
  Subscriptions subscriptions_;
  std::unique_ptr<Identity> identity_;  // null until CONNECT

  // Wishes of the CONNECT, with the defaults that hold without one.
  bool verbose_ = true;
  bool pedantic_ = true;
  bool echo_ = true;
  bool headers_ = false;
  bool no_responders_ = false;
  uint8_t protocol_ = 0;

  bool connected_ = false;  // CONNECT came
  bool first_pong_sent_ = false;
  bool started_ = false;
  bool waiting_for_rings_ = false;

  uint8_t pings_out_ = 0;
  uint32_t stall_left_ms_ = 0;  // of the present chunk of input
  uint32_t stalled_ms_ = 0;     // since the last warning
  uint64_t mark_ = 0;
  uint64_t last_input_ms_;     // last message, SUB, UNSUB or PING
  uint64_t ping_sent_ms_ = 0;  // when the round trip was last measured
  uint64_t ping_sent_ns_ = 0;  // ... and has not come back; 0: it has
  const uint64_t start_ns_;
  uint64_t round_trip_ns_ = 0;
  uint32_t stalls_ = 0;
  uint32_t subscription_changes_ = 0;

  base::Timer ping_timer_ = base::Timer::Bind<&ClientSession::OnPingTimer>(this);
  base::Timer stall_timer_ = base::Timer::Bind<&ClientSession::OnStallTimer>(this);
};

}  // namespace martlet::session
