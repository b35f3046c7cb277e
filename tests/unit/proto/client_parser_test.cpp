// The grammar of clients: what is read, what is refused and when, within which limits.
#include "proto/client_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "client_parser_feeder.h"

namespace martlet::proto {
namespace {

Outcome SplitAt(std::string_view input, size_t at, const ParserLimits& limits) {
  Feeder feeder(limits);
  feeder.Feed(input.substr(0, at));
  feeder.Feed(input.substr(at));
  return feeder.outcome();
}

// How many bytes of the input the parser sees before it objects; npos when it never does.
size_t ErrorAfter(std::string_view input, const ParserLimits& limits) {
  Feeder feeder(limits);
  for (size_t i = 0; i < input.size(); ++i) {
    feeder.Feed(input.substr(i, 1));
    if (feeder.outcome().error != ParseError::kNone) return i + 1;
  }
  return std::string_view::npos;
}

struct Valid {
  std::string_view input;
  std::vector<Event> events;
};

Event Plain(OpKind kind, std::string_view argument = {}) {
  return {.kind = kind, .argument = std::string(argument)};
}

const std::vector<Valid>& ValidInputs() {
  static const std::vector<Valid> inputs = {
      {"PING\r\n", {Plain(OpKind::kPing)}},
      {"ping\n", {Plain(OpKind::kPing)}},
      {"PINGX extra\r\n", {Plain(OpKind::kPing)}},
      {"pOnG \t\r\n", {Plain(OpKind::kPong)}},
      {"+OK\r\n", {Plain(OpKind::kOk)}},
      {"+ok junk\r\r\n", {Plain(OpKind::kOk)}},
      {"-ERR 'x y'\r\n", {Plain(OpKind::kErr, "'x y'")}},
      {"-err \t x\n", {Plain(OpKind::kErr, "x")}},
      {"CONNECT {}\r\n", {Plain(OpKind::kConnect, "{}")}},
      {"CONNECT{\"a\":1} \n", {Plain(OpKind::kConnect, "{\"a\":1} ")}},
      {"connect\r\n", {Plain(OpKind::kConnect)}},
      {"INFO\t {}\r\n", {Plain(OpKind::kInfo, "{}")}},
      {"INFO{}\r\r\n", {Plain(OpKind::kInfo, "{}\r")}},
      {"SUB a 1\r\n", {{.kind = OpKind::kSub, .argument = "a 1", .subject = "a", .sid = "1"}}},
      {"sub\ta.>  q\t sid \n",
       {{.kind = OpKind::kSub,
         .argument = "a.>  q\t sid ",
         .subject = "a.>",
         .queue = "q",
         .sid = "sid"}}},
      {"SUB \xff\x01 x\r\n",
       {{.kind = OpKind::kSub, .argument = "\xff\x01 x", .subject = "\xff\x01", .sid = "x"}}},
      {"UNSUB 1\r\n", {{.kind = OpKind::kUnsub, .argument = "1", .sid = "1"}}},
      {"UnSub 1 x\r\n", {{.kind = OpKind::kUnsub, .argument = "1 x", .sid = "1", .max = "x"}}},
      {"PUB a 0\r\n\r\n", {{.kind = OpKind::kPub, .argument = "a 0", .subject = "a", .size = "0"}}},
      {"PUB a b 000000002\n\r\n\r\n",
       {{.kind = OpKind::kPub,
         .argument = "a b 000000002",
         .subject = "a",
         .reply = "b",
         .size = "000000002",
         .payload = "\r\n"}}},
      {"pub \t a \t 16 \r\nPING\r\nPUB x 10\r\n\r\n",
       {{.kind = OpKind::kPub,
         .argument = "a \t 16 ",
         .subject = "a",
         .size = "16",
         .payload = "PING\r\nPUB x 10\r\n"}}},
      {"HPUB a 2 5\r\nhhbod\r\n",
       {{.kind = OpKind::kHpub,
         .argument = "a 2 5",
         .subject = "a",
         .header_size = "2",
         .size = "5",
         .payload = "hhbod",
         .header_bytes = 2}}},
      {"hpub a r 03 3\r\nhhh\r\n",
       {{.kind = OpKind::kHpub,
         .argument = "a r 03 3",
         .subject = "a",
         .reply = "r",
         .header_size = "03",
         .size = "3",
         .payload = "hhh",
         .header_bytes = 3}}},
      {"PING\r\nPUB a 1\r\nx\r\nPONG\r\n+OK\n",
       {Plain(OpKind::kPing),
        {.kind = OpKind::kPub, .argument = "a 1", .subject = "a", .size = "1", .payload = "x"},
        Plain(OpKind::kPong),
        Plain(OpKind::kOk)}},
  };
  return inputs;
}

TEST(ClientParser, ReadsEveryVerb) {
  for (const Valid& v : ValidInputs()) {
    const Outcome expected{.events = v.events};
    EXPECT_EQ(Whole(v.input, kLimits), expected) << v.input;
  }
}

TEST(ClientParser, CutsOfTheInputChangeNothing) {
  for (const Valid& v : ValidInputs()) {
    const Outcome whole = Whole(v.input, kLimits);
    EXPECT_EQ(Pieces(v.input, 1, kLimits), whole) << v.input;
    for (size_t at = 0; at <= v.input.size(); ++at) {
      EXPECT_EQ(SplitAt(v.input, at, kLimits), whole) << v.input << " at " << at;
    }
  }
}

TEST(ClientParser, EveryPrefixOfAnOperationWantsMore) {
  for (const Valid& v : ValidInputs()) {
    if (v.events.size() != 1) continue;
    for (size_t bytes = 0; bytes < v.input.size(); ++bytes) {
      EXPECT_EQ(Whole(v.input.substr(0, bytes), kLimits), Outcome()) << v.input << " " << bytes;
    }
  }
}

struct Broken {
  std::string_view input;
  ParseError error;
  size_t after_bytes;  // of input, when the error must show
  int state = 0;       // the reference's number, where it is part of a log line
};

// In the order of the spec, client-protocol.md sections 1 and 2.
constexpr Broken kBroken[] = {
    {" PING\r\n", ParseError::kUnknownOperation, 1, 0},
    {"\r\n", ParseError::kUnknownOperation, 1, 0},
    {"\n", ParseError::kUnknownOperation, 1, 0},
    {"MSG a 1 0\r\n", ParseError::kUnknownOperation, 1, 0},
    {"RS+ a\r\n", ParseError::kUnknownOperation, 1, 0},
    {"LS+ a\r\n", ParseError::kUnknownOperation, 1, 0},
    {"A+ a\r\n", ParseError::kUnknownOperation, 1, 0},
    {"HMSG a 1 0 0\r\n", ParseError::kUnknownOperation, 2, 18},
    {"PXNG", ParseError::kUnknownOperation, 2, 29},
    {"PUX", ParseError::kUnknownOperation, 3, 30},
    {"PUB\r\n", ParseError::kUnknownOperation, 4, 31},
    {"PUBa 1\r\n", ParseError::kUnknownOperation, 4, 31},
    {"HPUB\r\n", ParseError::kUnknownOperation, 5, 21},
    {"SUB\n", ParseError::kUnknownOperation, 4, 45},
    {"SUBa 1\r\n", ParseError::kUnknownOperation, 4, 45},
    {"UNSUB\r\n", ParseError::kUnknownOperation, 6, 63},
    {"-ERR\r\n", ParseError::kUnknownOperation, 5, 7},
    {"+KO\r\n", ParseError::kUnknownOperation, 2, 1},
    {"CONNEX", ParseError::kUnknownOperation, 6, 14},
    {"INFX", ParseError::kUnknownOperation, 4, 73},
    {"PUB a\r\n", ParseError::kPubArguments, 7},
    {"PUB \r\n", ParseError::kPubArguments, 6},
    {"PUB a b 1 2\r\n", ParseError::kPubArguments, 13},
    {"PUB a b c d e f g\r\n", ParseError::kPubArguments, 19},
    {"PUB a -1\r\n", ParseError::kPubSize, 10},
    {"PUB a +1\r\n", ParseError::kPubSize, 10},
    {"PUB a x\r\n", ParseError::kPubSize, 9},
    {"PUB a 1\r\r\n", ParseError::kPubSize, 10},
    {"PUB a 0000000001\r\n", ParseError::kPubSize, 18},
    {"PUB a 17\r\n", ParseError::kPayloadSize, 10},
    {"PUB a 999999999\r\n", ParseError::kPayloadSize, 17},
    {"HPUB a 1\r\n", ParseError::kHpubArguments, 10},
    {"HPUB a b 1 1 1\r\n", ParseError::kHpubArguments, 16},
    {"HPUB a x 1\r\n", ParseError::kHpubHeaderSize, 12},
    {"HPUB a 1 x\r\n", ParseError::kHpubTotalSize, 12},
    {"HPUB a x x\r\n", ParseError::kHpubHeaderSize, 12},
    {"HPUB a 3 2\r\n", ParseError::kHpubSizeOrder, 12},
    {"HPUB a 3 17\r\n", ParseError::kPayloadSize, 13},
    {"SUB a\r\n", ParseError::kSubArguments, 7},
    {"SUB \r\n", ParseError::kSubArguments, 6},
    {"SUB a b c d\r\n", ParseError::kSubArguments, 13},
    {"UNSUB \r\n", ParseError::kUnsubArguments, 8},
    {"UNSUB 1 2 3\r\n", ParseError::kUnsubArguments, 13},
    {"PUB a 1\r\nx\n", ParseError::kUnknownOperation, 11, 41},
    {"PUB a 1\r\nxy\r\n", ParseError::kUnknownOperation, 11, 41},
    {"PUB a 1\r\nx\rz", ParseError::kUnknownOperation, 12, 42},
    {"PUB a 0\r\nPING\r\n", ParseError::kUnknownOperation, 10, 41},
};

TEST(ClientParser, FindsEveryErrorAsSoonAsTheReference) {
  for (const Broken& b : kBroken) {
    EXPECT_EQ(Whole(b.input, kLimits).error, b.error) << b.input;
    EXPECT_EQ(ErrorAfter(b.input, kLimits), b.after_bytes) << b.input;
  }
}

TEST(ClientParser, NamesTheReferencesStateOfAnUnknownOperation) {
  for (const Broken& b : kBroken) {
    if (b.error != ParseError::kUnknownOperation) continue;
    Feeder feeder(kLimits);
    feeder.Feed(b.input);
    EXPECT_EQ(feeder.parser().error().state, b.state) << b.input;
  }
}

TEST(ClientParser, CutsOfBrokenInputChangeNothing) {
  for (const Broken& b : kBroken) {
    for (const std::string_view ahead : {"", "PING\r\nSUB a 1\r\n", "PUB a 2\r\nhi\r\n"}) {
      const std::string input = std::string(ahead) + std::string(b.input);
      const Outcome whole = Whole(input, kLimits);
      EXPECT_EQ(whole.error, b.error);
      EXPECT_EQ(Pieces(input, 1, kLimits), whole) << input;
      for (size_t at = 0; at <= input.size(); ++at) {
        EXPECT_EQ(SplitAt(input, at, kLimits), whole) << input << " at " << at;
      }
    }
  }
}

TEST(ClientParser, ErrorStaysForGood) {
  Feeder feeder(kLimits);
  feeder.Feed("PING\r\nX");
  ASSERT_EQ(feeder.outcome().error, ParseError::kUnknownOperation);
  feeder.Feed("PING\r\n");
  EXPECT_EQ(feeder.outcome().events.size(), 1u);
  EXPECT_EQ(feeder.outcome().error, ParseError::kUnknownOperation);
}

TEST(ClientParser, RefusesHeadersWhereTheyAreOff) {
  ParserLimits limits = kLimits;
  limits.headers = false;
  EXPECT_EQ(Whole("HPUB a 1 1\r\n", limits).error, ParseError::kHeadersNotSupported);
  EXPECT_EQ(Whole("HPUB a\r\n", limits).error, ParseError::kHeadersNotSupported);
}

TEST(ClientParser, NegativePayloadLimitMeansNone) {
  ParserLimits limits = kLimits;
  limits.payload_bytes_max = -1;
  const std::string payload(100, 'x');
  const Outcome outcome = Whole("PUB a 100\r\n" + payload + "\r\n", limits);
  ASSERT_EQ(outcome.events.size(), 1u);
  EXPECT_EQ(outcome.events[0].payload, payload);
}

TEST(ClientParser, ControlLineLimitCountsTheArgumentText) {
  const size_t limit = kLimits.control_line_bytes_max;
  for (const std::string_view verb : {"CONNECT", "INFO ", "-ERR ", "SUB  \t ", "UNSUB ", "PUB "}) {
    for (const std::string_view end : {"\r\n", "\n"}) {
      const std::string fits = std::string(verb) + std::string(limit, 'x') + std::string(end);
      EXPECT_NE(Whole(fits, kLimits).error, ParseError::kControlLine) << verb;
      EXPECT_NE(Pieces(fits, 1, kLimits).error, ParseError::kControlLine) << verb;
      const std::string over = std::string(verb) + std::string(limit + 1, 'x') + std::string(end);
      EXPECT_EQ(Whole(over, kLimits).error, ParseError::kControlLine) << verb;
      EXPECT_EQ(Pieces(over, 1, kLimits).error, ParseError::kControlLine) << verb;
      const std::string blanks =  // blanks behind the arguments count
          std::string(verb) + std::string(limit, 'x') + " " + std::string(end);
      EXPECT_EQ(Whole(blanks, kLimits).error, ParseError::kControlLine) << verb;
    }
    const std::string incomplete = std::string(verb) + std::string(limit + 1, 'x');
    EXPECT_EQ(Whole(incomplete, kLimits).error, ParseError::kControlLine) << verb;
    EXPECT_EQ(ErrorAfter(incomplete, kLimits), incomplete.size()) << verb;
    EXPECT_EQ(Whole(incomplete.substr(0, incomplete.size() - 1), kLimits).error, ParseError::kNone);
  }
}

TEST(ClientParser, PingPongAndOkHaveNoControlLineLimit) {
  for (const std::string_view verb : {"PING", "PONG", "+OK"}) {
    const std::string line = std::string(verb) + std::string(10'000, 'x') + "\r\n";
    EXPECT_EQ(Whole(line, kLimits).events.size(), 1u);
    EXPECT_EQ(Pieces(line, 1, kLimits).events.size(), 1u);
    EXPECT_EQ(Pieces(line, 777, kLimits).events.size(), 1u);
  }
}

TEST(ClientParser, EqualLinesAreHeldToTheLimitsOfTheMoment) {
  const std::string pub = "PUB aaaaaaaa 9\r\n123456789\r\n";
  ParserLimits small_payload = kLimits;
  small_payload.payload_bytes_max = 8;
  ParserLimits short_line = kLimits;
  short_line.control_line_bytes_max = 9;
  for (const ParserLimits& limits : {small_payload, short_line}) {
    ClientParser parser;
    Op op;
    const std::string both = pub + pub;
    parser.Push(both);
    ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
    EXPECT_EQ(parser.Next(limits, op), ClientParser::Result::kError);
  }
}

TEST(ClientParser, LimitsOfTheMomentCount) {
  // CONNECT in the same chunk turns headers on.
  ParserLimits limits = kLimits;
  limits.headers = false;
  ClientParser parser;
  Op op;
  parser.Push("CONNECT {}\r\nHPUB a 1 1\r\nx\r\n");
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  limits.headers = true;
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.kind, OpKind::kHpub);
}

}  // namespace
}  // namespace martlet::proto
