// The protocol trace: what of a client's messages and credentials stands in the log.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "world.h"

namespace martlet::session {
namespace {

constexpr char kHeader[] = "NATS/1.0\r\nA: b\r\n\r\n";
constexpr size_t kHeaderBytes = sizeof kHeader - 1;

std::string Hpub(const std::string& subject, const std::string& body) {
  return "HPUB " + subject + " " + std::to_string(kHeaderBytes) + " " +
         std::to_string(kHeaderBytes + body.size()) + "\r\n" + kHeader + body + "\r\n";
}

// Of each trace line of the log the part behind the connection's prefix.
std::vector<std::string> Traces(World& world) {
  std::vector<std::string> traces;
  const std::string log = world.LogText();
  for (size_t at = 0; (at = log.find("[TRC] ", at)) != log.npos;) {
    const size_t end = log.find('\n', at);
    const std::string line = log.substr(at, end - at);
    const size_t arrow = std::min({line.find("<<- "), line.find("->> "), line.find("<-> ")});
    traces.push_back(line.substr(arrow));
    at = end;
  }
  return traces;
}

std::vector<std::string> Payloads(World& world) {
  std::vector<std::string> payloads;
  for (const std::string& trace : Traces(world)) {
    const size_t at = trace.find("MSG_PAYLOAD: ");
    if (at != trace.npos) payloads.push_back(trace.substr(0, 4) + trace.substr(at + 13));
  }
  return payloads;
}

using Texts = std::vector<std::string>;

Options Tracing() {
  Options options;
  options.trace = true;
  return options;
}

TEST(ClientTrace, PayloadsAreQuotedWholeAndEmptyOnesLeftOut) {
  World world(1, Tracing());
  world.Connect(0).Feed("SUB a 1\r\n" + Pub("a", "say \"hi\"\x01") + Pub("a", ""));
  world.Settle();
  EXPECT_EQ(Payloads(world), Texts({R"(<<- ["say \"hi\"\x01"])", R"(->> ["say \"hi\"\x01"])"}));
}

TEST(ClientTrace, PayloadsAreCutAtTheLimit) {
  Options options = Tracing();
  options.max_traced_msg_len = 5;
  World world(1, options);
  world.Connect(0).Feed(Pub("a", "12345") + Pub("a", "123456") + Pub("a", "\"\"\"\"\"\""));
  world.Settle();
  EXPECT_EQ(Payloads(world),
            Texts({R"(<<- ["12345"])", R"(<<- ["12345..."])", R"(<<- ["\"\"\"\"\"..."])"}));
}

TEST(ClientTrace, ANegativeLimitIsNone) {
  Options options = Tracing();
  options.max_traced_msg_len = -1;
  World world(1, options);
  world.Connect(0).Feed(Pub("a", "123456"));
  EXPECT_EQ(Payloads(world), Texts({R"(<<- ["123456"])"}));
}

TEST(ClientTrace, HeadersAloneAreTheBlockWithoutItsEnd) {
  Options options = Tracing();
  options.trace_headers = true;
  World world(1, options);
  world.Connect(0, R"("headers":true)").Feed("SUB a 1\r\n" + Hpub("a", "body") + Pub("a", "body"));
  world.Settle();
  const std::string block = R"(["NATS/1.0\r\nA: b"])";
  EXPECT_EQ(Payloads(world), Texts({"<<- " + block, "->> " + block}));
}

TEST(ClientTrace, HeadersAloneAreCutAtTheLimitToo) {
  Options options = Tracing();
  options.trace_headers = true;
  options.max_traced_msg_len = 4;
  World world(1, options);
  world.Connect(0, R"("headers":true)").Feed(Hpub("a", "body"));
  EXPECT_EQ(Payloads(world), Texts({R"(<<- ["NATS..."])"}));
}

TEST(ClientTrace, ASubscriberWithoutHeadersGetsNoneToTrace) {
  for (const bool headers_alone : {false, true}) {
    Options options = Tracing();
    options.trace_headers = headers_alone;
    World world(1, options);
    world.Connect(0, R"("headers":false)").Feed("SUB a 1\r\n");
    world.Connect(0, R"("headers":true)").Feed(Hpub("a", "body"));
    world.Settle();
    const Texts payloads = Payloads(world);
    ASSERT_EQ(payloads.size(), headers_alone ? 1u : 2u);
    EXPECT_EQ(payloads[0].substr(0, 4), "<<- ");
    if (!headers_alone) {
      EXPECT_EQ(payloads[1], R"(->> ["body"])");
    }
  }
}

TEST(ClientTrace, SecretsOfConnectAreNotShown) {
  World world(1, Tracing());
  world.Connect(0, R"("user":"u","pass":"secret1","auth_token":"secret2","nkey":"secret3",)"
                   R"("sig":"secret4","proxy_sig":"secret5","jwt":"shown","name":"n")");
  const Texts traces = Traces(world);
  ASSERT_FALSE(traces.empty());
  EXPECT_EQ(traces[0].find("secret"), std::string::npos) << traces[0];
  EXPECT_NE(traces[0].find(R"("user":"u","pass":"[REDACTED]","auth_token":"[REDACTED]")"),
            std::string::npos)
      << traces[0];
  EXPECT_NE(traces[0].find(R"("jwt":"shown","name":"n")"), std::string::npos) << traces[0];
}

}  // namespace
}  // namespace martlet::session
