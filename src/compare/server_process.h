// A server started for one run, and gone after it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include <absl/status/statusor.h>

#include "base/unique_fd.h"
#include "compare/command.h"

namespace martlet::compare {

/// How to start a server.
struct StartOptions {
  std::string command;      // ParseCommand's form; {port} stands for the port
  bool append_port = true;  // without a {port}: append -a 127.0.0.1 -p PORT
  bool expect_info = true;  // it greets with INFO; false where TLS comes first: accepting is enough
  std::vector<int> cpus;    // to run on; empty: those of the calling thread
  std::chrono::milliseconds ready_within{10'000};
  std::chrono::milliseconds stop_within{5'000};  // between SIGTERM and SIGKILL
};

/// One server process on a free port of 127.0.0.1.
///
/// It runs in a process group of its own, with its output in an unlinked temporary file, nothing on
/// its standard input and none of our descriptors. With CPUs given GOMAXPROCS is their number,
/// unless the command sets it: a Go server then starts as many threads as it may use.
///
/// Ownership:  owns the process and all of its group; the destructor ends them.
/// Thread:     one. When the thread that called Start() ends, the kernel kills the server (but not
///             what the server itself may have started).
class ServerProcess {
 public:
  /// Starts it and waits until it accepts and has sent INFO. A port taken by somebody else in the
  /// meantime is tried again with another. Errors name the command and show the end of its output:
  /// no such program, ended before it listened, not ready in time.
  static absl::StatusOr<std::unique_ptr<ServerProcess>> Start(const StartOptions& options);

  ~ServerProcess() { Stop(); }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Of the process that was started; where that is a wrapper, the listener may be another.
  pid_t pid() const { return pid_; }
  uint16_t port() const { return port_; }

  /// Says whether it still runs. Once it does not, Ending() knows why.
  bool Running();
  /// "exit status 1", "signal 11 (Segmentation fault)"; empty while it runs.
  std::string Ending();

  /// SIGTERM to its group, SIGKILL after `stop_within`; returns when it is gone. Idempotent.
  void Stop();

  /// The last `lines` lines of what it printed, at most 4 KiB.
  std::string OutputTail(size_t lines = 12) const;

 private:
  ServerProcess() = default;
  static absl::StatusOr<std::unique_ptr<ServerProcess>> TryStart(const StartOptions& options,
                                                                 const Command& command);
  absl::Status Launch(const StartOptions& options, const Command& command);
  absl::Status WaitUntilReady(const StartOptions& options);
  bool EndsWithin(std::chrono::milliseconds time);

  pid_t pid_ = -1;  // -1: reaped, or never started
  uint16_t port_ = 0;
  std::chrono::milliseconds stop_within_{0};
  base::UniqueFd output_;
  bool ended_ = false;
  int ending_code_ = 0;  // siginfo_t's si_code and si_status
  int ending_status_ = 0;
};

}  // namespace martlet::compare
