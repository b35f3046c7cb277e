// The route protocol on the shard that owns the connection: interest and messages.
#pragma once

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/timer_wheel.h"
#include "proto/route_info.h"
#include "proto/route_parser.h"
#include "s2/reader.h"
#include "s2/writer.h"
#include "session/accounts.h"
#include "session/message.h"
#include "session/peer.h"
#include "session/remote_interest.h"
#include "session/session.h"

namespace martlet::session {

/// Takes what a route's session does not decide itself. Implemented by the shard, which passes it
/// on to the control shard.
class RouteHost {
 public:
  /// While the route is not registered its input stands still from these two on, until Proceed().
  virtual void OnRouteConnect(proto::RouteConnect connect) = 0;
  virtual void OnRouteInfo(proto::RouteInfo info) = 0;
  virtual void OnRouteError(std::string_view text) = 0;
  virtual void OnRoutePong() = 0;
  virtual void OnRouteRoundTrip(uint64_t ns) = 0;

 protected:
  ~RouteHost() = default;
};

/// What a registered route is: who is behind it, and which accounts it carries.
struct RouteRole {
  std::string peer_name;
  bool headers = false;         // the peer takes HMSG
  std::string account;          // of a dedicated route; empty: see `slot`
  int64_t slot = 0;             // of the pool
  int64_t pool_size = 0;        // below 1: no pool, it carries every account
  proto::SubjectLists exports;  // the peer's
  /// Accounts that it does not carry though their slot is this one: they have routes of their own.
  std::vector<std::string> without;
  bool checks = false;  // the peer takes checks of interest
};

/// One connection to another server of the cluster.
///
/// Who is behind it and whether it may stay, the control shard decides (cluster::Mesh); here it is
/// bytes: compression, interest both ways, messages, PING and PONG.
///
/// Source: spec route-protocol.md; reference route.go.
class RouteSession final : public Session {
 public:
  RouteSession(ShardContext& context, Transport& transport, RouteHost& host, uint64_t id, Peer peer,
               bool solicited);
  ~RouteSession() override;

  /// Counts it and arms its timers.
  void Start();

  void OnBytes(std::string_view bytes, base::KeptMemory* memory) override;
  void OnResume() override;
  void Detach() override;
  void PrepareOutput() override;
  void OnRingsFree() override;
  WriteLimit write_limit() const override;
  void OnWriteDeadline(size_t chunks, size_t bytes) override;

  // Wishes of the control shard.
  void Send(std::string_view bytes, bool awaits_pong);
  void Proceed();
  void CompressOutput(s2::Level level, bool automatic);
  void DecompressInput();
  void Register(RouteRole role);
  /// What the peer had told of accounts that are `without` now is forgotten: it is told elsewhere.
  void Reassign(std::string account, int64_t slot, int64_t pool_size,
                std::vector<std::string> without);
  /// The peer exports this from now on. It does not let pass by itself what it did not
  /// before: told anew, it is.
  void OnPeerPermissions(proto::SubjectLists exports);

  /// The cluster's permissions are those of the present facts now; they were `before`.
  void OnPermissions(const ClusterOptions& before);

  // For the interest board.
  bool Carries(subject::AccountId account) const { return carries_[account]; }
  /// RS+, or RS- for a weight of 0.
  void TellInterest(const subject::Filter& filter, uint32_t weight);
  /// It knows everything now.
  void OnToldAll();

  /// For the barriers: sends a PING behind everything that it is to know by now, and tells them, by
  /// the number, when the PONG is there.
  void AskPong(uint64_t barrier);

  /// A message or a run for the server behind it; `queues` are the groups that are to get it there.
  void Deliver(const Message& message, std::string_view queues);

  uint64_t id() const { return id_; }
  subject::RouteKey key() const { return key_; }
  bool registered() const { return registered_; }
  bool solicited() const { return solicited_; }
  const Peer& peer() const { return peer_; }
  size_t remote_interest() const { return interest_.size(); }
  uint64_t start_ns() const { return start_ns_; }
  /// When the last message went or came, or a change of interest.
  uint64_t last_activity_ns() const {
    return std::max(last_active_ns_, traffic().last_out_ms * 1'000'000);
  }
  uint64_t round_trip_ns() const { return round_trip_ns_; }
  /// What waits to be sent, compressed or not.
  size_t pending_bytes() const { return plain_.pending_bytes() + outbound().pending_bytes(); }

  /// Input that a pause has left.
  size_t unread_bytes() const;

  void Log(base::LogLevel level, std::string_view text) const;
  bool Logs(base::LogLevel level) const { return context_.log.enabled(level); }

 private:
  struct Unread {
    base::Keeper memory;
    std::string_view bytes;
    bool plain;  // decompressed, or never compressed
  };

  Outbound& out() { return level_ ? plain_ : outbound(); }
  void ReadLater(std::string_view bytes, base::KeptMemory* memory, bool plain);
  bool ReadCompressed(std::string_view& bytes);
  std::string_view Read(std::string_view bytes, base::KeptMemory* memory);
  void Process();
  void Execute(const proto::RouteOp& op);
  bool MayCome();
  void OnMessage(const proto::RouteOp& op);
  void OnInterest(const proto::RouteOp& op);
  void OnConnect(std::string_view text);
  void OnInfo(std::string_view text);
  void AnswerPing();
  void OnPong();
  void OnParseError();
  base::KeptMemory* KeepInput();
  proto::RouteParserLimits LimitsNow() const;

  void SetAccounts();
  // route_checks.cpp
  void ArmCheck();
  void OnCheckTimer();
  void SendChecks();
  void Replay();
  bool TakeCheck(std::string_view info);
  void Compare(const proto::InterestCheck& check, subject::AccountId account);
  bool MayExport(std::string_view subject) const;
  void WriteInterest(const subject::Filter& filter, uint32_t weight);
  void ForgetInterest(size_t count) { context_.stats.remote_subscriptions.Subtract(count); }
  void SendLine(std::string_view line);
  void SendError(std::string_view text);
  void CloseWith(std::string_view error, CloseReason reason);
  void PauseForRings();
  void PauseForOthers();
  void OnOthersHadTurn();
  void UpdatePause();
  void OnPingTimer();
  void ArmPing(uint64_t delay_ms);
  void SendPing();
  void DropBarriers();

  void TraceIn(const proto::RouteOp& op) const;
  void TraceOut(std::string_view text) const;

  RouteHost& host_;
  const uint64_t id_;
  const subject::RouteKey key_;
  const Peer peer_;
  const bool solicited_;
  proto::RouteParser parser_;
  RemoteInterest interest_;
  RouteRole role_;
  std::bitset<std::size(kAccountNames)> carries_;
  subject::AccountId own_account_ = 0;  // of a dedicated route

  base::KeptMemory* input_memory_ = nullptr;
  std::deque<Unread> unread_;
  std::unique_ptr<s2::Reader> reader_;  // null: input is not compressed
  size_t decoded_bytes_ = 0;            // in the turn that began at
  uint64_t decoded_at_ns_ = 0;
  std::optional<s2::Level> level_;  // none: output is not compressed
  Outbound plain_;                  // what is to be compressed at the end of the turn

  bool started_ = false;
  bool registered_ = false;
  bool connect_came_ = false;
  bool waits_for_control_ = false;
  bool waits_for_rings_ = false;
  bool waits_for_others_ = false;
  bool reports_round_trip_ = false;
  bool told_interest_ = false;

  uint32_t pings_out_ = 0;
  uint64_t pings_sent_ = 0;
  uint64_t pongs_got_ = 0;
  // PINGs that somebody asks about: a barrier, or (0) the control shard.
  struct AwaitedPong {
    uint64_t ping;  // its number
    uint64_t barrier;
  };
  std::deque<AwaitedPong> awaited_pongs_;
  bool told_all_ = false;
  uint32_t pongs_owed_ = 0;                         // when it has been told everything
  bool replay_asked_ = false;                       // the peer wants to be told all of it again
  uint64_t replay_from_ms_ = 0;                     // and may be so from then on
  bool replaying_ = false;                          // it is being told
  std::bitset<std::size(kAccountNames)> differed_;  // at the last check
  std::vector<uint64_t> barriers_to_ask_;           // when it has been told everything
  uint64_t ping_sent_ns_ = 0;
  uint64_t round_trip_ns_ = 0;
  uint64_t last_active_ns_;
  const uint64_t start_ns_;
  base::Timer ping_timer_ = base::Timer::Bind<&RouteSession::OnPingTimer>(this);
  base::Timer check_timer_ = base::Timer::Bind<&RouteSession::OnCheckTimer>(this);
  base::Timer others_timer_ = base::Timer::Bind<&RouteSession::OnOthersHadTurn>(this);
};

}  // namespace martlet::session
