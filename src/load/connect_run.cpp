#include "load/connect_run.h"

#include <algorithm>
#include <memory>
#include <thread>

#include "base/clock.h"
#include "load/crowd.h"
#include "load/figures.h"
#include "load/pin.h"
#include "load/sampler.h"

namespace martlet::load {
namespace {

constexpr int64_t kTurnNs = 10'000'000;
constexpr uint64_t kSettleNs = kSecondNs / 2;  // until a server has put its memory in order
constexpr size_t kSpareDescriptors = 64;

Figure Rate(std::string id, std::string label, double value) {
  return {.id = std::move(id), .label = std::move(label), .value = value, .unit = "1/s"};
}

Figure Cost(std::string id, std::string label, double value, std::string unit) {
  return {.id = std::move(id),
          .label = std::move(label),
          .value = value,
          .unit = std::move(unit),
          .higher_is_better = false};
}

/// Greets one server and remembers what it said.
class Asker final : public client::Connection::Handler {
 public:
  void OnReady(client::Connection& connection) override {
    ready = true;
    facts = {.name = connection.server().server_name,
             .version = connection.server().version,
             .language = connection.server().go,
             .url = {}};
    connection.Close();
  }
  void OnInput(client::Connection&) override {}
  void OnClosed(client::Connection&, const absl::Status& status) override { why = status; }

  bool ready = false;
  ServerFacts facts;
  absl::Status why;
};

/// One run about connections; lives on its own thread, which may be pinned.
class ConnectRun {
 public:
  ConnectRun(const Plan& plan, const client::Peer& peer, const OnInterval& on_interval)
      : plan_(plan),
        peer_(peer),
        on_interval_(on_interval),
        sampler_(plan.server_pid, 0, [this] { return Count(); }) {}

  absl::StatusOr<Result> Run();

 private:
  Counts Count() const;
  absl::Status JoinAll(bool herd);
  void Watch();
  void TurnFor(uint64_t ns);
  void AddFigures(Result& result);
  void AddMemory(Result& result);

  const Plan& plan_;
  const client::Peer& peer_;
  const OnInterval& on_interval_;
  std::unique_ptr<client::Runtime> runtime_;
  std::unique_ptr<Crowd> crowd_;
  Sampler sampler_;
  uint64_t resident_before_ = 0;
};

Counts ConnectRun::Count() const {
  return {.sent = crowd_->joined(),
          .delivered = 0,
          .churned = 0,
          .thread_cpu_seconds = {ThreadCpuSeconds()}};
}

void ConnectRun::TurnFor(uint64_t ns) {
  const uint64_t end = base::MonotonicNanoseconds() + ns;
  while (base::MonotonicNanoseconds() < end) runtime_->Turn(kTurnNs);
}

/// Turns until every connection is there, or one has failed, or none came for ten seconds.
absl::Status ConnectRun::JoinAll(bool herd) {
  const auto lap_ns = static_cast<uint64_t>(plan_.interval.count());
  uint64_t next_lap = base::MonotonicNanoseconds() + lap_ns;
  uint64_t since = base::MonotonicNanoseconds();
  size_t joined = 0;
  crowd_->Begin(herd);
  while (!crowd_->done()) {
    runtime_->Turn(kTurnNs);
    if (!crowd_->failure().ok()) return crowd_->failure();
    const uint64_t now = runtime_->now_ns();
    if (crowd_->joined() != joined) since = now;
    joined = crowd_->joined();
    if (now - since > 10 * kSecondNs) {
      return absl::DeadlineExceededError("connects stopped at " + std::to_string(joined));
    }
    if (now < next_lap) continue;
    next_lap += lap_ns;
    const Interval lap = sampler_.Lap();
    if (on_interval_) on_interval_(lap);
  }
  return absl::OkStatus();
}

void ConnectRun::Watch() {
  const uint64_t end = base::MonotonicNanoseconds() + static_cast<uint64_t>(plan_.duration.count());
  sampler_.Begin();
  while (base::MonotonicNanoseconds() < end && crowd_->failure().ok()) {
    const uint64_t left = end - std::min(end, base::MonotonicNanoseconds());
    TurnFor(std::min(left, static_cast<uint64_t>(plan_.interval.count())));
    const Interval lap = sampler_.Lap();
    if (on_interval_) on_interval_(lap);
  }
}

absl::StatusOr<Result> ConnectRun::Run() {
  const auto connections = static_cast<size_t>(plan_.subscribers);
  absl::Status allowed = AllowDescriptors(connections + kSpareDescriptors);
  if (!allowed.ok()) return allowed;
  auto runtime = client::Runtime::Create(plan_.backend);
  if (!runtime.ok()) return runtime.status();
  runtime_ = *std::move(runtime);
  crowd_ = std::make_unique<Crowd>(
      *runtime_, peer_,
      Crowd::Options{.connections = connections,
                     .at_once = static_cast<size_t>(std::max(plan_.connects_at_once, 1)),
                     .subscriptions = plan_.subscriptions,
                     .subject = plan_.subject});
  if (const auto use = measure::ReadProcess(plan_.server_pid)) {
    resident_before_ = use->resident_bytes;
  }
  sampler_.Begin();
  absl::Status joined = JoinAll(false);
  sampler_.Lap();
  if (joined.ok() && plan_.scenario == Scenario::kHerd) {
    if (!crowd_->CloseAll()) joined = absl::DeadlineExceededError("connections did not close");
    sampler_.Begin();
    if (joined.ok()) joined = JoinAll(true);
    sampler_.Lap();
  }
  Result result;
  if (joined.ok()) {
    result.plan = plan_;
    result.backend = runtime_->Describe();
    AddFigures(result);
    joined = crowd_->failure();
  }
  crowd_->CloseAll();
  if (!joined.ok()) return joined;
  AddWarnings(result);
  return result;
}

void ConnectRun::AddFigures(Result& result) {
  sampler_.Finish(result);
  const double count = plan_.subscribers;
  const bool herd = plan_.scenario == Scenario::kHerd;
  result.figures.push_back(Rate("connects_per_second",
                                herd ? "reconnects per second" : "connects per second",
                                count / std::max(result.seconds, 1e-9)));
  if (result.server_known) {
    result.figures.push_back(Cost("server_cpu_us_per_connect", "server CPU per connect",
                                  result.server_use.cpu_seconds() * 1e6 / count, "us"));
  }
  result.latencies.push_back(
      {.id = "connect",
       .label = herd ? "from the herd's start to PONG" : "from connect to PONG",
       .histogram = crowd_->times()});
  const auto& times = crowd_->times();
  result.figures.push_back(Cost("connect_p99_us", "p99, " + result.latencies.front().label,
                                static_cast<double>(times.ValueAt(99)) / 1000, "us"));
  result.sent = static_cast<uint64_t>(plan_.subscribers);
  AddMemory(result);
}

void ConnectRun::AddMemory(Result& result) {
  if (!result.server_known) return;
  TurnFor(kSettleNs);
  const auto settled = measure::ReadProcess(plan_.server_pid);
  if (!settled) return;
  const double grown =
      static_cast<double>(settled->resident_bytes) - static_cast<double>(resident_before_);
  result.figures.push_back(Cost("server_bytes_per_connection", "server memory per connection",
                                grown / plan_.subscribers, "B"));
  result.server_use.resident_bytes = settled->resident_bytes;
  if (plan_.scenario != Scenario::kIdle) return;
  std::swap(result.figures.front(), result.figures.back());
  Watch();
  Result idle;
  sampler_.Finish(idle);
  result.figures.push_back(Cost("server_idle_cpu_percent", "server CPU with all of them idle",
                                idle.server_cpu_share * 100, "%"));
}

}  // namespace

absl::StatusOr<ServerFacts> AskServer(IoBackend backend, const client::Peer& peer) {
  auto runtime = client::Runtime::Create(backend);
  if (!runtime.ok()) return runtime.status();
  Asker asker;
  client::Connection connection(**runtime, peer, {}, asker);
  connection.Open();
  constexpr int64_t kPatienceNs = 5 * static_cast<int64_t>(kSecondNs);
  if (!(*runtime)->TurnUntilGone(kPatienceNs)) {
    connection.Close();
    (*runtime)->TurnUntilGone(kPatienceNs);
    return absl::DeadlineExceededError(peer.target.url() + " does not answer");
  }
  if (!asker.ready) return asker.why;
  asker.facts.url = peer.target.url();
  return asker.facts;
}

absl::StatusOr<Result> RunConnects(const Plan& plan, const client::Peer& peer,
                                   const OnInterval& on_interval) {
  absl::StatusOr<Result> result = absl::UnknownError("");
  OnThread(plan, [&] { result = ConnectRun(plan, peer, on_interval).Run(); });
  return result;
}

}  // namespace martlet::load
