#include "proto/message_parser.h"

#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

/// An operation with texts of its own; `repeated` is left out, as it says how, not what.
struct MessageEvent {
  ServerOp op = ServerOp::kPing;
  std::string subject, sid, reply, headers, payload, text;

  bool operator==(const MessageEvent&) const = default;
};

void PrintTo(const MessageEvent& event, std::ostream* out) {
  *out << int{static_cast<uint8_t>(event.op)} << " [" << event.subject << "|" << event.sid << "|"
       << event.reply << "|" << event.headers << "|" << event.payload << "|" << event.text << "]";
}

struct MessageOutcome {
  std::vector<MessageEvent> events;
  std::string error;

  bool operator==(const MessageOutcome&) const = default;
};

void PrintTo(const MessageOutcome& outcome, std::ostream* out) {
  for (const MessageEvent& event : outcome.events) {
    PrintTo(event, out);
    *out << " ";
  }
  *out << "error: " << outcome.error;
}

class MessageFeeder {
 public:
  // Every chunk stands in memory of its own, which is gone afterwards: the sanitizer then finds
  // views that outlive it.
  void Feed(std::string_view bytes) {
    const std::vector<char> chunk(bytes.begin(), bytes.end());
    parser_.Push({chunk.data(), chunk.size()});
    Message message;
    while (parser_.Next(message) == MessageParser::Result::kMessage) {
      repeated_ += message.repeated ? 1 : 0;
      outcome_.events.push_back({message.op, std::string(message.subject), std::string(message.sid),
                                 std::string(message.reply), std::string(message.headers),
                                 std::string(message.payload), std::string(message.text)});
    }
    parser_.Save();
    outcome_.error = parser_.error();
  }
  const MessageOutcome& outcome() const { return outcome_; }
  int repeated() const { return repeated_; }

 private:
  MessageParser parser_;
  MessageOutcome outcome_;
  int repeated_ = 0;
};

MessageOutcome Whole(std::string_view input) {
  MessageFeeder feeder;
  feeder.Feed(input);
  return feeder.outcome();
}

MessageEvent Msg(std::string subject, std::string sid, std::string reply, std::string payload) {
  return {ServerOp::kMsg,
          std::move(subject),
          std::move(sid),
          std::move(reply),
          "",
          std::move(payload),
          ""};
}

MessageEvent Control(ServerOp op, std::string text = "") {
  return {op, "", "", "", "", "", std::move(text)};
}

void ExpectSameHoweverCut(std::string_view input) {
  const MessageOutcome whole = Whole(input);
  for (size_t at = 0; at <= input.size(); ++at) {
    MessageFeeder two;
    two.Feed(input.substr(0, at));
    two.Feed(input.substr(at));
    EXPECT_EQ(two.outcome(), whole) << "cut at " << at;
  }
  for (size_t piece = 1; piece <= 7; ++piece) {
    MessageFeeder feeder;
    for (size_t at = 0; at < input.size(); at += piece) feeder.Feed(input.substr(at, piece));
    EXPECT_EQ(feeder.outcome(), whole) << "pieces of " << piece;
  }
}

constexpr std::string_view kHeaders = "NATS/1.0\r\nA: b\r\n\r\n";  // 18 bytes

std::string Everything() {
  return "INFO {\"a\":1} \r\nPONG\r\n+OK\r\nMSG a 1 5\r\nhello\r\nMSG a 1 5\r\nHELLO\r\n"
         "PING\r\nMSG a.b 22 _R.1 0\r\n\r\n-ERR 'Slow Consumer'\r\nHMSG s 3 18 20\r\n" +
         std::string(kHeaders) + "xy\r\nHMSG s 3 r 18 18\r\n" + std::string(kHeaders) +
         "\r\nMSG a 1 4\r\nMSG \r\nMSG\tno";
}

TEST(MessageParser, GivesEachOperation) {
  const std::string headers(kHeaders);
  std::string input = Everything();
  input.resize(input.size() - std::string_view("MSG\tno").size());
  EXPECT_EQ(Whole(input), (MessageOutcome{{Control(ServerOp::kInfo, "{\"a\":1}"),
                                           Control(ServerOp::kPong),
                                           Control(ServerOp::kOk),
                                           Msg("a", "1", "", "hello"),
                                           Msg("a", "1", "", "HELLO"),
                                           Control(ServerOp::kPing),
                                           Msg("a.b", "22", "_R.1", ""),
                                           Control(ServerOp::kErr, "Slow Consumer"),
                                           {ServerOp::kHmsg, "s", "3", "", headers, "xy", ""},
                                           {ServerOp::kHmsg, "s", "3", "r", headers, "", ""},
                                           Msg("a", "1", "", "MSG ")},
                                          ""}));
}

TEST(MessageParser, CuttingTheInputChangesNothing) { ExpectSameHoweverCut(Everything()); }

TEST(MessageParser, CuttingBrokenInputChangesNothing) {
  ExpectSameHoweverCut("MSG a 1 2\r\nxy\r\nMSG a 1 2\r\nxyz\r\nPING\r\n");
  ExpectSameHoweverCut("PING\r\nMSG a\r\nPING\r\n");
  ExpectSameHoweverCut("PONG\r\nwhat is this\r\n");
}

TEST(MessageParser, EveryPrefixWantsMore) {
  const std::string input = "HMSG s 3 r 18 20\r\n" + std::string(kHeaders) + "xy\r\n";
  for (size_t bytes = 0; bytes < input.size(); ++bytes) {
    EXPECT_EQ(Whole(input.substr(0, bytes)), MessageOutcome()) << bytes;
  }
  EXPECT_EQ(Whole(input).events.size(), 1u);
}

TEST(MessageParser, TakesBlanksTabsAndABareNewline) {
  EXPECT_EQ(Whole("MSG  a\t1   2 \nhi\r\nPING\n").events,
            (std::vector<MessageEvent>{Msg("a", "1", "", "hi"), Control(ServerOp::kPing)}));
}

TEST(MessageParser, RefusesWhatNoServerSends) {
  const struct {
    std::string_view input, error;
  } cases[] = {
      {"MSG a 1\r\n", "malformed message line: \"MSG a 1\""},
      {"MSG a 1 r 2 3\r\n", "malformed message line: \"MSG a 1 r 2 3\""},
      {"MSG a 1 r 2 3 4 5\r\n", "malformed message line: \"MSG a 1 r 2 3 4 5\""},
      {"MSG a 1 x\r\n", "malformed message size: \"MSG a 1 x\""},
      {"MSG a 1 -1\r\n", "malformed message size: \"MSG a 1 -1\""},
      {"MSG a 1 2x\r\n", "malformed message size: \"MSG a 1 2x\""},
      {"MSG a 1 99999999999999999999\r\n",
       "malformed message size: \"MSG a 1 99999999999999999999\""},
      {"MSG a 1 268435457\r\n", "malformed message size: \"MSG a 1 268435457\""},
      {"HMSG a 1 2\r\n", "malformed message line: \"HMSG a 1 2\""},
      {"HMSG a 1 3 2\r\n", "malformed message size: \"HMSG a 1 3 2\""},
      {"MSG a 1 2\r\nhixx", "message without line end: \"MSG a 1 2\""},
      {"ping\r\n", "unknown operation: \"ping\""},
      {"\r\n", "unknown operation: \"\""},
      {"HTTP/1.1 400 Bad Request\r\n", "unknown operation: \"HTTP/1.1 400 Bad Request\""},
  };
  for (const auto& c : cases) EXPECT_EQ(Whole(c.input).error, c.error) << c.input;
}

TEST(MessageParser, AnErrorStays) {
  MessageFeeder feeder;
  feeder.Feed("MSG a 1 2\r\nhi\r\nwhat\r\n");
  const MessageOutcome broken = feeder.outcome();
  EXPECT_FALSE(broken.error.empty());
  feeder.Feed("MSG a 1 2\r\nhi\r\nPING\r\n");
  EXPECT_EQ(feeder.outcome(), broken);
}

TEST(MessageParser, RepeatedLinesGiveTheirOwnPayloads) {
  MessageFeeder feeder;
  feeder.Feed("MSG a 1 r 2\r\nhi\r\nMSG a 1 r 2\r\nho\r\nMSG a 1 r 2\r\nhu\r\n");
  feeder.Feed("MSG a 1 r 2\r\nha\r\n");
  EXPECT_EQ(feeder.outcome().events,
            (std::vector<MessageEvent>{Msg("a", "1", "r", "hi"), Msg("a", "1", "r", "ho"),
                                       Msg("a", "1", "r", "hu"), Msg("a", "1", "r", "ha")}));
  EXPECT_EQ(feeder.repeated(), 3);
}

TEST(MessageParser, ALineThatOnlyBeginsAlikeIsNoRepeat) {
  const std::string_view input =
      "MSG a 1 2\r\nhi\r\nMSG a 1 3\r\nhow\r\nMSG a 1 33\r\n123456789012345678901234567890123\r\n"
      "MSG a 1 3\r\nwho\r\nMSG a 1 3\nwho\r\nMSG a 11 3\r\nwhy\r\nMSG a 1 r 3\r\nwas\r\n";
  MessageFeeder feeder;
  feeder.Feed(input);
  EXPECT_EQ(feeder.outcome().events,
            (std::vector<MessageEvent>{Msg("a", "1", "", "hi"), Msg("a", "1", "", "how"),
                                       Msg("a", "1", "", "123456789012345678901234567890123"),
                                       Msg("a", "1", "", "who"), Msg("a", "1", "", "who"),
                                       Msg("a", "11", "", "why"), Msg("a", "1", "r", "was")}));
  EXPECT_EQ(feeder.repeated(), 0);
  ExpectSameHoweverCut(input);
}

TEST(MessageParser, ARepeatedLineWithABrokenEndIsAnError) {
  EXPECT_EQ(Whole("MSG a 1 2\r\nhi\r\nMSG a 1 2\r\nhixMSG").error,
            "message without line end: \"MSG a 1 2\"");
}

TEST(MessageParser, LongLinesAreNotRemembered) {
  const std::string line = "MSG " + std::string(200, 's') + " 1 2\r\nhi\r\n";
  MessageFeeder feeder;
  feeder.Feed(line + line);
  EXPECT_EQ(feeder.outcome().events.size(), 2u);
  EXPECT_EQ(feeder.repeated(), 0);
}

TEST(MessageParser, ALineHasItsLimitHoweverItArrives) {
  const std::string line = "INFO " + std::string(MessageParser::kLineBytesMax, 'x') + "\r\n";
  EXPECT_TRUE(Whole(line).error.starts_with("control line too long"));
  MessageFeeder cut;
  cut.Feed(std::string_view(line).substr(0, line.size() / 2));
  EXPECT_EQ(cut.outcome(), MessageOutcome());
  cut.Feed(std::string_view(line).substr(line.size() / 2));
  EXPECT_EQ(cut.outcome(), Whole(line));
}

TEST(MessageParser, BigPayloadsComeThroughInPieces) {
  const std::string payload(size_t{3} << 20, 'p');
  const std::string input =
      "MSG a 1 " + std::to_string(payload.size()) + "\r\n" + payload + "\r\nPING\r\n";
  MessageFeeder feeder;
  for (size_t at = 0; at < input.size(); at += 100'000) feeder.Feed(input.substr(at, 100'000));
  ASSERT_EQ(feeder.outcome().events.size(), 2u);
  EXPECT_EQ(feeder.outcome().events[0].payload, payload);
}

}  // namespace
}  // namespace martlet::proto
