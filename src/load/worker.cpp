#include "load/worker.h"

#include <algorithm>
#include <ctime>
#include <pthread.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "load/pin.h"

namespace martlet::load {
namespace {

constexpr int64_t kPhaseWaitNs = 1'000'000;
constexpr int64_t kRunWaitNs = 10'000'000;
constexpr int64_t kWorkerCloseWaitNs = 1'000'000'000;

double Seconds(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

std::vector<Assignment> Assign(const Plan& plan) {
  const auto threads = static_cast<size_t>(std::max(plan.threads, 1));
  std::vector<Assignment> out(threads);
  const bool sends = plan.scenario != Scenario::kReceive;
  for (uint32_t i = 0; sends && i < static_cast<uint32_t>(plan.publishers); ++i) {
    out[i % threads].publishers.push_back(i);
  }
  if (plan.scenario != Scenario::kPublish && plan.scenario != Scenario::kBlast) {
    for (uint32_t i = 0; i < static_cast<uint32_t>(plan.subscribers); ++i) {
      const size_t place = plan.queue.empty() ? i % threads : 0;
      out[threads - 1 - place].subscribers.push_back(i);
    }
  }
  out.back().stuck = plan.stuck_subscribers;
  out.back().churner = plan.churn_per_second > 0;
  out.back().flood = plan.flood_per_second > 0;
  return out;
}

Worker::Worker(RunState& run, Assignment assignment, int cpu)
    : run_(run), assignment_(std::move(assignment)), cpu_(cpu), thread_([this] { Main(); }) {}

void Worker::Join() {
  if (thread_.joinable()) thread_.join();
}

double Worker::cpu_seconds() {
  const double ended = cpu_seconds_.load();
  if (ended >= 0) return ended;
  clockid_t clock = 0;
  return pthread_getcpuclockid(thread_.native_handle(), &clock) == 0 ? Seconds(clock) : 0;
}

void Worker::Main() {
  if (cpu_ >= 0) base::PinThisThread(cpu_);
  auto runtime = client::Runtime::Create(run_.plan.backend);
  if (!runtime.ok()) return run_.Fail(runtime.status());
  backend_ = (*runtime)->Describe();
  context_.emplace(WorkerContext{run_, **runtime, recorder_, faults_});
  MakeRoles();
  if (Await(**runtime, Phase::kListen, listeners_) &&
      Await(**runtime, Phase::kConnect, producers_)) {
    recorder_.Begin(run_.times);
    Play(**runtime);
  }
  for (Role* role : listeners_) role->Close();
  for (Role* role : producers_) role->Close();
  (*runtime)->TurnUntilGone(kWorkerCloseWaitNs);
  cpu_seconds_.store(ThreadCpuSeconds());
  Count();
  for (auto& subscriber : subscribers_) last_ns_ = std::max(last_ns_, subscriber->last_ns());
  for (auto& requester : requesters_) last_ns_ = std::max(last_ns_, requester->last_ns());
}

void Worker::MakeRoles() {
  WorkerContext& context = *context_;
  const bool requests = run_.plan.scenario == Scenario::kRequest;
  if (!run_.plan.queue.empty() && !assignment_.subscribers.empty()) {
    groups_.push_back(std::make_unique<SharedLedger>("queue group " + run_.plan.queue, 0,
                                                     run_.streams.count(), faults_));
  }
  SharedLedger* const group = groups_.empty() ? nullptr : groups_.front().get();
  for (const uint32_t i : assignment_.subscribers) {
    if (requests) {
      listeners_.push_back(others_.emplace_back(std::make_unique<Responder>(context)).get());
    } else {
      subscribers_.push_back(std::make_unique<Subscriber>(context, i, group));
      listeners_.push_back(subscribers_.back().get());
    }
  }
  for (int i = 0; i < assignment_.stuck; ++i) {
    producers_.push_back(others_.emplace_back(std::make_unique<StuckSubscriber>(context)).get());
  }
  for (const uint32_t i : assignment_.publishers) {
    if (requests) {
      requesters_.push_back(std::make_unique<Requester>(context, i));
      producers_.push_back(requesters_.back().get());
    } else {
      producers_.push_back(others_.emplace_back(std::make_unique<Publisher>(context, i)).get());
    }
  }
  if (assignment_.churner) {
    auto churner = std::make_unique<Churner>(context);
    churner_ = churner.get();
    producers_.push_back(others_.emplace_back(std::move(churner)).get());
  }
  if (assignment_.flood) {
    auto sink = std::make_unique<FloodSink>(context);
    flood_ = sink.get();
    listeners_.push_back(others_.emplace_back(std::move(sink)).get());
    producers_.push_back(others_.emplace_back(std::make_unique<Flooder>(context, *flood_)).get());
  }
}

/// Opens `roles`, says when they are prepared, and waits until `phase` is over. False: give up.
bool Worker::Await(client::Runtime& runtime, Phase phase, const std::vector<Role*>& roles) {
  for (Role* role : roles) role->Open();
  bool said = false;
  while (run_.phase.load(std::memory_order_acquire) == phase) {
    if (run_.failed.load(std::memory_order_relaxed)) return false;
    runtime.Turn(kPhaseWaitNs);
    const auto prepared = [](const Role* role) { return role->prepared(); };
    if (said || !std::all_of(roles.begin(), roles.end(), prepared)) continue;
    said = true;
    run_.ready_workers.fetch_add(1, std::memory_order_release);
  }
  return run_.phase.load(std::memory_order_acquire) < Phase::kClose;
}

void Worker::Play(client::Runtime& runtime) {
  const bool spin = run_.plan.rate > 0 && run_.plan.spin;
  while (run_.phase.load(std::memory_order_acquire) == Phase::kRun &&
         !run_.failed.load(std::memory_order_relaxed)) {
    const uint64_t now = base::MonotonicNanoseconds();
    int64_t wait = kRunWaitNs;
    for (Role* role : producers_) wait = std::min(wait, role->Produce(now));
    runtime.Turn(spin && now < run_.times.end ? 0 : wait);
    Count();
  }
}

void Worker::Count() {
  uint64_t delivered = 0;
  for (const auto& subscriber : subscribers_) delivered += subscriber->delivered();
  for (const auto& requester : requesters_) delivered += requester->replies().Get();
  delivered_.Add(delivered - delivered_.Get());
  if (churner_ != nullptr) churned_.Add(churner_->pairs().Get() - churned_.Get());
}

void Worker::CloseLedgers() {
  for (auto& subscriber : subscribers_) subscriber->CloseLedger();
  for (auto& requester : requesters_) requester->CloseLedger();
  if (flood_ != nullptr) flood_->CloseLedger();
  for (auto& group : groups_) {
    if (!run_.contents.checked()) continue;
    uint32_t stream = 0;
    for (const auto& publisher : run_.publishers) {
      for (const uint64_t sent : publisher->sequences) group->Close(stream++, sent);
    }
  }
}

std::vector<uint64_t> Worker::DeliveredEach() const {
  std::vector<uint64_t> out;
  for (const auto& subscriber : subscribers_) out.push_back(subscriber->delivered());
  return out;
}

}  // namespace martlet::load
