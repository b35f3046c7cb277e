#include "load/subscriptions_run.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "client/runtime.h"
#include "load/contents.h"
#include "load/figures.h"
#include "load/ledger.h"
#include "load/pin.h"
#include "load/sampler.h"

namespace martlet::load {
namespace {

constexpr int64_t kCheckTurnNs = 10'000'000;
constexpr uint32_t kBatch = 1000;   // subscriptions between two PINGs
constexpr uint32_t kPingsAway = 4;  // at most
constexpr uint64_t kWindow = 4096;  // messages on the way
constexpr size_t kSubBatchBytes = size_t{64} << 10;

/// The filters: each has a subject that it, and no other, matches.
///   literal ROOT.l.7.x    star ROOT.s.7.*    full ROOT.g.7.>
class Filters {
 public:
  explicit Filters(const Plan& plan)
      : root_(plan.subject),
        literals_(static_cast<uint32_t>(plan.subscriptions * plan.literal_share)),
        stars_(static_cast<uint32_t>(plan.subscriptions * plan.star_share)) {}

  std::string Filter(uint32_t index) const {
    static constexpr const char* kTails[] = {".x", ".*", ".>"};
    return Stem(index) + kTails[KindOf(index)];
  }
  std::string Subject(uint32_t index) const {
    static constexpr const char* kTails[] = {".x", ".y", ".y.z"};
    return Stem(index) + kTails[KindOf(index)];
  }

 private:
  size_t KindOf(uint32_t index) const {
    if (index < literals_) return 0;
    return index < literals_ + stars_ ? 1 : 2;
  }
  std::string Stem(uint32_t index) const {
    static constexpr const char* kKinds[] = {".l.", ".s.", ".g."};
    return root_ + kKinds[KindOf(index)] + std::to_string(index);
  }

  std::string root_;
  uint32_t literals_;
  uint32_t stars_;
};

/// A connection of this run: counts PONGs and, where it subscribes, checks what comes.
class End final : public client::Connection::Handler {
 public:
  End(client::Runtime& runtime, const client::Peer& peer, const Contents& contents,
      FaultBook& faults)
      : connection(runtime, peer, {}, *this),
        ledger("subscriber 0", 0, 1, faults),
        contents_(contents),
        faults_(faults) {}

  void OnReady(client::Connection&) override {}
  void OnPong(client::Connection&, uint64_t number) override { pongs = number; }
  void OnClosed(client::Connection&, const absl::Status& status) override { why = status; }
  void OnInput(client::Connection& from) override {
    proto::Message message;
    while (from.Next(message)) {
      Head head;
      if (!contents_.Read(message.payload, head)) {
        faults_.AddCorrupted(ledger.who(), "a payload that was not sent");
      } else if (ledger.Take(head)) {
        ++received;
      }
    }
  }

  client::Connection connection;
  OrderedLedger ledger;
  uint64_t pongs = 0;
  uint64_t received = 0;
  absl::Status why;

 private:
  const Contents& contents_;
  FaultBook& faults_;
};

class SubscriptionsRun {
 public:
  SubscriptionsRun(const Plan& plan, const client::Peer& peer, const OnInterval& on_interval)
      : plan_(plan),
        peer_(peer),
        on_interval_(on_interval),
        contents_(plan.seed, std::max<size_t>(plan.size_bytes, Contents::kHeadBytes)),
        filters_(plan),
        random_(plan.seed),
        sampler_(plan.server_pid, static_cast<uint32_t>(contents_.size()),
                 [this] { return Count(); }) {}

  absl::StatusOr<Result> Run();

 private:
  Counts Count() const {
    return {.sent = subscribed_ + sent_,
            .delivered = subscriber_->received,
            .churned = 0,
            .thread_cpu_seconds = {ThreadCpuSeconds()}};
  }
  absl::Status TurnUntil(const std::function<bool()>& done);
  absl::Status Subscribe();
  absl::Status Publish();
  void PublishBatch();
  absl::Status Steps(Result& result);
  void AddSubscribed(Result& result);

  const Plan& plan_;
  const client::Peer& peer_;
  const OnInterval& on_interval_;
  Contents contents_;
  Filters filters_;
  base::Random random_;
  FaultBook faults_;
  std::unique_ptr<client::Runtime> runtime_;
  std::unique_ptr<End> subscriber_;
  std::unique_ptr<End> publisher_;
  Sampler sampler_;
  uint64_t subscribed_ = 0;
  uint64_t sent_ = 0;
  uint64_t resident_before_ = 0;
};

/// Turns until `done`; fails when a connection is lost or the time is up.
absl::Status SubscriptionsRun::TurnUntil(const std::function<bool()>& done) {
  uint64_t since = base::MonotonicNanoseconds();
  uint64_t seen = 0;
  while (!done()) {
    runtime_->Turn(kCheckTurnNs);
    for (const End* end : {subscriber_.get(), publisher_.get()}) {
      if (end->connection.gone()) return end->why;
    }
    const uint64_t progress =
        subscriber_->pongs + publisher_->pongs + subscriber_->received + subscribed_ + sent_;
    if (progress != seen) since = runtime_->now_ns();
    seen = progress;
    if (runtime_->now_ns() > since + static_cast<uint64_t>(plan_.patience.count())) {
      return absl::DeadlineExceededError("the server has stopped answering");
    }
  }
  return absl::OkStatus();
}

absl::Status SubscriptionsRun::Subscribe() {
  uint64_t pings = 0;
  client::Connection& connection = subscriber_->connection;
  return TurnUntil([&] {
    while (subscribed_ < plan_.subscriptions && pings - subscriber_->pongs < kPingsAway) {
      const uint64_t end = std::min<uint64_t>(subscribed_ + kBatch, plan_.subscriptions);
      for (; subscribed_ < end; ++subscribed_) {
        connection.Subscribe(filters_.Filter(static_cast<uint32_t>(subscribed_)), {},
                             subscribed_ + 1);
      }
      pings = connection.Ping();
    }
    return subscribed_ == plan_.subscriptions && subscriber_->pongs == pings;
  });
}

void SubscriptionsRun::PublishBatch() {
  client::Connection& connection = publisher_->connection;
  std::string payload(contents_.size() + Contents::kSlackBytes, '\0');
  while (connection.unsent_bytes() < kSubBatchBytes && sent_ - subscriber_->received < kWindow) {
    contents_.Write({.stream = 0, .sequence = sent_++}, payload.data());
    const uint32_t index = random_.Below(plan_.subscriptions);
    connection.Publish(filters_.Subject(index), {}, {},
                       std::string_view(payload).substr(0, contents_.size()));
  }
}

absl::Status SubscriptionsRun::Publish() {
  const uint64_t start = base::MonotonicNanoseconds();
  const uint64_t begin = start + static_cast<uint64_t>(plan_.warmup.count());
  const uint64_t end = begin + static_cast<uint64_t>(plan_.duration.count());
  const auto until = [&](uint64_t time) {
    return TurnUntil([&, time] {
      PublishBatch();
      return base::MonotonicNanoseconds() >= time;
    });
  };
  absl::Status ran = until(begin);
  sampler_.Begin();
  for (uint64_t lap = begin; ran.ok() && lap < end;) {
    lap = std::min(lap + static_cast<uint64_t>(plan_.interval.count()), end);
    ran = until(lap);
    const Interval interval = sampler_.Lap();
    if (on_interval_) on_interval_(interval);
  }
  if (!ran.ok()) return ran;
  // What does not arrive now is lost, which the ledger will say.
  TurnUntil([&] { return subscriber_->received == sent_; }).IgnoreError();
  subscriber_->ledger.Close(0, sent_);
  return absl::OkStatus();
}

void SubscriptionsRun::AddSubscribed(Result& result) {
  sampler_.Finish(result);
  const double count = plan_.subscriptions;
  result.figures.push_back({.id = "subscribes_per_second",
                            .label = "SUB per second",
                            .value = count / std::max(result.seconds, 1e-9),
                            .unit = "1/s"});
  if (!result.server_known) return;
  const double grown =
      static_cast<double>(result.server_use.resident_bytes) - static_cast<double>(resident_before_);
  result.figures.push_back({.id = "server_cpu_us_per_subscribe",
                            .label = "server CPU per SUB",
                            .value = result.server_use.cpu_seconds() * 1e6 / count,
                            .unit = "us",
                            .higher_is_better = false});
  result.figures.push_back({.id = "server_bytes_per_subscription",
                            .label = "server memory per subscription",
                            .value = grown / count,
                            .unit = "B",
                            .higher_is_better = false});
}

absl::Status SubscriptionsRun::Steps(Result& result) {
  subscriber_->connection.Open();
  publisher_->connection.Open();
  absl::Status step =
      TurnUntil([&] { return subscriber_->connection.ready() && publisher_->connection.ready(); });
  if (!step.ok()) return step;
  if (const auto use = measure::ReadProcess(plan_.server_pid)) {
    resident_before_ = use->resident_bytes;
  }
  sampler_.Begin();
  step = Subscribe();
  if (!step.ok()) return step;
  sampler_.Lap();
  AddSubscribed(result);
  std::vector<Figure> subscribed = std::move(result.figures);
  result.figures.clear();
  step = Publish();
  if (!step.ok()) return step;
  sampler_.Finish(result);
  Plan as_messages = plan_;
  as_messages.scenario = Scenario::kPubSub;
  result.plan = as_messages;
  AddMessageFigures(result);
  result.figures.insert(result.figures.begin(), subscribed.begin(), subscribed.end());
  return absl::OkStatus();
}

absl::StatusOr<Result> SubscriptionsRun::Run() {
  auto runtime = client::Runtime::Create(plan_.backend);
  if (!runtime.ok()) return runtime.status();
  runtime_ = *std::move(runtime);
  subscriber_ = std::make_unique<End>(*runtime_, peer_, contents_, faults_);
  publisher_ = std::make_unique<End>(*runtime_, peer_, contents_, faults_);
  Result result;
  absl::Status ran = Steps(result);
  subscriber_->connection.Close();
  publisher_->connection.Close();
  runtime_->TurnUntilGone(static_cast<int64_t>(kSecondNs));
  if (!ran.ok()) return ran;
  result.plan = plan_;
  result.backend = runtime_->Describe();
  faults_.MergeInto(result.faults);
  AddWarnings(result);
  return result;
}

}  // namespace

absl::StatusOr<Result> RunSubscriptions(const Plan& plan, const client::Peer& peer,
                                        const OnInterval& on_interval) {
  absl::StatusOr<Result> result = absl::UnknownError("");
  OnThread(plan, [&] { result = SubscriptionsRun(plan, peer, on_interval).Run(); });
  return result;
}

}  // namespace martlet::load
