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
#include "control/control_shard.h"
#include "proto/server_info.h"
#include "shard/shard.h"

namespace martlet::server {

/// One server in this process. Owns every thread and everything that they share.
///
/// Thread: the one that calls Run() becomes the control shard.
class Server {
 public:
  /// `argv0` names the ports file.
  Server(Options options, std::string argv0);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves until a signal ends it; returns the exit code of the process. Whatever keeps it from
  /// starting is said on standard error or in the log, as the reference does.
  int Run();

 private:
  struct Running;

  absl::StatusOr<base::UniqueFd> Listen();
  absl::Status StartShards(Running& running);
  void LogBanner() const;
  void RunShard(Running& running, unsigned id, int cpu);
  bool WriteFiles();
  int Fail(std::string_view text);

  Options options_;
  const std::string argv0_;
  std::string ports_file_;
  proto::ServerInfo info_;
  int bound_port_ = 0;
  std::unique_ptr<base::Log> log_;
};

}  // namespace martlet::server
