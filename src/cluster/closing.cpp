// The end of a connection, and what follows.
#include <utility>

#include "base/go_text.h"
#include "cluster/mesh_state.h"

namespace martlet::cluster {
namespace {

using base::GoQuote;

// An accepted connection to a server lost to an error: the other side, which dialled it, dials
// again first.
constexpr uint64_t kAfterDialledMs = 3000;
// A connection that lived so long was a good one.
constexpr uint64_t kGoodLifeMs = 1000;
// Connections that end at once are dialled again at once so often; then it takes longer.
constexpr uint64_t kQuickRedials = 3;
constexpr uint64_t kSlowRedialMs = 1000;
constexpr uint32_t kRedialJitterMs = 100;

}  // namespace

void Mesh::State::CloseLink(Link& link, CloseReason reason) {
  if (link.closing()) return;
  Link* newcomer = Find(std::exchange(link.newcomer, 0));
  Detach(link, reason == CloseReason::kStaleConnection);
  link.phase = Link::Phase::kClosing;
  Do(Close{.link = link.id, .reason = reason});
  // What waits for a place that is not wanted any more is not wanted either.
  if (newcomer != nullptr) CloseLink(*newcomer, reason);
}

/// Takes it out of all tables. `by_error`: nobody has meant it to end.
void Mesh::State::Detach(Link& link, bool by_error) {
  strangers_.erase(link.id);
  alarms_.Clear({Due::kAuthentication, link.id});
  alarms_.Clear({Due::kProbe, link.id});
  if (Link* holder = Find(std::exchange(link.waits_for, 0))) holder->newcomer = 0;
  if (!link.up()) return;
  link.phase = Link::Phase::kGreeting;
  link.was_up = true;
  Peer* peer = peers_.Find(link.peer_id);
  if (peer == nullptr) return;
  if (link.account.empty()) {
    peer->slots.erase(link.slot);
    if (!peer->known()) {
      OnPeerGone(link, *peer, by_error);
    } else {
      RepeatGossip(*peer);
    }
  } else {
    peer->dedicated.erase(link.account);
  }
  CheckComplete(*peer);
  peers_.EraseIfUnused(link.peer_id);
}

void Mesh::State::OnPeerGone(const Link& last, Peer& peer, bool by_error) {
  client_urls_changed_ |= client_urls_.Remove(std::exchange(peer.urls, {}));
  peer.pinned_by_peer.clear();
  member_checks_.Clear(peer.id);
  if (!by_error || peer.leaving || stopped_ || last.solicited || last.no_redial) return;
  if (const std::optional<base::Url> url = base::ParseUrl(peer.info.ip)) {
    lost_.Add(peer.id, WithOwnUser(*url, peer.info), true, kAfterDialledMs, now_ms_);
  }
}

bool Mesh::State::IsError(const Link& link, CloseReason reason) {
  switch (reason) {
    case CloseReason::kReadError:
    case CloseReason::kWriteError:
    case CloseReason::kStaleConnection:
    case CloseReason::kSlowConsumerPendingBytes:
    case CloseReason::kSlowConsumerWriteDeadline:
      return true;
    default:
      return link.peer_gave_up;
  }
}

void Mesh::State::On(const ErrorCame& event) {
  Link* link = Find(event.link);
  if (link == nullptr) return;
  const bool quoted = event.text.starts_with('\'');
  Say(LogLevel::kError, *link, "Route Error " + (quoted ? event.text : "'" + event.text + "'"));
  const auto says = [&](std::string_view words) {
    return event.text.find(words) != event.text.npos;
  };
  if (says("Stale Connection")) link->peer_gave_up = true;
  // It would be the same the next time. That it is missing is looked at again now and then.
  if (!link->account.empty() &&
      (says("dedicated route for account") || says("No route for account") ||
       says("Unable to lookup account"))) {
    link->no_redial = true;
  }
}

void Mesh::State::On(const LinkClosed& event) {
  const auto at = links_.find(event.link);
  if (at == links_.end()) return;
  Link& link = at->second;
  Link* newcomer = Find(std::exchange(link.newcomer, 0));
  if (newcomer != nullptr) {  // the place it waits for is free now
    newcomer->waits_for = 0;
    newcomer->phase = Link::Phase::kGreeting;
    Inherit(*newcomer, link);
    link.no_redial = true;
  }
  Detach(link, IsError(link, event.reason));
  std::string text = "Router connection closed: " + std::string(proto::Name(event.reason));
  if (!link.peer_name.empty()) text += " - Remote: " + link.peer_name;
  Say(LogLevel::kInfo, link, std::move(text));
  for (LogLine& line : link.afterwards) Do(std::move(line));
  if (!stopped_) RedialAfter(link, event.reason);
  links_.erase(at);
  if (newcomer != nullptr && !newcomer->closing()) Admit(*newcomer);
}

/// Source: reference removeRoute, reconnect, reConnectToRoute.
void Mesh::State::RedialAfter(Link& link, CloseReason reason) {
  if (link.no_redial) return;
  const Peer* peer = peers_.Find(link.peer_id);
  const bool known = peer != nullptr && peer->known();
  const bool good = link.was_up && now_ms_ >= link.up_ms + kGoodLifeMs;
  const uint64_t early_ends = good ? 0 : link.early_ends + 1;
  const bool at_once = link.was_up && early_ends <= kQuickRedials;
  if (at_once && link.no_pool && !known && pooled()) RedialUnpooled(link, reason, early_ends);
  if (!link.solicited && !link.retry) return;
  const std::string url = GoQuote(link.url.Redacted());
  if (link.peer_id == settings_.server_id) {
    return Say(LogLevel::kDebug, "Detected route to self, ignoring " + url);
  }
  if (known && link.account.empty() && !pooled()) {
    if (link.solicited) {
      UpgradeToSolicited(links_.at(peer->AnyLink()), link.url, link.configured);
    }
    return Say(LogLevel::kDebug,
               "Not attempting reconnect for solicited route, already connected to " +
                   GoQuote(link.peer_id));
  }
  // Somebody was quicker: another connection would only be one too many.
  const bool taken = link.account.empty()
                         ? known && !peer->no_pool && peer->FreeSlot() < 0
                         : peer != nullptr && peer->dedicated.contains(link.account);
  if (taken) return;
  Say(LogLevel::kDebug, "Attempting reconnect for solicited route " + url);
  uint64_t delay_ms = random_.Below(kRedialJitterMs);
  // The reference lets every explicit route wait, also where it was the network that failed.
  const bool waits = link.configured && !IsError(link, reason);
  if (waits || early_ends > kQuickRedials) delay_ms += kSlowRedialMs;
  // While it was gone both sides may have come to know others.
  const int64_t gossip_mode =
      link.configured || !link.account.empty() ? proto::kGossipDefault : proto::kGossipOverride;
  Dial(Target{.url = link.url,
              .configured = link.configured,
              .account = link.account,
              .gossip_mode = gossip_mode,
              .first = false,
              .left = reason == CloseReason::kClientClosed,
              .early_ends = early_ends,
              .sought = link.peer_id.empty() ? link.sought : link.peer_id},
       delay_ms);
}

/// It may come back as one that knows pools. Nobody would tell it by gossip of accounts then.
void Mesh::State::RedialUnpooled(const Link& link, CloseReason reason, uint64_t early_ends) {
  const auto target = [&](const std::string& account) {
    return Target{.url = link.url,
                  .configured = link.configured,
                  .account = account,
                  .gossip_mode = proto::kGossipOverride,
                  .left = reason == CloseReason::kClientClosed,
                  .early_ends = early_ends,
                  .sought = link.peer_id};
  };
  if (settings_.pool_size > 1 && !link.configured) Dial(target(""), 0);
  for (const std::string& account : settings_.pinned_accounts) Dial(target(account), 0);
}

}  // namespace martlet::cluster
