// delivery-checker: publishes numbered, hashed messages and checks what every subscriber gets.
//
//   delivery-checker --url 127.0.0.1:4222 --scenario fan-out --messages 1000000
//   delivery-checker --self-test
//
// Checked: each message exactly once per subscription and once per queue group; in order from one
// publisher connection to one subscriber connection; every byte; nothing for others; nothing after
// the PONG that must follow it. The last line starts with "ok:" (exit 0) or "FAILED:" (exit 1).

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "delivery_ledger.h"
#include "delivery_plan.h"
#include "delivery_run.h"
#include "faulty_broker.h"
#include "raw_client.h"

namespace {

using delivery::Fault;
using delivery::Plan;
using delivery::Report;

constexpr char kUsage[] =
    "usage: delivery-checker --url HOST:PORT [options] | --self-test\n"
    "  --scenario S       one-to-one, fan-out, queue, cross, mixed-sizes or churn (one-to-one)\n"
    "  --messages N       deliveries over all subscribers, a queue group counting as one "
    "(1000000)\n"
    "  --publishers P     connections that publish (1; queue and churn 2; cross 8)\n"
    "  --subscribers K    connections that subscribe (1; fan-out 100; queue 4; cross 8; churn 4)\n"
    "  --payload B[-C]    bytes, at least 32 (128; mixed-sizes 32-1048576)\n"
    "  --window BYTES     published and unread, per subscriber (4194304)\n"
    "  --stall SECONDS    without progress this long is a failure (10)\n"
    "  --late-ok          PONG is no barrier (subscribers behind a route)\n"
    "  --seed N           of sizes and churn (1)\n";

struct Options {
  delivery::RunOptions run;
  std::string scenario = "one-to-one";
  uint64_t messages = 1'000'000;
  uint32_t publishers = 0;  // 0: the scenario's default
  uint32_t subscribers = 0;
  size_t payload_min = 0;
  size_t payload_max = 0;
};

[[noreturn]] void Refuse(const std::string& why) {
  fprintf(stderr, "delivery-checker: %s\n%s", why.c_str(), kUsage);
  exit(2);
}

// ------------------------------------------------------------------------------- scenarios

void SetDefaults(Options& options, uint32_t publishers, uint32_t subscribers) {
  if (options.publishers == 0) options.publishers = publishers;
  if (options.subscribers == 0) options.subscribers = subscribers;
}

void PlanPairs(Plan& plan) {  // publisher i → subscriber i, over and over
  const uint32_t pairs = std::max(plan.publishers, plan.subscribers);
  for (uint32_t i = 0; i < pairs; ++i) {
    const std::string subject = "check.pair." + std::to_string(i);
    plan.streams.push_back({i % plan.publishers, subject, 0});
    plan.subscriptions.push_back({i % plan.subscribers, subject});
  }
}

void PlanFanOut(Plan& plan) {
  for (uint32_t i = 0; i < plan.publishers; ++i) plan.streams.push_back({i, "check.fan", 0});
  for (uint32_t i = 0; i < plan.subscribers; ++i) plan.subscriptions.push_back({i, "check.fan"});
}

// The group over all connections, a second group over two of them, and a plain witness.
void PlanQueue(Plan& plan) {
  for (uint32_t i = 0; i < plan.publishers; ++i) plan.streams.push_back({i, "check.queue", 0});
  for (uint32_t i = 0; i < plan.subscribers; ++i) {
    plan.subscriptions.push_back({i, "check.queue", "workers"});
    if (i < 2) plan.subscriptions.push_back({i, "check.queue", "pair"});
  }
  plan.subscriptions.push_back({plan.subscribers++, "check.queue"});
}

// Everybody publishes on an own subject and on a shared one; everybody reads the shared one, so
// each connection sends to each other and every two shards are crossed. Two witnesses use
// wildcards.
void PlanCross(Plan& plan) {
  for (uint32_t i = 0; i < plan.publishers; ++i) {
    const std::string own = "check.own." + std::to_string(i);
    plan.streams.push_back({i, own, 0});
    plan.streams.push_back({i, "check.shared", 0});
    plan.subscriptions.push_back({i % plan.subscribers, own});
  }
  for (uint32_t i = 0; i < plan.subscribers; ++i) plan.subscriptions.push_back({i, "check.shared"});
  plan.subscriptions.push_back({plan.subscribers++, "check.*.>"});
  plan.subscriptions.push_back({plan.subscribers++, "check.>"});
}

void PlanMixedSizes(Plan& plan) {
  plan.odd_forms = true;
  PlanFanOut(plan);
  plan.subscriptions.push_back({plan.subscribers++, "check.*"});
}

// Steady subscribers and a steady group are checked in full while others come and go.
void PlanChurn(Plan& plan) {
  for (uint32_t i = 0; i < plan.publishers; ++i) {
    plan.streams.push_back({i, "check.churn.a", 0});
    plan.streams.push_back({i, "check.churn.b", 0});
  }
  for (uint32_t i = 0; i < plan.subscribers; ++i) {
    plan.subscriptions.push_back({i, i % 2 == 0 ? "check.churn.a" : "check.churn.*"});
    plan.subscriptions.push_back({i, "check.churn.b", "workers"});
  }
  for (const char* filter :
       {"check.churn.a", "check.churn.b", "check.churn.*", "check.>", "*.*.b"}) {
    plan.churners.push_back({filter});
    plan.churners.push_back({filter});
  }
  for (int i = 0; i < 3; ++i) plan.churners.push_back({"check.churn.b", "workers"});
}

uint64_t DeliveriesPerRound(const Plan& plan) {
  uint64_t sum = 0;
  for (const auto& stream : plan.streams) {
    std::vector<std::string> groups;
    for (const auto& subscription : plan.subscriptions) {
      if (!delivery::Matches(subscription.filter, stream.subject)) continue;
      const std::string& queue = subscription.queue;
      if (!queue.empty() && std::find(groups.begin(), groups.end(), queue) != groups.end())
        continue;
      if (!queue.empty()) groups.push_back(queue);
      ++sum;
    }
  }
  return sum;
}

Plan MakePlan(Options options) {
  struct Scenario {
    std::string_view name;
    void (*plan)(Plan&);
    uint32_t publishers, subscribers;
    size_t payload_min, payload_max;
  };
  constexpr Scenario kScenarios[] = {
      {"one-to-one", PlanPairs, 1, 1, 128, 128},
      {"fan-out", PlanFanOut, 1, 100, 128, 128},
      {"queue", PlanQueue, 2, 4, 128, 128},
      {"cross", PlanCross, 8, 8, 128, 128},
      {"mixed-sizes", PlanMixedSizes, 2, 3, 32, 1 << 20},
      {"churn", PlanChurn, 2, 4, 32, 300},
  };
  for (const Scenario& scenario : kScenarios) {
    if (scenario.name != options.scenario) continue;
    SetDefaults(options, scenario.publishers, scenario.subscribers);
    Plan plan;
    plan.name = options.scenario;
    plan.publishers = options.publishers;
    plan.subscribers = options.subscribers;
    plan.payload_min = options.payload_max != 0 ? options.payload_min : scenario.payload_min;
    plan.payload_max = options.payload_max != 0 ? options.payload_max : scenario.payload_max;
    scenario.plan(plan);
    const uint64_t per_round = DeliveriesPerRound(plan);
    for (auto& stream : plan.streams) {
      stream.messages = std::max<uint64_t>(1, (options.messages + per_round - 1) / per_round);
    }
    return plan;
  }
  Refuse("unknown scenario " + options.scenario);
}

void Print(const Plan& plan, const Report& report) {
  for (const std::string& finding : report.findings) printf("  %s\n", finding.c_str());
  printf("%s: scenario=%s published=%" PRIu64 " delivered=%" PRIu64 " lost=%" PRIu64
         " duplicated=%" PRIu64 " reordered=%" PRIu64 " corrupted=%" PRIu64,
         report.ok() ? "ok" : "FAILED", plan.name.c_str(), report.published, report.delivered,
         report.lost, report.duplicated, report.reordered, report.corrupted);
  if (report.stray != 0) printf(" stray=%" PRIu64, report.stray);
  if (report.late != 0) printf(" late=%" PRIu64, report.late);
  if (!plan.churners.empty()) {
    printf(" epochs=%" PRIu64 " reconnects=%" PRIu64, report.epochs, report.reconnects);
  }
  printf(" seconds=%.2f\n", report.seconds);
}

// ------------------------------------------------------------------------------- self-test

/// What a fault must turn into; everything not named here must stay 0.
struct Expectation {
  const char* scenario;
  Fault fault;
  uint64_t Report::*counter;  // nullptr: no finding at all
  const char* name;
};

bool RunSelfTest(const Expectation& expectation, uint64_t at) {
  delivery::FaultyBroker broker(expectation.fault, at);
  Options options;
  options.scenario = expectation.scenario;
  options.messages = 6000;
  if (options.scenario == "fan-out") options.subscribers = 10;
  if (options.scenario == "mixed-sizes") options.payload_min = 32, options.payload_max = 5000;
  options.run.server.port = broker.port();
  options.run.stall_seconds = 0.5;
  const Plan plan = MakePlan(options);
  const Report report = delivery::Execute(plan, options.run);

  bool good = broker.fault_applied() || expectation.fault == Fault::kNone;
  const bool stall = expectation.fault == Fault::kStall;
  good = good && report.ok() == (expectation.fault == Fault::kNone) && report.broken == stall;
  for (uint64_t Report::*counter : {&Report::lost, &Report::duplicated, &Report::reordered,
                                    &Report::corrupted, &Report::stray, &Report::late}) {
    if (stall) break;
    // What is damaged or goes astray is missing where it should have been; what is late has been
    // overtaken.
    const bool and_lost = counter == &Report::lost &&
                          (expectation.fault == Fault::kFlip || expectation.fault == Fault::kStray);
    const bool and_reordered = counter == &Report::reordered && expectation.fault == Fault::kLate;
    const bool wanted = counter == expectation.counter || and_lost || and_reordered;
    good = good && report.*counter == (wanted ? 1 : 0);
  }
  printf("%s: %s, %s at delivery %" PRIu64 "\n", good ? "ok" : "FAILED", expectation.scenario,
         expectation.name, at);
  if (!good) Print(plan, report);
  return good;
}

int SelfTest() {
  std::vector<Expectation> expectations;
  for (const char* scenario : {"one-to-one", "fan-out", "queue", "cross", "mixed-sizes", "churn"}) {
    const bool churn = std::string_view(scenario) == "churn";
    expectations.push_back({scenario, Fault::kNone, nullptr, "no fault"});
    // A fault may hit a churner, which cannot tell a lost last message from an early end.
    if (churn) continue;
    expectations.push_back({scenario, Fault::kDrop, &Report::lost, "drop"});
    expectations.push_back({scenario, Fault::kDuplicate, &Report::duplicated, "duplicate"});
    expectations.push_back({scenario, Fault::kSwap, &Report::reordered, "swap"});
    expectations.push_back({scenario, Fault::kFlip, &Report::corrupted, "flip"});
    expectations.push_back({scenario, Fault::kStray, &Report::stray, "stray"});
    expectations.push_back({scenario, Fault::kLate, &Report::late, "late"});
    expectations.push_back({scenario, Fault::kStall, nullptr, "stall"});
  }
  expectations.push_back({"queue", Fault::kTwice, &Report::duplicated, "twice in a group"});
  int failed = 0;
  int passed = 0;
  for (const Expectation& expectation : expectations) {
    for (const uint64_t at : {uint64_t{0}, uint64_t{1234}}) {
      ++(RunSelfTest(expectation, at) ? passed : failed);
    }
  }
  printf("%d passed, %d failed, 0 skipped\n", passed, failed);
  return failed == 0 ? 0 : 1;
}

// ------------------------------------------------------------------------------- command line

uint64_t Number(std::string_view flag, std::string_view text) {
  uint64_t value = 0;
  if (!raw::ParseNumber(text, value)) Refuse(std::string(flag) + " wants a number");
  return value;
}

void ParsePayload(std::string_view text, Options& options) {
  const size_t dash = text.find('-');
  options.payload_min = Number("--payload", text.substr(0, dash));
  options.payload_max =
      dash == text.npos ? options.payload_min : Number("--payload", text.substr(dash + 1));
  const bool fits = options.payload_min >= sizeof(delivery::Stamp) &&
                    options.payload_min <= options.payload_max && options.payload_max <= 1 << 20;
  if (!fits) Refuse("--payload must lie in 32..1048576");
}

Options ParseArguments(int argc, char** argv) {
  Options options;
  bool has_url = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view flag = argv[i];
    if (flag == "--late-ok") {
      options.run.late_ok = true;
      continue;
    }
    if (i + 1 == argc) Refuse(std::string(flag) + " wants a value");
    const std::string_view value = argv[++i];
    if (flag == "--url") {
      has_url = raw::ParseEndpoint(value, options.run.server);
    } else if (flag == "--scenario") {
      options.scenario = value;
    } else if (flag == "--messages") {
      options.messages = Number(flag, value);
    } else if (flag == "--publishers") {
      options.publishers = static_cast<uint32_t>(Number(flag, value));
    } else if (flag == "--subscribers") {
      options.subscribers = static_cast<uint32_t>(Number(flag, value));
    } else if (flag == "--payload") {
      ParsePayload(value, options);
    } else if (flag == "--window") {
      options.run.window_bytes = Number(flag, value);
    } else if (flag == "--stall") {
      options.run.stall_seconds = static_cast<double>(Number(flag, value));
    } else if (flag == "--seed") {
      options.run.seed = Number(flag, value);
    } else {
      Refuse("unknown option " + std::string(flag));
    }
  }
  if (!has_url) Refuse("--url HOST:PORT is needed");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  raw::RaiseFileLimit();
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (argc == 2 && std::string_view(argv[1]) == "--self-test") return SelfTest();
  const Options options = ParseArguments(argc, argv);
  const Plan plan = MakePlan(options);
  const Report report = delivery::Execute(plan, options.run);
  Print(plan, report);
  return report.ok() ? 0 : 1;
}
