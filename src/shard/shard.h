// One data shard: a thread, a loop, its connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_set.h>
#include <absl/status/status.h>

#include "base/cpu_wait.h"
#include "base/log.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "session/barriers.h"
#include "session/delivery.h"
#include "session/interest_board.h"
#include "session/shard_context.h"
#include "shard/affinity.h"
#include "shard/connection.h"
#include "shard/listener.h"
#include "shard/placement.h"
#include "shard/quiet.h"
#include "shard/records.h"
#include "shard/routes.h"
#include "shard/snapshots.h"
#include "shard/tuning.h"

namespace martlet::shard {

/// What all shards of a server share; the server owns it and outlives them.
struct Shared {
  subject::SubjectIndex& index;
  session::Interconnect& interconnect;
  Placement& placement;
  base::Log& log;
  const session::ServerFacts& facts;
  const Tuning tuning;
  /// What makes a time since 1970 of one of the monotonic clock; the same as long as we run.
  const int64_t unix_offset_ns;
  std::vector<io::Waker> wakers;  // by member; complete before the first shard runs
  /// By shard; complete before the first one runs, and there until all have ended.
  std::vector<const session::ShardStats*> stats;
};

/// Runs one shard. Everything in it belongs to the thread that calls Open() and Run().
///
/// One turn: timers, records of other shards, completions (within the tuning's budget); publish
/// ring tails and wake sleepers; settle every touched connection (one send each); announce
/// quiescence; then spin, or sleep in one enter.
///
/// Order that must hold: ring tails are published before any send of the turn is started, so that a
/// PONG never overtakes the messages it vouches for.
class Shard {
 public:
  /// On the shard's thread, which is pinned to the CPU of `seat`.
  Shard(unsigned id, Seat seat, Shared& shared);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  /// Makes the loop, on the shard's thread; what of it the tuning decides is filled in here.
  absl::Status Open(io::LoopOptions options, std::string* fallback_reason);
  /// Turns until kStop has come and all connections are gone.
  void Run();

  // For connections and the listener.
  io::Loop& loop() { return *loop_; }
  session::ShardContext& context() { return context_; }
  uint64_t now_ms() const { return context_.timers.now(); }
  void OnAccepted(base::UniqueFd fd);
  void OnListenerClosed();
  bool MayReportAcceptError(uint64_t pause_ms) {
    return shared_.placement.MayReportAcceptError(now_ms(), pause_ms);
  }
  void ResumeLater(Connection& connection) { resume_.push_back(&connection); }
  /// It has more to send than one turn gives it.
  void SettleLater(Connection& connection) { settle_.push_back(&connection); }
  const Tuning& tuning() const { return shared_.tuning; }
  /// Whether connections are to send with a system call each, rather than with requests of the
  /// loop's: see kOwnSendsMax.
  bool sends_itself() const { return sends_itself_; }
  /// A client closes; it is still in the books.
  void Leaves(const session::ClientSession& client) { snapshots_.Remember(client); }
  void Left() { shared_.placement.Leave(id_); }
  void Gone(Connection& connection) { gone_.push_back(&connection); }
  Routes& routes() { return routes_; }

 private:
  // At shutdown clients get so long to take their last bytes.
  static constexpr uint64_t kStopPatienceMs = 3000;

  void Turn();
  void ChooseReceiveCap();
  void Wait();
  int64_t TimeUntilDue() const;
  bool Spin(uint64_t idle_since_ns, int64_t patience_ns, uint64_t due_ns);
  void Sleep(int64_t timeout_ns);
  void DrainInbound();
  void OnRecord(std::span<const char> record);
  void Adopt(const AdoptRecord& record);
  void AdoptRoute(const AdoptRouteRecord& record);
  void AnswerSnapshot(const SnapshotRecord& record);
  void PublishAndWake();
  void ResumePaused();
  void SettleTouched();
  void BuryGone();
  void BeginStop();
  void TellClientsGone();
  void StopRoutes();
  void CloseOne();
  void TakeFacts(const FactsRecord& record);
  void CloseSurplus(int64_t count);
  void OnStopPatience();
  void TellFactsTaken();
  void MeasureBusy(uint64_t waited_ns);
  void JudgeSpinning();
  void JudgeAffinity();
  void ReportScarcity();
  Quiet::Totals Work() const;
  void OnLook();
  void OnRetiredFreed();
  void Trim();
  void Tell(session::RecordKind kind);

  const unsigned id_;
  const Seat seat_;
  Shared& shared_;
  std::unique_ptr<io::Loop> loop_;  // outlives what may keep its receive buffers
  session::ShardContext context_;
  session::Delivery delivery_;
  session::InterestBoard interest_;
  session::Barriers barriers_;
  Routes routes_;
  bool interest_waits_ = false;  // the board has more to tell
  Listener listener_;
  Snapshots snapshots_;
  absl::flat_hash_set<Connection*> connections_;  // owned
  std::vector<Connection*> resume_;
  std::vector<Connection*> settle_;
  std::vector<Connection*> gone_;
  bool facts_taken_ = false;  // to be told at the end of the turn
  bool stopping_ = false;
  bool clients_gone_told_ = false;
  bool routes_stop_ = false;
  bool sends_itself_ = true;
  bool said_buffers_exhausted_ = false;
  bool said_overflow_ = false;
  bool said_crowded_ = false;
  uint64_t settled_bytes_ = 0;  // of the output, when the last turn began to send
  bool draining_ = false;       // guards against draining from within
  bool trims_ = false;          // when the turn ends

  Patience patience_;
  Affinity affinity_;
  base::CpuWait cpu_wait_;
  uint64_t now_ns_ = 0;     // at the beginning of the turn
  uint64_t waited_ns_ = 0;  // since measured_since_ns_
  uint64_t measured_since_ns_ = 0;
  Quiet quiet_;
  size_t retired_waiting_ = SIZE_MAX;  // in the index, when last looked at while trimming
  base::Timer look_timer_ = base::Timer::Bind<&Shard::OnLook>(this);
  base::Timer free_timer_ = base::Timer::Bind<&Shard::OnRetiredFreed>(this);
  base::Timer stop_timer_ = base::Timer::Bind<&Shard::OnStopPatience>(this);
};

}  // namespace martlet::shard
