#include "proto/connect_info.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

std::string ErrorOf(std::string_view text) {
  ConnectInfo info;
  const absl::Status status = ParseConnect(text, info);
  EXPECT_TRUE(status.ok() || info == ConnectInfo()) << "changed in spite of an error";
  return std::string(status.message());
}

TEST(ParseConnect, ReadsEveryMember) {
  ConnectInfo info;
  ASSERT_TRUE(ParseConnect(R"({"verbose":false,"pedantic":false,"echo":false,"headers":true,
      "no_responders":true,"tls_required":true,"protocol":1,"lang":"go","version":"1.2","name":"n",
      "user":"u","pass":"p","auth_token":"t","nkey":"U","sig":"s","jwt":"j","proxy_sig":"x",
      "account":"a","new_account":true,"import":{},"export":{"allow":["b"]},"unknown":[1]})",
                           info)
                  .ok());
  const ConnectInfo expected{.verbose = false,
                             .pedantic = false,
                             .echo = false,
                             .headers = true,
                             .no_responders = true,
                             .tls_required = true,
                             .protocol = 1,
                             .lang = "go",
                             .version = "1.2",
                             .name = "n",
                             .user = "u",
                             .pass = "p",
                             .auth_token = "t",
                             .nkey = "U",
                             .sig = "s",
                             .jwt = "j",
                             .proxy_sig = "x",
                             .account = "a",
                             .new_account = true};
  EXPECT_EQ(info, expected);
}

TEST(ParseConnect, NothingSaidLeavesTheDefaults) {
  for (const char* text :
       {"{}", "null", " null ", R"({"verbose":null,"name":null,"import":null})"}) {
    EXPECT_EQ(ErrorOf(text), "") << text;
    ConnectInfo info;
    EXPECT_TRUE(ParseConnect(text, info).ok());
    EXPECT_EQ(info, ConnectInfo()) << text;
  }
}

TEST(ParseConnect, SecondConnectGoesOverTheFirst) {
  ConnectInfo info;
  ASSERT_TRUE(ParseConnect(R"({"verbose":false,"name":"one","protocol":1})", info).ok());
  ASSERT_TRUE(ParseConnect(R"({"echo":false,"name":"two"})", info).ok());
  EXPECT_FALSE(info.verbose);
  EXPECT_FALSE(info.echo);
  EXPECT_EQ(info.name, "two");
  EXPECT_EQ(info.protocol, 1);
}

TEST(ParseConnect, NamesMatchWithoutCaseAndTheLastWins) {
  ConnectInfo info;
  ASSERT_TRUE(ParseConnect(R"({"verbose":true,"VERBOSE":false,"uſer":"a"})", info).ok());
  EXPECT_FALSE(info.verbose);
  EXPECT_EQ(info.user, "a");
}

TEST(ParseConnect, ErrorsReadLikeGos) {
  struct Case {
    std::string_view text;
    std::string_view error;
  };
  constexpr Case kCases[] = {
      {R"({"verbose":"x"})",
       "json: cannot unmarshal string into Go struct field ClientOpts.verbose of type bool"},
      {R"({"verbose":1})",
       "json: cannot unmarshal number into Go struct field ClientOpts.verbose of type bool"},
      {R"({"NAME":5})",
       "json: cannot unmarshal number into Go struct field ClientOpts.name of type string"},
      {R"({"name":{"a":1}})",
       "json: cannot unmarshal object into Go struct field ClientOpts.name of type string"},
      {R"({"protocol":"1"})",
       "json: cannot unmarshal string into Go struct field ClientOpts.protocol of type int"},
      {R"({"protocol":1.5})",
       "json: cannot unmarshal number 1.5 into Go struct field ClientOpts.protocol of type int"},
      {R"({"import":5})",
       "json: cannot unmarshal number into Go struct field ClientOpts.import of type "
       "server.SubjectPermission"},
      {R"({"verbose":"a","name":5})",
       "json: cannot unmarshal string into Go struct field ClientOpts.verbose of type bool"},
      {R"({"name":5,"x":})", "invalid character '}' looking for beginning of value"},
      {"[]", "json: cannot unmarshal array into Go value of type server.ClientOpts"},
      {"\"x\"", "json: cannot unmarshal string into Go value of type server.ClientOpts"},
      {"{} x", "invalid character 'x' after top-level value"},
      {"", "unexpected end of JSON input"},
  };
  for (const Case& c : kCases) EXPECT_EQ(ErrorOf(c.text), c.error) << c.text;
}

// From the reference's log_test.go: TestRemovePassFromTrace, TestRemoveAuthTokenFromTrace,
// TestRemoveAdditionalAuthFieldsFromTrace.
TEST(RedactConnect, AgreesWithTheReference) {
  struct Case {
    std::string_view text;
    std::string_view redacted;
  };
  constexpr Case kCases[] = {
      {R"({"user":"derek","pass":"s3cr3t"})", R"({"user":"derek","pass":"[REDACTED]"})"},
      {R"({"user":"s3cr3t","auth_token":  "s3cr3t"})",
       R"({"user":"s3cr3t","auth_token":  "[REDACTED]"})"},
      {R"({"auth_token":""})", R"({"auth_token":"[REDACTED]"})"},
      {R"({"auth_token":"     "})", R"({"auth_token":"[REDACTED]"})"},
      {R"({"auth_token":    "s3cr3t"     })", R"({"auth_token":    "[REDACTED]"     })"},
      {R"({"auth_token":"s3cr3t",})", R"({"auth_token":"[REDACTED]",})"},
      {"{auth_token:s3cr3t ,   password =  s3cr3t}",
       "{auth_token:[REDACTED],   password =  [REDACTED]}"},
      {"{user = hello, auth_token =  s3cr3t}", "{user = hello, auth_token =  [REDACTED]}"},
      {"{auth_token:s3cr3t\r\n", "{auth_token:[REDACTED]\r\n"},
      {R"({"auth_token":"secret password which is very long",})",
       R"({"auth_token":"[REDACTED]",})"},
      {R"({"auth_token":"A","auth_token":"B","pass":"B","password":"C"})",
       R"({"auth_token":"[REDACTED]","auth_token":"[REDACTED]","pass":"[REDACTED]","password":"[REDACTED]"})"},
      {R"({auth_token = "A",pass= "B",password ="C"})",
       R"({auth_token = "[REDACTED]",pass= "[REDACTED]",password ="[REDACTED]"})"},
      {R"({"pass":5,"jwt":"j"})", R"({"pass":[REDACTED],"jwt":"j"})"},
      {R"({"sig":"signature","user":"foo"})", R"({"sig":"[REDACTED]","user":"foo"})"},
      {R"({"nkey":"nkey","user":"foo"})", R"({"nkey":"[REDACTED]","user":"foo"})"},
      {R"({"proxy_sig":"a","sig":"b"})", R"({"proxy_sig":"[REDACTED]","sig":"[REDACTED]"})"},
      {R"({"sig":"a","proxy_sig":"b"})", R"({"sig":"[REDACTED]","proxy_sig":"[REDACTED]"})"},
      {R"({"name":"foo sig:bar","sig":"REAL"})",
       R"({"name":"foo sig:[REDACTED]","sig":"[REDACTED]"})"},
      {"sig=abc\r\n", "sig=[REDACTED]\r\n"},
      {R"({"name":"unterminated,"sig":"abc"})", R"({"name":"unterminated,"sig":"[REDACTED]"})"},
      {R"({"design":"x","a_sig":"y","passive":"z"})",
       R"({"design":"x","a_sig":"y","passive":"[REDACTED]"})"},
      {"", ""},
      {"pass", "pass"},
      {"pass:", "pass:[REDACTED]"},
  };
  for (const Case& c : kCases) EXPECT_EQ(RedactConnect(c.text), c.redacted);
}

}  // namespace
}  // namespace martlet::proto
