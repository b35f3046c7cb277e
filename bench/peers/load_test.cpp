#include "load.h"

#include <unistd.h>

#include <gtest/gtest.h>

#include "broker_double.h"

namespace martlet::peers {
namespace {

using Mistake = BrokerDouble::Mistake;

Measured Ask(Mistake mistake, const Scenario& scenario) {
  const BrokerDouble broker(mistake, 500);
  const Timing timing = {.warmup = std::chrono::milliseconds(50),
                         .duration = std::chrono::milliseconds(200)};
  const auto wire = MakeWire(Protocol::kNats);
  auto measured = RunLoad(*wire, broker.port(), getpid(), scenario, timing, 7);
  EXPECT_TRUE(measured.ok()) << measured.status();
  return measured.ok() ? *std::move(measured) : Measured();
}

Scenario Shape(int publishers, int subscribers) {
  return {.id = "x", .title = "x", .publishers = publishers, .subscribers = subscribers};
}

TEST(RunLoad, CountsWhatAFaultlessBrokerDelivers) {
  for (const Scenario& scenario : {Shape(1, 0), Shape(1, 1), Shape(1, 3), Shape(2, 2)}) {
    const Measured measured = Ask(Mistake::kNone, scenario);
    EXPECT_FALSE(measured.faults.any()) << scenario.publishers << ":" << scenario.subscribers;
    EXPECT_GT(measured.per_second, 0);
    EXPECT_GT(measured.server_us_per_message, 0);
    EXPECT_EQ(measured.expected > 0, scenario.subscribers > 0);
  }
}

TEST(RunLoad, TimesMessagesFromWhenTheyWereDue) {
  Scenario scenario = Shape(1, 1);
  scenario.rate = 1000;
  const Measured measured = Ask(Mistake::kNone, scenario);
  // One that is late at the end of the window is not in it.
  EXPECT_LE(measured.latency.count(), 200u);
  EXPECT_GT(measured.latency.count(), 150u);
  EXPECT_GT(measured.latency.ValueAt(50), 0);
}

TEST(RunLoad, FindsALostMessageAndGoesOn) {
  const Measured measured = Ask(Mistake::kDrop, Shape(1, 1));
  EXPECT_EQ(measured.faults.lost, 1u);
  EXPECT_EQ(measured.faults.duplicated + measured.faults.reordered + measured.faults.corrupted, 0u);
  EXPECT_GT(measured.expected, 1000u);
}

TEST(RunLoad, FindsADuplicate) {
  EXPECT_EQ(Ask(Mistake::kDuplicate, Shape(1, 1)).faults.duplicated, 1u);
}

TEST(RunLoad, FindsASwap) {
  const Measured measured = Ask(Mistake::kSwap, Shape(1, 1));
  EXPECT_EQ(measured.faults.reordered, 1u);
  EXPECT_EQ(measured.faults.lost, 0u);
}

TEST(RunLoad, FindsAChangedByte) {
  EXPECT_EQ(Ask(Mistake::kFlip, Shape(1, 1)).faults.corrupted, 1u);
}

TEST(RunLoad, SaysWhatTheBrokerSays) {
  const BrokerDouble broker(Mistake::kRefuse, 0);
  const auto wire = MakeWire(Protocol::kNats);
  const auto measured = RunLoad(*wire, broker.port(), getpid(), Shape(1, 1), {}, 7);
  EXPECT_EQ(measured.status().message(), "the broker says: -ERR 'no'");
}

}  // namespace
}  // namespace martlet::peers
