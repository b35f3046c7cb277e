#include "proto/server_info.h"

#include <string>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

ServerInfo Example() {
  return {.server_id = "NID",
          .server_name = "name",
          .host = "127.0.0.1",
          .port = 4222,
          .max_payload = 1048576,
          .xkey = "XKEY"};
}

std::string Text(const ServerInfo& info) {
  std::string out;
  WriteInfo(info, out);
  return out;
}

// The reference's line for the same server, with our `go` and `impl`.
TEST(WriteInfo, SmallestInfoReadsLikeTheReferences) {
  ServerInfo info = Example();
  info.client_id = 18;
  info.client_ip = "127.0.0.1";
  EXPECT_EQ(Text(info),
            R"(INFO {"server_id":"NID","server_name":"name","version":"2.15.1","proto":1,)"
            R"("go":"c++20","host":"127.0.0.1","port":4222,"headers":true,"max_payload":1048576,)"
            R"("client_id":18,"client_ip":"127.0.0.1","api_lvl":5,"xkey":"XKEY",)"
            R"("impl":"martlet/0.1.0"} )"
            "\r\n");
}

TEST(WriteInfo, HoldsEveryMemberThatIsSet) {
  const ServerInfo info{.server_id = "NID",
                        .server_name = "<n>",
                        .git_commit = "abcdef0",
                        .go = "c++",
                        .host = "::",
                        .port = 1,
                        .headers = false,
                        .auth_required = true,
                        .tls_required = true,
                        .tls_verify = true,
                        .tls_available = true,
                        .max_payload = -1,
                        .jetstream = true,
                        .client_id = 5,
                        .client_ip = "::1",
                        .nonce = "abc-_",
                        .cluster = "C",
                        .domain = "D",
                        .connect_urls = {"a:1", "b:2"},
                        .ldm = true,
                        .connect_info = true,
                        .remote_account = "$G",
                        .acc_is_sys = true,
                        .api_lvl = 0,
                        .xkey = "X",
                        .impl = ""};
  EXPECT_EQ(Text(info),
            R"(INFO {"server_id":"NID","server_name":"\u003cn\u003e","version":"2.15.1",)"
            R"("proto":1,"git_commit":"abcdef0","go":"c++","host":"::","port":1,"headers":false,)"
            R"("auth_required":true,"tls_required":true,"tls_verify":true,"tls_available":true,)"
            R"("max_payload":-1,"jetstream":true,"client_id":5,"client_ip":"::1",)"
            R"("nonce":"abc-_","cluster":"C","domain":"D","connect_urls":["a:1","b:2"],)"
            R"("ldm":true,"connect_info":true,"remote_account":"$G","acc_is_sys":true,)"
            R"("xkey":"X"} )"
            "\r\n");
}

TEST(InfoTemplate, AppendsWhatWriteInfoWrites) {
  ServerInfo info = Example();
  info.cluster = "cluster";
  const InfoTemplate shared(info);
  info.client_id = UINT64_MAX;
  info.client_ip = "10.0.0.1";
  info.nonce = "abcdefghijklmno";
  std::string out = "kept ";
  shared.Append(info.client_id, info.client_ip, info.nonce, out);
  EXPECT_EQ(out, "kept " + Text(info));
}

TEST(InfoTemplate, LeavesOutWhatAConnectionLacks) {
  std::string out;
  InfoTemplate(Example()).Append(0, "", "", out);
  EXPECT_EQ(out, Text(Example()));
}

}  // namespace
}  // namespace martlet::proto
