#include "load/plan.h"

#include <cstdio>
#include <string_view>

#include "base/go_text.h"

namespace martlet::load {
namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string_view ScenarioName(Scenario scenario) {
  switch (scenario) {
    case Scenario::kPublish:
      return "publish only";
    case Scenario::kPubSub:
      return "publish and subscribe";
    case Scenario::kRequest:
      return "request and reply";
    case Scenario::kSubscriptions:
      return "subscriptions";
    case Scenario::kIdle:
      return "idle connections";
    case Scenario::kConnect:
      return "connects";
    case Scenario::kHerd:
      return "reconnect herd";
    case Scenario::kLimit:
      return "limit of this client";
    case Scenario::kBlast:
      return "publish to a sink";
    case Scenario::kReceive:
      return "receive from a source";
  }
  return "";
}

bool HasMessages(const Plan& plan) {
  return plan.scenario == Scenario::kPublish || plan.scenario == Scenario::kPubSub ||
         plan.scenario == Scenario::kRequest || plan.scenario == Scenario::kLimit;
}

std::string DescribePubSub(const Plan& plan) {
  const std::string publishers = std::to_string(plan.publishers);
  const std::string subscribers = std::to_string(plan.subscribers);
  if (!plan.queue.empty()) return "queue group of " + subscribers;
  if (plan.topology == Topology::kPairs && plan.publishers > 1) return publishers + " pairs";
  if (plan.publishers > 1 && plan.subscribers > 1)
    return "mesh " + publishers + " x " + subscribers;
  if (plan.publishers > 1) return "fan-in " + publishers + ":1";
  if (plan.subscribers > 1) return "fan-out 1:" + subscribers;
  return "1:1";
}

std::string DescribeRequest(const Plan& plan) {
  std::string out = std::to_string(plan.publishers) + " requesters";
  if (plan.rate == 0) out += " x depth " + std::to_string(plan.depth);
  return out + ", " + std::to_string(plan.subscribers) + " responders";
}

std::string Subjects(const Plan& plan) {
  static constexpr std::string_view kOrders[] = {"rotating", "uniform", "Zipf"};
  std::string out = std::to_string(plan.subjects);
  if (plan.subjects > 1) {
    out += ' ';
    out += kOrders[static_cast<size_t>(plan.subject_order)];
    if (plan.subject_order == SubjectOrder::kZipf) out += " " + Number(plan.zipf_exponent);
  }
  return out;
}

void AddMessageRows(const Plan& plan, Rows& rows) {
  const bool requests = plan.scenario == Scenario::kRequest;
  rows.emplace_back(requests ? "requesters" : "publishers", std::to_string(plan.publishers));
  if (plan.scenario != Scenario::kPublish) {
    rows.emplace_back(requests ? "responders" : "subscribers", std::to_string(plan.subscribers));
  }
  if (plan.topology == Topology::kPairs) rows.emplace_back("topology", "pairs");
  if (!plan.queue.empty()) rows.emplace_back("queue group", plan.queue);
  rows.emplace_back("subjects", Subjects(plan));
  if (plan.wildcard) rows.emplace_back("subscribed by", "one wildcard");
  if (plan.distinct_sids) rows.emplace_back("sids", "all different");
  rows.emplace_back("payload", std::to_string(plan.size_bytes) + " B");
  if (plan.header_count > 0) rows.emplace_back("headers", std::to_string(plan.header_count));
  if (plan.rate > 0) {
    rows.emplace_back("rate", Number(plan.rate) + "/s, " +
                                  (plan.arrival == Arrival::kPoisson ? "Poisson" : "fixed"));
  } else if (requests) {
    rows.emplace_back("depth", std::to_string(plan.depth));
  } else {
    rows.emplace_back("rate", "as fast as it goes");
  }
  if (plan.stuck_subscribers > 0) {
    rows.emplace_back("stuck subscribers", std::to_string(plan.stuck_subscribers));
    if (plan.stuck_for.count() > 0) {
      rows.emplace_back("stuck for", base::GoDuration(plan.stuck_for));
    }
  }
  if (plan.churn_per_second > 0) {
    rows.emplace_back("SUB/UNSUB pairs", Number(plan.churn_per_second) + "/s");
  }
  if (plan.flood_per_second > 0) {
    rows.emplace_back("flood", Number(plan.flood_per_second) + "/s of " +
                                   std::to_string(plan.flood_bytes) + " B");
  }
}

}  // namespace

uint64_t ShareOf(const Plan& plan, uint32_t index) {
  if (plan.messages == 0) return UINT64_MAX;
  const auto publishers = static_cast<uint64_t>(plan.publishers);
  return plan.messages / publishers + (index < plan.messages % publishers ? 1 : 0);
}

std::string DescribePlan(const Plan& plan) {
  if (!plan.name.empty()) return plan.name;
  std::string out;
  switch (plan.scenario) {
    case Scenario::kPubSub:
      out = DescribePubSub(plan);
      break;
    case Scenario::kRequest:
      out = DescribeRequest(plan);
      break;
    case Scenario::kSubscriptions:
      return std::to_string(plan.subscriptions) + " subscriptions";
    case Scenario::kIdle:
    case Scenario::kConnect:
    case Scenario::kHerd:
      return std::to_string(plan.subscribers) + " " + std::string(ScenarioName(plan.scenario));
    default:
      out = ScenarioName(plan.scenario);
  }
  out += ", " + std::to_string(plan.size_bytes) + " B";
  if (plan.subjects > 1) out += ", " + Subjects(plan) + " subjects";
  if (plan.rate > 0) out += ", " + Number(plan.rate) + "/s";
  return out;
}

Rows PlanRows(const Plan& plan) {
  Rows rows;
  rows.emplace_back("scenario", ScenarioName(plan.scenario));
  rows.emplace_back("server", plan.server.url());
  if (plan.publish_server.url() != plan.server.url()) {
    rows.emplace_back("publish to", plan.publish_server.url());
  }
  if (HasMessages(plan)) {
    AddMessageRows(plan, rows);
  } else {
    rows.emplace_back("connections", std::to_string(plan.subscribers));
    if (plan.subscriptions > 0) {
      rows.emplace_back("subscriptions", std::to_string(plan.subscriptions));
    }
    if (plan.scenario != Scenario::kSubscriptions) {
      rows.emplace_back("connects at once", std::to_string(plan.connects_at_once));
    }
  }
  rows.emplace_back("threads", std::to_string(plan.threads));
  if (plan.messages > 0) {
    rows.emplace_back("messages", std::to_string(plan.messages));
  } else {
    rows.emplace_back("warm-up", base::GoDuration(plan.warmup));
    rows.emplace_back("duration", base::GoDuration(plan.duration));
  }
  rows.emplace_back("seed", std::to_string(plan.seed));
  return rows;
}

}  // namespace martlet::load
