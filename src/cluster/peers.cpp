#include "cluster/peers.h"

namespace martlet::cluster {

int64_t Peer::FreeSlot() const {
  for (int64_t slot = 0; slot < pool_size; ++slot) {
    if (!slots.contains(slot)) return slot;
  }
  return -1;
}

std::vector<LinkId> Peer::Links() const {
  std::vector<LinkId> links;
  for (const auto& [slot, link] : slots) links.push_back(link);
  for (const auto& [account, link] : dedicated) links.push_back(link);
  return links;
}

Peer* Peers::Find(const std::string& id) {
  const auto found = peers_.find(id);
  return found == peers_.end() ? nullptr : &found->second;
}

Peer& Peers::Get(const std::string& id) {
  Peer& peer = peers_[id];
  peer.id = id;
  return peer;
}

void Peers::EraseIfUnused(const std::string& id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  if (found->second.slots.empty() && found->second.dedicated.empty()) peers_.erase(found);
}

size_t Peers::known() const {
  size_t count = 0;
  for (const auto& [id, peer] : peers_) count += peer.known() ? 1 : 0;
  return count;
}

size_t Peers::links() const {
  size_t count = 0;
  for (const auto& [id, peer] : peers_) count += peer.slots.size() + peer.dedicated.size();
  return count;
}

size_t Peers::DedicatedTo(const std::string& account) const {
  size_t count = 0;
  for (const auto& [id, peer] : peers_) count += peer.dedicated.contains(account) ? 1 : 0;
  return count;
}

}  // namespace martlet::cluster
