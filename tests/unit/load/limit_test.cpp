// The whole client, both ways, against the sink and the source that it brings along.
#include <gtest/gtest.h>

#include "load/run.h"

namespace martlet::load {
namespace {

class Limit : public ::testing::TestWithParam<IoBackend> {};

TEST_P(Limit, SendsAndReceives) {
  Plan plan;
  plan.scenario = Scenario::kLimit;
  plan.backend = GetParam();
  plan.size_bytes = 16;
  plan.warmup = std::chrono::milliseconds(50);
  plan.duration = std::chrono::seconds(1);  // a turn under a sanitizer may take a quarter of it
  const auto result = load::Run(plan, {});
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_GT(result->Find("limit_sent_per_second")->value, 0);
  EXPECT_GT(result->Find("limit_received_per_second")->value, 0);
  EXPECT_FALSE(result->faults.any());
}

INSTANTIATE_TEST_SUITE_P(Backends, Limit, ::testing::Values(IoBackend::kAuto, IoBackend::kEpoll));

}  // namespace
}  // namespace martlet::load
