#include "monitor/routez.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "sample_server.h"

namespace martlet::monitor {
namespace {

RoutezQuery Ask(std::string_view text) {
  Query query(text);
  return std::get<RoutezQuery>(ReadRoutez(query));
}

RouteLink Link(uint64_t rid, const std::string& name) {
  return {.rid = rid,
          .remote_id = "N" + name,
          .remote_name = name,
          .account = {},
          .compression = "off",
          .import = {},
          .exports = {}};
}
RouteInfo Info(uint64_t rid, uint64_t subscriptions = 0) {
  return {.rid = rid,
          .key = static_cast<uint32_t>(100 + rid),
          .ip = "10.0.0.1",
          .port = 6222,
          .start_ns = kStart,
          .last_activity_ns = kStart + 60 * kSecond,
          .subscriptions = subscriptions};
}

std::string Body(RoutezQuery query, std::vector<RouteLink> links, std::vector<SampleShard> shards,
                 const SampleServer& server = {}) {
  RoutezInquiry inquiry(query, static_cast<unsigned>(shards.size()), std::move(links));
  return Drive(inquiry, shards, server).body;
}

TEST(Routez, WithoutAClusterThereAreNone) {
  EXPECT_EQ(Body({}, {}, {{}, {}}), R"({
  "server_id": "NID",
  "server_name": "name",
  "now": "2023-11-14T22:14:25.5Z",
  "num_routes": 0,
  "routes": []
})");
}

TEST(Routez, HasTheReferencesMembersInItsOrder) {
  ::setenv("TZ", "UTC", 1);
  SampleServer server;
  server.cluster = {.name = "C", .port = 6222, .routes = 1, .remotes = 1};
  server.options.cluster.import = {.given = true, .allow = {"foo.>"}, .deny = {"foo.x"}};
  server.options.cluster.exports = {.given = true, .allow = {}, .deny = {}};
  RouteLink link = Link(7, "B");
  link.did_solicit = link.is_configured = true;
  link.account = "$SYS";
  link.compression = "s2_fast";
  link.import = {.given = true, .allow = {"a"}, .deny = {}};
  link.exports = {.given = true, .allow = {}, .deny = {"b"}};
  RouteInfo info = Info(7, 2);
  info.rtt_ns = 64'999;
  info.pending_bytes = 1;
  info.in_msgs = 2;
  info.out_msgs = 3;
  info.in_bytes = 4;
  info.out_bytes = 5;
  SampleShard shard;
  shard.routes = {info};
  EXPECT_EQ(Body({}, {link}, {{}, shard}, server), R"({
  "server_id": "NID",
  "server_name": "name",
  "now": "2023-11-14T22:14:25.5Z",
  "import": {
    "allow": [
      "foo.\u003e"
    ],
    "deny": [
      "foo.x"
    ]
  },
  "export": {},
  "num_routes": 1,
  "routes": [
    {
      "rid": 7,
      "remote_id": "NB",
      "remote_name": "B",
      "did_solicit": true,
      "is_configured": true,
      "ip": "10.0.0.1",
      "port": 6222,
      "start": "2023-11-14T22:13:20Z",
      "last_activity": "2023-11-14T22:14:20Z",
      "rtt": "64µs",
      "uptime": "1m5s",
      "idle": "5s",
      "import": {
        "allow": [
          "a"
        ]
      },
      "export": {
        "deny": [
          "b"
        ]
      },
      "pending_size": 1,
      "in_msgs": 2,
      "out_msgs": 3,
      "in_bytes": 4,
      "out_bytes": 5,
      "subscriptions": 2,
      "account": "$SYS",
      "compression": "s2_fast"
    }
  ]
})");
}

TEST(Routez, KeepsTheOrderAndLeavesOutWhatOnlyOneSideKnows) {
  SampleShard first;
  first.routes = {Info(5), Info(9), Info(6)};  // 9 has just come
  SampleShard second;
  second.routes = {Info(7)};
  const std::string body = Body({}, {Link(7, "B"), Link(5, "C"), Link(8, "D"), Link(6, "E")},
                                {first, second});  // 8 went
  EXPECT_TRUE(Has(body, "\"num_routes\": 3,"));
  const size_t b = body.find("\"rid\": 7,");
  const size_t c = body.find("\"rid\": 5,");
  const size_t e = body.find("\"rid\": 6,");
  EXPECT_LT(b, c);
  EXPECT_LT(c, e);
  EXPECT_NE(e, body.npos);
  EXPECT_FALSE(Has(body, "\"rid\": 8,"));
  EXPECT_FALSE(Has(body, "\"rid\": 9,"));
}

class RoutezLists : public testing::Test {
 protected:
  std::string BodyOf(std::string_view query) {
    RouteLink dedicated = Link(6, "B");
    dedicated.account = "$SYS";
    SampleShard first;
    first.interest = {{105, "$G", "foo", ""},
                      {106, "$SYS", "sys", ""},
                      {105, "$G", "bar", "q"},
                      {999, "$G", "of a route that has just come", ""}};
    SampleShard second;
    second.routes = {Info(5, 2), Info(6, 1)};
    return Body(Ask(query), {Link(5, "B"), dedicated}, {first, second});
  }
};

TEST_F(RoutezLists, AreThereWhenAskedFor) {
  EXPECT_FALSE(Has(BodyOf("subs=0"), "_list"));
  const std::string body = BodyOf("subs=1");
  EXPECT_TRUE(Has(body, R"(
      "subscriptions": 2,
      "subscriptions_list": [
        "foo",
        "bar"
      ],
      "compression": "off"
)")) << body;
  EXPECT_TRUE(Has(body, R"(
      "subscriptions": 1,
      "subscriptions_list": [
        "sys"
      ],
      "account": "$SYS",
)"));
  EXPECT_FALSE(Has(body, "just come"));
}

TEST_F(RoutezLists, TellInDetail) {
  const std::string body = BodyOf("subs=Detail");
  EXPECT_TRUE(Has(body, R"(
      "subscriptions_list_detail": [
        {
          "subject": "foo",
          "sid": "R $G foo",
          "msgs": 0,
          "cid": 5
        },
        {
          "subject": "bar",
          "qgroup": "q",
          "sid": "R $G bar q",
          "msgs": 0,
          "cid": 5
        }
      ],
)")) << body;
  EXPECT_TRUE(Has(body, "\"sid\": \"R sys\","));
}

TEST(Routez, AsksForNoListsWhereThereAreNone) {
  SampleShard shard;
  shard.routes = {Info(5)};
  std::vector<SampleShard> shards = {shard};
  RoutezInquiry inquiry(Ask("subs=1"), 1, {Link(5, "B")});
  Piece piece;
  while (const std::optional<unsigned> asked = inquiry.Next(piece)) {
    EXPECT_EQ(piece.kind, Piece::Kind::kRoutes);
    shards.at(*asked).Answer(piece, 2);
    inquiry.Take(piece);
  }
}

}  // namespace
}  // namespace martlet::monitor
