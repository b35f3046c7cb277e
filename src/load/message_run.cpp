#include "load/message_run.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/clock.h"
#include "load/figures.h"
#include "load/sampler.h"
#include "load/worker.h"

namespace martlet::load {
namespace {

using std::chrono::nanoseconds;

constexpr uint64_t kPrepareNs = 30 * kSecondNs;  // to connect and subscribe
constexpr uint64_t kRouteSettleNs = kSecondNs;   // interest travels to the publishers' server
constexpr uint64_t kLeadNs = 20'000'000;         // from setting the times to the first message
constexpr auto kPoll = std::chrono::milliseconds(1);

void SleepUntil(uint64_t ns) {
  const uint64_t now = base::MonotonicNanoseconds();
  if (ns > now) std::this_thread::sleep_for(nanoseconds(ns - now));
}

/// One run from its connections to its result; Run() calls the steps in their order.
class MessageRun {
 public:
  MessageRun(const Plan& plan, const client::Peer& peer, const client::Peer& publish_peer)
      : plan_(plan),
        state_(plan, peer, publish_peer),
        sampler_(plan.server_pid, plan.size_bytes, [this] { return Count(); }) {
    MakeAudiences();
    int next = 0;
    for (Assignment& assignment : Assign(plan)) {
      const int cpu = plan.cpus.empty() ? -1 : plan.cpus[next++ % plan.cpus.size()];
      workers_.push_back(std::make_unique<Worker>(state_, std::move(assignment), cpu));
    }
  }
  ~MessageRun() { Stop(); }

  absl::StatusOr<Result> Run(const OnInterval& on_interval) {
    if (!AwaitWorkers("connect and subscribe")) return state_.failure();
    if (plan_.publish_server.url() != plan_.server.url()) {
      SleepUntil(base::MonotonicNanoseconds() + kRouteSettleNs);
    }
    NextPhase(Phase::kConnect);
    if (!AwaitWorkers("connect the publishers")) return state_.failure();
    SetTimes();
    NextPhase(Phase::kRun);
    Measure(on_interval);
    // What goes to a sink or comes from a source has no end to wait for.
    if (plan_.scenario != Scenario::kBlast && plan_.scenario != Scenario::kReceive) Drain();
    Stop();
    if (state_.failed) return state_.failure();
    return Collect();
  }

 private:
  void MakeAudiences();
  bool AwaitWorkers(std::string_view what);
  void NextPhase(Phase phase);
  void SetTimes();
  void Measure(const OnInterval& on_interval);
  void Drain();
  void Stop();
  Counts Count();
  bool Ended();
  bool AllFinished() const;
  bool AllArrived() const;
  Result Collect();

  const Plan& plan_;
  RunState state_;
  std::vector<std::unique_ptr<Worker>> workers_;
  Sampler sampler_;
  uint64_t moved_ = 0;           // messages sent and delivered, as Ended() last saw them
  uint64_t moved_since_ns_ = 0;  // when that changed
};

void MessageRun::MakeAudiences() {
  const bool pairs = plan_.topology == Topology::kPairs;
  for (int i = 0; i < plan_.publishers; ++i) {
    state_.publishers.push_back(std::make_unique<PublisherState>());
  }
  if (plan_.scenario != Scenario::kPubSub && plan_.scenario != Scenario::kReceive) return;
  const auto heard = pairs ? size_t{1} : state_.publishers.size();
  for (int i = 0; i < plan_.subscribers; ++i) {
    auto& received = state_.received.emplace_back(heard);
    for (size_t p = 0; p < heard; ++p) {
      const size_t publisher = pairs ? static_cast<size_t>(i % plan_.publishers) : p;
      auto& audience = state_.publishers[publisher]->audience;
      if (plan_.queue.empty() || audience.empty()) audience.emplace_back();
      audience.back().push_back(&received[p]);
    }
  }
}

bool MessageRun::AwaitWorkers(std::string_view what) {
  const uint64_t deadline = base::MonotonicNanoseconds() + kPrepareNs;
  while (state_.ready_workers.load(std::memory_order_acquire) < workers_.size()) {
    if (state_.failed.load(std::memory_order_acquire)) return false;
    if (base::MonotonicNanoseconds() > deadline) {
      state_.Fail(absl::DeadlineExceededError("30 seconds were not enough to " + std::string(what) +
                                              " at " + plan_.server.url()));
      return false;
    }
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

void MessageRun::NextPhase(Phase phase) {
  state_.ready_workers.store(0, std::memory_order_relaxed);
  state_.phase.store(phase, std::memory_order_release);
}

void MessageRun::SetTimes() {
  const bool counted = plan_.messages > 0;
  RunTimes& times = state_.times;
  times.start = base::MonotonicNanoseconds() + kLeadNs;
  moved_since_ns_ = times.start;
  times.begin = times.start + (counted ? 0 : static_cast<uint64_t>(plan_.warmup.count()));
  times.end =
      counted ? UINT64_MAX / 2 : times.begin + static_cast<uint64_t>(plan_.duration.count());
  times.interval = static_cast<uint64_t>(std::max<int64_t>(plan_.interval.count(), 1'000'000));
}

void MessageRun::Measure(const OnInterval& on_interval) {
  const RunTimes& times = state_.times;
  SleepUntil(times.begin);
  sampler_.Begin();
  bool over = false;
  for (uint64_t lap = times.begin + times.interval; !over; lap += times.interval) {
    const uint64_t until = std::min(lap, times.end);
    while (!over && base::MonotonicNanoseconds() < until) {
      const uint64_t left = until - base::MonotonicNanoseconds();
      const uint64_t nap = plan_.messages > 0 ? 1'000'000 : 10'000'000;
      std::this_thread::sleep_for(nanoseconds(std::min(left, nap)));
      over = state_.failed || (plan_.messages > 0 && Ended());
    }
    over = over || until >= times.end;
    const Interval interval = sampler_.Lap();
    if (on_interval && !state_.failed) on_interval(interval);
  }
}

/// Waits for what is still on its way.
void MessageRun::Drain() {
  while (!state_.failed && !Ended()) std::this_thread::sleep_for(kPoll);
}

/// Everything is sent and has arrived, or nothing moves any more: what is missing then is lost.
bool MessageRun::Ended() {
  if (AllFinished() && AllArrived()) return true;
  const Counts counts = Count();
  const uint64_t now = base::MonotonicNanoseconds();
  const uint64_t moved = counts.sent + counts.delivered + counts.flooded;
  if (moved != moved_) moved_since_ns_ = now;
  moved_ = moved;
  return now > moved_since_ns_ + static_cast<uint64_t>(plan_.patience.count());
}

bool MessageRun::AllFinished() const {
  return std::all_of(state_.publishers.begin(), state_.publishers.end(),
                     [](const auto& p) { return p->finished.load(std::memory_order_acquire); });
}

bool MessageRun::AllArrived() const {
  if (state_.flood_received.Get() < state_.flood_sent.Get()) return false;
  if (plan_.scenario == Scenario::kPublish) return true;
  if (plan_.scenario == Scenario::kRequest) {
    uint64_t sent = 0;
    uint64_t replies = 0;
    for (const auto& publisher : state_.publishers) sent += publisher->sent.Get();
    for (const auto& worker : workers_) replies += worker->delivered();
    return replies >= sent;
  }
  return std::all_of(state_.publishers.begin(), state_.publishers.end(),
                     [](const auto& p) { return p->Received() >= p->sent.Get(); });
}

void MessageRun::Stop() {
  state_.phase.store(Phase::kClose, std::memory_order_release);
  for (auto& worker : workers_) worker->Join();
}

Counts MessageRun::Count() {
  Counts counts;
  const bool confirmed = plan_.scenario == Scenario::kPublish;
  for (const auto& publisher : state_.publishers) {
    counts.sent += confirmed ? publisher->confirmed.Get() : publisher->sent.Get();
  }
  for (const auto& worker : workers_) {
    counts.delivered += worker->delivered();
    counts.churned += worker->churned();
    counts.thread_cpu_seconds.push_back(worker->cpu_seconds());
  }
  counts.flooded = state_.flood_received.Get();
  return counts;
}

Result MessageRun::Collect() {
  Result result;
  result.plan = plan_;
  result.backend = workers_.front()->backend();
  sampler_.Finish(result);
  std::vector<const Recorder*> recorders;
  std::vector<uint64_t> shares;
  for (auto& worker : workers_) {
    worker->CloseLedgers();
    worker->faults().MergeInto(result.faults);
    recorders.push_back(&worker->recorder());
    const auto each = worker->DeliveredEach();
    shares.insert(shares.end(), each.begin(), each.end());
  }
  AddLatencies(recorders, result);
  AddMessageFigures(result);
  if (!plan_.queue.empty()) AddQueueFigure(shares, result);
  if (plan_.churn_per_second > 0) AddChurnFigure(sampler_.churned(), result);
  if (plan_.flood_per_second > 0) AddFloodFigure(sampler_.flooded(), result);
  AddWarnings(result);
  return result;
}

}  // namespace

absl::StatusOr<Result> RunMessages(const Plan& plan, const client::Peer& peer,
                                   const client::Peer& publish_peer,
                                   const OnInterval& on_interval) {
  return MessageRun(plan, peer, publish_peer).Run(on_interval);
}

}  // namespace martlet::load
