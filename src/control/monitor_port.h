// The monitoring port: HTTP connections, and the questions that they put to the shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/process_usage.h"
#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "control/cluster_port.h"
#include "control/monitor_connection.h"
#include "io/loop.h"
#include "monitor/endpoints.h"
#include "monitor/inquiry.h"
#include "monitor/snapshot.h"
#include "session/mailroom.h"
#include "shard/shard.h"

namespace martlet::control {

/// Accepts, answers what counters tell at once, and carries the pieces of inquiries to the shards
/// and back: one at a time, so that the monitor never has more than one turn of one shard in work,
/// and the pieces of one walk a millisecond apart, so that a shard has more time for its clients
/// than for those who watch it.
///
/// Ownership:  owns the listening socket and the connections; borrows the control shard's loop,
///             timers and mailroom.
/// Thread:     the control shard's.
/// Lifetime:   after Close() until closed(); the shards have ended by then, or will not see the
///             piece any more. The cluster's port, where there is one, is there until Close().
/// Bound:      kConnectionsMax connections: of those that ask nothing the one that has waited
///             longest makes room, and where all are at work the newcomer gets a 503;
///             kInquiriesMax inquiries and kAnswerBytesMax of answers on their way: 503 too.
class MonitorPort {
 public:
  static constexpr size_t kConnectionsMax = 64;
  static constexpr size_t kInquiriesMax = 32;
  static constexpr size_t kAnswerBytesMax = size_t{64} << 20;

  /// Shows these from now on.
  void ShowFacts(const session::ServerFacts& facts) { facts_ = &facts; }
  /// The same, after the configuration was read. `digest` names the file; empty: there is none.
  void ShowConfig(const session::ServerFacts& facts, std::string digest);

  MonitorPort(shard::Shared& shared, io::Loop& loop, base::TimerWheel& timers,
              session::Mailroom& mailroom, base::UniqueFd listen_fd);

  void Open();
  /// This server is in a cluster.
  void ShowCluster(const ClusterPort& cluster) { cluster_ = &cluster; }
  /// Clients are not accepted any more.
  void SetAccepting(bool accepts) { accepts_ = accepts; }
  /// The piece is back from its shard.
  void OnPiece();
  /// Ends all connections and the listener.
  void Close();
  bool closed() const { return closing_ && !accept_.in_flight() && connections_.empty(); }
  /// Frees what has gone; at the end of a turn.
  void BuryGone();

  // For connections.
  io::Loop& loop() { return loop_; }
  base::TimerWheel& timers() { return timers_; }
  /// Answers now or later.
  void Handle(MonitorConnection& connection, const monitor::HttpRequest& request);
  void AnswerBegins(size_t bytes) { answer_bytes_ += bytes; }
  void AnswerEnds(size_t bytes) { answer_bytes_ -= bytes; }
  /// It waits for no answer any more.
  void Leaves(const MonitorConnection& connection);
  void Gone(MonitorConnection& connection) { gone_.push_back(&connection); }

 private:
  // Of one connection; the front one is being worked on.
  struct Work {
    MonitorConnection* connection;  // null: it has gone
    std::unique_ptr<monitor::Inquiry> inquiry;
  };

  static constexpr uint64_t kFirstPauseMs = 5;
  static constexpr uint64_t kPauseMaxMs = 1000;

  void OnAccept(const io::Completion& done);
  void OnRetry();
  void Admit(base::UniqueFd fd);
  bool MakeRoom();
  void Begin(MonitorConnection& connection, std::unique_ptr<monitor::Inquiry> inquiry);
  void AskNext();
  void SendPiece();
  monitor::ServerSnapshot Look();
  monitor::Totals Sums() const;
  std::vector<monitor::RouteLink> Links() const;

  shard::Shared& shared_;
  const session::ServerFacts* facts_;
  const ClusterPort* cluster_ = nullptr;
  std::string config_digest_;
  int64_t config_loaded_ns_;
  io::Loop& loop_;
  base::TimerWheel& timers_;
  session::Mailroom& mailroom_;
  base::UniqueFd listen_fd_;
  const monitor::Endpoints endpoints_;
  const int64_t start_ns_;
  base::CpuShare cpu_;
  monitor::RequestCounts requests_;
  bool accepts_ = true;
  bool closing_ = false;
  uint64_t pause_ms_ = kFirstPauseMs;

  std::vector<std::unique_ptr<MonitorConnection>> connections_;
  std::vector<MonitorConnection*> gone_;
  size_t answer_bytes_ = 0;

  std::deque<Work> work_;
  monitor::Piece piece_;       // lent to a shard while it is out
  bool piece_is_out_ = false;  // ... or about to be sent
  unsigned asked_shard_ = 0;

  io::Operation accept_ = io::Operation::Bind<&MonitorPort::OnAccept>(this);
  base::Timer retry_ = base::Timer::Bind<&MonitorPort::OnRetry>(this);
  base::Timer pace_ = base::Timer::Bind<&MonitorPort::SendPiece>(this);
};

}  // namespace martlet::control
