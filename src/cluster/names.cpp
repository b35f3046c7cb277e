// Names of clusters: generated ones give way.
#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {

/// A name that somebody chose wins over a generated one, and of two generated ones the greater. No
/// name is none: in the reference it is taken, and the cluster has no name from then on.
/// Source: spec cluster-behaviour.md section 5; reference processRouteInfo, processRouteConnect.
bool Mesh::State::TakesName(const std::string& theirs, bool theirs_dynamic) const {
  return settings_.name_dynamic && !theirs.empty() && (!theirs_dynamic || settings_.name < theirs);
}

/// A name that somebody chose counts as chosen here, too. In the reference it does so only where it
/// came in a CONNECT; one that came in an INFO gives way to the next greater generated one, and a
/// server between two others may change its name for ever.
void Mesh::State::TakeName(const std::string& name, bool dynamic, const std::string& except_peer) {
  settings_.name = name;
  settings_.name_dynamic = dynamic;
  Do(Rename{.name = name});
  Say(LogLevel::kInfo, "Cluster name updated to " + name);
  std::vector<LinkId> others;
  for (const auto& [id, peer] : peers_.all()) {
    if (id == except_peer) continue;
    for (const LinkId link : peer.Links()) others.push_back(link);
  }
  for (const LinkId id : others) {
    if (Link* link = FindOpen(id)) CloseLink(*link, CloseReason::kClusterNameConflict);
  }
}

}  // namespace martlet::cluster
