// Builds a whole server from options, and runs it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>

#include <martlet/options.h>

#include "base/log.h"
#include "base/unique_fd.h"
#include "config/system_environment.h"
#include "control/control_shard.h"
#include "proto/server_info.h"
#include "server/startup.h"
#include "shard/shard.h"

namespace martlet::server {

/// One server in this process. Owns every thread and everything that they share.
///
/// Thread: the one that calls Run() becomes the control shard.
class Server {
 public:
  /// `argv0` names the ports file.
  Server(Start start, std::string argv0);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves until a signal ends it; returns the exit code of the process. Whatever keeps it from
  /// starting is said on standard error or in the log, as the reference does.
  int Run();

 private:
  struct Running;

  // A listening socket, and the port that it got.
  struct Bound {
    base::UniqueFd fd;
    int port = 0;
  };

  static absl::StatusOr<Bound> Bind(const std::string& host, int port);
  /// Says where in the log: behind `line`.
  absl::StatusOr<Bound> Listen(const std::string& host, int port, std::string_view line);
  absl::Status StartShards(Running& running);
  void LogBanner() const;
  void RunShard(Running& running, unsigned id, shard::Seat seat);
  const std::string& monitor_host() const;
  bool WritePortsFile(const std::string& directory);
  void MovePortsFile(const std::string& directory);
  int Fail(std::string_view text);

  const Start start_;
  const Options& options_;
  config::SystemEnvironment environment_;
  const std::string argv0_;
  std::string ports_file_;
  proto::ServerInfo info_;
  int bound_port_ = 0;
  int monitor_port_ = 0;  // bound; 0: none
  int cluster_port_ = 0;  // the same
  std::unique_ptr<base::Log> log_;
};

}  // namespace martlet::server
