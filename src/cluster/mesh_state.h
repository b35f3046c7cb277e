// What a mesh knows and does; divided over several files, one for each thing that happens.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "cluster/alarms.h"
#include "cluster/client_urls.h"
#include "cluster/dialer.h"
#include "cluster/events.h"
#include "cluster/link.h"
#include "cluster/lost_peers.h"
#include "cluster/mesh.h"
#include "cluster/peers.h"
#include "proto/close_reason.h"

namespace martlet::cluster {

/// Invariants: a link in a peer's tables is up, and an up link is in exactly one of them; a waiting
///             link and the holder of its place name each other.
class Mesh::State {
 public:
  State(Settings settings, uint64_t seed);

  /// Opens each call: where actions go, and what time it is. 0: the time of the call before.
  void Begin(uint64_t now_ms, Actions& out) {
    now_ms_ = now_ms > now_ms_ ? now_ms : now_ms_;
    out_ = &out;
  }
  /// Closes it.
  void End();

  void Start();
  void OnTimer();
  uint64_t NextTimer() const;
  void Reload(Settings settings);
  void EnterLameDuck();
  void Stop();

  void On(const Resolved& event);
  void On(const Dialed& event);
  void On(const DialFailed& event);
  void On(const Accepted& event);
  void On(const ConnectCame& event);
  void On(const PasswordChecked& event);
  void On(const InfoCame& event);
  void On(const ErrorCame& event);
  void On(const PongCame& event);
  void On(const RoundTrip& event);
  void On(const LinkClosed& event);

  const std::string& cluster_name() const { return settings_.name; }
  size_t links() const { return peers_.links(); }
  size_t remotes() const { return peers_.known(); }
  uint64_t member_differences() const { return member_differences_; }
  std::vector<LinkView> Registered() const;

 private:
  friend class MeshSurgery;
  using CloseReason = proto::CloseReason;
  using LogLevel = base::LogLevel;
  enum class Due : uint8_t { kAuthentication, kProbe };

  // mesh_state.cpp: what all parts use.
  void Do(Action action) { out_->push_back(std::move(action)); }
  void Say(LogLevel level, const Link& link, std::string text);
  void Say(LogLevel level, std::string text);
  void SendTo(const Link& link, std::string bytes) {
    Do(Send{.link = link.id, .bytes = std::move(bytes), .awaits_pong = false});
  }
  void Ping(const Link& link) {
    Do(Send{.link = link.id, .bytes = "PING\r\n", .awaits_pong = true});
  }
  void SendError(const Link& link, std::string_view text);
  Link* Find(LinkId id);
  Link* FindOpen(LinkId id);
  bool pooled() const { return settings_.pool_size >= 1; }
  void Dial(Target target, uint64_t delay_ms);
  void DialRoutes(const std::vector<base::Url>& routes, const std::vector<std::string>& accounts,
                  bool pool);
  void TryLost();
  void RememberGivenUp();

  // handshake.cpp
  void Greet(Link& link);
  void Authorize(Link& link);
  void OnVerdict(Link& link, bool authorized);
  const std::string& PasswordToSend() const;
  void ViolateAuthorization(Link& link, const std::string& user);
  bool MayConnect(Link& link, const proto::RouteConnect& connect);
  bool AdoptOrReject(Link& link, const proto::RouteConnect& connect);
  void OnFirstInfo(Link& link, proto::RouteInfo info);
  enum class Negotiated : uint8_t { kPlain, kAnotherInfoComes, kRefused };
  Negotiated Negotiate(Link& link, const proto::RouteInfo& info);
  void SwitchToCompression(Link& link, CompressionMode chosen);
  std::string_view AnnouncedCompression(const Link& link) const;
  CompressionMode LevelAt(std::chrono::nanoseconds round_trip) const;
  bool LearnPeer(Link& link, proto::RouteInfo info);

  void LimitStrangers();

  // names.cpp
  bool TakesName(const std::string& theirs, bool theirs_dynamic) const;
  void TakeName(const std::string& name, bool dynamic, const std::string& except_peer);

  // registration.cpp
  void Admit(Link& link);
  void AdmitDedicated(Link& link);
  void AdmitUnpooled(Link& link);
  void AdmitPooled(Link& link);
  bool HasAccount(const std::string& name) const;
  void RefuseToRegister(Link& link, const std::string& text, CloseReason reason);
  std::string Objection(const Link& link, bool pool) const;
  int64_t PoolSizeWith(const proto::RouteInfo& info) const;
  void Refuse(Link& link, const std::string& text, CloseReason reason);
  void PutIntoSlot(Link& link, Peer& peer, int64_t slot);
  void Enter(Link& link, const Peer& peer, int64_t slot);
  std::vector<std::string> WithoutFor(const Link& link, const Peer& peer) const;
  void Reassign(const Link& link, const Peer& peer);

  // duplicates.cpp
  void OnOccupied(Link& holder, Link& newcomer, bool no_redial);
  void Probe(const Link& link);
  void OnProbeFailed(Link& holder);
  bool KeepsHolder(const Link& holder, const Link& newcomer) const;
  bool YieldsAtOnce(const Link& holder, const Link& newcomer) const;
  void Yield(Link& holder, Link& newcomer);
  void Replace(Link& holder, Link& newcomer);
  void CloseStale(Link& link);
  void SuspectOthers(const Link& dead);
  void CloseDuplicate(Link* holder, Link& newcomer);
  static void Inherit(Link& survivor, const Link& closed);
  static void UpgradeToSolicited(Link& link, const base::Url& url, bool configured);

  // closing.cpp
  void CloseLink(Link& link, CloseReason reason);
  void Detach(Link& link, bool by_error);
  void OnPeerGone(const Link& last, Peer& peer, bool by_error);
  static bool IsError(const Link& link, CloseReason reason);
  void RedialAfter(Link& link, CloseReason reason);
  void RedialUnpooled(const Link& link, CloseReason reason, uint64_t early_ends);

  // gossip.cpp
  void OnUpdate(Link& link, const proto::RouteInfo& info);
  void OnGossip(Link& link, const proto::RouteInfo& info);
  base::Url WithOwnUser(base::Url url, const proto::RouteInfo& info) const;
  bool IsConfigured(const proto::RouteInfo& info) const;
  bool IsToBeForwarded(const Link& newcomer) const;
  bool MayHaveMissed(const Link& newcomer, const Peer& peer) const;
  void ForwardSoon(Link& newcomer);
  void Forward(const Link& newcomer);
  void RepeatGossip(const Peer& peer);

  // member_checks.cpp
  uint64_t SumOfMembers() const;
  void ArmMembersCheck(const Link& link);
  void SendMembersCheck(const std::string& peer_id);
  void OnMembersCheck(const Link& link, const proto::RouteInfo& info);

  // pinning.cpp
  void RefreshDedicated();
  void AskToPin(const std::vector<std::string>& accounts);
  void OnPinInfo(Link& link, proto::RouteInfo info);
  void OnPinTimer();
  void FinishPinning();

  // mending.cpp
  bool IsComplete(const Peer& peer) const;
  void CheckComplete(Peer& peer);
  uint64_t FirstMendDelay(const Peer& peer) const;
  void Mend(const std::string& peer_id);
  void MendSoon(Peer& peer);
  /// For each pinned account that has no connection yet; `target` is where.
  void DialAccounts(const Peer& peer, Target target);

  // first_mesh.cpp
  void AwaitMesh();
  void NoteReached(const base::Url& url, const std::string& peer_id);
  void TellIfMeshStands();
  bool HasAnswered(const Peer& peer) const;

  // reload.cpp
  void ReloadName(const Settings& before);
  void RemoveRoutes(const Settings& before);
  void ReloadCompression();
  void ReloadAuthorization();
  void ReloadPermissions();
  void ReloadPool(const Settings& before);

  Settings settings_;  // with the cluster's present name
  bool name_was_generated_ = false;
  base::Random random_;
  std::set<std::string> requested_;  // accounts that peers gave connections of their own
  std::set<std::string> dedicated_;  // those and our own
  Dialer dialer_;
  LostPeers lost_;
  std::map<LinkId, Link> links_;
  uint64_t checks_ = 0;         // of passwords, so far
  std::set<LinkId> strangers_;  // accepted, and never up; the oldest first
  Peers peers_;
  ClientUrls client_urls_;
  bool client_urls_changed_ = false;
  std::vector<std::string> told_urls_;
  Alarms<std::pair<Due, LinkId>> alarms_;
  Alarms<std::string> mends_;          // by server id
  Alarms<std::string> member_checks_;  // the same
  uint64_t member_differences_ = 0;

  // A configured route, and whom it led to.
  struct Awaited {
    base::Url url;
    std::string peer_id;  // empty: nobody yet
  };
  std::vector<Awaited> awaited_;  // until the mesh stands; empty: nobody waits

  // A reload that gives accounts connections of their own, while peers have not all agreed.
  std::string pin_request_;
  size_t pin_answers_missing_ = 0;
  uint64_t pin_until_ms_ = UINT64_MAX;
  std::vector<std::string> pin_accounts_;
  uint64_t pin_requests_ = 0;

  bool stopped_ = false;
  bool lame_duck_ = false;
  uint64_t now_ms_ = 0;
  Actions* out_ = nullptr;
};

}  // namespace martlet::cluster
