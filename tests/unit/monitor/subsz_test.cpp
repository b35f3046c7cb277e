#include "monitor/subsz.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "sample_server.h"

namespace martlet::monitor {
namespace {

std::string AskSubsz(std::string_view text, std::vector<SampleShard> shards,
                     size_t piece_size = 2) {
  Query query(text);
  const auto read = ReadSubsz(query);
  if (const auto* bad = std::get_if<BadQuery>(&read)) return bad->text;
  SampleServer server;
  server.totals.subscriptions = 6;
  server.totals.subscriptions_made = 10;
  SubszInquiry inquiry(std::get<SubszQuery>(read), static_cast<unsigned>(shards.size()));
  return Drive(inquiry, shards, server, piece_size).body;
}

std::vector<SampleShard> Shards() {
  std::vector<SampleShard> shards(3);
  const char* const subjects[] = {"a", "b", "a", "b", "a", "a"};
  for (uint64_t i = 0; i < 6; ++i) {
    shards[i / 2].subscriptions.push_back(
        {.subject = subjects[i], .sid = std::to_string(i), .cid = i});
  }
  shards[0].cache_hits = 3;
  shards[2].cache_misses = 1;
  return shards;
}

std::string Sids(const std::string& body) {
  std::string sids;
  constexpr std::string_view kKey = "\"sid\": \"";
  for (size_t at = body.find(kKey); at != body.npos; at = body.find(kKey, at + 1)) {
    sids += body[at + kKey.size()];
  }
  return sids;
}

TEST(Subsz, CountsWithoutTelling) {
  EXPECT_EQ(AskSubsz("", Shards()), R"({
  "server_id": "NID",
  "now": "2023-11-14T22:14:25.5Z",
  "num_subscriptions": 6,
  "num_cache": 9,
  "num_inserts": 10,
  "num_removes": 4,
  "num_matches": 4,
  "cache_hit_rate": 0.75,
  "max_fanout": 0,
  "avg_fanout": 0,
  "total": 0,
  "offset": 0,
  "limit": 1024
})");
}

TEST(Subsz, CountsWhatOtherServersWant) {
  SampleServer server;
  server.totals = {.subscriptions = 6,
                   .subscriptions_made = 10,
                   .remote_subscriptions = 100,
                   .remote_subscriptions_made = 300};
  for (const std::string account : {"", "nobody"}) {
    std::vector<SampleShard> shards = Shards();
    SubszInquiry inquiry({.account = account, .test = {}}, 3);
    const std::string body = Drive(inquiry, shards, server).body;
    EXPECT_EQ(Has(body, "\"num_subscriptions\": 106,"), account.empty());
    EXPECT_EQ(Has(body, "\"num_inserts\": 310,"), account.empty());
    EXPECT_EQ(Has(body, "\"num_removes\": 204,"), account.empty());
  }
}

TEST(Subsz, TellsOfEachSubscription) {
  std::vector<SampleShard> shards(1);
  shards[0].subscriptions.push_back(
      {.subject = "a", .queue = "q", .sid = "7", .msgs = 2, .max = 3, .cid = 9});
  const std::string body = AskSubsz("subs=1", shards);
  EXPECT_TRUE(Has(body, R"("total": 1,
  "offset": 0,
  "limit": 1024,
  "subscriptions_list": [
    {
      "account": "$G",
      "account_tag": "$G",
      "subject": "a",
      "qgroup": "q",
      "sid": "7",
      "msgs": 2,
      "max": 3,
      "cid": 9
    }
  ]
})")) << body;
}

TEST(Subsz, PagesGoOverAllShards) {
  for (const size_t piece_size : {1, 2, 100}) {
    EXPECT_EQ(Sids(AskSubsz("subs=1", Shards(), piece_size)), "012345");
    EXPECT_EQ(Sids(AskSubsz("subs=1&offset=1&limit=3", Shards(), piece_size)), "123");
    EXPECT_EQ(Sids(AskSubsz("subs=1&offset=4&limit=3", Shards(), piece_size)), "45");
    EXPECT_EQ(Sids(AskSubsz("subs=1&offset=9", Shards(), piece_size)), "");
    EXPECT_TRUE(Has(AskSubsz("subs=1&offset=1&limit=3", Shards(), piece_size), "\"total\": 6"));
    EXPECT_EQ(Sids(AskSubsz("subs=1&test=a&offset=1&limit=2", Shards(), piece_size)), "24");
    EXPECT_TRUE(Has(AskSubsz("subs=1&test=a&limit=2", Shards(), piece_size), "\"total\": 4"));
  }
}

TEST(Subsz, AnUnknownAccountHasNone) {
  EXPECT_TRUE(Has(AskSubsz("subs=1&acc=x", Shards()), "\"num_subscriptions\": 0"));
  EXPECT_EQ(Sids(AskSubsz("subs=1&acc=x", Shards())), "");
  EXPECT_EQ(Sids(AskSubsz("subs=1&acc=%24G", Shards())), "012345");
}

TEST(Subsz, BadParametersAreTold) {
  EXPECT_EQ(AskSubsz("test=foo.*", {}),
            "invalid test subject, must be valid publish subject: foo.*");
  EXPECT_EQ(AskSubsz("subs=2", {}),
            "Error decoding boolean for 'subs': strconv.ParseBool: parsing \"2\": invalid syntax");
}

}  // namespace
}  // namespace martlet::monitor
