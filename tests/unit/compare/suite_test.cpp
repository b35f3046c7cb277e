#include "compare/suite.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

std::vector<SuiteEntry> Large(bool quick = false) {
  return Suite({.load_cpus = 4, .memory_bytes = 64 * kGiB, .open_files = 100'000, .quick = quick});
}

const SuiteEntry* Find(const std::vector<SuiteEntry>& entries, std::string_view id) {
  const auto at = std::find_if(entries.begin(), entries.end(),
                               [id](const SuiteEntry& entry) { return entry.id == id; });
  return at == entries.end() ? nullptr : &*at;
}

std::vector<std::string> Ids(const std::vector<SuiteEntry>& entries) {
  std::vector<std::string> out;
  for (const SuiteEntry& entry : entries) out.push_back(entry.id);
  return out;
}

TEST(Suite, HasThePublishedRows) {
  const std::vector<SuiteEntry> entries = Large();
  for (const char* id : {"pub-16",
                         "pub-128",
                         "pub-1024",
                         "pubsub-1to1-16",
                         "pubsub-1to1-128",
                         "pubsub-1to1-1024",
                         "pubsub-1to1-16384",
                         "pubsub-1to1-262144",
                         "subjects-1000-literal",
                         "subjects-1000-wildcard",
                         "fanout-10-128",
                         "fanout-100-128",
                         "fanout-1000-128",
                         "fanout-100-128-sids",
                         "fanout-1000-128-sids",
                         "fanout-100-1024",
                         "fanout-100-16384",
                         "pairs-10-128",
                         "mesh-10x10-128",
                         "queue-4",
                         "queue-100",
                         "request-10x10",
                         "request-200x1",
                         "request-1",
                         "open-10k",
                         "open-100k",
                         "connect-10000",
                         "idle-10000",
                         "churn-100k",
                         "mixed-10k",
                         "stuck-0",
                         "stuck-1",
                         "stuck-10",
                         "stuck-rate-0",
                         "stuck-rate-1",
                         "stuck-rate-10",
                         "subs-1M"}) {
    EXPECT_NE(Find(entries, id), nullptr) << id;
  }
}

TEST(Suite, IdsAndNamesAreUnique) {
  std::set<std::string> ids;
  std::set<std::string> names;
  for (const SuiteEntry& entry : Large()) {
    EXPECT_TRUE(ids.insert(entry.id).second) << entry.id;
    EXPECT_TRUE(names.insert(load::DescribePlan(entry.plan)).second)
        << entry.id << ": " << load::DescribePlan(entry.plan);
    EXPECT_FALSE(entry.question.empty()) << entry.id;
  }
}

TEST(Suite, PlansSayWhatTheIdsSay) {
  const std::vector<SuiteEntry> entries = Large();
  const load::Plan& sids = Find(entries, "fanout-1000-128-sids")->plan;
  EXPECT_EQ(sids.publishers, 1);
  EXPECT_EQ(sids.subscribers, 1000);
  EXPECT_EQ(sids.size_bytes, 128u);
  EXPECT_TRUE(sids.distinct_sids);
  EXPECT_FALSE(Find(entries, "fanout-1000-128")->plan.distinct_sids);

  const load::Plan& request = Find(entries, "request-10x10")->plan;
  EXPECT_EQ(request.scenario, load::Scenario::kRequest);
  EXPECT_EQ(request.publishers, 10);
  EXPECT_EQ(request.depth, 10);
  EXPECT_EQ(request.subscribers, 2);
  EXPECT_TRUE(request.queue.empty()) << "responders are a group by themselves";

  EXPECT_EQ(Find(entries, "open-100k")->plan.rate, 1e5);
  EXPECT_EQ(Find(entries, "pairs-10-128")->plan.topology, load::Topology::kPairs);
  EXPECT_EQ(Find(entries, "mesh-10x10-128")->plan.topology, load::Topology::kAll);
  EXPECT_EQ(Find(entries, "subs-1M")->plan.subscriptions, 1'000'000u);
  EXPECT_EQ(Find(entries, "pub-16")->plan.subscribers, 0);
  EXPECT_EQ(Find(entries, "churn-100k")->plan.churn_per_second, 1e5);
  EXPECT_EQ(Find(entries, "mixed-10k")->plan.flood_bytes, 64u << 10);
  EXPECT_EQ(Find(entries, "stuck-10")->plan.stuck_subscribers, 10);
  EXPECT_GT(Find(entries, "stuck-10")->plan.rate, 0);
  EXPECT_EQ(Find(entries, "stuck-rate-10")->plan.rate, 0);
  EXPECT_LT(Find(entries, "stuck-rate-10")->plan.stuck_for,
            Find(entries, "stuck-rate-10")->plan.duration);
}

TEST(Suite, TakesNoMoreThanDescriptorsAllow) {
  const std::vector<SuiteEntry> entries =
      Suite({.load_cpus = 1, .memory_bytes = 64 * kGiB, .open_files = 1024, .quick = false});
  EXPECT_NE(Find(entries, "idle-500"), nullptr);
  EXPECT_NE(Find(entries, "connect-500"), nullptr);
  for (const SuiteEntry& entry : entries) {
    EXPECT_LT(entry.plan.publishers + entry.plan.subscribers, 1000) << entry.id;
  }
  EXPECT_NE(Find(entries, "fanout-100-128"), nullptr);
}

TEST(Suite, TakesNoMoreThanHalfOfTheMemory) {
  const std::vector<SuiteEntry> entries =
      Suite({.load_cpus = 1, .memory_bytes = 2 * kGiB, .open_files = 0, .quick = false});
  EXPECT_EQ(Find(entries, "subs-1M"), nullptr);
  ASSERT_NE(Find(entries, "subs-100k"), nullptr);
  EXPECT_EQ(Find(entries, "subs-100k")->plan.subscriptions, 100'000u);
  EXPECT_NE(Find(entries, "idle-5000"), nullptr);
}

TEST(Suite, UsesNoMoreThreadsThanThereAreCpusOrClients) {
  for (const SuiteEntry& entry : Large()) {
    EXPECT_GE(entry.plan.threads, 1) << entry.id;
    EXPECT_LE(entry.plan.threads, 4) << entry.id;
  }
  EXPECT_EQ(Find(Large(), "pub-16")->plan.threads, 1);
  EXPECT_EQ(Find(Large(), "pubsub-1to1-16")->plan.threads, 2);
  EXPECT_EQ(Find(Large(), "fanout-100-128")->plan.threads, 4);
}

TEST(Suite, QuickIsAShorterPart) {
  const std::vector<SuiteEntry> all = Large();
  const std::vector<SuiteEntry> quick = Large(true);
  EXPECT_LT(quick.size(), all.size() / 2);
  for (const SuiteEntry& entry : quick) {
    if (entry.id != "subs-100k") {
      ASSERT_NE(Find(all, entry.id), nullptr) << entry.id;
    }
    EXPECT_EQ(entry.plan.duration, std::chrono::seconds(1)) << entry.id;
  }
}

TEST(SelectEntries, PicksByGlobInTheOrderOfTheSuite) {
  const std::vector<std::string> patterns = {"queue-*", "pub-1[26]*"};
  const auto chosen = SelectEntries(Large(), patterns);
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(Ids(*chosen),
            (std::vector<std::string>{"pub-16", "pub-128", "pub-16x128", "queue-4", "queue-100"}));
}

TEST(SelectEntries, TakesOutWhatIsMarked) {
  const std::vector<std::string> patterns = {"pub-*", "!pub-*x*"};
  const auto chosen = SelectEntries(Large(), patterns);
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(Ids(*chosen), (std::vector<std::string>{"pub-16", "pub-128", "pub-1024", "pub-65536"}));
  const std::vector<std::string> only_out = {"!open-*"};
  const auto rest = SelectEntries(Large(), only_out);
  ASSERT_TRUE(rest.ok());
  EXPECT_EQ(rest->size(), Large().size() - 5);
}

TEST(SelectEntries, WithoutPatternsTakesAll) {
  const auto chosen = SelectEntries(Large(), {});
  ASSERT_TRUE(chosen.ok());
  EXPECT_EQ(chosen->size(), Large().size());
}

TEST(SelectEntries, NamesTheIdsWhenNothingMatches) {
  const std::vector<std::string> patterns = {"pub-*", "fan-out"};
  const auto chosen = SelectEntries(Large(), patterns);
  ASSERT_FALSE(chosen.ok());
  EXPECT_TRUE(std::string(chosen.status().message())
                  .starts_with("no scenario matches \"fan-out\"; there are pub-16, pub-128,"))
      << chosen.status();
}

TEST(ReadSuiteSize, KnowsThisMachine) {
  const SuiteSize size = ReadSuiteSize(0, true);
  EXPECT_EQ(size.load_cpus, 1u);
  EXPECT_GT(size.memory_bytes, 0u);
  EXPECT_GT(size.open_files, 0u);
  EXPECT_TRUE(size.quick);
}

}  // namespace
}  // namespace martlet::compare
