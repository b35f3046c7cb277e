#include "monitor/connz.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "sample_server.h"

namespace martlet::monitor {
namespace {

ConnzQuery Read(std::string_view text) {
  Query query(text);
  const auto read = ReadConnz(query);
  const auto* bad = std::get_if<BadQuery>(&read);
  EXPECT_EQ(bad, nullptr) << text << (bad == nullptr ? "" : bad->text);
  return bad == nullptr ? std::get<ConnzQuery>(read) : ConnzQuery();
}

BadQuery Refused(std::string_view text) {
  Query query(text);
  const auto read = ReadConnz(query);
  const auto* bad = std::get_if<BadQuery>(&read);
  EXPECT_NE(bad, nullptr) << text;
  return bad == nullptr ? BadQuery() : *bad;
}

ConnectionInfo Connection(uint64_t cid) {
  return {.cid = cid,
          .ip = "10.0.0.1",
          .port = static_cast<uint16_t>(1000 + cid),
          .start_ns = kStart,
          .last_activity_ns = kStart + kSecond};
}

ConnectionInfo Closed(uint64_t cid, int64_t stop_ns, std::string_view reason) {
  ConnectionInfo info = Connection(cid);
  info.stop_ns = stop_ns;
  info.reason = reason;
  return info;
}

std::string Ask(std::string_view text, std::vector<SampleShard> shards, size_t piece_size = 2) {
  const SampleServer server;
  ConnzInquiry inquiry(Read(text), static_cast<unsigned>(shards.size()), server.Look().now_ns);
  const Response response = Drive(inquiry, shards, server, piece_size);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.type, kJsonType);
  return response.body;
}

/// The numbers of an answer's connections, in their order.
std::vector<uint64_t> Cids(const std::string& body) {
  std::vector<uint64_t> cids;
  constexpr std::string_view kKey = "\"cid\": ";
  for (size_t at = body.find(kKey); at != body.npos; at = body.find(kKey, at + 1)) {
    cids.push_back(std::stoull(body.substr(at + kKey.size())));
  }
  return cids;
}
using Numbers = std::vector<uint64_t>;

TEST(Connz, WithoutConnectionsTheListIsEmpty) {
  EXPECT_EQ(Ask("", {{}, {}}), R"({
  "server_id": "NID",
  "now": "2023-11-14T22:14:25.5Z",
  "num_connections": 0,
  "total": 0,
  "offset": 0,
  "limit": 1024,
  "connections": []
})");
}

TEST(Connz, MembersOfAnOpenConnection) {
  ::setenv("TZ", "UTC0", 1);
  ConnectionInfo info = {.cid = 7,
                         .ip = "::1",
                         .port = 555,
                         .start_ns = kStart + 250'000'000,
                         .last_activity_ns = kStart + 5 * kSecond,
                         .rtt_ns = 64'999,
                         .pending_bytes = 9,
                         .in_msgs = 1,
                         .in_bytes = 2,
                         .out_msgs = 3,
                         .out_bytes = 4,
                         .stalls = 5,
                         .subscriptions = 1,
                         .name = "n<",
                         .lang = "go",
                         .version = "1.2",
                         .user = "me"};
  const SampleShard shard = {
      .open = {info},
      .subscriptions = {
          {.subject = "a.*", .queue = "q", .sid = "s1", .msgs = 2, .max = 9, .cid = 7}}};
  EXPECT_EQ(Ask("auth=1&subs=detail", {shard}), R"({
  "server_id": "NID",
  "now": "2023-11-14T22:14:25.5Z",
  "num_connections": 1,
  "total": 1,
  "offset": 0,
  "limit": 1024,
  "connections": [
    {
      "cid": 7,
      "kind": "Client",
      "type": "nats",
      "ip": "::1",
      "port": 555,
      "start": "2023-11-14T22:13:20.25Z",
      "last_activity": "2023-11-14T22:13:25Z",
      "rtt": "64µs",
      "uptime": "1m5s",
      "idle": "1m0s",
      "pending_bytes": 9,
      "in_msgs": 1,
      "out_msgs": 3,
      "in_bytes": 2,
      "out_bytes": 4,
      "stalls": 5,
      "subscriptions": 1,
      "name": "n\u003c",
      "lang": "go",
      "version": "1.2",
      "authorized_user": "me",
      "subscriptions_list_detail": [
        {
          "subject": "a.*",
          "qgroup": "q",
          "sid": "s1",
          "msgs": 2,
          "max": 9,
          "cid": 7
        }
      ],
      "name_tag": "$G"
    }
  ]
})");
  const std::string plain = Ask("subs=1", {shard});
  EXPECT_TRUE(Has(plain, "\"subscriptions_list\": [\n        \"a.*\"\n      ]")) << plain;
  EXPECT_FALSE(Has(plain, "authorized_user"));
  EXPECT_FALSE(Has(plain, "name_tag"));
  EXPECT_FALSE(Has(Ask("", {shard}), "subscriptions_list"));
}

TEST(Connz, ClosedOnesTellWhenAndWhy) {
  ::setenv("TZ", "UTC0", 1);
  const SampleShard shard = {.open = {Connection(9)},
                             .closed = {Closed(5, kStart + 10 * kSecond, "Client Closed")}};
  const std::string body = Ask("state=closed", {shard});
  EXPECT_EQ(Cids(body), Numbers{5});
  EXPECT_TRUE(
      Has(body, "\"stop\": \"2023-11-14T22:13:30Z\",\n      \"reason\": \"Client Closed\""));
  // How long it lasted, and not how long ago that was.
  EXPECT_TRUE(Has(body, "\"uptime\": \"10s\",\n      \"idle\": \"9s\"")) << body;
  EXPECT_TRUE(Has(body, "\"total\": 1"));
  EXPECT_EQ(Cids(Ask("state=ALL", {shard})), (Numbers{5, 9}));
  EXPECT_TRUE(Has(Ask("state=any", {shard}), "\"total\": 2"));
  EXPECT_EQ(Cids(Ask("state=Open", {shard})), Numbers{9});
}

TEST(Connz, PagesGoOverAllShards) {
  std::vector<SampleShard> shards(3);
  for (uint64_t cid = 1; cid <= 300; ++cid) shards[cid * 7 % 3].open.push_back(Connection(cid));
  std::reverse(shards[1].open.begin(), shards[1].open.end());
  for (const size_t piece_size : {1, 7, 1000}) {
    for (const uint64_t offset : {0, 1, 99, 299, 300, 1000}) {
      for (const uint64_t limit : {1, 3, 250, 1000}) {
        const std::string body =
            Ask("offset=" + std::to_string(offset) + "&limit=" + std::to_string(limit), shards,
                piece_size);
        Numbers expected;
        for (uint64_t cid = offset + 1; cid <= std::min<uint64_t>(offset + limit, 300); ++cid) {
          expected.push_back(cid);
        }
        ASSERT_EQ(Cids(body), expected) << offset << " " << limit << " " << piece_size;
        ASSERT_TRUE(Has(body, "\"total\": 300"));
        ASSERT_TRUE(Has(body, "\"num_connections\": " + std::to_string(expected.size())));
      }
    }
  }
}

TEST(Connz, SortsByEachKey) {
  std::vector<SampleShard> shards(2);
  for (const uint64_t cid : {1, 2, 3, 4}) {
    // By each key in another order, by two of them with equals.
    ConnectionInfo info = Connection(cid);
    info.subscriptions = static_cast<uint32_t>(cid * 3 % 4);
    info.pending_bytes = cid * 5 % 7;
    info.out_msgs = cid * 2 % 5;
    info.in_msgs = cid * 3 % 5;
    info.out_bytes = cid * 4 % 5;
    info.in_bytes = cid % 2;
    info.last_activity_ns = kStart + static_cast<int64_t>(cid * 3 % 5) * kSecond;
    info.start_ns = kStart - static_cast<int64_t>(cid * 2 % 5) * kSecond;
    info.rtt_ns = cid == 3 ? 10 : 20;
    shards[cid % 2].open.push_back(info);
  }
  struct Case {
    std::string_view sort;
    Numbers cids;
  };
  const Case kCases[] = {
      {"", {1, 2, 3, 4}},          {"cid", {1, 2, 3, 4}},      {"start", {1, 2, 3, 4}},
      {"subs", {1, 2, 3, 4}},      {"pending", {4, 1, 2, 3}},  {"msgs_to", {2, 4, 1, 3}},
      {"msgs_from", {3, 1, 4, 2}}, {"bytes_to", {1, 2, 3, 4}}, {"bytes_from", {1, 3, 2, 4}},
      {"last", {3, 1, 4, 2}},      {"idle", {2, 4, 1, 3}},     {"uptime", {3, 1, 4, 2}},
      {"rtt", {1, 2, 4, 3}},
  };
  for (const Case& c : kCases) {
    const std::string query = "sort=" + std::string(c.sort);
    EXPECT_EQ(Cids(Ask(query, shards)), c.cids) << c.sort;
    // Also when the best are picked before all are known.
    const Numbers first(c.cids.begin(), c.cids.begin() + 1);
    EXPECT_EQ(Cids(Ask(query + "&limit=1", shards, 1)), first) << c.sort;
  }
}

TEST(Connz, SortsClosedOnesByTimeAndReason) {
  const SampleShard shard = {.closed = {Closed(1, kStart + 2 * kSecond, "B"),
                                        Closed(2, kStart + 3 * kSecond, "A"),
                                        Closed(3, kStart + 1 * kSecond, "B")}};
  EXPECT_EQ(Cids(Ask("state=closed&sort=stop", {shard})), (Numbers{2, 1, 3}));
  EXPECT_EQ(Cids(Ask("state=closed&sort=reason", {shard})), (Numbers{2, 1, 3}));
  EXPECT_EQ(Cids(Ask("state=closed&sort=uptime", {shard})), (Numbers{3, 1, 2}));
}

TEST(Connz, OneIsFoundByItsNumber) {
  const std::vector<SampleShard> shards = {
      {.open = {Connection(1), Connection(2)}},
      {.open = {Connection(3)}, .closed = {Closed(4, kStart, "x"), Closed(2, kStart, "x")}}};
  EXPECT_EQ(Cids(Ask("cid=3&limit=50", shards)), Numbers{3});
  EXPECT_TRUE(Has(Ask("cid=3&limit=50", shards), "\"limit\": 1,"));
  EXPECT_EQ(Cids(Ask("cid=4", shards)), Numbers{});
  EXPECT_EQ(Cids(Ask("cid=4&state=any", shards)), Numbers{4});
  EXPECT_EQ(Cids(Ask("cid=2&state=any", shards)), Numbers{2});  // the open one
  EXPECT_FALSE(Has(Ask("cid=2&state=any", shards), "\"reason\""));
}

TEST(Connz, FiltersByUserAndAccount) {
  ConnectionInfo mine = Connection(1);
  mine.user = "me";
  const SampleShard shard = {.open = {mine, Connection(2)}};
  EXPECT_EQ(Cids(Ask("user=me", {shard})), Numbers{1});
  EXPECT_TRUE(Has(Ask("user=me", {shard}), "\"total\": 2"));  // of all, as in the reference
  EXPECT_EQ(Cids(Ask("acc=%24G", {shard})), (Numbers{1, 2}));
  EXPECT_EQ(Cids(Ask("mqtt_client=x", {shard})), Numbers{});
  const std::string unknown = Ask("acc=nobody", {shard});
  EXPECT_TRUE(Has(unknown, "\"connections\": null")) << unknown;
  EXPECT_TRUE(Has(unknown, "\"server_id\": \"\",")) << unknown;
}

TEST(Connz, SubscriptionsComeFromTheShardOfTheirConnection) {
  std::vector<SampleShard> shards(2);
  for (const uint64_t cid : {1, 2, 3}) {
    ConnectionInfo info = Connection(cid);
    info.subscriptions = cid == 2 ? 0 : 5;
    shards[cid % 2].open.push_back(info);
  }
  for (int i = 0; i < 5; ++i) {
    for (const uint64_t cid : {1, 3}) {
      shards[1].subscriptions.push_back(
          {.subject = std::to_string(cid) + "." + std::to_string(i), .sid = "1", .cid = cid});
    }
  }
  const std::string body = Ask("subs=true", shards);
  for (const std::string_view subject : {"\"1.0\"", "\"1.4\"", "\"3.0\"", "\"3.4\""}) {
    EXPECT_TRUE(Has(body, subject)) << subject << body;
  }
  // Only for the page: nobody asks about the others.
  EXPECT_FALSE(Has(Ask("subs=true&limit=2", shards), "\"3."));
}

TEST(Connz, BadParametersAreToldAsTheReferenceTellsThem) {
  struct Case {
    std::string_view query;
    std::string_view text;
    bool counts;
  };
  constexpr Case kCases[] = {
      {"limit=x", "Error decoding int for 'limit': strconv.Atoi: parsing \"x\": invalid syntax",
       false},
      {"offset=1e3",
       "Error decoding int for 'offset': strconv.Atoi: parsing \"1e3\": invalid syntax", false},
      {"auth=yes",
       "Error decoding boolean for 'auth': strconv.ParseBool: parsing \"yes\": invalid syntax",
       false},
      {"subs=x",
       "Error decoding boolean for 'subs': strconv.ParseBool: parsing \"x\": invalid syntax",
       false},
      {"cid=-1",
       "Error decoding uint64 for 'cid': strconv.ParseUint: parsing \"-1\": invalid syntax", false},
      {"state=zz", "Error decoding state for zz", false},
      {"sort=foo", "invalid sorting option: foo", true},
      {"sort=stop", "sort by stop only valid on closed connections", true},
      {"sort=reason&state=all", "sort by reason only valid on closed connections", true},
      {"limit=x&auth=y",
       "Error decoding boolean for 'auth': strconv.ParseBool: parsing \"y\": invalid syntax",
       false},
  };
  for (const Case& c : kCases) {
    const BadQuery bad = Refused(c.query);
    EXPECT_EQ(bad.text, c.text);
    EXPECT_EQ(bad.counts, c.counts) << c.query;
  }
  EXPECT_EQ(Read("limit=-5&offset=-5").limit, 1024u);
  EXPECT_EQ(Read("limit=-5&offset=-5").offset, 0u);
  EXPECT_TRUE(Read("subs=DETAIL").subs_detail);
}

}  // namespace
}  // namespace martlet::monitor
