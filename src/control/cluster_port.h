// The cluster's side of the control shard: performs what the mesh decides.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "cluster/mesh.h"
#include "control/worker.h"
#include "io/loop.h"
#include "session/mailroom.h"
#include "shard/records.h"
#include "shard/shard.h"

namespace martlet::control {

/// Accepts and dials routes, hands their sockets to the shards, and carries events and actions
/// between those and the mesh.
///
/// Ownership:  owns the listening socket, the attempts to dial and the mesh; borrows the control
///             shard's loop, timers and mailroom.
/// Thread:     the control shard's.
/// Lifetime:   after Stop() until closed().
/// Bound:      kLinksMax connections; more are closed as they come.
class ClusterPort {
 public:
  using TellClients = std::function<void(const std::vector<std::string>& urls)>;
  using Rename = std::function<void(const std::string& name)>;
  using MeshStands = std::function<void()>;

  static constexpr size_t kLinksMax = 4096;

  ClusterPort(shard::Shared& shared, io::Loop& loop, base::TimerWheel& timers,
              session::Mailroom& mailroom, base::UniqueFd listen_fd, cluster::Settings settings,
              TellClients tell_clients, Rename rename, MeshStands mesh_stands);
  ~ClusterPort();

  void Open();
  /// Owns the event of the record.
  void OnEvent(const shard::RouteEventRecord& record);
  void Reload(cluster::Settings settings);
  void EnterLameDuck();
  /// Accepts and dials no more; the links are closed by their shards.
  void Stop();
  bool closed() const {
    return stopping_ && !accept_.in_flight() && !answers_.in_flight() && !verdicts_.in_flight() &&
           dials_.empty();
  }
  /// Frees what has gone; at the end of a turn.
  void BuryGone();

  const cluster::Mesh& mesh() const { return mesh_; }
  uint16_t port() const { return settings_.port; }
  const cluster::Settings& settings() const { return settings_; }

 private:
  // One attempt to connect.
  class Dial;
  struct Link {
    cluster::Endpoint remote;
    unsigned shard;
  };
  struct Performer;

  void OnAccept(const io::Completion& done);
  void OnRetry();
  void OnAnswers(const io::Completion& done);
  void OnVerdicts(const io::Completion& done);
  void OnTimer();
  void OnConnected(Dial& dial);
  void OnDialFailed(Dial& dial, const std::string& error);
  cluster::LinkId Adopt(base::UniqueFd fd, const cluster::Endpoint& remote, bool solicited);
  void Handle(const cluster::Event& event);
  void PerformAll();
  void Forward(cluster::LinkId link, cluster::Action action);
  void StartDial(const cluster::Connect& wish);
  void Abandon(cluster::DialId dial);
  void Write(const cluster::LogLine& line);

  static constexpr uint64_t kFirstPauseMs = 10;
  static constexpr uint64_t kPauseMaxMs = 1000;
  static constexpr uint64_t kDialTimeoutMs = 1000;

  shard::Shared& shared_;
  io::Loop& loop_;
  base::TimerWheel& timers_;
  session::Mailroom& mailroom_;
  base::UniqueFd listen_fd_;
  cluster::Settings settings_;
  const TellClients tell_clients_;
  const Rename rename_;
  const MeshStands mesh_stands_;
  cluster::Mesh mesh_;
  Worker<cluster::Resolve, cluster::Resolved> resolver_;
  Worker<cluster::CheckPassword, cluster::PasswordChecked> passwords_;
  cluster::Mesh::Actions actions_;
  absl::flat_hash_map<cluster::LinkId, Link> links_;
  std::vector<unsigned> links_of_shard_;
  absl::flat_hash_map<cluster::DialId, std::unique_ptr<Dial>> dials_;
  std::vector<cluster::DialId> gone_;
  bool stopping_ = false;
  uint64_t pause_ms_ = kFirstPauseMs;
  io::Operation accept_ = io::Operation::Bind<&ClusterPort::OnAccept>(this);
  io::Operation answers_ = io::Operation::Bind<&ClusterPort::OnAnswers>(this);
  io::Operation verdicts_ = io::Operation::Bind<&ClusterPort::OnVerdicts>(this);
  base::Timer retry_ = base::Timer::Bind<&ClusterPort::OnRetry>(this);
  base::Timer timer_ = base::Timer::Bind<&ClusterPort::OnTimer>(this);
};

/// The settings of the mesh that follow from the options. `name` is that of the cluster, generated
/// (`dynamic`) or configured; `port` the bound one.
cluster::Settings SettingsOf(const session::ServerFacts& facts, const std::string& name,
                             bool dynamic, uint16_t port);

}  // namespace martlet::control
