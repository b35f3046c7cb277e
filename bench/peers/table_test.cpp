#include "table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace martlet::peers {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Measured With(double per_second, double server_cores, double client_cores) {
  Measured out;
  out.per_second = per_second;
  out.server_us_per_message = 0.5;
  out.server_cores = server_cores;
  out.client_cores = client_cores;
  out.expected = 10;
  return out;
}

Results Two() {
  Results results;
  results.brokers = {{.name = "A", .shown = "a -p {port}", .version = "a 1"}, {.name = "B"}};
  results.scenarios = {{.id = "x", .title = "1:1"}};
  results.runs = {
      {{With(1e6, 1, 0.1), With(3e6, 1, 0.1), With(2e6, 1, 0.1)}, {With(12'345, 0.5, 0.95)}}};
  return results;
}

TEST(TableText, ShowsMediansAndWhereTheLoadWasTheLimit) {
  const std::string text = TableText(Two(), {.rounds = 3});
  EXPECT_THAT(text, HasSubstr("| 1:1 | 2.00M | 12.3k * |\n"));
  EXPECT_THAT(text, HasSubstr("| A | a 1 | `a -p {port}` |\n"));
  EXPECT_THAT(text, HasSubstr("Nothing was lost"));
}

TEST(TableText, CountsFaultsOfAllRounds) {
  Results results = Two();
  results.runs[0][0][0].faults.lost = 2;
  results.runs[0][0][2].faults.lost = 1;
  const std::string text = TableText(results, {.rounds = 3});
  EXPECT_THAT(text, HasSubstr("- A, 1:1: 3 lost, 0 twice, 0 out of order, 0 changed, of 30\n"));
  EXPECT_THAT(text, Not(HasSubstr("Nothing was lost")));
}

TEST(TableText, LeavesOutWhatFailed) {
  Results results = Two();
  results.runs[0][1].clear();
  results.failures = {"B, x: no broker"};
  const std::string text = TableText(results, {.rounds = 3});
  EXPECT_THAT(text, HasSubstr("| 1:1 | 2.00M | - |\n"));
  EXPECT_THAT(text, HasSubstr("- failed: B, x: no broker\n"));
}

TEST(TableText, OpenLoopsHaveLatenciesInsteadOfRates) {
  Results results = Two();
  results.scenarios[0].rate = 10;
  for (auto& runs : results.runs[0]) {
    for (Measured& run : runs) run.latency.Record(2'000);
  }
  const std::string text = TableText(results, {.rounds = 3});
  EXPECT_THAT(text, HasSubstr("| 1:1 | 2 / 2 / 2 | 2 / 2 / 2 |\n"));
  EXPECT_THAT(text, Not(HasSubstr("messages a second")));
}

TEST(Replaced, PutsTheTextBetweenTheMarks) {
  EXPECT_EQ(*Replaced("a\n<!-- t -->\nold\n<!-- /t -->\nb\n", "t", "new\n"),
            "a\n<!-- t -->\nnew\n<!-- /t -->\nb\n");
}

TEST(Replaced, RefusesADocumentWithoutAPlaceForIt) {
  EXPECT_FALSE(Replaced("a\n", "t", "new\n").ok());
  EXPECT_FALSE(Replaced("<!-- /t -->\n<!-- t -->\n", "t", "new\n").ok());
  EXPECT_FALSE(Replaced("<!-- t -->\n<!-- t -->\n<!-- /t -->\n", "t", "new\n").ok());
}

}  // namespace
}  // namespace martlet::peers
