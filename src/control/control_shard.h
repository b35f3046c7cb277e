// The control shard: signals, life cycle, and timers that are nobody's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "base/random.h"
#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "control/cluster_port.h"
#include "control/monitor_port.h"
#include "control/reloader.h"
#include "io/loop.h"
#include "ops/notify.h"
#include "ops/published_state.h"
#include "proto/server_info.h"
#include "session/mailroom.h"
#include "shard/records.h"
#include "shard/shard.h"

namespace martlet::control {

/// What the service manager gave the process; all empty: there is none.
struct ServiceManager {
  std::string notify_socket;    // $NOTIFY_SOCKET
  std::string watchdog_period;  // $WATCHDOG_USEC
  std::string watchdog_pid;     // $WATCHDOG_PID
};

/// The cluster's socket, if there is to be one, and the name that the server starts with.
struct ClusterStart {
  base::UniqueFd fd;
  uint16_t port = 0;  // bound
  std::string name;
  bool dynamic = false;  // the name was generated
};

/// "listen tcp 0.0.0.0:4222", as Go begins what it says of a listener that could not be had.
std::string ListenText(const std::string& host, int port);
/// What the log says, at last, when clients cannot be listened for; `why` in Go's words.
std::string ListenError(const std::string& host, int port, const std::string& why);

/// Clients are let in only when the configured mesh stands, or after a while: their socket is bound
/// and does not listen yet.
bool AwaitsMesh(const Options& options);

/// Runs the server's life from "ready" to its end on a loop of its own. It serves no client and
/// never blocks a data shard: what it wants of one, it puts into its ring.
///
///   serving ──USR2──> lame duck: grace ──> closing clients one by one ──┐
///      └──────────────INT, TERM (INT also in lame duck)─────────────────┴──> stopping ──> ended
///
/// A reload reads the file, compares, and does all of it or nothing: new facts go to every shard;
/// when all have answered, the old ones are let go of and the log says what has changed. One at a
/// time; a request that comes meanwhile is done after it.
///
/// Ownership:  owns the loop, the signal descriptor, the listening socket and the monitoring port.
/// Thread:     the one that calls Open() and Run().
class ControlShard {
 public:
  /// `monitor_fd`: the monitoring port's socket, if there is to be one.
  ControlShard(shard::Shared& shared, Reloader reloader, base::UniqueFd signal_fd,
               base::UniqueFd listen_fd, base::UniqueFd monitor_fd, ClusterStart cluster,
               const ServiceManager& manager,
               std::function<void(const std::string& directory)> move_ports_file);

  /// What of the loop its use decides is filled in here.
  absl::Status Open(io::LoopOptions options, std::string* fallback_reason);
  /// Lets the shards accept, and returns when all of them have ended; false: they never could.
  bool Run();

  const io::Loop& loop() const { return *loop_; }

 private:
  void Turn();
  bool ended() const;
  void Wait();
  void OnSignals(const io::Completion& done);
  void OnSignal(int signal);
  void OnRecord(std::span<const char> record);
  void PublishAndWake();
  void TellAll(session::RecordKind kind);

  void Reload();
  void Perform(const Reloader::Next& next);
  void FinishReload();
  void SendFacts(const Options& options, bool tell_clients);
  void OpenCluster();
  void AwaitMesh();
  void OnMeshTimer();
  void LetClientsIn();
  void OnClientUrls(const std::vector<std::string>& urls);
  void OnRename(const std::string& name);
  void UpdateFacts();
  void ReloadCluster(const Reloader::Next& next);
  void OnFactsTaken();
  void PublishState() const;
  void CloseSurplus(int64_t connections_max);
  void OnWatchdog();
  const Options& options() const { return facts_->options; }
  void BeginLameDuck();
  void OnGraceOver();
  void OnNextClose();
  void BeginStop();
  void OnClientsGone();

  shard::Shared& shared_;
  const Reloader reloader_;
  const ops::Notifier notifier_;
  const std::function<void(const std::string&)> move_ports_file_;
  const ops::PublishedState published_;
  session::Mailroom mailroom_;
  base::TimerWheel timers_;
  base::Random random_;
  base::UniqueFd signal_fd_;
  base::UniqueFd listen_fd_;
  base::UniqueFd monitor_fd_;  // until the port has it
  std::unique_ptr<io::Loop> loop_;
  std::unique_ptr<MonitorPort> monitor_;  // null: there is none
  ClusterStart cluster_start_;            // its socket until the port has it
  std::unique_ptr<ClusterPort> cluster_;  // null: this server is no member of one
  std::string cluster_name_;
  const bool awaits_mesh_;
  // What clients are told of all servers, own addresses first; and whether they know it all.
  std::vector<std::string> client_urls_;
  bool client_urls_new_ = false;
  bool facts_stale_ = false;  // the name or the addresses are not those of the facts
  io::Operation signals_ = io::Operation::Bind<&ControlShard::OnSignals>(this);

  // What the shards work by, and what some of them may still hold. Those that the server was
  // started with are not ours.
  const session::ServerFacts* facts_;
  std::unique_ptr<const session::ServerFacts> owned_facts_;
  std::unique_ptr<const session::ServerFacts> old_facts_;
  unsigned facts_missing_ = 0;               // answers
  std::optional<Reloader::Next> reloading_;  // until the shards have all of it
  bool reload_again_ = false;

  bool clients_let_in_ = false;
  bool failed_ = false;  // to listen for them
  base::Timer mesh_timer_ = base::Timer::Bind<&ControlShard::OnMeshTimer>(this);

  uint64_t watchdog_ms_ = 0;
  unsigned pulses_missing_ = 0;
  base::Timer watchdog_timer_ = base::Timer::Bind<&ControlShard::OnWatchdog>(this);

  bool lame_duck_ = false;
  bool stopping_ = false;
  unsigned listeners_closed_ = 0;
  unsigned shards_without_clients_ = 0;
  unsigned shards_stopped_ = 0;

  std::vector<int64_t> to_close_;  // clients that lame duck mode still has to close, by shard
  int64_t close_batch_ = 1;
  uint64_t close_pause_ms_ = 0;
  base::Timer lame_duck_timer_ = base::Timer::Bind<&ControlShard::OnGraceOver>(this);
  base::Timer close_timer_ = base::Timer::Bind<&ControlShard::OnNextClose>(this);
};

}  // namespace martlet::control
