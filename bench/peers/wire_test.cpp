#include "wire.h"

#include <gtest/gtest.h>

namespace martlet::peers {
namespace {

using namespace std::string_literals;

TEST(NatsWire, SpeaksTheClientProtocol) {
  const auto wire = MakeWire(Protocol::kNats);
  EXPECT_TRUE(wire->Greeting(1, "t").ends_with("\r\nSUB t 1\r\nPING\r\n"));
  EXPECT_EQ(wire->Published("t", 5).before, "PUB t 5\r\n");
  EXPECT_EQ(wire->Delivered("t", 5).before, "MSG t 1 5\r\n");
  EXPECT_EQ(wire->ReadAnswer("PING\r\n").reply, "PONG\r\n");
  EXPECT_FALSE(wire->ReadAnswer("INFO {}\r\n").counts);
  EXPECT_NE(wire->ReadAnswer("-ERR 'x'\r\n").error, "");
}

TEST(RespWire, SpeaksArraysOfBulkStrings) {
  const auto wire = MakeWire(Protocol::kResp);
  EXPECT_EQ(wire->Greeting(1, "ch"), "*2\r\n$9\r\nSUBSCRIBE\r\n$2\r\nch\r\n");
  EXPECT_EQ(wire->Published("ch", 5).before, "*3\r\n$7\r\nPUBLISH\r\n$2\r\nch\r\n$5\r\n");
  EXPECT_EQ(wire->Delivered("ch", 5).before, "*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$5\r\n");
  EXPECT_EQ(wire->Mark(), "") << "each PUBLISH is answered";
  EXPECT_NE(wire->ReadAnswer("-NOAUTH x\r\n").error, "");
}

TEST(RespWire, WithoutRepliesAsksForOneByTurningThemOn) {
  const auto wire = MakeWire(Protocol::kRespQuiet);
  EXPECT_TRUE(wire->Greeting(1, "").ends_with("$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n"));
  EXPECT_EQ(wire->Mark(),
            "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$2\r\nON\r\n"
            "*3\r\n$6\r\nCLIENT\r\n$5\r\nREPLY\r\n$3\r\nOFF\r\n");
}

TEST(MqttWire, SpeaksThreeOneOne) {
  const auto wire = MakeWire(Protocol::kMqtt);
  EXPECT_EQ(wire->Greeting(7, "ab"),
            "\x10\x13\x00\x04MQTT\x04\x02\x00\x00\x00\x07peers-7"s
            "\x82\x07\x00\x01\x00\x02"s
            "ab\x00"s);
  EXPECT_EQ(wire->Published("ab", 5).before, "\x30\x09\x00\x02"s + "ab");
  EXPECT_EQ(wire->Published("ab", 5).after, "");
  EXPECT_NE(wire->ReadAnswer("\x20\x02\x00\x05"s).error, "") << "refused";
}

TEST(MqttWire, LengthsTakeAsManyBytesAsTheyNeed) {
  const auto wire = MakeWire(Protocol::kMqtt);
  const auto length = [&](uint32_t size) {
    const std::string before = wire->Published("ab", size).before;
    return before.substr(1, before.size() - 5);
  };
  EXPECT_EQ(length(123), "\x7f"s);
  EXPECT_EQ(length(124), "\x80\x01"s);
  EXPECT_EQ(length(16379), "\xff\x7f"s);
  EXPECT_EQ(length(16380), "\x80\x80\x01"s);
}

/// Answers that count are read when they are complete, and never before.
TEST(EveryWire, WaitsForTheRestOfAnAnswer) {
  const std::pair<Protocol, std::string> answers[] = {
      {Protocol::kNats, "PONG\r\n"},
      {Protocol::kResp, "*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n"},
      {Protocol::kResp, ":1\r\n"},
      {Protocol::kRespQuiet, "+OK\r\n"},
      {Protocol::kMqtt, "\x20\x02\x00\x00"s},
      {Protocol::kMqtt, "\x90\x03\x00\x01\x00"s},
      {Protocol::kMqtt, "\xd0\x00"s},
  };
  for (const auto& [protocol, text] : answers) {
    const auto wire = MakeWire(protocol);
    for (size_t cut = 1; cut < text.size(); ++cut) {
      const Wire::Answer part = wire->ReadAnswer(std::string_view(text).substr(0, cut));
      EXPECT_EQ(part.bytes, 0u) << text << " cut at " << cut;
      EXPECT_EQ(part.error, "");
    }
    const std::string more = text + "rest";
    const Wire::Answer whole = wire->ReadAnswer(more);
    EXPECT_EQ(whole.bytes, text.size()) << text;
    EXPECT_TRUE(whole.counts);
  }
}

}  // namespace
}  // namespace martlet::peers
