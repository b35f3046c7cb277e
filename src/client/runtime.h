// One thread's loop and what its connections share.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "io/loop.h"

namespace martlet::client {

class Connection;

/// The turn of a client thread:
///
///   caller produces ──> Turn(): send what was written, wait, run the handlers ──> and again
///
/// Thread:     created, used and destroyed on one thread.
/// Lifetime:   outlives its connections.
class Runtime {
 public:
  static absl::StatusOr<std::unique_ptr<Runtime>> Create(IoBackend backend);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Sends what connections have written, waits at most `timeout_ns` (0: not at all, negative: no
  /// limit) for something to happen, and runs the handlers of what has.
  void Turn(int64_t timeout_ns);

  /// Turns until no connection is left open, at most `timeout_ns`; false when some are. Connections
  /// may be freed only when they are gone.
  bool TurnUntilGone(int64_t timeout_ns);

  /// Monotonic time when the handlers of this turn began to run.
  uint64_t now_ns() const { return now_ns_; }
  std::string Describe() const { return loop_->Describe(); }

 private:
  friend class Connection;

  explicit Runtime(std::unique_ptr<io::Loop> loop);
  io::Loop& loop() { return *loop_; }
  void FlushWritten();

  std::unique_ptr<io::Loop> loop_;
  std::vector<Connection*> written_;  // have something to send
  std::vector<Connection*> flushing_;
  size_t open_ = 0;  // connections that are not gone
  uint64_t now_ns_ = 0;
};

}  // namespace martlet::client
