#include "sim/checks.h"

#include <algorithm>
#include <map>
#include <set>

namespace martlet::sim {
namespace {

/// "2" for slot 2, the account of a dedicated connection.
std::string Place(const Node::End& end) {
  if (!end.carried.account.empty()) return end.carried.account;
  return end.carried.pool_size == 0 ? "all" : std::to_string(end.carried.slot);
}

std::multiset<std::string> Wanted(const Node& a, const Node& b) {
  const int64_t sizes[] = {a.settings().pool_size, b.settings().pool_size};
  if (sizes[0] < 1 || sizes[1] < 1) return {"all"};
  std::multiset<std::string> places;
  for (int64_t slot = 0; slot < std::max(sizes[0], sizes[1]); ++slot) {
    places.insert(std::to_string(slot));
  }
  const auto& theirs = b.settings().pinned_accounts;
  for (const std::string& account : a.settings().pinned_accounts) {
    if (std::find(theirs.begin(), theirs.end(), account) != theirs.end()) places.insert(account);
  }
  return places;
}

std::string List(const std::multiset<std::string>& places) {
  std::string text;
  for (const std::string& place : places) text += (text.empty() ? "" : " ") + place;
  return "[" + text + "]";
}

std::string Pair(size_t a, size_t b) {
  return "server " + std::to_string(a) + " to " + std::to_string(b) + ": ";
}

std::string CheckConnections(const Nodes& nodes, size_t a, size_t b, const Network& network) {
  std::multiset<std::string> places;
  for (const auto& [link, end] : nodes[a]->ends()) {
    if (end.peer_id != nodes[b]->settings().server_id) continue;
    places.insert(Place(end));
    const Network::Wire& wire = network.wire(end.wire);
    const Node::End* other = nodes[b]->FindEnd(end.wire, 1 - end.side);
    if (wire.severed || other == nullptr) return Pair(a, b) + "no other end of " + Place(end);
    if (Place(*other) != Place(end)) {
      return Pair(a, b) + Place(end) + " here is " + Place(*other) + " there";
    }
  }
  const auto wanted = Wanted(*nodes[a], *nodes[b]);
  if (places != wanted) return Pair(a, b) + List(places) + " instead of " + List(wanted);
  return {};
}

std::string CheckInterest(const Node& a, const Node& b, const std::string& pair) {
  Interest heard;
  for (const auto& [link, end] : a.ends()) {
    if (end.peer_id != b.settings().server_id) continue;
    for (const auto& [what, count] : end.interest.heard()) {
      if (!heard.emplace(what, count).second) {
        return pair + "heard twice of " + what.first + " " + what.second;
      }
    }
  }
  if (heard == b.interest()) return {};
  for (const auto& [what, count] : b.interest()) {
    const auto at = heard.find(what);
    if (at == heard.end()) return pair + "interest lost: " + what.first + " " + what.second;
    if (at->second != count) return pair + "wrong weight: " + what.first + " " + what.second;
  }
  for (const auto& [what, count] : heard) {
    if (!b.interest().contains(what)) {
      return pair + "interest that nobody has: " + what.first + " " + what.second;
    }
  }
  return {};
}

std::string CheckServer(const Nodes& nodes, size_t a, const Network& network) {
  const Node& node = *nodes[a];
  const std::string self = "server " + std::to_string(a) + ": ";
  if (!node.up()) return self + "down";
  if (node.mesh().cluster_name() != nodes[0]->mesh().cluster_name()) {
    return self + "in cluster " + node.mesh().cluster_name();
  }
  size_t wanted = 0;
  std::set<std::string> urls;
  for (size_t b = 0; b < nodes.size(); ++b) {
    urls.insert(nodes[b]->settings().client_urls.begin(), nodes[b]->settings().client_urls.end());
    if (a == b) continue;
    wanted += Wanted(node, *nodes[b]).size();
    if (std::string wrong = CheckConnections(nodes, a, b, network); !wrong.empty()) return wrong;
    if (std::string wrong = CheckInterest(node, *nodes[b], Pair(a, b)); !wrong.empty())
      return wrong;
  }
  if (node.ends().size() != wanted) {
    return self + std::to_string(node.ends().size()) + " connections instead of " +
           std::to_string(wanted);
  }
  if (std::set<std::string>(node.client_urls().begin(), node.client_urls().end()) != urls) {
    return self + "tells clients of " + std::to_string(node.client_urls().size()) + " addresses";
  }
  return {};
}

}  // namespace

std::string WhatIsWrong(const Nodes& nodes, const Network& network) {
  for (size_t a = 0; a < nodes.size(); ++a) {
    if (std::string wrong = CheckServer(nodes, a, network); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace martlet::sim
