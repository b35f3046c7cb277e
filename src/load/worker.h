// One thread of the load generator with its connections.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "load/flood.h"
#include "load/publisher.h"
#include "load/requester.h"
#include "load/role.h"
#include "load/subscriber.h"

namespace martlet::load {

/// Which roles a worker plays: indices of publishers (requesters) and subscribers (responders).
struct Assignment {
  std::vector<uint32_t> publishers;
  std::vector<uint32_t> subscribers;
  int stuck = 0;
  bool churner = false;
  bool flood = false;
};

/// Deals the roles of `plan` out to its threads: publishers from the first thread on, subscribers
/// from the last; a queue group stays on one thread, which its ledger wants.
std::vector<Assignment> Assign(const Plan& plan);

/// A thread that creates its roles and plays them, phase by phase.
///
/// Thread:     constructed, joined and read from the caller's; everything else on its own.
class Worker {
 public:
  /// `cpu`: pinned to it; -1: not.
  Worker(RunState& run, Assignment assignment, int cpu);
  ~Worker() { Join(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Join();

  // Any thread, while it runs.
  uint64_t delivered() const { return delivered_.Get(); }
  uint64_t churned() const { return churned_.Get(); }
  /// CPU time of the thread so far, seconds.
  double cpu_seconds();

  // After Join().
  const Recorder& recorder() const { return recorder_; }
  /// Lost messages are found now; the publishers' threads must have stopped, too.
  void CloseLedgers();
  const FaultBook& faults() const { return faults_; }
  const std::string& backend() const { return backend_; }
  uint64_t last_ns() const { return last_ns_; }
  /// Messages that each subscriber of a queue group has got.
  std::vector<uint64_t> DeliveredEach() const;

 private:
  void Main();
  void MakeRoles();
  bool Await(client::Runtime& runtime, Phase phase, const std::vector<Role*>& roles);
  void Play(client::Runtime& runtime);
  void Count();

  RunState& run_;
  Assignment assignment_;
  int cpu_;
  Recorder recorder_;
  FaultBook faults_;
  std::string backend_;
  std::optional<WorkerContext> context_;  // its runtime is gone when the thread has ended
  std::vector<std::unique_ptr<SharedLedger>> groups_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::vector<std::unique_ptr<Requester>> requesters_;
  std::vector<std::unique_ptr<Role>> others_;
  Churner* churner_ = nullptr;
  FloodSink* flood_ = nullptr;
  std::vector<Role*> listeners_;  // connect in kListen
  std::vector<Role*> producers_;  // connect in kConnect, produce in kRun
  base::Counter delivered_;
  base::Counter churned_;
  std::atomic<double> cpu_seconds_{-1};  // at its end
  uint64_t last_ns_ = 0;
  std::thread thread_;
};

}  // namespace martlet::load
