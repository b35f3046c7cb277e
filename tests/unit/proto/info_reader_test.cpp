#include <string>

#include <gtest/gtest.h>

#include "proto/server_info.h"

namespace martlet::proto {
namespace {

TEST(ReadInfo, ReadsWhatWriteInfoWrites) {
  const ServerInfo info{.server_id = "NABC",
                        .server_name = "n1",
                        .version = "2.15.1",
                        .host = "0.0.0.0",
                        .port = 4222,
                        .auth_required = true,
                        .tls_required = true,
                        .tls_verify = true,
                        .max_payload = 1 << 20,
                        .jetstream = true,
                        .client_id = 7,
                        .client_ip = "127.0.0.1",
                        .nonce = "abc-_",
                        .cluster = "c",
                        .ldm = true,
                        .xkey = "XABC"};
  std::string line;
  WriteInfo(info, line);
  const auto read = ReadInfo(std::string_view(line).substr(5));
  ASSERT_TRUE(read.ok()) << read.status();
  std::string again;
  WriteInfo(*read, again);
  EXPECT_EQ(again, line);
}

TEST(ReadInfo, AbsentMembersAreEmpty) {
  const auto info = ReadInfo("{}");
  ASSERT_TRUE(info.ok());
  EXPECT_EQ(info->version, "");
  EXPECT_EQ(info->go, "");
  EXPECT_EQ(info->impl, "");
  EXPECT_EQ(info->proto, 0);
  EXPECT_FALSE(info->headers);
  EXPECT_EQ(info->max_payload, 0);
}

TEST(ReadInfo, SkipsUnknownMembersAndWrongTypes) {
  const auto info = ReadInfo(
      R"({"version":7,"port":"x","headers":1,"nonce":null,"new":{"a":[1]},"proto":1,"port":4.5,)"
      R"("connect_urls":["a:1"],"max_payload":99999999999999999999,"api_lvl":5000000000})");
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->version, "");
  EXPECT_EQ(info->port, 0);
  EXPECT_FALSE(info->headers);
  EXPECT_EQ(info->proto, 1);
  EXPECT_EQ(info->max_payload, 0);
  EXPECT_EQ(info->api_lvl, 0);
}

TEST(ReadInfo, RefusesWhatIsNoObject) {
  for (const std::string_view text : {"", "[]", "null", "1", "{", "{\"a\":}", "{} x"}) {
    EXPECT_FALSE(ReadInfo(text).ok()) << text;
  }
}

}  // namespace
}  // namespace martlet::proto
