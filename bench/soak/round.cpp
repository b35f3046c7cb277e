#include "round.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "churn.h"
#include "client/runtime.h"
#include "flow.h"
#include "guest.h"
#include "load/ledger.h"
#include "part.h"

namespace martlet::soak {
namespace {

constexpr int64_t kTurnNs = 1'000'000;
constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kPrepareNs = 20 * kSecondNs;
constexpr int64_t kCloseNs = 10 * static_cast<int64_t>(kSecondNs);
// A little faster than asked, so that the last one is done when the time is over.
constexpr double kHurry = 1.02;

/// The connections and their loop; Run() calls the steps in their order.
class Round {
 public:
  Round(std::unique_ptr<client::Runtime> runtime, const client::Peer& peer, const RoundPlan& plan,
        const std::function<void()>& on_turn)
      : runtime_(std::move(runtime)),
        plan_(plan),
        on_turn_(on_turn),
        stage_{.runtime = *runtime_,
               .peer = peer,
               .faults = faults_,
               .seed = plan.seed,
               .failure = {}} {
    MakeParts();
  }

  absl::StatusOr<RoundDone> Run() {
    const absl::Status played = Play();
    for (auto& part : parts_) part->Close();
    const bool gone = runtime_->TurnUntilGone(kCloseNs);
    if (!played.ok()) return played;
    if (!gone) return absl::DeadlineExceededError("connections did not close");
    RoundDone done;
    done.seconds = static_cast<double>(ended_ns_ - began_ns_) * 1e-9;
    done.messages = Moved();
    for (const Part* part :
         {static_cast<const Part*>(churn_), static_cast<const Part*>(visitors_)}) {
      done.messages -= part->moved();
    }
    done.subscriptions = churn_->pairs();
    done.connects = visitors_->visits();
    faults_.MergeInto(done.faults);
    return done;
  }

 private:
  void MakeParts();
  absl::Status Play();
  void Turn() {
    runtime_->Turn(kTurnNs);
    on_turn_();
  }
  uint64_t Moved() const {
    uint64_t sum = 0;
    for (const auto& part : parts_) sum += part->moved();
    return sum;
  }
  bool Enough(uint64_t now) const {
    const double seconds = static_cast<double>(now - began_ns_) * 1e-9;
    const bool all =
        churn_->pairs() >= plan_.subscriptions && visitors_->visits() >= plan_.connects;
    return seconds >= plan_.seconds * 2 || (seconds >= plan_.seconds && all);
  }

  std::unique_ptr<client::Runtime> runtime_;
  const RoundPlan& plan_;
  const std::function<void()>& on_turn_;
  load::FaultBook faults_;
  Stage stage_;
  std::vector<std::unique_ptr<Part>> parts_;
  SubscriptionChurn* churn_ = nullptr;
  Visitors* visitors_ = nullptr;
  uint64_t began_ns_ = 0;
  uint64_t ended_ns_ = 0;
};

void Round::MakeParts() {
  const auto flow = [this](const char* subject, int members, bool queue, uint32_t size,
                           double per_second) {
    parts_.push_back(std::make_unique<Flow>(
        stage_, Flow::Shape{subject, members, queue, size, per_second * plan_.load}));
  };
  flow("soak.one", 1, false, 128, 20'000);
  flow("soak.large", 1, false, 16 << 10, 500);
  flow("soak.many", 50, false, 128, 500);
  flow("soak.group", 8, true, 128, 5'000);
  parts_.push_back(std::make_unique<Requests>(stage_, 4, 2'000 * plan_.load));
  const auto pace = [this](uint64_t count) {
    return static_cast<double>(count) / plan_.seconds * kHurry;
  };
  auto churn = std::make_unique<SubscriptionChurn>(stage_, pace(plan_.subscriptions));
  auto visitors = std::make_unique<Visitors>(stage_, pace(plan_.connects), "soak.one");
  churn_ = churn.get();
  visitors_ = visitors.get();
  parts_.push_back(std::move(churn));
  parts_.push_back(std::move(visitors));
}

absl::Status Round::Play() {
  const uint64_t deadline = base::MonotonicNanoseconds() + kPrepareNs;
  for (auto& part : parts_) part->Open();
  while (!std::all_of(parts_.begin(), parts_.end(), [](const auto& p) { return p->Prepared(); })) {
    if (!stage_.failure.ok()) return stage_.failure;
    if (base::MonotonicNanoseconds() > deadline) {
      return absl::DeadlineExceededError("20 seconds were not enough to connect and subscribe");
    }
    Turn();
  }
  began_ns_ = base::MonotonicNanoseconds();
  for (auto& part : parts_) part->Begin(began_ns_);
  for (uint64_t now = began_ns_; !Enough(now); now = base::MonotonicNanoseconds()) {
    for (auto& part : parts_) part->Produce(now);
    Turn();
    if (!stage_.failure.ok()) return stage_.failure;
  }
  uint64_t moved = Moved();
  ended_ns_ = base::MonotonicNanoseconds();
  for (uint64_t moved_ns = ended_ns_; stage_.failure.ok();) {
    const auto drained = [](const auto& part) { return part->Drained(); };
    if (std::all_of(parts_.begin(), parts_.end(), drained)) break;
    const uint64_t now = base::MonotonicNanoseconds();
    if (std::exchange(moved, Moved()) != moved) moved_ns = now;
    if (now > moved_ns + static_cast<uint64_t>(plan_.patience_seconds * 1e9)) break;
    Turn();
  }
  // Duplicates would come behind what they double.
  for (const uint64_t now = base::MonotonicNanoseconds();
       base::MonotonicNanoseconds() < now + kSecondNs / 5;) {
    Turn();
  }
  for (auto& part : parts_) part->Settle();
  return stage_.failure;
}

}  // namespace

absl::StatusOr<RoundDone> RunRound(const client::Peer& peer, const RoundPlan& plan,
                                   const std::function<void()>& on_turn) {
  auto runtime = client::Runtime::Create(IoBackend::kAuto);
  if (!runtime.ok()) return runtime.status();
  return Round(*std::move(runtime), peer, plan, on_turn).Run();
}

}  // namespace martlet::soak
