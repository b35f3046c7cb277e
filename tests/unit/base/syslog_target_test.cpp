#include "base/syslog_target.h"

#include <string>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

TEST(ParseSyslogUrl, NamesANetworkAndAnAddress) {
  struct Case {
    std::string_view url;
    SyslogNetwork network;
    std::string_view address;
  };
  const Case kCases[] = {
      {"udp://localhost:514", SyslogNetwork::kUdp, "localhost:514"},
      {"tcp://127.0.0.1:6514", SyslogNetwork::kTcp, "127.0.0.1:6514"},
      {"TCP://[::1]:514/path?x#y", SyslogNetwork::kTcp, "[::1]:514"},
      {"udp://user:pass@host:514", SyslogNetwork::kUdp, "host:514"},
      {"udp://host", SyslogNetwork::kUdp, "host"},
      {"udp://[::1]", SyslogNetwork::kUdp, "[::1]"},
      {"udp:host", SyslogNetwork::kUdp, ""},
      {"unix:///run/syslog.sock", SyslogNetwork::kUnix, "/run/syslog.sock"},
      {"unix:/run/syslog.sock?x", SyslogNetwork::kUnix, "/run/syslog.sock"},
      {"unix://host", SyslogNetwork::kUnix, ""},
  };
  for (const Case& c : kCases) {
    const absl::StatusOr<SyslogTarget> target = ParseSyslogUrl(c.url);
    ASSERT_TRUE(target.ok()) << c.url << ": " << target.status();
    EXPECT_EQ(target->network, c.network) << c.url;
    EXPECT_EQ(target->address, c.address) << c.url;
  }
}

TEST(ParseSyslogUrl, RefusesInTheReferencesWords) {
  struct Case {
    std::string_view url;
    std::string error;
  };
  const Case kCases[] = {
      {"http://localhost:514", R"(error invalid network type: "http")"},
      {"localhost:514", R"(error invalid network type: "localhost")"},
      {"localhost", R"(error invalid network type: "")"},
      {"127.0.0.1:514", R"(parse "127.0.0.1:514": first path segment in URL cannot contain colon)"},
      {":514", R"(parse ":514": missing protocol scheme)"},
      {"udp://h:514x", R"(parse "udp://h:514x": invalid port ":514x" after host)"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(ParseSyslogUrl(c.url).status().message(), c.error) << c.url;
  }
}

TEST(DialSyslog, SaysWhatGoWouldSay) {
  struct Case {
    SyslogTarget target;
    std::string error;
  };
  const Case kCases[] = {
      {{SyslogNetwork::kUdp, "localhost"}, "dial udp: address localhost: missing port in address"},
      {{SyslogNetwork::kTcp, "[::1]"}, "dial tcp: address [::1]: missing port in address"},
      {{SyslogNetwork::kUnix, "/no/such/socket"},
       "dial unix /no/such/socket: connect: no such file or directory"},
      {{SyslogNetwork::kUnix, ""}, "dial unix : connect: invalid argument"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(DialSyslog(c.target, std::chrono::milliseconds(100)).status().message(), c.error);
  }
}

}  // namespace
}  // namespace martlet::base
