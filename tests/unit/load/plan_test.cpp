#include "load/plan.h"

#include <gtest/gtest.h>

#include "load/run.h"
#include "load/worker.h"

namespace martlet::load {
namespace {

TEST(DescribePlan, NamesTheShape) {
  Plan plan;
  EXPECT_EQ(DescribePlan(plan), "1:1, 128 B");
  plan.subscribers = 100;
  EXPECT_EQ(DescribePlan(plan), "fan-out 1:100, 128 B");
  plan.queue = "q";
  EXPECT_EQ(DescribePlan(plan), "queue group of 100, 128 B");
  plan.queue.clear();
  plan.publishers = 100;
  EXPECT_EQ(DescribePlan(plan), "mesh 100 x 100, 128 B");
  plan.topology = Topology::kPairs;
  EXPECT_EQ(DescribePlan(plan), "100 pairs, 128 B");
  plan.name = "mine";
  EXPECT_EQ(DescribePlan(plan), "mine");
}

TEST(Assign, PublishersFromTheFrontSubscribersFromTheBack) {
  Plan plan;
  plan.threads = 2;
  const auto assignments = Assign(plan);
  ASSERT_EQ(assignments.size(), 2u);
  EXPECT_EQ(assignments[0].publishers, (std::vector<uint32_t>{0}));
  EXPECT_TRUE(assignments[0].subscribers.empty());
  EXPECT_EQ(assignments[1].subscribers, (std::vector<uint32_t>{0}));
}

TEST(Assign, AQueueGroupStaysTogether) {
  Plan plan;
  plan.threads = 3;
  plan.subscribers = 10;
  plan.queue = "q";
  const auto assignments = Assign(plan);
  EXPECT_EQ(assignments[2].subscribers.size(), 10u);
}

TEST(Run, RefusesPlansThatCannotBe) {
  const auto refusal = [](auto change) {
    Plan plan;
    change(plan);
    return std::string(load::Run(plan, {}).status().message());
  };
  EXPECT_NE(refusal([](Plan& p) { p.publishers = 0; }), "");
  EXPECT_NE(refusal([](Plan& p) { p.threads = 0; }), "");
  EXPECT_NE(refusal([](Plan& p) { p.rate = -1; }), "");
  EXPECT_NE(refusal([](Plan& p) { p.flood_per_second = -1; }), "");
  EXPECT_EQ(refusal([](Plan& p) {
              p.flood_per_second = 1;
              p.flood_bytes = 15;
            }),
            "a flood's messages need at least 16 bytes, which tell which they are");
  EXPECT_EQ(refusal([](Plan& p) {
              p.rate = 100;
              p.size_bytes = 8;
            }),
            "latency needs payloads of at least 24 bytes, which tell when they were due");
}

TEST(Run, SaysWhereNobodyAnswers) {
  Plan plan;
  plan.server.port = plan.publish_server.port = 1;
  EXPECT_EQ(load::Run(plan, {}).status().message(), "connect to 127.0.0.1:1: connection refused");
}

}  // namespace
}  // namespace martlet::load
