// What servers tell each other of others, and of themselves once they are known.
#include <algorithm>
#include <utility>

#include "base/go_text.h"
#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {

namespace {

// Gossip and what it makes others do has come to rest after so long.
constexpr uint64_t kRestMs = 5000;

}  // namespace

using base::GoQuote;

/// An INFO on a link that is up. Source: spec route-protocol.md section 3, "Classification".
void Mesh::State::OnUpdate(Link& link, const proto::RouteInfo& info) {
  if (!info.route_acc_add_reqid.empty()) return OnPinInfo(link, info);
  if (info.martlet_members != 0) return OnMembersCheck(link, info);
  if (!info.gateway.empty()) {
    return Say(LogLevel::kError, "Received information about gateway " + GoQuote(info.gateway) +
                                     " from " + link.peer_id + ", but gateway is not configured");
  }
  if (info.server_id != link.peer_id) return OnGossip(link, info);
  if (!info.cluster.empty() && info.cluster != settings_.name) {
    if (!TakesName(info.cluster, info.cluster_dynamic)) {
      return CloseLink(link, CloseReason::kClusterNameConflict);
    }
    TakeName(info.cluster, info.cluster_dynamic, info.server_id);
  }
  Peer* peer = peers_.Find(link.peer_id);
  if (peer == nullptr) return;
  if (info.ldm) {
    peer->leaving = true;
    client_urls_changed_ |= client_urls_.Remove(std::exchange(peer->urls, {}));
    return;
  }
  if (info.import == link.info.import && info.exports == link.info.exports) return;
  link.info.import = peer->info.import = info.import;
  link.info.exports = peer->info.exports = info.exports;
  Reassign(link, *peer);
}

/// Source: reference processImplicitRoute.
void Mesh::State::OnGossip(Link& link, const proto::RouteInfo& info) {
  if (info.server_id.empty() || info.server_id == settings_.server_id || info.ip.empty()) return;
  // Two names that somebody chose never become one. Who tells has another name than we, or will
  // have; once they are the same again it connects again and tells again.
  const bool alien = !info.cluster.empty() && info.cluster != settings_.name &&
                     !info.cluster_dynamic && !settings_.name_dynamic;
  if (alien) return CloseLink(link, CloseReason::kClusterNameConflict);
  const Peer* peer = peers_.Find(info.server_id);
  if (info.route_account.empty()) {
    if (peer != nullptr && peer->known()) return;
  } else {
    if (!pooled() || !dedicated_.contains(info.route_account)) return;
    if (peer != nullptr && peer->dedicated.contains(info.route_account)) return;
  }
  if (IsConfigured(info)) return;
  const std::optional<base::Url> url = base::ParseUrl(info.ip);
  if (!url) {
    return Say(LogLevel::kError, "Error parsing URL from INFO: parse " + GoQuote(info.ip));
  }
  const auto target = [&](const std::string& account) {
    return Target{.url = WithOwnUser(*url, info),
                  .account = account,
                  .gossip_mode = info.gossip_mode,
                  .sought = info.server_id,
                  .told_by = link.peer_id};
  };
  Dial(target(info.route_account), 0);
  // A peer without pools does not tell of accounts.
  if (!link.no_pool || !info.route_account.empty() || !pooled()) return;
  for (const std::string& account : settings_.pinned_accounts) Dial(target(account), 0);
}

base::Url Mesh::State::WithOwnUser(base::Url url, const proto::RouteInfo& info) const {
  if (!info.auth_required) return url;
  url.has_user = url.has_password = true;
  url.user = settings_.user;
  url.password = PasswordToSend();
  return url;
}

/// Then it is being dialled anyway. Source: reference hasThisRouteConfigured.
bool Mesh::State::IsConfigured(const proto::RouteInfo& info) const {
  const auto same = [](const std::string& a, const std::string& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : +c; };
      return lower(x) == lower(y);
    });
  };
  const std::string one = JoinHostPort(info.host, info.port);
  std::string two = one;
  if (const auto url = base::ParseUrl(info.ip)) two = JoinHostPort(url->hostname(), info.port);
  return std::any_of(settings_.routes.begin(), settings_.routes.end(), [&](const base::Url& route) {
    return same(route.host, one) || same(route.host, two);
  });
}

bool Mesh::State::IsToBeForwarded(const Link& newcomer) const {
  const bool from_gossip = newcomer.dialled && !newcomer.configured;
  if (from_gossip && newcomer.gossip_mode != proto::kGossipOverride) return false;
  return newcomer.info.gossip_mode != proto::kGossipDisabled;
}

/// Who has told us of a newcomer, or it of us, has told all that it knew. Two that come at the same
/// time, one here and one there, would miss each other: the reference leaves it at that. Of those
/// who come to us because they were told, only such hear as nobody else has told of.
bool Mesh::State::MayHaveMissed(const Link& newcomer, const Peer& peer) const {
  return (newcomer.dialled || peer.joined_here) && newcomer.account.empty() &&
         peer.id != newcomer.told_by && peer.known() && peer.since_ms + kRestMs > now_ms_;
}

/// Who dials has a connection before the other side has looked at who it is. If others were told at
/// once of one that refuses us, and they tell others, each attempt would be many, and without a
/// pause; so first it has to answer.
void Mesh::State::ForwardSoon(Link& newcomer) {
  const auto& all = peers_.all();
  const bool wanted =
      IsToBeForwarded(newcomer) || std::any_of(all.begin(), all.end(), [&](const auto& one) {
        return one.first != newcomer.peer_id && MayHaveMissed(newcomer, one.second);
      });
  if (!wanted) return;
  if (!newcomer.dialled) return Forward(newcomer);
  newcomer.forward = true;
  Ping(newcomer);
}

/// Tells all others of a server that has just come; each dials it.
/// Source: reference forwardNewRouteInfoToKnownServers; spec cluster-behaviour.md section 4.
void Mesh::State::Forward(const Link& newcomer) {
  const std::string& account = newcomer.account;
  const bool to_all = IsToBeForwarded(newcomer);
  for (const auto& [id, peer] : peers_.all()) {
    if (id == newcomer.peer_id || (!to_all && !MayHaveMissed(newcomer, peer))) continue;
    LinkId by = peer.AnyLink();
    if (!account.empty()) {
      if (const auto own = peer.dedicated.find(account); own != peer.dedicated.end()) {
        by = own->second;
      }
    }
    const Link* link = Find(by);
    if (link == nullptr || (!account.empty() && link->no_pool)) continue;
    proto::RouteInfo info = newcomer.info;
    const bool widely = to_all && (newcomer.dialled ? newcomer.configured : link->configured);
    if (widely) {
      info.gossip_mode = proto::kGossipOverride;
    } else {
      const bool further = newcomer.dialled && to_all;
      info.gossip_mode = further ? proto::kGossipDefault : proto::kGossipDisabled;
    }
    std::string line;
    proto::WriteGossip(info, line);
    SendTo(*link, std::move(line));
  }
}

/// A broken connection may have taken gossip with it. What the peer knows already it ignores.
void Mesh::State::RepeatGossip(const Peer& peer) {
  const Link* link = Find(peer.AnyLink());
  if (link == nullptr || stopped_) return;
  for (const auto& [id, other] : peers_.all()) {
    if (id == peer.id || !other.known()) continue;
    proto::RouteInfo info = other.info;
    info.gossip_mode = proto::kGossipDisabled;
    info.cluster = settings_.name;
    std::string line;
    proto::WriteGossip(info, line);
    SendTo(*link, std::move(line));
  }
}

}  // namespace martlet::cluster
