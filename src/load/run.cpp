#include "load/run.h"

#include <algorithm>

#include "load/connect_run.h"
#include "load/contents.h"
#include "load/limit_run.h"
#include "load/message_run.h"
#include "load/subscriptions_run.h"
#include "measure/process.h"

namespace martlet::load {
namespace {

absl::Status Refuse(const std::string& why) { return absl::InvalidArgumentError(why); }

absl::Status CheckMessages(const Plan& plan) {
  if (plan.publishers < 1) return Refuse("at least one publisher is needed");
  if (plan.scenario != Scenario::kPublish && plan.subscribers < 1) {
    return Refuse("at least one subscriber is needed");
  }
  const bool timed = plan.rate > 0 || plan.scenario == Scenario::kRequest;
  if (timed && plan.size_bytes < Contents::kTimedBytes) {
    return Refuse("latency needs payloads of at least " + std::to_string(Contents::kTimedBytes) +
                  " bytes, which tell when they were due");
  }
  if (plan.size_bytes < Contents::kHeadBytes && plan.scenario == Scenario::kPubSub &&
      plan.publishers > 1) {
    return Refuse("with several publishers payloads need at least " +
                  std::to_string(Contents::kHeadBytes) + " bytes, which tell whose they are");
  }
  if (plan.scenario == Scenario::kRequest && !plan.queue.empty()) {
    return Refuse("responders have a queue group of their own");
  }
  if (plan.topology == Topology::kPairs && plan.subscribers % plan.publishers != 0) {
    return Refuse("pairs need as many subscribers as publishers, or a multiple");
  }
  if (plan.flood_per_second > 0 && plan.flood_bytes < Contents::kHeadBytes) {
    return Refuse("a flood's messages need at least " + std::to_string(Contents::kHeadBytes) +
                  " bytes, which tell which they are");
  }
  if (plan.depth < 1 || plan.depth > 1'000'000) return Refuse("the depth must be 1 to 1,000,000");
  return absl::OkStatus();
}

absl::Status Check(const Plan& plan) {
  if (plan.threads < 1 || plan.threads > 1024) return Refuse("threads must be 1 to 1024");
  if (plan.rate < 0 || plan.churn_per_second < 0 || plan.flood_per_second < 0) {
    return Refuse("a rate cannot be negative");
  }
  if (plan.duration <= std::chrono::nanoseconds(0) && plan.messages == 0) {
    return Refuse("the duration must be positive");
  }
  switch (plan.scenario) {
    case Scenario::kPublish:
    case Scenario::kPubSub:
    case Scenario::kRequest:
      return CheckMessages(plan);
    case Scenario::kLimit:
      return absl::OkStatus();
    case Scenario::kSubscriptions:
      return plan.subscriptions > 0 ? absl::OkStatus() : Refuse("how many subscriptions?");
    default:
      return plan.subscribers > 0 ? absl::OkStatus() : Refuse("how many connections?");
  }
}

/// The listener's process, where it is on this machine and ours to see.
int FindServer(const client::Peer& peer) {
  const std::string host = peer.address.host();
  if (!host.starts_with("127.") && host != "::1") return 0;
  return measure::FindListener(peer.address.port()).value_or(0);
}

absl::StatusOr<Result> RunScenario(const Plan& plan, const client::Peer& peer,
                                   const client::Peer& publish_peer,
                                   const OnInterval& on_interval) {
  switch (plan.scenario) {
    case Scenario::kSubscriptions:
      return RunSubscriptions(plan, peer, on_interval);
    case Scenario::kIdle:
    case Scenario::kConnect:
    case Scenario::kHerd:
      return RunConnects(plan, peer, on_interval);
    default:
      return RunMessages(plan, peer, publish_peer, on_interval);
  }
}

}  // namespace

absl::StatusOr<Result> Run(const Plan& wanted, const OnInterval& on_interval) {
  if (absl::Status checked = Check(wanted); !checked.ok()) return checked;
  if (wanted.scenario == Scenario::kLimit) return RunLimit(wanted, on_interval);
  Plan plan = wanted;
  const auto peer = client::Peer::Make(plan.server);
  if (!peer.ok()) return peer.status();
  const auto publish_peer = client::Peer::Make(plan.publish_server);
  if (!publish_peer.ok()) return publish_peer.status();
  const auto server = AskServer(plan.backend, *peer);
  if (!server.ok()) return server.status();
  if (plan.server_pid == 0) plan.server_pid = FindServer(*peer);
  if (plan.name.empty()) plan.name = DescribePlan(plan);
  auto result = RunScenario(plan, *peer, *publish_peer, on_interval);
  if (!result.ok()) return result.status();
  result->server = *server;
  result->server.pid = plan.server_pid;
  return result;
}

}  // namespace martlet::load
