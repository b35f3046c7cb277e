// The control shard: signals, life cycle, and timers that are nobody's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "base/random.h"
#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "session/mailroom.h"
#include "shard/records.h"
#include "shard/shard.h"

namespace martlet::control {

/// Runs the server's life from "ready" to its end on a loop of its own. It serves no client and
/// never blocks a data shard: what it wants of one, it puts into its ring.
///
///   serving ──USR2──> lame duck: grace ──> closing clients one by one ──┐
///      └──────────────INT, TERM (INT also in lame duck)─────────────────┴──> stopping ──> ended
///
/// Ownership:  owns the loop, the signal descriptor and the listening socket.
/// Thread:     the one that calls Open() and Run().
class ControlShard {
 public:
  ControlShard(shard::Shared& shared, base::UniqueFd signal_fd, base::UniqueFd listen_fd);

  absl::Status Open(const io::LoopOptions& options, std::string* fallback_reason);
  /// Lets the shards accept, and returns when all of them have ended.
  void Run();

  const io::Loop& loop() const { return *loop_; }

 private:
  void Turn();
  void Wait();
  void OnSignals(const io::Completion& done);
  void OnSignal(int signal);
  void OnRecord(std::span<const char> record);
  void PublishAndWake();
  void TellAll(session::RecordKind kind);

  void Reload();
  void BeginLameDuck();
  void OnGraceOver();
  void OnNextClose();
  void BeginStop();

  shard::Shared& shared_;
  session::Mailroom mailroom_;
  base::TimerWheel timers_;
  base::Random random_;
  base::UniqueFd signal_fd_;
  base::UniqueFd listen_fd_;
  std::unique_ptr<io::Loop> loop_;
  io::Operation signals_ = io::Operation::Bind<&ControlShard::OnSignals>(this);

  bool lame_duck_ = false;
  bool stopping_ = false;
  unsigned listeners_closed_ = 0;
  unsigned shards_stopped_ = 0;

  std::vector<int64_t> to_close_;  // clients that lame duck mode still has to close, by shard
  int64_t close_batch_ = 1;
  uint64_t close_pause_ms_ = 0;
  base::Timer lame_duck_timer_ = base::Timer::Bind<&ControlShard::OnGraceOver>(this);
  base::Timer close_timer_ = base::Timer::Bind<&ControlShard::OnNextClose>(this);
};

}  // namespace martlet::control
