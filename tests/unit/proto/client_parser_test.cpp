#include "proto/client_parser.h"

#include <array>
#include <cctype>
#include <deque>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

// An operation with texts of its own.
struct Event {
  OpKind kind = OpKind::kPing;
  std::string argument, subject, reply, queue, sid, max, header_size, size, payload;
  uint32_t header_bytes = 0;

  bool operator==(const Event&) const = default;
};

void PrintTo(const Event& event, std::ostream* out) {
  *out << "kind " << int{static_cast<uint8_t>(event.kind)} << " [" << event.argument
       << "] payload [" << event.payload << "]";
}

struct Outcome {
  std::vector<Event> events;
  ParseError error = ParseError::kNone;

  bool operator==(const Outcome&) const = default;
};

void PrintTo(const Outcome& outcome, std::ostream* out) {
  for (const Event& event : outcome.events) {
    PrintTo(event, out);
    *out << "; ";
  }
  *out << "error " << int{static_cast<uint8_t>(outcome.error)};
}

Event Copy(const Op& op) {
  Event event{.kind = op.kind,
              .argument = std::string(op.argument),
              .subject = std::string(op.subject),
              .reply = std::string(op.reply),
              .queue = std::string(op.queue),
              .sid = std::string(op.sid),
              .max = std::string(op.max),
              .header_size = std::string(op.header_size_text),
              .size = std::string(op.size_text),
              .payload = std::string(op.payload),
              .header_bytes = op.header_bytes};
  if (op.kind == OpKind::kPub || op.kind == OpKind::kHpub) {
    EXPECT_EQ(std::string_view(op.payload.data() + op.payload.size(), 2), "\r\n");
  }
  return event;
}

// Feeds a parser and writes down what comes out.
class Feeder {
 public:
  explicit Feeder(const ParserLimits& limits) : limits_(limits) {}

  // Every chunk stands in memory of its own, which is gone afterwards: the sanitizer then finds
  // views that outlive it.
  void Feed(std::string_view chunk) {
    const std::vector<char> copy(chunk.begin(), chunk.end());
    parser_.Push({copy.data(), copy.size()});
    Drain(SIZE_MAX);
    parser_.Save();
  }

  // Takes at most so many operations before the chunk goes.
  void FeedAndTake(std::string_view chunk, size_t operations) {
    const std::vector<char> copy(chunk.begin(), chunk.end());
    parser_.Push({copy.data(), copy.size()});
    Drain(operations);
    parser_.Save();
  }
  void Resume(size_t operations) {
    Drain(operations);
    parser_.Save();
  }

  const Outcome& outcome() const { return outcome_; }
  ClientParser& parser() { return parser_; }

 private:
  void Drain(size_t operations) {
    Op op;
    while (operations-- > 0) {
      switch (parser_.Next(limits_, op)) {
        case ClientParser::Result::kOp:
          outcome_.events.push_back(Copy(op));
          break;
        case ClientParser::Result::kNeedMore:
          return;
        case ClientParser::Result::kError:
          outcome_.error = parser_.error().error;
          EXPECT_NE(outcome_.error, ParseError::kNone);
          return;
      }
    }
  }

  ParserLimits limits_;
  ClientParser parser_;
  Outcome outcome_;
};

Outcome Whole(std::string_view input, const ParserLimits& limits) {
  Feeder feeder(limits);
  feeder.Feed(input);
  return feeder.outcome();
}

Outcome Pieces(std::string_view input, size_t piece_bytes, const ParserLimits& limits) {
  Feeder feeder(limits);
  for (size_t at = 0; at < input.size(); at += piece_bytes) {
    feeder.Feed(input.substr(at, piece_bytes));
  }
  return feeder.outcome();
}

Outcome SplitAt(std::string_view input, size_t at, const ParserLimits& limits) {
  Feeder feeder(limits);
  feeder.Feed(input.substr(0, at));
  feeder.Feed(input.substr(at));
  return feeder.outcome();
}

constexpr ParserLimits kLimits = {
    .control_line_bytes_max = 32, .payload_bytes_max = 16, .headers = true};

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

TEST(ClientParser, EndlessBlanksAndJunkHoldLittleMemory) {
  for (const std::string_view start : {"PINGjunk", "+OK ", "PONG", "PUB ", "CONNECT ", "SUB\t"}) {
    for (const size_t chunk_bytes : {size_t{1}, size_t{100}, size_t{4096}}) {
      ClientParser parser;
      Op op;
      parser.Push(start);
      ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kNeedMore);
      parser.Save();
      const std::string chunk(chunk_bytes, ' ');
      for (size_t fed = 0; fed < 200'000; fed += chunk_bytes) {
        parser.Push(chunk);
        ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kNeedMore);
        parser.Save();
        ASSERT_LE(parser.held_bytes(), kLimits.control_line_bytes_max + 2 * chunk_bytes + 16);
      }
    }
  }
}

TEST(ClientParser, HoldsNothingBetweenOperations) {
  Feeder feeder(kLimits);
  EXPECT_EQ(feeder.parser().held_bytes(), 0u);
  feeder.Feed("PUB a 3\r\nab");
  EXPECT_EQ(feeder.parser().held_bytes(), 11u);
  feeder.Feed("c\r\nPING\r\n");
  EXPECT_EQ(feeder.parser().held_bytes(), 0u);
  EXPECT_EQ(feeder.outcome().events.size(), 2u);
}

TEST(ClientParser, TakesALargePayloadInSmallPieces) {
  constexpr size_t kSize = size_t{1} << 20;
  ParserLimits limits;
  std::string payload(kSize, '\0');
  for (size_t i = 0; i < kSize; ++i) payload[i] = static_cast<char>(i * 2654435761U >> 13);
  const std::string input = "PUB big " + std::to_string(kSize) + "\r\n" + payload + "\r\nPING\r\n";
  for (const size_t piece : {size_t{61}, size_t{1500}, size_t{65536}}) {
    const Outcome outcome = Pieces(input, piece, limits);
    ASSERT_EQ(outcome.events.size(), 2u);
    EXPECT_TRUE(outcome.events[0].payload == payload);
    EXPECT_EQ(outcome.events[1].kind, OpKind::kPing);
  }
}

TEST(ClientParser, AnnouncedSizeIsNotBelievedInAdvance) {
  ParserLimits limits;
  limits.payload_bytes_max = -1;
  Feeder feeder(limits);
  feeder.Feed("PUB a 999999999\r\nx");
  feeder.Feed("y");
  EXPECT_LE(feeder.parser().held_bytes(), 64u);
}

TEST(ClientParser, ShowsTheFirstUnreadByte) {
  ClientParser parser;
  Op op;
  EXPECT_EQ(parser.first_byte(), -1);
  parser.Push("\xff");
  EXPECT_EQ(parser.first_byte(), 0xff);
  ClientParser other;
  other.Push("PING\r\nSUB a");
  EXPECT_EQ(other.first_byte(), 'P');
  ASSERT_EQ(other.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(other.first_byte(), 'S');
  other.Save();
  EXPECT_EQ(other.first_byte(), 'S');
  other.Push(" 1\r\n");
  ASSERT_EQ(other.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(other.first_byte(), -1);
}

TEST(ClientParser, GoesOnWhereItWasStopped) {
  const std::string input = "PING\r\nPUB a 2\r\nhi\r\nSUB a 1\r\nPONG\r\nUNS";
  const std::string rest = "UB 1\r\nPING\r\n";
  const Outcome whole = Whole(input + rest, kLimits);
  ASSERT_EQ(whole.events.size(), 6u);
  for (size_t taken = 0; taken <= 5; ++taken) {
    for (size_t at_once = 1; at_once <= 3; ++at_once) {
      Feeder feeder(kLimits);
      feeder.FeedAndTake(input, taken);
      for (size_t i = 0; i < taken; ++i) feeder.Resume(i % 2);
      feeder.FeedAndTake(rest, 0);  // the transport may still bring something during the pause
      for (size_t i = 0; i < 10; ++i) feeder.Resume(at_once);
      EXPECT_EQ(feeder.outcome(), whole) << taken << " " << at_once;
      EXPECT_EQ(feeder.parser().held_bytes(), 0u);
    }
  }
}

TEST(ClientParser, TakesARunOfEqualLines) {
  const std::string input =
      "PUB a r 2\r\nhi\r\nPUB a r 2\r\nho\r\nPUB a r 2\r\nhe\r\n"  // three
      "PUB a r 3\r\nhey\r\n"                                       // of its own
      "HPUB a 12 13\r\nNATS/1.0\r\n\r\nx\r\nHPUB a 12 13\r\nNATS/1.0\r\n\r\ny\r\n"
      "PING\r\n"
      "PUB a 0\r\n\r\nPUB a 0\r\n\r\nPUB a 0\r\n";
  ClientParser parser;
  Op op;
  parser.Push(input);
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  const PubRun two = parser.TakeRun(1000);
  ASSERT_EQ(two.count, 2u);
  EXPECT_EQ(std::string(two.payload, 4), "ho\r\n");
  EXPECT_EQ(std::string(two.payload + two.stride, 4), "he\r\n");
  EXPECT_EQ(op.subject, "a");  // as before
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);

  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.payload, "hey");
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);

  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.header_bytes, 12u);
  ASSERT_EQ(parser.TakeRun(1000).count, 1u);
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.kind, OpKind::kPing);
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);

  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(parser.TakeRun(1000).count, 1u);  // the third is not whole
  EXPECT_EQ(parser.Next(kLimits, op), ClientParser::Result::kNeedMore);
  parser.Save();
  EXPECT_EQ(parser.held_bytes(), 9u);
}

TEST(ClientParser, LooksAheadAtPubsUntilARunOrSomethingElse) {
  const ParserLimits limits;
  ClientParser parser;
  Op op;
  std::array<PlainPub, 4> pubs;
  parser.Push(
      "PING\r\nPUB a 1\r\n1\r\nPUB b r 2\r\n22\r\nPUB c 1\r\n3\r\nPUB c 1\r\n4\r\nSUB a 1\r\nPUB d "
      "1\r\n5");
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  ASSERT_EQ(parser.LookAhead(limits, pubs), 2u);  // the two at c are a run
  EXPECT_EQ(pubs[0].subject, "a");
  EXPECT_EQ(pubs[0].reply, "");
  EXPECT_EQ(pubs[1].subject, "b");
  EXPECT_EQ(pubs[1].reply, "r");
  EXPECT_EQ(pubs[1].size_text, "2");
  EXPECT_EQ(pubs[1].payload, "22");
  // Nothing has been taken yet.
  parser.Take(pubs[0]);
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.subject, "b");
  EXPECT_EQ(parser.LookAhead(limits, pubs), 0u);
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.subject, "c");
  EXPECT_EQ(parser.LookAhead(limits, pubs), 1u);
  parser.Take(pubs[0]);
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);
  ASSERT_EQ(parser.Next(limits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.kind, OpKind::kSub);
  EXPECT_EQ(parser.LookAhead(limits, pubs), 0u);  // not whole
}

TEST(ClientParser, LooksAheadAtNoMoreThanThereIsRoomForAndWithinTheLimits) {
  ClientParser parser;
  std::array<PlainPub, 2> pubs;
  parser.Push("PUB a 1\r\n1\r\nPUB b 1\r\n2\r\nPUB c 1\r\n3\r\n");
  EXPECT_EQ(parser.LookAhead({}, pubs), 2u);
  EXPECT_EQ(parser.LookAhead({.payload_bytes_max = 0}, pubs), 0u);
  EXPECT_EQ(parser.LookAhead({.control_line_bytes_max = 2}, pubs), 0u);
}

TEST(ClientParser, RunIsBounded) {
  std::string input;
  for (int i = 0; i < 20; ++i) input += "PUB a 3\r\nabc\r\n";
  constexpr size_t kEach = 14;
  ClientParser parser;
  Op op;
  parser.Push(input);
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(parser.TakeRun(3 * kEach + 13).count, 3u);
  EXPECT_EQ(parser.TakeRun(1).count, 1u);
  EXPECT_EQ(parser.TakeRun(1000).count, 15u);
  EXPECT_EQ(parser.Next(kLimits, op), ClientParser::Result::kNeedMore);
}

TEST(ClientParser, RunEndsWhereAPayloadIsNotEnded) {
  ClientParser parser;
  Op op;
  parser.Push("PUB a 1\r\nx\r\nPUB a 1\r\nx\r\nPUB a 1\r\nxx\n\n");
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(parser.TakeRun(1000).count, 1u);
  EXPECT_EQ(parser.Next(kLimits, op), ClientParser::Result::kError);
}

TEST(ClientParser, RunDoesNotReachBackOverASave) {
  ClientParser parser;
  Op op;
  parser.Push("PUB a 1\r\nx\r\nPUB a 1\r\nx\r\n");
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  parser.Save();
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);
  ASSERT_EQ(parser.Next(kLimits, op), ClientParser::Result::kOp);
  EXPECT_EQ(op.payload, "x");
  EXPECT_EQ(parser.TakeRun(1000).count, 0u);
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

// The grammar again, slow and plain: one byte at a time, nothing clever, from the spec.
class ReferenceParser {
 public:
  explicit ReferenceParser(const ParserLimits& limits) : limits_(limits) {}

  Outcome Parse(std::string_view input) {
    for (const char c : input) {
      Step(c);
      if (outcome_.error != ParseError::kNone) break;
    }
    return outcome_;
  }

 private:
  enum class State { kVerb, kAfterVerb, kJunk, kLine, kPayload, kPayloadCr, kPayloadLf };

  static bool Blank(char c) { return c == ' ' || c == '\t'; }

  void Step(char c) {
    switch (state_) {
      case State::kVerb:
        return OnVerb(c);
      case State::kAfterVerb:
        if (!Blank(c)) return Fail(ParseError::kUnknownOperation);
        state_ = State::kLine;
        return;
      case State::kJunk:
        if (c == '\n') Finish();
        return;
      case State::kLine:
        if (c == '\n') return OnLine();
        if (text_.empty() && Blank(c)) return;
        text_ += c;
        if (TextBytes() > limits_.control_line_bytes_max) Fail(ParseError::kControlLine);
        return;
      case State::kPayload:
        event_.payload += c;
        if (event_.payload.size() == size_) state_ = State::kPayloadCr;
        return;
      case State::kPayloadCr:
        if (c != '\r') return Fail(ParseError::kUnknownOperation);
        state_ = State::kPayloadLf;
        return;
      case State::kPayloadLf:
        if (c != '\n') return Fail(ParseError::kUnknownOperation);
        return Finish();
    }
  }

  void OnVerb(char c) {
    static const std::vector<std::pair<std::string, OpKind>> kVerbs = {
        {"PUB", OpKind::kPub},     {"HPUB", OpKind::kHpub},       {"SUB", OpKind::kSub},
        {"UNSUB", OpKind::kUnsub}, {"CONNECT", OpKind::kConnect}, {"INFO", OpKind::kInfo},
        {"PING", OpKind::kPing},   {"PONG", OpKind::kPong},       {"+OK", OpKind::kOk},
        {"-ERR", OpKind::kErr}};
    verb_ += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    bool possible = false;
    for (const auto& [text, kind] : kVerbs) {
      if (text == verb_) {
        event_.kind = kind;
        if (kind == OpKind::kPing || kind == OpKind::kPong || kind == OpKind::kOk) {
          state_ = State::kJunk;
        } else if (kind == OpKind::kConnect || kind == OpKind::kInfo) {
          state_ = State::kLine;
        } else {
          state_ = State::kAfterVerb;
        }
        return;
      }
      possible = possible || text.starts_with(verb_);
    }
    if (!possible) Fail(ParseError::kUnknownOperation);
  }

  size_t TextBytes() const { return text_.size() - (text_.ends_with('\r') ? 1 : 0); }

  std::vector<std::string> Words(bool at_cr) const {
    std::vector<std::string> words(1);
    for (const char c : event_.argument) {
      if (Blank(c) || (at_cr && c == '\r')) {
        if (!words.back().empty()) words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    if (words.back().empty()) words.pop_back();
    return words;
  }

  static std::optional<size_t> Size(const std::string& text) {
    if (text.empty() || text.size() > 9) return std::nullopt;
    if (text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
    return std::stoul(text);
  }

  void OnLine() {
    event_.argument = text_.substr(0, TextBytes());
    switch (event_.kind) {
      case OpKind::kPub:
      case OpKind::kHpub:
        return OnPub(event_.kind == OpKind::kHpub);
      case OpKind::kSub: {
        const auto words = Words(true);
        if (words.size() < 2 || words.size() > 3) return Fail(ParseError::kSubArguments);
        event_.subject = words.front();
        event_.sid = words.back();
        if (words.size() == 3) event_.queue = words[1];
        return Finish();
      }
      case OpKind::kUnsub: {
        const auto words = Words(true);
        if (words.empty() || words.size() > 2) return Fail(ParseError::kUnsubArguments);
        event_.sid = words[0];
        if (words.size() == 2) event_.max = words[1];
        return Finish();
      }
      default:
        return Finish();
    }
  }

  void OnPub(bool headers) {
    if (headers && !limits_.headers) return Fail(ParseError::kHeadersNotSupported);
    auto words = Words(false);
    const size_t least = headers ? 3 : 2;
    if (words.size() < least || words.size() > least + 1) {
      return Fail(headers ? ParseError::kHpubArguments : ParseError::kPubArguments);
    }
    event_.subject = words[0];
    if (words.size() == least + 1) event_.reply = words[1];
    event_.size = words.back();
    const auto total = Size(event_.size);
    if (headers) {
      event_.header_size = words[words.size() - 2];
      const auto header = Size(event_.header_size);
      if (!header) return Fail(ParseError::kHpubHeaderSize);
      if (!total) return Fail(ParseError::kHpubTotalSize);
      if (*header > *total) return Fail(ParseError::kHpubSizeOrder);
      event_.header_bytes = static_cast<uint32_t>(*header);
    }
    if (!total) return Fail(ParseError::kPubSize);
    if (static_cast<int64_t>(*total) > limits_.payload_bytes_max) {
      return Fail(ParseError::kPayloadSize);
    }
    size_ = *total;
    state_ = size_ == 0 ? State::kPayloadCr : State::kPayload;
  }

  void Finish() {
    outcome_.events.push_back(event_);
    event_ = {};
    verb_.clear();
    text_.clear();
    state_ = State::kVerb;
  }
  void Fail(ParseError error) { outcome_.error = error; }

  const ParserLimits limits_;
  State state_ = State::kVerb;
  std::string verb_, text_;
  size_t size_ = 0;
  Event event_;
  Outcome outcome_;
};

// Mostly sound streams, some of them damaged.
class StreamMaker {
 public:
  explicit StreamMaker(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  std::string Make() {
    std::string stream;
    for (size_t i = 1 + Below(5); i > 0; --i) {
      std::string operation = Operation();
      if (operation.size() > 4 && Below(3) == 0) {
        stream += operation;  // the same again, with another end at times
        if (Below(3) == 0) Damage(operation);
      }
      stream += operation;
    }
    if (Below(3) == 0) Damage(stream);
    return stream;
  }

 private:
  std::string Pick(std::initializer_list<const char*> of) { return of.begin()[Below(of.size())]; }
  std::string Blanks() { return Pick({" ", " ", " ", "\t", "  ", " \t "}); }
  std::string Word() { return Pick({"a", "foo", "foo.bar", ">", "*", "a.*", "x\r", "9", "\xff"}); }
  std::string End() { return Pick({"\r\n", "\r\n", "\r\n", "\n", "\r\r\n"}); }
  std::string Cased(std::string verb) {
    if (Below(3) != 0) return verb;
    for (char& c : verb) {
      if (Below(2) == 0) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return verb;
  }
  std::string Words(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += Blanks() + Word();
    if (Below(6) == 0) text += Blanks();
    return text;
  }

  std::string Operation() {
    switch (Below(9)) {
      case 0:
        return Cased(Pick({"PING", "PONG", "+OK"})) + Pick({"", "", " ", "x y"}) + End();
      case 1:
        return Cased("SUB") + Words(1 + Below(4)) + End();
      case 2:
        return Cased("UNSUB") + Words(Below(4)) + End();
      case 3:
        return Cased("CONNECT") + Pick({"{}", " {}", " {\"a\": 1} ", ""}) + End();
      case 4:
        return Cased("INFO") + Pick({"{}", " {}", ""}) + End();
      case 5:
        return Cased("-ERR") + Words(Below(3)) + End();
      case 6: {
        const size_t total = Below(19);
        const size_t header = Below(10) == 0 ? Below(20) : Below(total + 1);
        return Cased("HPUB") + Words(1 + Below(2)) + Blanks() + std::to_string(header) + Blanks() +
               std::to_string(total) + End() + Payload(total) + "\r\n";
      }
      default: {
        const size_t total = Below(18);
        return Cased("PUB") + Words(1 + Below(2)) + Blanks() + Pick({"", "0", "00"}) +
               std::to_string(total) + End() + Payload(total) + "\r\n";
      }
    }
  }

  std::string Payload(size_t bytes) {
    std::string payload(bytes, 'x');
    for (char& c : payload) c = "xy \r\nPING"[Below(9)];
    return payload;
  }

  void Damage(std::string& stream) {
    const size_t at = Below(stream.size());
    switch (Below(5)) {
      case 0:
        stream.erase(at, 1 + Below(3));
        break;
      case 1:
        stream.insert(at, Pick({"\r", "\n", " ", "x", "0", "PUB "}));
        break;
      case 2:
        stream[at] = static_cast<char>(Below(256));
        break;
      case 3:
        stream.resize(at);
        break;
      default:
        stream.insert(at, Below(60), Below(2) == 0 ? 'x' : ' ');
        break;
    }
  }

  std::mt19937_64 random_;
};

TEST(ClientParser, AgreesWithASlowParserOnRandomStreams) {
  constexpr uint64_t kSeed = 20240607;
  StreamMaker maker(kSeed);
  for (int i = 0; i < 100'000; ++i) {
    const std::string stream = maker.Make();
    ParserLimits limits = {.control_line_bytes_max = 24, .payload_bytes_max = 16, .headers = true};
    limits.headers = maker.Below(8) != 0;
    const Outcome expected = ReferenceParser(limits).Parse(stream);

    Feeder feeder(limits);
    size_t at = 0;
    while (at < stream.size()) {
      const size_t bytes = maker.Below(4) == 0 ? 1 : 1 + maker.Below(stream.size());
      const size_t operations = maker.Below(4) == 0 ? maker.Below(3) : SIZE_MAX;
      feeder.FeedAndTake(std::string_view(stream).substr(at, bytes), operations);
      at += bytes;
    }
    feeder.Resume(SIZE_MAX);
    ASSERT_EQ(feeder.outcome(), expected) << "seed " << kSeed << ", stream " << i << ":\n"
                                          << stream;
    ASSERT_EQ(Whole(stream, limits), expected) << "stream " << i << ":\n" << stream;
  }
}

}  // namespace
}  // namespace martlet::proto
