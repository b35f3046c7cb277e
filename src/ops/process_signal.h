// -sl: a signal for a server that runs.
#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace martlet::ops {

/// `command[=pid]` or `command[=file]`, taken apart.
struct SignalRequest {
  std::string command;  // ldm, stop, quit, term, reopen, reload
  std::string target;   // a pid, the beginning of one with '*', or empty: the only server there is
};

/// Fails for more than one '='. A target that is a readable file is replaced by what it holds.
absl::StatusOr<SignalRequest> ParseSignalRequest(std::string_view text);

/// What is to be sent to whom, in the reference's words where that cannot be said. Pure: `running`
/// are the servers' pids. Source: spec config-and-cli.md section 5; reference ProcessSignal.
struct SignalPlan {
  int signal = 0;
  std::vector<pid_t> pids;
};
absl::StatusOr<SignalPlan> PlanSignal(const SignalRequest& request,
                                      const std::vector<pid_t>& running);

/// Pids of the processes called nats-server or martlet-server, but for this one.
std::vector<pid_t> RunningServers();

/// All of it: reads, looks, sends.
absl::Status SendSignal(std::string_view text);

}  // namespace martlet::ops
