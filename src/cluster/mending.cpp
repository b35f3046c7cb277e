// Connections that should be there and are not: members of a pool, and those of accounts.
//
// Whoever dialled a server fills its pool, one after the other. In the reference a member that
// could not be dialled once, an implicit one, is missing for good, and with it the interest of a
// part of the accounts. So what is missing for longer than it should is dialled for again: first by
// the side that dialled, then by the other; ever more seldom, for a peer may have its reasons.
#include <algorithm>

#include "cluster/mesh_state.h"

namespace martlet::cluster {
namespace {

constexpr uint64_t kWithoutPoolMs = 300;
constexpr uint64_t kDialledMs = 2000;
constexpr uint64_t kAcceptedMs = 5000;
constexpr uint64_t kMendDelayMaxMs = 30'000;
constexpr uint32_t kMendJitterMs = 500;
constexpr uint32_t kSoonJitterMs = 100;
constexpr int kQuickMendsMax = 60;

}  // namespace

bool Mesh::State::IsComplete(const Peer& peer) const {
  if (!pooled() || peer.no_pool || peer.leaving) return true;
  if (peer.FreeSlot() >= 0) return false;
  return std::all_of(settings_.pinned_accounts.begin(), settings_.pinned_accounts.end(),
                     [&](const std::string& account) { return peer.dedicated.contains(account); });
}

void Mesh::State::CheckComplete(Peer& peer) {
  if (stopped_ || IsComplete(peer)) {
    peer.mend_delay_ms = 0;
    peer.quick_mends = 0;
    return mends_.Clear(peer.id);
  }
  // A pool that has begun to grow takes a few round trips, and no second dial meanwhile.
  const bool hasty = peer.mend_delay_ms < kDialledMs && !peer.slots.empty();
  if (mends_.IsSet(peer.id) && !hasty) return;
  if (peer.mend_delay_ms == 0 || hasty) peer.mend_delay_ms = FirstMendDelay(peer);
  const uint32_t jitter_ms = peer.mend_delay_ms < kDialledMs ? kSoonJitterMs : kMendJitterMs;
  mends_.Set(peer.id, now_ms_ + peer.mend_delay_ms + random_.Below(jitter_ms));
}

/// Of a peer that an account's connection alone leads to, all else is missing: the attempts for the
/// pool were given up while the network was broken, and it is whole now.
uint64_t Mesh::State::FirstMendDelay(const Peer& peer) const {
  const auto dialled = [&](const auto& held) { return links_.at(held.second).dialled; };
  if (std::any_of(peer.slots.begin(), peer.slots.end(), dialled)) return kDialledMs;
  if (!peer.slots.empty()) return kAcceptedMs;
  const bool ours = std::any_of(peer.dedicated.begin(), peer.dedicated.end(), dialled);
  return ours ? kWithoutPoolMs : kAcceptedMs;
}

/// The network failed while one was dialled for, and may be whole any moment: another attempt at
/// once, for a minute. Each takes a second.
void Mesh::State::MendSoon(Peer& peer) {
  if (IsComplete(peer) || peer.quick_mends >= kQuickMendsMax) return;
  ++peer.quick_mends;
  mends_.Set(peer.id, now_ms_ + random_.Below(kSoonJitterMs));
}

void Mesh::State::Mend(const std::string& peer_id) {
  Peer* peer = peers_.Find(peer_id);
  if (peer == nullptr || IsComplete(*peer)) return;
  peer->mend_delay_ms = std::min(peer->mend_delay_ms * 2, kMendDelayMaxMs);
  CheckComplete(*peer);
  const std::optional<base::Url> url = base::ParseUrl(peer->info.ip);
  if (!url || url->host.empty()) return;
  Target target = SeekAgain(WithOwnUser(*url, peer->info), peer_id);
  for (const auto& [slot, id] : peer->slots) {
    const Link& link = links_.at(id);
    if (!link.configured || !dialer_.IsConfigured(link.url)) continue;
    target.url = link.url;
    target.configured = true;
  }
  if (peer->FreeSlot() >= 0) Dial(target, 0);
  DialAccounts(*peer, std::move(target));
}

void Mesh::State::DialAccounts(const Peer& peer, Target target) {
  for (const std::string& account : settings_.pinned_accounts) {
    if (peer.dedicated.contains(account)) continue;
    target.account = account;
    Dial(target, 0);
  }
}

}  // namespace martlet::cluster
