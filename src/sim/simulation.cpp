// One run: servers start, things go wrong, all is well again, and the cluster has to become whole.
#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "sim/checks.h"
#include "sim/faults.h"
#include "sim/options.h"
#include "sim/scenario.h"

namespace martlet::sim {
namespace {

// How long it may take until the cluster is whole: dials are backed off to thirty seconds, what is
// missing is looked after as seldom, and then there is the time to find a connection dead.
constexpr uint64_t kBackOffMs = 31'000;
constexpr uint64_t kWorkMs = 10'000;
// And then nothing happens any more.
constexpr uint64_t kQuietMs = 40'000;
constexpr uint64_t kLookMs = 250;
constexpr uint64_t kSecondMs = 1000;

constexpr std::array<std::pair<std::string_view, Mutant>, 7> kMutants = {{
    {"none", Mutant::kNone},
    {"lock-out", Mutant::kLockOut},
    {"tight-redial", Mutant::kTightRedial},
    {"missing-member", Mutant::kMissingMember},
    {"forgotten-peer", Mutant::kForgottenPeer},
    {"reordered-interest", Mutant::kReorderedInterest},
    {"early-unsubscribe", Mutant::kEarlyUnsubscribe},
}};

class World {
 public:
  explicit World(const Options& options)
      : random_(options.seed),
        network_(time_, random_),
        scenario_(MakeScenario(random_, options.servers)) {
    world_.mutant = options.mutant;
    world_.ping_ms = scenario_.ping_ms;
    world_.fail = [this](const std::string& what) {
      if (result_.failure.empty()) result_.failure = what + At();
      time_.Stop();
    };
    if (options.trace) {
      world_.trace = [this, trace = options.trace](int server, const std::string& text) {
        const std::string who = server < 0 ? "--- " : "server " + std::to_string(server) + " ";
        trace(std::to_string(time_.now_ms()) + " " + who + text);
      };
    }
    network_.SetDelay(scenario_.delay_max_ms);
    for (size_t i = 0; i < scenario_.servers.size(); ++i) {
      nodes_.push_back(std::make_unique<Node>(world_, static_cast<int>(i)));
      network_.Add(*nodes_.back());
    }
  }

  Result Run() {
    result_.servers = static_cast<int>(nodes_.size());
    result_.faults = scenario_.faults;
    // Connections broken at one end alone are found by pings, unless they are dialled for again.
    const uint64_t stale_ms = scenario_.one_sided ? 0 : 4 * scenario_.ping_ms;
    const bool backs_off = !scenario_.one_sided || SomeBackOff();
    result_.bound_ms = kWorkMs + stale_ms + (backs_off ? kBackOffMs : 0);
    Faults faults(world_, scenario_, nodes_);
    faults.Plan();
    const uint64_t well_ms = 2000 + scenario_.faults_ms;
    time_.RunUntil(well_ms);
    std::string wrong = "nothing seen";
    while (!wrong.empty() && result_.failure.empty()) {
      time_.RunUntil(time_.now_ms() + kLookMs);
      wrong = WhatIsWrong(nodes_, network_);
      // Subscribers come and go for two seconds more.
      if (time_.now_ms() < well_ms + 5100) wrong = "too early to say";
      if (wrong.empty()) break;
      if (time_.now_ms() > well_ms + result_.bound_ms) world_.fail(wrong);
    }
    result_.settled_ms = time_.now_ms() - well_ms;
    if (result_.failure.empty()) CheckQuiet();
    if (result_.failure.empty()) CheckLimits();
    CheckGossip();
    result_.dials = Sum(&Node::dials);
    result_.gossip = Sum(&Node::gossip);
    result_.differences = Sum(&Node::member_differences);
    result_.events = time_.events();
    return result_;
  }

 private:
  // With connect_backoff a name that was not found is looked up again up to half a minute later.
  bool SomeBackOff() const {
    return std::any_of(scenario_.servers.begin(), scenario_.servers.end(),
                       [](const cluster::Settings& own) { return own.connect_backoff; });
  }

  std::string At() const { return " (at " + std::to_string(time_.now_ms()) + " ms)"; }

  uint64_t Sum(uint64_t (Node::*count)() const) const {
    uint64_t sum = 0;
    for (const auto& node : nodes_) sum += (*node.*count)();
    return sum;
  }

  void CheckQuiet() {
    time_.RunUntil(time_.now_ms() + kBackOffMs);  // a dial may have been waiting for so long
    const uint64_t dials = Sum(&Node::dials);
    time_.RunUntil(time_.now_ms() + kQuietMs);
    if (const std::string wrong = WhatIsWrong(nodes_, network_); !wrong.empty()) {
      return world_.fail("not whole any more: " + wrong);
    }
    if (Sum(&Node::dials) != dials) world_.fail("dials though the cluster is whole");
  }

  /// Whoever wants so many messages of another server gets as many, and then is forgotten there.
  void CheckLimits() {
    constexpr int kLimit = 3;
    Node& subscriber = *nodes_.front();
    Node& publisher = *nodes_.back();
    subscriber.WantSome("$G", "limited", kLimit);
    time_.RunUntil(time_.now_ms() + kSecondMs);
    for (int i = 0; i < kLimit + 2; ++i) {
      publisher.Publish("$G", "limited");
      time_.RunUntil(time_.now_ms() + 1);
    }
    time_.RunUntil(time_.now_ms() + kSecondMs);
    if (subscriber.received() != kLimit) {
      return world_.fail(std::to_string(subscriber.received()) + " messages of " +
                         std::to_string(kLimit) + " that were wanted");
    }
    if (const std::string wrong = WhatIsWrong(nodes_, network_); !wrong.empty()) {
      world_.fail("after the last message that was wanted: " + wrong);
    }
  }

  /// Each connection that comes or goes is told of to each other server at most once by each end;
  /// and who was found to know other servers is told of all.
  void CheckGossip() {
    const uint64_t occasions = Sum(&Node::occasions) + Sum(&Node::member_differences);
    const uint64_t most = occasions * nodes_.size();
    if (Sum(&Node::gossip) > most) {
      world_.fail(std::to_string(Sum(&Node::gossip)) + " messages of gossip, " +
                  std::to_string(most) + " at most");
    }
  }

  base::Random random_;
  TimeLine time_;
  Network network_;
  Scenario scenario_;
  Surroundings world_{
      .time = time_, .random = random_, .network = network_, .trace = {}, .fail = {}};
  Nodes nodes_;
  Result result_;
};

}  // namespace

bool ParseMutant(std::string_view text, Mutant& mutant) {
  for (const auto& [word, value] : kMutants) {
    if (word != text) continue;
    mutant = value;
    return true;
  }
  return false;
}

std::string_view MutantWords() {
  return "none, lock-out, tight-redial, missing-member, forgotten-peer, reordered-interest, "
         "early-unsubscribe";
}

Result Run(const Options& options) { return World(options).Run(); }

}  // namespace martlet::sim
