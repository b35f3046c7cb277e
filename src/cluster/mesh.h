// Who is in the cluster, and which connections there should be.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "cluster/events.h"

namespace martlet::cluster {

/// A registered link, for those who watch. Borrows from the mesh, until its next event.
struct LinkView {
  LinkId link = 0;
  std::string_view peer_id;
  std::string_view peer_name;
  bool solicited = false;             // by us
  bool configured = false;            // by a URL of the configuration
  std::string_view account;           // of a dedicated link
  std::string_view compression;       // what our writer does: "off", "s2_fast", "not supported"
  const proto::SubjectLists& import;  // the peer's
  const proto::SubjectLists& exports;
};

/// The cluster logic of one server: explicit and implicit routes, pools and dedicated routes,
/// names, duplicates, gossip, what clients are told. Events in, actions out; no socket, no clock,
/// no thread. The same events with the same times and seed give the same actions.
///
/// Thread:  one, the control shard's.
/// Time:    milliseconds of a monotonic clock, given with each call, never going back.
/// Errors:  none: what a peer does wrong ends its link, with the reference's words.
/// Source:  spec cluster-behaviour.md, route-protocol.md; reference route.go.
class Mesh {
 public:
  using Actions = std::vector<Action>;

  /// `seed` for back-off and the choice among addresses.
  Mesh(Settings settings, uint64_t seed);
  ~Mesh();
  Mesh(const Mesh&) = delete;
  Mesh& operator=(const Mesh&) = delete;

  /// Begins to dial the configured routes. Actions are appended, in the order in which they are to
  /// be done; so in all that follows.
  void Start(uint64_t now_ms, Actions& out);
  void OnEvent(const Event& event, uint64_t now_ms, Actions& out);
  /// What is due by now. NextTimer() says when to call.
  void OnTimer(uint64_t now_ms, Actions& out);
  /// When OnTimer is due; UINT64_MAX: not before something happens.
  uint64_t NextTimer() const;

  /// A reload: what is different takes effect (spec cluster-behaviour.md section 11).
  void Reload(Settings settings, uint64_t now_ms, Actions& out);
  /// Tells the peers that this server will go.
  void EnterLameDuck(Actions& out);
  /// Dials no more and closes all links with kServerShutdown.
  void Stop(Actions& out);

  // For the monitor and log lines.
  const std::string& cluster_name() const;
  size_t links() const;    // registered
  size_t remotes() const;  // servers
  /// Times that a peer, a Martlet, was found to know other servers.
  uint64_t member_differences() const;
  /// By server, those of pools by slot; behind all of them the dedicated ones.
  std::vector<LinkView> Registered() const;

 private:
  class State;
  friend class MeshSurgery;  // of the simulation: takes out what the reference lacks
  std::unique_ptr<State> state_;
};

}  // namespace martlet::cluster
