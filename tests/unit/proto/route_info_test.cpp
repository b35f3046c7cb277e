#include "proto/route_info.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

// Lines of real servers, on routes of releases 2.15.1, 2.10.27 and 2.9.10.
constexpr const char* kInfos[] = {
    R"({"server_id":"NA","server_name":"A","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21101,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21001"],"compression":"accept","lnoc":true,)"
    R"("lnocu":true,"ln":true,"route_pool_size":3})",
    R"({"server_id":"NB","server_name":"B","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21102,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21002"],"compression":"off","lnoc":true,)"
    R"("lnocu":true,"ln":true,"route_pool_size":3,"route_account":"$SYS","gossip_mode":1})",
    R"({"server_id":"NB","server_name":"B","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21102,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21002"],"compression":"off","lnoc":true,)"
    R"("lnocu":true,"ln":true,"route_pool_size":3,"route_pool_idx":1,"gossip_mode":1})",
    R"({"server_id":"NA","server_name":"A","version":"2.10.27","proto":2,"go":"go1.24.4",)"
    R"("host":"127.0.0.1","port":21101,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21001"],"compression":"not supported",)"
    R"("lnoc":true,"lnocu":true,"route_pool_size":3})",
    R"({"server_id":"NB","server_name":"B","version":"2.9.10","proto":2,"go":"go1.19.8",)"
    R"("host":"127.0.0.1","port":21102,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21002"],"lnoc":true})",
    R"({"server_id":"NA","server_name":"NA","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"localhost","port":21101,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"d3Swv21HSBN7piX7iHt0Xx","cluster_dynamic":true,)"
    R"("connect_urls":["10.0.0.1:21001","[fd00::1]:21001"],"compression":"accept","lnoc":true,)"
    R"("lnocu":true,"ln":true,"route_pool_size":3})",
    R"({"server_id":"NA","server_name":"A","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21101,"headers":true,"auth_required":true,)"
    R"("max_payload":1048576,"nonce":"abc","cluster":"C1","connect_urls":["127.0.0.1:21001"],)"
    R"("compression":"off","lnoc":true,"lnocu":true,"ln":true})",
    R"({"server_id":"NA","server_name":"A","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21101,"headers":true,"max_payload":1048576,"nonce":"abc",)"
    R"("cluster":"C1","connect_urls":["127.0.0.1:21001"],"compression":"off",)"
    R"("import":{"allow":["foo.\u003e","bar"]},)"
    R"("export":{"allow":["baz","foo.\u003e"],"deny":["foo.secret"]},)"
    R"("lnoc":true,"lnocu":true,"ln":true})",
    R"({"server_id":"NA","server_name":"A","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21101,"headers":true,"max_payload":1048576,"cluster":"C1",)"
    R"("connect_urls":["127.0.0.1:21001"],"ldm":true,"lnoc":true,"lnocu":true,"ln":true,)"
    R"("route_pool_size":3})",
    R"({"server_id":"","server_name":"","version":"","proto":0,"go":"","host":"","port":0,)"
    R"("headers":false,"max_payload":0,"route_pool_size":3,"route_account":"ACC",)"
    R"("route_acc_add_reqid":"vAITfOBxpUUTnPxYmZccxC"})",
};

// Forwarded ones.
constexpr const char* kGossip[] = {
    R"({"server_id":"NC","server_name":"C","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21103,"headers":true,"max_payload":1048576,)"
    R"("ip":"nats-route://127.0.0.1:21103/","cluster":"C1","connect_urls":["127.0.0.1:21003"],)"
    R"("compression":"off","lnoc":true,"lnocu":true,"ln":true,"route_pool_size":3,)"
    R"("route_account":"$SYS","gossip_mode":1})",
    R"({"server_id":"NB","server_name":"B","version":"2.15.1","proto":3,"go":"go1.27.2",)"
    R"("host":"127.0.0.1","port":21102,"headers":true,"max_payload":1048576,)"
    R"("ip":"nats-route://127.0.0.1:21102/","cluster":"C1","connect_urls":["127.0.0.1:21002"],)"
    R"("lnoc":true})",
};

constexpr const char* kConnects[] = {
    R"({"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,)"
    R"("name":"NB","cluster":"C1","lnoc":true,"ln":true})",
    R"({"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,)"
    R"("name":"NB","cluster":"C1","lnoc":true})",
    R"({"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,)"
    R"("name":"NB","cluster":"M7dKgeSMKIS8HPAqlekwzP","cluster_dynamic":true,"lnoc":true,)"
    R"("ln":true})",
    R"({"echo":true,"verbose":false,"pedantic":false,"user":"ruser","pass":"wrong",)"
    R"("tls_required":false,"headers":true,"name":"NB","cluster":"C1","lnoc":true,"ln":true})",
    R"({"echo":true,"verbose":false,"pedantic":false,"tls_required":false,"headers":true,)"
    R"("name":"NF","cluster":"C1"})",
};

TEST(RouteInfo, WritesWhatRealServersSendByteForByte) {
  for (const char* text : kInfos) {
    const auto info = ReadRouteInfo(text);
    ASSERT_TRUE(info.ok()) << info.status() << text;
    std::string out;
    WriteRouteInfo(*info, out);
    EXPECT_EQ(out, "INFO " + std::string(text) + " \r\n");
  }
}

TEST(RouteInfo, ForwardsWithoutTheBlankInFrontOfTheLineEnd) {
  for (const char* text : kGossip) {
    const auto info = ReadRouteInfo(text);
    ASSERT_TRUE(info.ok()) << info.status() << text;
    std::string out;
    WriteGossip(*info, out);
    EXPECT_EQ(out, "INFO " + std::string(text) + "\r\n");
  }
}

TEST(RouteInfo, EveryMemberHasItsPlace) {
  const RouteInfo all{.server_id = "N",
                      .server_name = "n",
                      .version = "v",
                      .proto = 3,
                      .git_commit = "c",
                      .go = "g",
                      .host = "h",
                      .port = 6222,
                      .headers = true,
                      .auth_required = true,
                      .tls_required = true,
                      .tls_verify = true,
                      .max_payload = 1,
                      .jetstream = true,
                      .ip = "i",
                      .nonce = "o",
                      .cluster = "C",
                      .cluster_dynamic = true,
                      .domain = "d",
                      .connect_urls = {"u", "<&>"},
                      .ws_connect_urls = {"w"},
                      .ldm = true,
                      .compression = "off",
                      .import = {.given = true, .allow = {}, .deny = {}},
                      .exports = {.given = true, .allow = {"a"}, .deny = {"b"}},
                      .lnoc = true,
                      .lnocu = true,
                      .ln = true,
                      .route_pool_size = -1,
                      .route_pool_idx = 2,
                      .route_account = "A",
                      .route_acc_add_reqid = "r",
                      .gossip_mode = kGossipOverride,
                      .gateway = "G"};
  const std::string text =
      R"({"server_id":"N","server_name":"n","version":"v","proto":3,"git_commit":"c","go":"g",)"
      R"("host":"h","port":6222,"headers":true,"auth_required":true,"tls_required":true,)"
      R"("tls_verify":true,"max_payload":1,"jetstream":true,"ip":"i","nonce":"o","cluster":"C",)"
      R"("cluster_dynamic":true,"domain":"d","connect_urls":["u","\u003c\u0026\u003e"],)"
      R"("ws_connect_urls":["w"],"ldm":true,"compression":"off","import":{},)"
      R"("export":{"allow":["a"],"deny":["b"]},"lnoc":true,"lnocu":true,"ln":true,)"
      R"("route_pool_size":-1,"route_pool_idx":2,"route_account":"A",)"
      R"("route_acc_add_reqid":"r","gossip_mode":2,"gateway":"G"})";
  std::string out;
  WriteRouteInfo(all, out);
  EXPECT_EQ(out, "INFO " + text + " \r\n");
  const auto read = ReadRouteInfo(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, all);
}

TEST(RouteInfo, NamesMatchWithoutCaseAndStrangersAreSkipped) {
  const auto info = ReadRouteInfo(
      R"({"Server_ID":"N","PORT":1,"Export":{"ALLOW":["a"]},"what":{"port":[2]},"api_lvl":"x"})");
  ASSERT_TRUE(info.ok()) << info.status();
  const RouteInfo expected{
      .server_id = "N", .port = 1, .exports = {.given = true, .allow = {"a"}, .deny = {}}};
  EXPECT_EQ(*info, expected);
}

TEST(RouteInfo, ReadsListsWhateverTheirBlanks) {
  const auto info = ReadRouteInfo(
      "{\"connect_urls\": [ \"a,]\\\"\" ,\"\\u003e\\\\\",\tnull\n],\"ws_connect_urls\":[ ]}");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->connect_urls, (std::vector<std::string>{"a,]\"", ">\\", ""}));
  EXPECT_TRUE(info->ws_connect_urls.empty());
}

TEST(RouteInfo, ALaterDuplicateWinsAndNullTakesListsAway) {
  const auto info = ReadRouteInfo(
      R"({"port":1,"port":2,"connect_urls":["a"],"connect_urls":["b"],"ws_connect_urls":["c"],)"
      R"("ws_connect_urls":null,"import":{"allow":["d"]},"import":{"deny":["e"]},)"
      R"("export":{"allow":["f"]},"export":null,"host":"h","host":null})");
  ASSERT_TRUE(info.ok()) << info.status();
  const RouteInfo expected{.host = "h",
                           .port = 2,
                           .connect_urls = {"b"},
                           .import = {.given = true, .allow = {"d"}, .deny = {"e"}}};
  EXPECT_EQ(*info, expected);
}

TEST(RouteInfo, NullIsAnEmptyOne) {
  const auto info = ReadRouteInfo("null");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(*info, RouteInfo());
}

std::string InfoError(std::string_view text) {
  const auto info = ReadRouteInfo(text);
  return std::string(info.status().message());
}

TEST(RouteInfo, ErrorsReadLikeGos) {
  const std::string field = " into Go struct field Info.";
  EXPECT_EQ(InfoError(""), "unexpected end of JSON input");
  EXPECT_EQ(InfoError("{\"port\":1}x"), "invalid character 'x' after top-level value");
  EXPECT_EQ(InfoError("[]"), "json: cannot unmarshal array into Go value of type server.Info");
  EXPECT_EQ(InfoError(R"({"server_id":1})"),
            "json: cannot unmarshal number" + field + "server_id of type string");
  EXPECT_EQ(InfoError(R"({"port":1.5,"host":2})"),
            "json: cannot unmarshal number 1.5" + field + "port of type int");
  EXPECT_EQ(InfoError(R"({"port":"1"})"),
            "json: cannot unmarshal string" + field + "port of type int");
  EXPECT_EQ(InfoError(R"({"max_payload":2147483648})"),
            "json: cannot unmarshal number 2147483648" + field + "max_payload of type int32");
  EXPECT_EQ(InfoError(R"({"gossip_mode":256})"),
            "json: cannot unmarshal number 256" + field + "gossip_mode of type uint8");
  EXPECT_EQ(InfoError(R"({"gossip_mode":-1})"),
            "json: cannot unmarshal number -1" + field + "gossip_mode of type uint8");
  EXPECT_EQ(InfoError(R"({"headers":"yes"})"),
            "json: cannot unmarshal string" + field + "headers of type bool");
  EXPECT_EQ(InfoError(R"({"connect_urls":"a:1"})"),
            "json: cannot unmarshal string" + field + "connect_urls of type []string");
  EXPECT_EQ(InfoError(R"({"connect_urls":["a:1",2]})"),
            "json: cannot unmarshal number" + field + "connect_urls of type string");
  EXPECT_EQ(InfoError(R"({"import":["a"]})"),
            "json: cannot unmarshal array" + field + "import of type server.SubjectPermission");
  EXPECT_EQ(InfoError(R"({"export":{"deny":"a"}})"),
            "json: cannot unmarshal string into Go struct field SubjectPermission.export.deny of "
            "type []string");
}

TEST(RouteInfo, HostileTextsEndWell) {
  const std::string deep(20000, '[');
  EXPECT_FALSE(ReadRouteInfo("{\"connect_urls\":" + deep).ok());
  EXPECT_FALSE(ReadRouteInfo("{\"import\":{\"allow\":" + deep).ok());
  EXPECT_FALSE(ReadRouteInfo(R"({"port":NaN})").ok());
  const std::string host(65536, 'h');
  const auto long_host = ReadRouteInfo("{\"host\":\"" + host + "\"}");
  ASSERT_TRUE(long_host.ok());
  EXPECT_EQ(long_host->host, host);
  const auto lone = ReadRouteInfo(R"({"connect_urls":["\ud800","\udc00x"]})");
  ASSERT_TRUE(lone.ok()) << lone.status();
  EXPECT_EQ(lone->connect_urls, (std::vector<std::string>{"\uFFFD", "\uFFFDx"}));
}

TEST(RouteConnect, WritesWhatRealServersSendByteForByte) {
  for (const char* text : kConnects) {
    const auto connect = ReadRouteConnect(text);
    ASSERT_TRUE(connect.ok()) << connect.status() << text;
    std::string out;
    WriteRouteConnect(*connect, out);
    EXPECT_EQ(out, "CONNECT " + std::string(text) + "\r\n");
  }
}

TEST(RouteConnect, WhatIsNotSaidIsFalse) {
  const auto connect = ReadRouteConnect("{}");
  ASSERT_TRUE(connect.ok());
  EXPECT_FALSE(connect->echo);
  EXPECT_FALSE(connect->headers);
  EXPECT_EQ(connect->cluster, "");
}

TEST(RouteConnect, TellsClientsAndGateways) {
  const auto client = ReadRouteConnect(
      R"({"verbose":false,"pedantic":false,"lang":"python3","version":"1","protocol":1})");
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(client->lang, "python3");
  const auto gateway = ReadRouteConnect(R"({"gateway":"G"})");
  ASSERT_TRUE(gateway.ok());
  EXPECT_EQ(gateway->gateway, "G");
}

TEST(RouteConnect, ErrorsReadLikeGos) {
  EXPECT_EQ(ReadRouteConnect(R"({"verbose":1})").status().message(),
            "json: cannot unmarshal number into Go struct field ClientOpts.verbose of type bool");
  EXPECT_EQ(ReadRouteConnect(R"({"cluster":true})").status().message(),
            "json: cannot unmarshal bool into Go struct field connectInfo.cluster of type string");
  EXPECT_EQ(ReadRouteConnect("7").status().message(),
            "json: cannot unmarshal number into Go value of type server.ClientOpts");
}

TEST(InterestCheck, IsAnInfoOfItsOwn) {
  const InterestCheck check = {
      .account = "$G", .filters = 3, .sum = "00000000000000ff", .replayed = true};
  std::string line;
  WriteInterestCheck(check, line);
  EXPECT_EQ(line,
            "INFO {\"martlet_check\":\"$G\",\"martlet_filters\":3,"
            "\"martlet_sum\":\"00000000000000ff\",\"martlet_replayed\":true}\r\n");
  EXPECT_EQ(ReadInterestCheck(line.substr(5)), check);
  line.clear();
  WriteInterestCheck({.replay = true}, line);
  EXPECT_EQ(line, "INFO {\"martlet_replay\":true}\r\n");
  EXPECT_TRUE(ReadInterestCheck(line.substr(5)).replay);
}

TEST(MembersCheck, IsAnInfoOfItsOwn) {
  std::string line;
  WriteMembersCheck(3, "00000000000000ff", line);
  EXPECT_EQ(line, "INFO {\"martlet_members\":3,\"martlet_sum\":\"00000000000000ff\"}\r\n");
  RouteInfo check;
  check.martlet_members = 3;
  check.martlet_sum = "00000000000000ff";
  EXPECT_EQ(ReadRouteInfo(line.substr(5)).value(), check);
  EXPECT_EQ(ReadInterestCheck(line.substr(5)).account, "");
}

TEST(InterestCheck, OtherInfosAndGarbageAreNone) {
  for (const char* info : kInfos) EXPECT_EQ(ReadInterestCheck(info), InterestCheck());
  for (const char* text : {"", "[]", "{", R"({"martlet_check":7})", R"({"martlet_replay":"x"})"}) {
    EXPECT_EQ(ReadInterestCheck(text), InterestCheck()) << text;
  }
}

TEST(RouteInfo, GossipDoesNotPassOnWhatIsOfMartlet) {
  RouteInfo info;
  info.martlet_checks = kMartletChecks;
  std::string own;
  std::string gossip;
  WriteRouteInfo(info, own);
  WriteGossip(info, gossip);
  EXPECT_NE(own.find("\"martlet_checks\":1"), own.npos);
  EXPECT_EQ(gossip.find("martlet"), gossip.npos);
}

}  // namespace
}  // namespace martlet::proto
