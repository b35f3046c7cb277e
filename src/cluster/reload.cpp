// What a change of the configuration means to a running cluster.
#include <algorithm>
#include <utility>

#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {
namespace {

bool Contains(const std::vector<base::Url>& urls, const base::Url& wanted) {
  return std::any_of(urls.begin(), urls.end(),
                     [&](const base::Url& url) { return SameUrl(url, wanted); });
}

/// In `a` and not in `b`.
std::vector<std::string> Difference(const std::vector<std::string>& a,
                                    const std::vector<std::string>& b) {
  std::vector<std::string> only;
  for (const std::string& text : a) {
    if (std::find(b.begin(), b.end(), text) == b.end()) only.push_back(text);
  }
  return only;
}

}  // namespace

/// Source: spec cluster-behaviour.md section 11; reference clusterOption, routesOption.
void Mesh::State::Reload(Settings settings) {
  const Settings before = std::exchange(settings_, std::move(settings));
  if (stopped_) return;
  RefreshDedicated();
  ReloadName(before);
  if (settings_.compression.mode != before.compression.mode) ReloadCompression();
  RemoveRoutes(before);
  if (settings_.user != before.user || settings_.password != before.password) {
    ReloadAuthorization();
  }
  if (settings_.import != before.import || settings_.exports != before.exports) {
    ReloadPermissions();
  }
  ReloadPool(before);
  std::vector<base::Url> added;
  for (const base::Url& route : settings_.routes) {
    if (!Contains(before.routes, route)) added.push_back(route);
  }
  DialRoutes(added, settings_.pinned_accounts, true);
}

void Mesh::State::ReloadName(const Settings& before) {
  std::string wanted = std::exchange(settings_.name, before.name);
  if (settings_.name_dynamic) {
    // Still none is chosen here: what has been agreed on stays.
    if (std::exchange(name_was_generated_, true)) settings_.name_dynamic = before.name_dynamic;
    return;
  }
  name_was_generated_ = false;
  if (wanted == before.name) return;
  settings_.name = std::move(wanted);
  Do(Rename{.name = settings_.name});
  Say(LogLevel::kInfo, "Cluster name updated to " + settings_.name);
}

void Mesh::State::RemoveRoutes(const Settings& before) {
  for (const base::Url& removed : before.routes) {
    if (Contains(settings_.routes, removed)) continue;
    for (auto& [id, link] : links_) {
      if (link.closing() || !link.has_url || !SameUrl(link.url, removed)) continue;
      link.no_redial = true;
      link.afterwards.push_back(
          {.level = LogLevel::kInfo, .link = 0, .text = "Removed route " + removed.Redacted()});
      CloseLink(link, CloseReason::kRouteRemoved);
    }
  }
}

/// All but a change between levels has to be agreed on from the start.
void Mesh::State::ReloadCompression() {
  const CompressionMode mode = settings_.compression.mode;
  for (auto& [id, link] : links_) {
    if (link.closing()) continue;
    if (!link.up()) {
      CloseLink(link, CloseReason::kClientClosed);
      continue;
    }
    const CompressionMode had = link.compression;
    if (had == CompressionMode::kNotSupported || had == mode) continue;
    if (had == CompressionMode::kOff || !WantsCompression(settings_) ||
        mode == CompressionMode::kAccept) {
      CloseLink(link, CloseReason::kClientClosed);
      continue;
    }
    link.follows_round_trip = mode == CompressionMode::kS2Auto;
    if (!link.follows_round_trip) link.compression = mode;
    Do(CompressOutput{.link = id, .mode = mode});
    if (link.follows_round_trip) Do(CompressOutput{.link = id, .mode = link.compression});
  }
}

void Mesh::State::ReloadAuthorization() {
  for (auto& [id, link] : links_) {
    if (link.closing() || link.solicited) continue;
    if (link.connect_came || link.connect) Authorize(link);
  }
}

void Mesh::State::ReloadPermissions() {
  const std::string info = OwnInfo(settings_, {.account = {}});
  for (auto& [id, link] : links_) {
    if (!link.up()) continue;
    if (link.info.proto < 1) {
      CloseLink(link, CloseReason::kRouteRemoved);
    } else {
      SendTo(link, info);
    }
  }
}

/// Source: reference reloadClusterPoolAndAccounts.
void Mesh::State::ReloadPool(const Settings& before) {
  const bool resized = settings_.pool_size != before.pool_size;
  const auto added = Difference(settings_.pinned_accounts, before.pinned_accounts);
  const auto removed = Difference(before.pinned_accounts, settings_.pinned_accounts);
  if (!resized && added.empty() && removed.empty()) return;
  for (const std::string& account : removed) requested_.erase(account);
  RefreshDedicated();
  for (auto& [id, link] : links_) {
    if (link.closing()) continue;
    const bool unpinned = std::find(removed.begin(), removed.end(), link.account) != removed.end();
    if (!link.account.empty() && !unpinned) continue;
    if (unpinned) link.no_redial = true;
    // A handshake that is under way has told the old size.
    if (unpinned || resized) CloseLink(link, CloseReason::kRouteRemoved);
  }
  for (auto& [id, peer] : peers_.all()) {
    for (const std::string& account : removed) peer.pinned_by_peer.erase(account);
    for (const auto& [slot, link] : peer.slots) Reassign(links_.at(link), peer);
    CheckComplete(peer);
  }
  if (!added.empty() && pooled() && !resized) return AskToPin(added);
  if (resized || !added.empty()) DialRoutes(settings_.routes, added, resized);
}

}  // namespace martlet::cluster
