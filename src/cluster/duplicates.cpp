// Two connections for one place.
//
// The reference closes the one that comes second. A peer whose end of the first is gone - its
// network was cut, or a NAT forgot - is then locked out until we find the first one stale. So the
// first is asked with a PING, and the second waits, its INFO unanswered: if the PONG comes in time
// all is as in the reference, if not the second takes the place.
//
//      A             B              both dial, and each registers its own connection first
//      |---- X1 ---->| INFO: X2 is there already; X1 waits, PING on X2
//      |<--- X2 -----| INFO: X1 is there already; X2 waits, PING on X1
//
// Neither PING is answered here, because the input of what waits stands still. Both sides choose
// the same survivor then (KeepsHolder), where two reference servers close both and try again. In a
// pool this need not take the time of the PING: whoever dialled X2 for a place has registered it
// there before he tells us the place, and X1 not yet. So the side that yields does so at once.
#include <utility>

#include "base/go_text.h"
#include "cluster/mesh_state.h"

namespace martlet::cluster {
namespace {

// How long a PONG may take.
constexpr uint64_t kProbeMs = 1000;
// A holder that is older cannot have been made at the same time as the newcomer.
constexpr uint64_t kTogetherMs = 2000;

}  // namespace

void Mesh::State::OnOccupied(Link& holder, Link& newcomer, bool no_redial) {
  newcomer.redials_if_double = !no_redial;
  if (holder.newcomer != 0) return CloseDuplicate(&holder, newcomer);  // one may wait
  holder.newcomer = newcomer.id;
  newcomer.waits_for = holder.id;
  newcomer.phase = Link::Phase::kWaiting;
  newcomer.waits_since_ms = now_ms_;
  Probe(holder);
}

void Mesh::State::Probe(const Link& link) {
  if (alarms_.IsSet({Due::kProbe, link.id})) return;
  alarms_.Set({Due::kProbe, link.id}, now_ms_ + kProbeMs);
  Ping(link);
}

void Mesh::State::On(const PongCame& event) {
  Link* link = FindOpen(event.link);
  if (link == nullptr) return;
  alarms_.Clear({Due::kProbe, link->id});
  link->answered = link->up();
  if (Link* newcomer = FindOpen(link->newcomer)) CloseDuplicate(link, *newcomer);
  if (std::exchange(link->forward, false)) Forward(*link);
  if (!std::exchange(link->dial_next, false)) return;
  Dial(Target{.url = link->url,
              .configured = link->configured,
              .account = {},
              .gossip_mode = link->gossip_mode,
              .sought = link->peer_id},
       0);
}

/// Source: reference handleDuplicateRoute.
void Mesh::State::CloseDuplicate(Link* holder, Link& newcomer) {
  if (!newcomer.redials_if_double || holder == nullptr) newcomer.no_redial = true;
  if (holder != nullptr) {
    if (holder->newcomer == newcomer.id) holder->newcomer = 0;
    Inherit(*holder, newcomer);
  }
  newcomer.waits_for = 0;
  Say(LogLevel::kDebug, newcomer,
      "Detected duplicate remote route " + base::GoQuote(newcomer.peer_id));
  CloseLink(newcomer, CloseReason::kDuplicateRoute);
}

/// The connection that stays may have been accepted, and the closed one an explicit route: that it
/// is one must not be forgotten.
void Mesh::State::Inherit(Link& survivor, const Link& closed) {
  if (closed.solicited) UpgradeToSolicited(survivor, closed.url, closed.configured);
  if (closed.configured) survivor.configured = true;
  // The other side may do the same to the connection that stays here.
  survivor.retry = true;
}

void Mesh::State::UpgradeToSolicited(Link& link, const base::Url& url, bool configured) {
  if (!link.solicited || (configured && !link.configured)) link.url = url;
  link.solicited = true;
  link.configured |= configured;
}

void Mesh::State::OnProbeFailed(Link& holder) {
  Link* newcomer = FindOpen(holder.newcomer);
  if (newcomer == nullptr) return CloseStale(holder);
  if (!KeepsHolder(holder, *newcomer)) return Replace(holder, *newcomer);
  CloseDuplicate(&holder, *newcomer);
  Probe(holder);  // nothing there waits any more: if it stays silent it is dead
}

/// Whether the two were made at the same time and the other side, asking the same, decides for the
/// holder. One dialled by each: that of the greater server id stays. Both dialled by one: the side
/// that accepted them keeps its holder, and the side that dialled them yields.
bool Mesh::State::KeepsHolder(const Link& holder, const Link& newcomer) const {
  if (newcomer.waits_since_ms > holder.up_ms + kTogetherMs) return false;
  if (holder.dialled == newcomer.dialled) return !holder.dialled;
  const bool ours_stays = settings_.server_id > newcomer.peer_id;
  return ours_stays == holder.dialled;
}

/// Whether both have just dialled for the same place of a pool, and the other one's connection
/// stays.
bool Mesh::State::YieldsAtOnce(const Link& holder, const Link& newcomer) const {
  return holder.dialled && !newcomer.dialled && now_ms_ <= holder.up_ms + kTogetherMs &&
         settings_.server_id < newcomer.peer_id;
}

void Mesh::State::Yield(Link& holder, Link& newcomer) {
  holder.redials_if_double = false;
  CloseDuplicate(&newcomer, holder);
  Admit(newcomer);
}

void Mesh::State::Replace(Link& holder, Link& newcomer) {
  holder.newcomer = 0;
  newcomer.waits_for = 0;
  newcomer.phase = Link::Phase::kGreeting;
  Inherit(newcomer, holder);
  holder.no_redial = true;
  SuspectOthers(holder);
  CloseStale(holder);
  Admit(newcomer);
}

void Mesh::State::CloseStale(Link& link) {
  SendError(link, "Stale Connection");
  CloseLink(link, CloseReason::kStaleConnection);
}

/// What cut one connection to a server may have cut the others.
void Mesh::State::SuspectOthers(const Link& dead) {
  const Peer* peer = peers_.Find(dead.peer_id);
  if (peer == nullptr) return;
  for (const LinkId id : peer->Links()) {
    const Link& other = links_.at(id);
    if (other.id != dead.id && other.up_ms + kProbeMs <= now_ms_) Probe(other);
  }
}

}  // namespace martlet::cluster
