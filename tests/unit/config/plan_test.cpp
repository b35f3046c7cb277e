#include "config/plan.h"

#include <gtest/gtest.h>

#include "fake_environment.h"

namespace martlet::config {
namespace {

TEST(Plan, IsEmptyWhereNothingDiffers) {
  EXPECT_TRUE(Compare(Options(), Options()).changes.empty());
  EXPECT_EQ(Compare(Options(), Options()).Refusal(), "");
}

TEST(Plan, NamesHotChangesAsTheReferenceDoes) {
  Options wanted;
  wanted.max_payload_bytes = 1024;
  wanted.debug = true;
  wanted.ping_interval = std::chrono::seconds(5);
  wanted.stall_fast_producers = false;
  wanted.client_advertise = "b:2";
  wanted.server_tags = {"x"};
  std::vector<std::string> lines;
  const Plan plan = Compare(Options(), wanted);
  for (const Change& change : plan.changes) lines.push_back(change.line);
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "Reload: client_advertise = b:2", "Reloaded: debug = true",
                       "Reloaded: ping_interval = 5s", "Reloaded: max_payload = 1024",
                       "Reloaded: fast producers will not be stalled", "Reloaded: tags"}));
  EXPECT_EQ(plan.Refusal(), "");
}

TEST(Plan, RefusesAllWhereOneNeedsARestart) {
  Options wanted;
  wanted.debug = true;
  wanted.port = 4223;
  EXPECT_EQ(Compare(Options(), wanted).Refusal(),
            "config reload not supported for Port: old=4222, new=4223");
}

TEST(Plan, TellsOfBlocksThatDiffer) {
  const auto read = [](const std::string& text) {
    FakeEnvironment environment(text);
    return *ReadConfig("main.conf", environment);
  };
  const ReadResult one = read("port: 1\ncluster { name: a, port: 6222 }\n");
  EXPECT_TRUE(CompareFiles(one, read("# same\ncluster { port = 6222; name \"a\" }\nlisten: 1\n"))
                  .changes.empty())
      << "the cluster's keys stand in another order, which is the same; listen is port";
  const Plan plan = CompareFiles(one, read("port: 1\ncluster { name: b, port: 6222 }\n"));
  ASSERT_EQ(plan.changes.size(), 1u);
  EXPECT_EQ(plan.changes[0].key, "cluster");
  EXPECT_EQ(plan.changes[0].reload, Reload::kHot);
}

TEST(Plan, ComparesWithWhatIsShownOfAServer) {
  Options wanted;
  wanted.debug = true;
  Described running = Describe(Options());
  EXPECT_EQ(Compare(running, wanted).changes.size(), 1u);
  running.erase("debug");  // an older server, which does not show it
  EXPECT_TRUE(Compare(running, wanted).changes.empty());
}

}  // namespace
}  // namespace martlet::config
