// When the configured mesh stands for the first time, for those who wait for it. Ours, not the
// reference's: docs/clusters.md, accept_after_mesh.
#include <algorithm>

#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {

void Mesh::State::AwaitMesh() {
  for (const base::Url& url : settings_.routes) awaited_.push_back({.url = url, .peer_id = {}});
}

/// A route may turn out to lead to this server, or to one that is known by another address.
void Mesh::State::NoteReached(const base::Url& url, const std::string& peer_id) {
  for (Awaited& awaited : awaited_) {
    if (SameUrl(awaited.url, url)) awaited.peer_id = peer_id;
  }
}

void Mesh::State::TellIfMeshStands() {
  const auto stands = [this](const Awaited& awaited) {
    if (!dialer_.IsConfigured(awaited.url)) return true;  // not since a reload
    if (awaited.peer_id == settings_.server_id) return true;
    const Peer* peer = peers_.Find(awaited.peer_id);
    return peer != nullptr && peer->known() && IsComplete(*peer) && HasAnswered(*peer);
  };
  if (!std::all_of(awaited_.begin(), awaited_.end(), stands)) return;
  awaited_.clear();
  Do(MeshStands{});
}

bool Mesh::State::HasAnswered(const Peer& peer) const {
  const std::vector<LinkId> ids = peer.Links();
  return std::all_of(ids.begin(), ids.end(), [this](LinkId id) { return links_.at(id).answered; });
}

}  // namespace martlet::cluster
