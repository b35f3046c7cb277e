#include "sim/join.h"

#include <memory>

#include "sim/checks.h"
#include "sim/node.h"

namespace martlet::sim {
namespace {

constexpr uint64_t kGiveUpMs = 120'000;
constexpr uint64_t kJoinLookMs = 10;

cluster::Settings DefaultSettings(int server) {
  cluster::Settings own;
  own.server_id = "N" + std::to_string(server);
  own.server_name = "s" + std::to_string(server);
  own.version = "2.15.1";
  own.go = "c++20";
  own.name = "C1";
  own.host = AddressOf(server);
  own.port = kPort;
  own.own_ips = {AddressOf(server)};
  own.client_urls = {AddressOf(server) + ":4222"};
  own.pinned_accounts = {"$SYS"};
  own.compression.mode = cluster::CompressionMode::kAccept;
  if (server > 0) {
    const std::string seed = "nats-route://" + AddressOf(0) + ":" + std::to_string(kPort);
    own.routes.push_back(base::ParseUrl(seed).value());
  }
  return own;
}

class Cluster {
 public:
  Cluster() {
    world_.fail = [this](const std::string& what) {
      if (failure_.empty()) failure_ = what;
      time_.Stop();
    };
  }

  void Add(int subjects) {
    const auto number = static_cast<int>(nodes_.size());
    nodes_.push_back(std::make_unique<Node>(world_, number));
    network_.Add(*nodes_.back());
    Node& node = *nodes_.back();
    node.Start(DefaultSettings(number));
    for (int i = 0; i < subjects; ++i) {
      node.Want("$G", "s" + std::to_string(number) + "." + std::to_string(i), 1);
    }
  }

  /// Milliseconds until all is as it should be.
  uint64_t UntilWhole() {
    const uint64_t began_ms = time_.now_ms();
    std::string wrong;
    do {
      time_.RunUntil(time_.now_ms() + kJoinLookMs);
      wrong = WhatIsWrong(nodes_, network_);
      if (time_.now_ms() > began_ms + kGiveUpMs) world_.fail(wrong);
    } while (!wrong.empty() && failure_.empty());
    return time_.now_ms() - began_ms;
  }
  /// Lets what is left to say be said.
  void Rest() { time_.RunUntil(time_.now_ms() + kGiveUpMs); }

  uint64_t Sum(uint64_t (Node::*count)() const) const {
    uint64_t sum = 0;
    for (const auto& node : nodes_) sum += (*node.*count)();
    return sum;
  }
  const Traffic& traffic() const { return network_.traffic(); }
  const Node& newest() const { return *nodes_.back(); }
  const std::string& failure() const { return failure_; }

 private:
  base::Random random_{1};
  TimeLine time_;
  Network network_{time_, random_};
  Surroundings world_{
      .time = time_, .random = random_, .network = network_, .trace = {}, .fail = {}};
  Nodes nodes_;
  std::string failure_;
};

}  // namespace

JoinCost MeasureJoin(int servers, int subjects) {
  JoinCost cost{.failure = {}, .servers = servers};
  Cluster cluster;
  for (int i = 0; i < servers; ++i) cluster.Add(subjects);
  cost.start_ms = cluster.UntilWhole();
  cluster.Rest();
  const Traffic before = cluster.traffic();
  const uint64_t dials = cluster.Sum(&Node::dials);
  const uint64_t gossip = cluster.Sum(&Node::gossip);
  cluster.Add(subjects);
  cost.join_ms = cluster.UntilWhole();
  cluster.Rest();
  cost.connections = cluster.newest().ends().size();
  cost.dials = cluster.Sum(&Node::dials) - dials;
  cost.gossip = cluster.Sum(&Node::gossip) - gossip;
  cost.messages = cluster.traffic().messages - before.messages;
  cost.bytes = cluster.traffic().bytes - before.bytes;
  cost.interest = cluster.traffic().interest - before.interest;
  cost.failure = cluster.failure();
  return cost;
}

}  // namespace martlet::sim
