// Which place among the connections to its server a connection gets.
#include <algorithm>
#include <utility>

#include "base/go_text.h"
#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {

using base::GoQuote;

/// Source: spec route-protocol.md section 8; reference addRoute.
void Mesh::State::Admit(Link& link) {
  const bool pool = link.info.route_pool_size > 0 && pooled();
  if (!pool && !link.account.empty()) link.no_redial = true;
  link.no_pool = !pool;
  if (!link.account.empty() && !HasAccount(link.account)) {
    return RefuseToRegister(
        link, "Unable to lookup account " + GoQuote(link.account) + ": account missing",
        CloseReason::kMissingAccount);
  }
  if (const std::string objection = Objection(link, pool); !objection.empty()) {
    return RefuseToRegister(link, objection, CloseReason::kProtocolViolation);
  }
  if (!pool) return AdmitUnpooled(link);
  if (!link.account.empty()) return AdmitDedicated(link);
  AdmitPooled(link);
}

bool Mesh::State::HasAccount(const std::string& name) const {
  const auto& accounts = settings_.accounts;
  return accounts.empty() || std::find(accounts.begin(), accounts.end(), name) != accounts.end();
}

// The reference's parser says this of all that was not registered.
void Mesh::State::RefuseToRegister(Link& link, const std::string& text, CloseReason reason) {
  link.afterwards.push_back({.level = LogLevel::kDebug,
                             .link = link.id,
                             .text = "Detected duplicate remote route " + GoQuote(link.peer_id)});
  Refuse(link, text, reason);
}

std::string Mesh::State::Objection(const Link& link, bool pool) const {
  const proto::RouteInfo& info = link.info;
  if (!pool) {
    if (link.account.empty()) return {};
    return "Not possible to have a dedicated route for account " + GoQuote(link.account) +
           " between those servers";
  }
  if (link.dialled) {
    if (info.route_pool_idx != 0) {
      return "Route pool index should not be set but is set to " +
             std::to_string(info.route_pool_idx);
    }
  } else if (info.route_pool_idx < 0 || info.route_pool_idx >= PoolSizeWith(info)) {
    return "Invalid route pool index: " + std::to_string(info.route_pool_idx) + " - pool size is " +
           std::to_string(info.route_pool_size);
  }
  if (!link.account.empty() && !dedicated_.contains(link.account)) {
    return "No route for account " + GoQuote(link.account);
  }
  return {};
}

int64_t Mesh::State::PoolSizeWith(const proto::RouteInfo& info) const {
  return std::min(Peer::kPoolMax, std::max(settings_.pool_size, info.route_pool_size));
}

void Mesh::State::Refuse(Link& link, const std::string& text, CloseReason reason) {
  SendError(link, text);
  Say(LogLevel::kError, link, text);
  CloseLink(link, reason);
}

void Mesh::State::AdmitDedicated(Link& link) {
  Peer& peer = peers_.Get(link.peer_id);
  const auto held = peer.dedicated.find(link.account);
  if (held != peer.dedicated.end()) return OnOccupied(links_.at(held->second), link, true);
  peer.dedicated.emplace(link.account, link.id);
  if (peer.info.server_id.empty()) {
    peer.info = link.info;
    peer.info.route_account.clear();
  }
  Enter(link, peer, -1);
  if (peers_.DedicatedTo(link.account) > 1) ForwardSoon(link);
  CheckComplete(peer);
}

void Mesh::State::AdmitUnpooled(Link& link) {
  Peer& peer = peers_.Get(link.peer_id);
  if (peer.known()) return OnOccupied(links_.at(peer.AnyLink()), link, true);
  peer.pool_size = 1;
  PutIntoSlot(link, peer, 0);
}

void Mesh::State::AdmitPooled(Link& link) {
  Peer& peer = peers_.Get(link.peer_id);
  const bool known = peer.known();
  peer.pool_size = PoolSizeWith(link.info);  // a reload there may have changed it
  if (!known) {
    return PutIntoSlot(link, peer, link.info.route_pool_idx);  // 0 where we have dialled
  }
  if (link.dialled) {
    for (const auto& [slot, id] : peer.slots) {
      UpgradeToSolicited(links_.at(id), link.url, link.configured);
    }
    const int64_t slot = peer.FreeSlot();
    if (slot >= 0) return PutIntoSlot(link, peer, slot);
    Say(LogLevel::kDebug, link,
        "Route pool size reached, closing extra connection to " + GoQuote(link.peer_id));
    return CloseDuplicate(nullptr, link);
  }
  const int64_t slot = link.info.route_pool_idx;
  if (const auto held = peer.slots.find(slot); held != peer.slots.end()) {
    Link& holder = links_.at(held->second);
    if (YieldsAtOnce(holder, link)) return Yield(holder, link);
    return OnOccupied(holder, link, false);
  }
  for (const auto& [other, id] : peer.slots) {
    const Link& first = links_.at(id);
    if (!first.solicited) continue;
    UpgradeToSolicited(link, first.url, first.configured);
    break;
  }
  PutIntoSlot(link, peer, slot);
}

void Mesh::State::PutIntoSlot(Link& link, Peer& peer, int64_t slot) {
  peer.slots.emplace(slot, link.id);
  peer.no_pool = link.no_pool;
  if (!link.no_pool) peer.their_pool_size = link.info.route_pool_size;
  Enter(link, peer, slot);
  if (peer.slots.size() == 1) {
    peer.info = link.info;
    peer.since_ms = now_ms_;
    peer.joined_here = !link.dialled && link.info.gossip_mode != proto::kGossipDisabled;
    peer.leaving = false;
    ArmMembersCheck(link);
    if (peers_.known() > 1) ForwardSoon(link);
    if (!settings_.no_advertise) {
      peer.urls = link.info.connect_urls;
      client_urls_changed_ |= client_urls_.Add(peer.urls);
    }
  }
  // The PONG shows that the peer takes us for what we say before there are more connections.
  if (!link.no_pool && link.dialled && peer.FreeSlot() >= 0) {
    link.dial_next = true;
    if (!link.forward) Ping(link);
  }
  CheckComplete(peer);
}

/// From here on it carries interest and messages.
void Mesh::State::Enter(Link& link, const Peer& peer, int64_t slot) {
  link.slot = slot;
  link.phase = Link::Phase::kUp;
  link.up_ms = now_ms_;
  strangers_.erase(link.id);
  if (std::exchange(link.owes_info, false)) {
    SendTo(link, OwnInfo(settings_, {.account = link.account,
                                     .compression = AnnouncedCompression(link),
                                     .slot = slot > 0 ? slot : 0,
                                     .gossip_mode = link.gossip_mode}));
  }
  Do(Register{.link = link.id,
              .peer_id = link.peer_id,
              .peer_name = link.peer_name,
              .headers = settings_.headers && link.info.headers,
              .account = link.account,
              .slot = slot > 0 ? slot : 0,
              .pool_size = link.no_pool ? 0 : settings_.pool_size,
              .exports = link.info.exports,
              .checks = link.info.martlet_checks == proto::kMartletChecks,
              .without = WithoutFor(link, peer)});
  std::string text = "Registering remote route " + GoQuote(link.peer_id);
  if (!link.account.empty()) text += " for account " + GoQuote(link.account);
  Say(LogLevel::kDebug, link, std::move(text));
  Do(Proceed{.link = link.id});
  if (!awaited_.empty()) Ping(link);
  const bool was_lost = lost_.Remove(link.peer_id);
  if (lost_.Remove(link.sought) || was_lost) lost_.Hurry(now_ms_);
  if (!was_lost || !link.dialled || !link.account.empty() || link.no_pool || !pooled()) return;
  // Until it was found again it was dialled for its pool alone.
  DialAccounts(peer, SeekAgain(link.url, link.peer_id));
}

std::vector<std::string> Mesh::State::WithoutFor(const Link& link, const Peer& peer) const {
  if (link.no_pool || !link.account.empty()) return {};
  std::set<std::string> without = peer.pinned_by_peer;
  without.insert(settings_.pinned_accounts.begin(), settings_.pinned_accounts.end());
  return {without.begin(), without.end()};
}

void Mesh::State::Reassign(const Link& link, const Peer& peer) {
  Do(cluster::Reassign{.link = link.id,
                       .account = link.account,
                       .slot = link.slot > 0 ? link.slot : 0,
                       .pool_size = link.no_pool ? 0 : settings_.pool_size,
                       .exports = link.info.exports,
                       .without = WithoutFor(link, peer)});
}

}  // namespace martlet::cluster
