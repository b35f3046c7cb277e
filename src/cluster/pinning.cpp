// Accounts that get connections of their own while the cluster runs.
#include <utility>

#include "cluster/mesh_state.h"
#include "proto/pool_slot.h"

namespace martlet::cluster {
namespace {

constexpr uint64_t kAnswerMs = 2000;
constexpr size_t kPinnedByPeerMax = 1024;

/// 22 characters, as those of the reference.
std::string RequestId(uint64_t count, base::Random& random) {
  constexpr char kDigits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  std::string id;
  for (int i = 0; i < 16; ++i) id += kDigits[random.Below(62)];
  for (int i = 0; i < 6; ++i, count /= 62) id += kDigits[count % 62];
  return id;
}

}  // namespace

void Mesh::State::RefreshDedicated() {
  dedicated_ = requested_;
  if (!pooled()) return;
  dedicated_.insert(settings_.pinned_accounts.begin(), settings_.pinned_accounts.end());
}

/// Tells the peers that these accounts will have connections of their own. Each forgets what it was
/// told of them on the pool, and answers. Source: spec route-protocol.md section 8.5; reference
/// reloadClusterPoolAndAccounts.
void Mesh::State::AskToPin(const std::vector<std::string>& accounts) {
  pin_accounts_ = accounts;
  pin_answers_missing_ = 0;
  pin_request_ = RequestId(++pin_requests_, random_);
  for (const auto& [id, peer] : peers_.all()) {
    if (peer.no_pool) continue;
    for (const std::string& account : accounts) {
      const auto held = peer.slots.find(proto::PoolSlot(account, settings_.pool_size));
      if (held == peer.slots.end()) continue;
      proto::RouteInfo info;
      info.route_pool_size = settings_.pool_size;
      info.route_account = account;
      info.route_acc_add_reqid = pin_request_;
      std::string line;
      proto::WriteRouteInfo(info, line);
      SendTo(links_.at(held->second), std::move(line));
      ++pin_answers_missing_;
    }
    for (const auto& [slot, link] : peer.slots) Reassign(links_.at(link), peer);
  }
  pin_until_ms_ = now_ms_ + kAnswerMs;
  if (pin_answers_missing_ == 0) FinishPinning();
}

void Mesh::State::OnPinInfo(Link& link, proto::RouteInfo info) {
  if (info.route_account.empty()) {
    if (info.route_acc_add_reqid != pin_request_ || pin_answers_missing_ == 0) return;
    if (--pin_answers_missing_ == 0) FinishPinning();
    return;
  }
  Peer* peer = peers_.Find(link.peer_id);
  if (peer == nullptr || !pooled()) return;
  if (requested_.size() < kPinnedByPeerMax && peer->pinned_by_peer.size() < kPinnedByPeerMax) {
    requested_.insert(info.route_account);
    peer->pinned_by_peer.insert(info.route_account);
    RefreshDedicated();
    // The account's interest lies where the peer's pool size puts it, which need not be here.
    for (const auto& [slot, id] : peer->slots) Reassign(links_.at(id), *peer);
  }
  info.route_account.clear();
  std::string line;
  proto::WriteRouteInfo(info, line);
  SendTo(link, std::move(line));
}

void Mesh::State::OnPinTimer() {
  Say(LogLevel::kWarning,
      "Timed out waiting for confirmation from all routes regarding per-account routes changes");
  FinishPinning();
}

void Mesh::State::FinishPinning() {
  pin_until_ms_ = UINT64_MAX;
  pin_answers_missing_ = 0;
  DialRoutes(settings_.routes, std::exchange(pin_accounts_, {}), true);
  for (auto& [id, peer] : peers_.all()) CheckComplete(peer);
}

}  // namespace martlet::cluster
