#include "config/config.h"

#include <string>

#include <gtest/gtest.h>

#include "config/validate.h"
#include "fake_environment.h"

namespace martlet::config {
namespace {

ReadResult ReadText(const std::string& text) {
  FakeEnvironment environment(text);
  absl::StatusOr<ReadResult> result = ReadConfig("main.conf", environment);
  EXPECT_TRUE(result.ok()) << result.status();
  return result.ok() ? *std::move(result) : ReadResult();
}
std::string LinesOf(const std::string& text) { return ReadText(text).problems.lines(); }

TEST(ReadConfig, FillsTheOptions) {
  const Options options = ReadText(R"(
listen: "127.0.0.1:4333"
server_name: a
max_payload: 2MB
max_connections: 10
ping_interval: "5s"
ping_max: 3
no_header_support: true
no_fast_producer_stall: true
log_file: x.log
server_tags: [ A, b, a ]
http: 8222
profile: latency
shards: 3
)")
                              .config.options;
  EXPECT_EQ(options.host, "127.0.0.1");
  EXPECT_EQ(options.port, 4333);
  EXPECT_EQ(options.server_name, "a");
  EXPECT_EQ(options.max_payload_bytes, 2 << 20);
  EXPECT_EQ(options.max_connections, 10);
  EXPECT_EQ(options.ping_interval, std::chrono::seconds(5));
  EXPECT_EQ(options.ping_max, 3);
  EXPECT_FALSE(options.headers);
  EXPECT_FALSE(options.stall_fast_producers);
  EXPECT_EQ(options.log_file, "x.log");
  EXPECT_EQ(options.server_tags, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options.http_port, 8222);
  EXPECT_EQ(options.profile, Profile::kLatency);
  EXPECT_EQ(options.shards, 3);
}

TEST(ReadConfig, ZeroMeansTheDefaultButForConnections) {
  const Options defaults;
  const Options options =
      ReadText("max_payload: 0\nport: 0\nping_max: 0\nmax_connections: 0\n").config.options;
  EXPECT_EQ(options.max_payload_bytes, defaults.max_payload_bytes);
  EXPECT_EQ(options.port, defaults.port);
  EXPECT_EQ(options.ping_max, defaults.ping_max);
  EXPECT_EQ(options.max_connections, -1);
}

TEST(ReadConfig, TellsOfAllErrorsAtOnce) {
  EXPECT_EQ(LinesOf("prot: 1\nport: x\nmax_payload: 3GB\ncluster { nam: c, port: y }\n"),
            "main.conf:1:0: unknown field \"prot\"\n"
            "main.conf:2:1: interface conversion: interface {} is string, not int64\n"
            "main.conf:3:1: max_payload value is too big\n"
            "main.conf:4:11: unknown field \"nam\"\n"
            "main.conf:4:19: interface conversion: interface {} is string, not int64\n");
}

TEST(ReadConfig, ShowsThePlaceAndGuesses) {
  EXPECT_EQ(ReadText("port: 1\n  prot: 4222\n").problems.text(),
            "main.conf:2:3: unknown field \"prot\"\n"
            "      prot: 4222\n"
            "      ^ did you mean \"port\"?\n");
}

TEST(ReadConfig, ShowsNoSecrets) {
  for (const char* text :
       {"authorization { user: a, password: 12345678 }\n",
        "authorization: { token: [ 12345678 ] }\n", "cluster { routes: [ \"12345678@x:y\" ] }\n",
        "leaf { remotes: [ { url: \"nats-leaf://h:1\", nkey: 12345678x } ] }\n"}) {
    const Problems problems = ReadText(text).problems;
    EXPECT_FALSE(problems.none()) << text;
    EXPECT_EQ(problems.text().find("12345678"), std::string::npos) << problems.text();
  }
}

TEST(ReadConfig, NamesWhatIsNotThereYet) {
  const auto features = [](const std::string& text) {
    std::string out;
    for (const Wish& wish : ReadText(text).config.wishes)
      out += wish.key + ":" + wish.feature + " ";
    return out;
  };
  EXPECT_EQ(features("port: 1\ndebug: true\njetstream: false\nproxy_protocol: false\n"), "");
  EXPECT_EQ(features("tls { cert_file: cert.pem, key_file: key.pem }\n"), "tls:TLS ");
  EXPECT_EQ(features("authorization { token: x }\n"), "authorization:authentication ");
  EXPECT_EQ(features("jetstream: enabled\n"), "jetstream:JetStream ");
  EXPECT_EQ(features("cluster { name: x }\n"), "");
  EXPECT_EQ(features("cluster { port: 6222 }\n"), "");
  EXPECT_EQ(features("cluster { port: 6222, tls { cert_file: cert.pem, key_file: key.pem } }\n"),
            "cluster:TLS between servers ");
}

TEST(ReadConfig, TheClusterBlockBecomesOptions) {
  const ClusterOptions silent = ReadText("cluster { port: 6222 }\n").config.options.cluster;
  EXPECT_EQ(silent.host, "0.0.0.0");
  EXPECT_EQ(silent.port, 6222);
  EXPECT_EQ(silent.pool_size, 3);
  EXPECT_EQ(silent.compression, "accept");
  EXPECT_FALSE(silent.import.given);

  const ClusterOptions full = ReadText(R"(cluster {
    name: C1, listen: "127.0.0.1:-1", routes: ["nats-route://a:p%40w@h:1", "nats://h2:2"]
    authorization { user: u, password: p, timeout: 0.5 }
    permissions { import { allow: ["a.>"], deny: "a.b" }, export: "x" }
    pool_size: 5, accounts: [ACC], compression: { mode: s2_auto, rtt_thresholds: [1ms, 2ms] }
    no_advertise: true, connect_retries: 3, connect_backoff: true, ping_interval: "5s", ping_max: 4
  })")
                                  .config.options.cluster;
  EXPECT_EQ(full.name, "C1");
  EXPECT_EQ(full.host, "127.0.0.1");
  EXPECT_EQ(full.port, -1);
  EXPECT_EQ(full.routes, (std::vector<std::string>{"nats-route://a:p%40w@h:1", "nats://h2:2"}));
  EXPECT_EQ(full.user + "/" + full.password, "u/p");
  EXPECT_EQ(full.auth_timeout, std::chrono::milliseconds(500));
  EXPECT_EQ(full.import.allow, std::vector<std::string>{"a.>"});
  EXPECT_EQ(full.import.deny, std::vector<std::string>{"a.b"});
  EXPECT_EQ(full.exports.allow, std::vector<std::string>{"x"});
  EXPECT_EQ(full.pool_size, 5);
  EXPECT_EQ(full.pinned_accounts, std::vector<std::string>{"ACC"});
  EXPECT_EQ(full.compression, "s2_auto");
  EXPECT_EQ(full.rtt_thresholds.size(), 2U);
  EXPECT_TRUE(full.no_advertise && full.connect_backoff);
  EXPECT_EQ(full.connect_retries, 3);
  EXPECT_EQ(full.ping_interval, std::chrono::seconds(5));
  EXPECT_EQ(full.ping_max, 4);
}

TEST(Validate, TellsWhatDoesNotFitTogether) {
  const auto wrong = [](const std::string& text) { return Validate(ReadText(text).config); };
  EXPECT_EQ(wrong("port: 1\n"), "");
  EXPECT_EQ(wrong("max_payload: 8MB\nmax_pending: 1MB\n"),
            "max_payload (8388608) cannot be higher than max_pending (1048576)");
  EXPECT_EQ(wrong("lame_duck_duration: \"30s\"\nlame_duck_grace_period: \"30s\"\n"),
            "lame duck grace period (30s) should be strictly lower than lame duck duration (30s)");
  EXPECT_EQ(wrong("no_auth_user: a\n"),
            "no_auth_user: \"a\" present, but users/nkeys are not defined");
}

TEST(AllKeys, AreKnownToTheReader) {
  const std::vector<KeyInfo> keys = AllKeys();
  EXPECT_GT(keys.size(), 150u);
  for (const KeyInfo& key : keys) {
    EXPECT_FALSE(key.help.empty()) << key.block << " " << key.names.front();
    EXPECT_FALSE(key.type.empty()) << key.block << " " << key.names.front();
    if (!key.block.empty()) continue;
    for (const std::string& name : key.names) {
      // Of a type that no key takes: what is said must not be that nobody knows it.
      const std::string lines = LinesOf(name + ": 2020-01-02T03:04:05Z\n");
      EXPECT_EQ(lines.find("unknown field"), std::string::npos) << name << ": " << lines;
    }
  }
}

TEST(NearestWord, FindsSlipsAndNothingElse) {
  const std::vector<std::string_view> known = {"port", "host", "max_payload", "debug"};
  EXPECT_EQ(NearestWord("prot", known), "port");
  EXPECT_EQ(NearestWord("max_paylod", known), "max_payload");
  EXPECT_EQ(NearestWord("debgu", known), "debug");
  EXPECT_EQ(NearestWord("something", known), "");
  EXPECT_EQ(NearestWord("", known), "");
}

}  // namespace
}  // namespace martlet::config
