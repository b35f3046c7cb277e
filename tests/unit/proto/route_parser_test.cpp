#include "proto/route_parser.h"

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

// An operation with texts of its own.
struct RouteEvent {
  RouteOpKind kind = RouteOpKind::kPing;
  std::string argument, origin, account, subject, reply;
  std::vector<std::string> queues;
  uint32_t weight = 0;
  uint32_t header_bytes = 0;
  std::string header_size, size, payload;

  bool operator==(const RouteEvent&) const = default;
};

void PrintTo(const RouteEvent& event, std::ostream* out) {
  *out << VerbOf(event.kind) << " [" << event.argument << "] payload [" << event.payload << "]";
}

struct RouteOutcome {
  std::vector<RouteEvent> events;
  RouteParseError error = RouteParseError::kNone;
  int state = 0;

  bool operator==(const RouteOutcome&) const = default;
};

void PrintTo(const RouteOutcome& outcome, std::ostream* out) {
  for (const RouteEvent& event : outcome.events) {
    PrintTo(event, out);
    *out << "; ";
  }
  *out << "error " << int{static_cast<uint8_t>(outcome.error)} << " state " << outcome.state;
}

RouteEvent Copy(const RouteOp& op) {
  RouteEvent event{.kind = op.kind,
                   .argument = std::string(op.argument),
                   .origin = std::string(op.origin),
                   .account = std::string(op.account),
                   .subject = std::string(op.subject),
                   .reply = std::string(op.reply),
                   .queues = {},
                   .weight = op.weight,
                   .header_bytes = op.header_bytes,
                   .header_size = std::string(op.header_size_text),
                   .size = std::string(op.size_text),
                   .payload = std::string(op.payload)};
  std::string_view queues = op.queues;
  for (std::string_view name; !(name = TakeQueue(queues)).empty();) event.queues.emplace_back(name);
  EXPECT_EQ(op.has_queue, !event.queues.empty());
  if (!op.size_text.empty()) {
    EXPECT_EQ(std::string_view(op.payload.data() + op.payload.size(), 2), "\r\n");
  }
  return event;
}

// Feeds a parser and writes down what comes out.
class RouteFeeder {
 public:
  explicit RouteFeeder(const RouteParserLimits& limits) : limits_(limits) {}

  // Every chunk stands in memory of its own, which is gone afterwards: the sanitizer then finds
  // views that outlive it.
  void Feed(std::string_view chunk, bool takes_runs = false) {
    const std::vector<char> copy(chunk.begin(), chunk.end());
    parser_.Push({copy.data(), copy.size()});
    while (TakeOne(takes_runs)) {
    }
    parser_.Save();
  }

  const RouteOutcome& outcome() const { return outcome_; }
  RouteParser& parser() { return parser_; }

 private:
  bool TakeOne(bool takes_runs) {
    RouteOp op;
    switch (parser_.Next(limits_, op)) {
      case RouteParser::Result::kOp:
        outcome_.events.push_back(Copy(op));
        if (takes_runs) TakeRun(op);
        return true;
      case RouteParser::Result::kNeedMore:
        return false;
      case RouteParser::Result::kError:
        outcome_.error = parser_.error().error;
        outcome_.state = parser_.error().state;
        EXPECT_NE(outcome_.error, RouteParseError::kNone);
        return false;
    }
    return false;
  }

  void TakeRun(RouteOp& op) {
    const PubRun run = parser_.TakeRun(SIZE_MAX);
    for (uint32_t i = 0; i < run.count; ++i) {
      op.payload = {run.payload + i * run.stride, op.payload.size()};
      outcome_.events.push_back(Copy(op));
    }
  }

  RouteParserLimits limits_;
  RouteParser parser_;
  RouteOutcome outcome_;
};

RouteOutcome WholeRoute(std::string_view input, const RouteParserLimits& limits,
                        bool takes_runs = false) {
  RouteFeeder feeder(limits);
  feeder.Feed(input, takes_runs);
  return feeder.outcome();
}

// The outcome, which does not depend on where the input is cut.
RouteOutcome Parse(std::string_view input, const RouteParserLimits& limits = {}) {
  RouteOutcome whole = WholeRoute(input, limits);
  EXPECT_EQ(WholeRoute(input, limits, true), whole) << "with runs";
  for (size_t at = 1; at < input.size(); ++at) {
    RouteFeeder feeder(limits);
    feeder.Feed(input.substr(0, at));
    feeder.Feed(input.substr(at));
    EXPECT_EQ(feeder.outcome(), whole) << "cut at " << at;
  }
  RouteFeeder bytes(limits);
  for (const char& c : input) bytes.Feed({&c, 1});
  EXPECT_EQ(bytes.outcome(), whole) << "byte by byte";
  return whole;
}

RouteEvent One(std::string_view input, const RouteParserLimits& limits = {}) {
  const RouteOutcome outcome = Parse(input, limits);
  EXPECT_EQ(outcome.error, RouteParseError::kNone) << input;
  EXPECT_EQ(outcome.events.size(), 1u) << input;
  return outcome.events.empty() ? RouteEvent() : outcome.events.front();
}

RouteParseError RouteErrorOf(std::string_view input, const RouteParserLimits& limits = {}) {
  const RouteOutcome outcome = Parse(input, limits);
  EXPECT_TRUE(outcome.events.empty()) << input;
  return outcome.error;
}

constexpr RouteParserLimits kDedicated = {.account_omitted = true};

using Queues = std::vector<std::string>;

TEST(RouteParser, ReadsMessagesWithoutHeaders) {
  RouteEvent event = One("RMSG $G foo.bar 5\r\nhello\r\n");
  EXPECT_EQ(event, (RouteEvent{.kind = RouteOpKind::kRmsg,
                               .argument = "$G foo.bar 5",
                               .account = "$G",
                               .subject = "foo.bar",
                               .size = "5",
                               .payload = "hello"}));
  event = One("RMSG $G foo _INBOX.1 2\r\nhi\r\n");
  EXPECT_EQ(event.reply, "_INBOX.1");
  event = One("RMSG $G foo | q 2\r\nhi\r\n");
  EXPECT_EQ(event.reply, "");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  event = One("RMSG $G foo + r q1 q2 q3 2\r\nhi\r\n");
  EXPECT_EQ(event.reply, "r");
  EXPECT_EQ(event.queues, (Queues{"q1", "q2", "q3"}));
  EXPECT_EQ(event.payload, "hi");
  EXPECT_EQ(One("RMSG $G foo 0\r\n\r\n").payload, "");
}

TEST(RouteParser, ReadsMessagesWithHeaders) {
  RouteEvent event = One("HMSG $G foo 2 5\r\nHHabc\r\n");
  EXPECT_EQ(event, (RouteEvent{.kind = RouteOpKind::kHmsg,
                               .argument = "$G foo 2 5",
                               .account = "$G",
                               .subject = "foo",
                               .header_bytes = 2,
                               .header_size = "2",
                               .size = "5",
                               .payload = "HHabc"}));
  event = One("HMSG $G foo r 2 2\r\nHH\r\n");
  EXPECT_EQ(event.reply, "r");
  event = One("HMSG $G foo | q 0 2\r\nhi\r\n");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  EXPECT_EQ(event.header_bytes, 0u);
  event = One("HMSG $G foo + r q1 q2 1 2\r\nhi\r\n");
  EXPECT_EQ(event.reply, "r");
  EXPECT_EQ(event.queues, (Queues{"q1", "q2"}));
}

TEST(RouteParser, DedicatedRoutesOmitTheAccount) {
  RouteEvent event = One("RMSG foo 2\r\nhi\r\n", kDedicated);
  EXPECT_EQ(event.account, "");
  EXPECT_EQ(event.subject, "foo");
  event = One("RMSG foo r 2\r\nhi\r\n", kDedicated);
  EXPECT_EQ(event.reply, "r");
  event = One("HMSG foo + r q 1 2\r\nhi\r\n", kDedicated);
  EXPECT_EQ(event.subject, "foo");
  EXPECT_EQ(event.reply, "r");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  event = One("RS+ foo q 1\r\n", kDedicated);
  EXPECT_EQ(event.subject, "foo");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  EXPECT_EQ(event.weight, 1u);
  EXPECT_EQ(One("RS- foo\r\n", kDedicated).subject, "foo");
  EXPECT_EQ(One("LS+ o foo\r\n", kDedicated).origin, "o");
  EXPECT_EQ(One("LMSG o foo 0 2\r\nhi\r\n", kDedicated).subject, "foo");
}

TEST(RouteParser, AReplyThatLooksLikeAnIndicatorIsAReply) {
  EXPECT_EQ(One("RMSG $G foo | 2\r\nhi\r\n").reply, "|");
  EXPECT_EQ(One("HMSG $G foo + 0 2\r\nhi\r\n").reply, "+");
  const RouteEvent event = One("RMSG $G foo + r 2\r\nhi\r\n");
  EXPECT_EQ(event.reply, "r");
  EXPECT_TRUE(event.queues.empty());
}

TEST(RouteParser, ReadsInterest) {
  EXPECT_EQ(One("RS+ $G foo.*\r\n"), (RouteEvent{.kind = RouteOpKind::kRoutedSub,
                                                 .argument = "$G foo.*",
                                                 .account = "$G",
                                                 .subject = "foo.*"}));
  EXPECT_EQ(One("RS+ $G foo q 12\r\n"), (RouteEvent{.kind = RouteOpKind::kRoutedSub,
                                                    .argument = "$G foo q 12",
                                                    .account = "$G",
                                                    .subject = "foo",
                                                    .queues = {"q"},
                                                    .weight = 12}));
  EXPECT_EQ(One("RS- $G foo\r\n"), (RouteEvent{.kind = RouteOpKind::kRoutedUnsub,
                                               .argument = "$G foo",
                                               .account = "$G",
                                               .subject = "foo"}));
  EXPECT_EQ(One("RS- $G foo q\r\n").queues, (Queues{"q"}));
}

TEST(RouteParser, AWeightThatIsNoNumberIsZero) {
  for (const char* weight : {"0", "x", "-1", "1234567890"}) {
    EXPECT_EQ(One("RS+ $G foo q " + std::string(weight) + "\r\n").weight, 0u) << weight;
  }
}

TEST(RouteParser, ReadsWhatComesFromLeafNodes) {
  RouteEvent event = One("LS+ leaf $G foo q 3\r\n");
  EXPECT_EQ(event.kind, RouteOpKind::kLeafSub);
  EXPECT_EQ(event.origin, "leaf");
  EXPECT_EQ(event.account, "$G");
  EXPECT_EQ(event.subject, "foo");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  EXPECT_EQ(event.weight, 3u);
  event = One("LS-  $G foo q\r\n");  // as 2.9.10 writes it
  EXPECT_EQ(event.origin, "");
  EXPECT_EQ(event.account, "$G");
  EXPECT_EQ(event.queues, (Queues{"q"}));
  event = One("LS- leaf $G foo\r\n", {.leaf_unsub_origin = true});
  EXPECT_EQ(event.origin, "leaf");
  EXPECT_EQ(event.subject, "foo");
  event = One("LMSG leaf $G foo + r q1 q2 0 2\r\nhi\r\n");
  EXPECT_EQ(event.origin, "leaf");
  EXPECT_EQ(event.account, "$G");
  EXPECT_EQ(event.subject, "foo");
  EXPECT_EQ(event.reply, "r");
  EXPECT_EQ(event.queues, (Queues{"q1", "q2"}));
  EXPECT_EQ(One("LMSG leaf $G foo r 1 2\r\nhi\r\n").reply, "r");
  EXPECT_EQ(One("LMSG leaf $G foo 1 2\r\nhi\r\n").header_bytes, 1u);
}

TEST(RouteParser, ReadsWhatIsAboutTheConnection) {
  const RouteOutcome outcome = Parse(
      "CONNECT {\"a\":1}\r\nINFO {} \r\nINFO{}\r\nPING\r\nPONG\r\n+OK\r\n-ERR 'no'\r\n"
      "A+ acc\r\nA- acc\r\n");
  ASSERT_EQ(outcome.error, RouteParseError::kNone);
  ASSERT_EQ(outcome.events.size(), 9u);
  EXPECT_EQ(outcome.events[0],
            (RouteEvent{.kind = RouteOpKind::kConnect, .argument = "{\"a\":1}"}));
  EXPECT_EQ(outcome.events[1], (RouteEvent{.kind = RouteOpKind::kInfo, .argument = "{} "}));
  EXPECT_EQ(outcome.events[2], (RouteEvent{.kind = RouteOpKind::kInfo, .argument = "{}"}));
  EXPECT_EQ(outcome.events[3].kind, RouteOpKind::kPing);
  EXPECT_EQ(outcome.events[4].kind, RouteOpKind::kPong);
  EXPECT_EQ(outcome.events[5].kind, RouteOpKind::kOk);
  EXPECT_EQ(outcome.events[6], (RouteEvent{.kind = RouteOpKind::kErr, .argument = "'no'"}));
  EXPECT_EQ(outcome.events[7], (RouteEvent{.kind = RouteOpKind::kAccountSub, .argument = "acc"}));
  EXPECT_EQ(outcome.events[8], (RouteEvent{.kind = RouteOpKind::kAccountUnsub, .argument = "acc"}));
}

TEST(RouteParser, ClientsOperationsArePassedOver) {
  const RouteOutcome outcome = Parse(
      "PUB foo 2\r\nhi\r\nPUB foo r 0\r\n\r\nHPUB foo 1 2\r\nhi\r\nSUB foo 1\r\nSUB x\r\n"
      "UNSUB 1\r\nPING\r\n");
  EXPECT_EQ(outcome.error, RouteParseError::kNone);
  ASSERT_EQ(outcome.events.size(), 7u);
  EXPECT_EQ(outcome.events[0].kind, RouteOpKind::kPub);
  EXPECT_EQ(outcome.events[0].payload, "hi");
  EXPECT_EQ(outcome.events[1].reply, "r");
  EXPECT_EQ(outcome.events[2].header_bytes, 1u);
  EXPECT_EQ(outcome.events[3].kind, RouteOpKind::kSub);
  EXPECT_EQ(outcome.events[5].kind, RouteOpKind::kUnsub);
}

TEST(RouteParser, VerbsInAnyCaseBlanksInRunsBareLineFeeds) {
  const RouteEvent plain = One("RMSG $G foo + r q1 q2 2\r\nhi\r\n");
  for (const char* input :
       {"rmsg $G foo + r q1 q2 2\nhi\r\n", "RmSg\t $G  foo\t+ r q1 q2 2 \nhi\r\n",
        "RMSG   $G foo + r  q1\tq2   2\r\nhi\r\n"}) {
    RouteEvent event = One(input);
    event.argument = plain.argument;
    EXPECT_EQ(event, plain) << input;
  }
  EXPECT_EQ(One("rs+\t$G \t foo\n").subject, "foo");
  EXPECT_EQ(One("ls+ o  $G foo \n").subject, "foo");
  EXPECT_EQ(One("ping junk\n").kind, RouteOpKind::kPing);
}

TEST(RouteParser, ACarriageReturnDividesParts) {
  const RouteEvent event = One("RMSG $G foo\rr 2\r\nhi\r\n");
  EXPECT_EQ(event.subject, "foo");
  EXPECT_EQ(event.reply, "r");
}

TEST(RouteParser, LinesOfAnyLengthAreSplitAlike) {
  for (size_t bytes = 1; bytes < 200; ++bytes) {
    const std::string subject(bytes, 's');
    const std::string input = "RMSG $G " + subject + " reply 2\r\nhi\r\n";
    for (const std::string& line : {input, input + input, input + "RS+ $G foo\r\n"}) {
      const RouteOutcome outcome = WholeRoute(line, {});
      ASSERT_FALSE(outcome.events.empty()) << bytes;
      EXPECT_EQ(outcome.events[0].subject, subject);
      EXPECT_EQ(outcome.events[0].reply, "reply");
      EXPECT_EQ(outcome.events[0].payload, "hi");
    }
  }
}

TEST(RouteParser, RefusesWrongArguments) {
  for (const char* input :
       {"RS+ foo\r\n", "RS+ $G foo q\r\n", "RS+ $G foo q 1 2\r\n", "RS+ \r\n", "RS- foo\r\n",
        "RS- $G foo q 1\r\n", "LS+ $G foo\r\n", "LS+ o $G foo q\r\n", "LS- foo\r\n", "LS- \r\n",
        "RMSG \r\n", "RMSG $G 2\r\n", "HMSG $G foo 2\r\n", "LMSG o $G foo 2\r\n", "PUB foo\r\n",
        "PUB a b c 2\r\n", "HPUB foo 2\r\n", "HPUB a b c 1 2\r\n"}) {
    EXPECT_EQ(RouteErrorOf(input), RouteParseError::kArguments) << input;
  }
  EXPECT_EQ(RouteErrorOf("RS+ foo q\r\n", kDedicated), RouteParseError::kArguments);
  EXPECT_EQ(RouteErrorOf("RMSG foo\r\n", kDedicated), RouteParseError::kArguments);
}

TEST(RouteParser, RefusesWrongIndicators) {
  for (const char* input :
       {"RMSG $G foo x q 2\r\nhi\r\n", "RMSG $G foo || q 2\r\nhi\r\n",
        "HMSG $G foo r q 0 2\r\nhi\r\n", "LMSG o $G foo ++ r q 0 2\r\nhi\r\n"}) {
    EXPECT_EQ(RouteErrorOf(input), RouteParseError::kReplyIndicator) << input;
  }
}

TEST(RouteParser, RefusesWrongSizes) {
  for (const char* size : {"-1", "+1", "x", "2147483648", "9223372036854775808", "1.0", "0x1"}) {
    const std::string text(size);
    EXPECT_EQ(RouteErrorOf("RMSG $G foo " + text + "\r\n"), RouteParseError::kSize) << text;
    EXPECT_EQ(RouteErrorOf("HMSG $G foo 0 " + text + "\r\n"), RouteParseError::kSize) << text;
    EXPECT_EQ(RouteErrorOf("HMSG $G foo " + text + " 1\r\n"), RouteParseError::kHeaderSize) << text;
    EXPECT_EQ(RouteErrorOf("PUB foo " + text + "\r\n"), RouteParseError::kSize) << text;
  }
  EXPECT_EQ(RouteErrorOf("HMSG $G foo 3 2\r\nhi\r\n"), RouteParseError::kSizeOrder);
  EXPECT_EQ(RouteErrorOf("LMSG o $G foo 3 2\r\nhi\r\n"), RouteParseError::kSizeOrder);
  EXPECT_EQ(One("RMSG $G foo 00\r\n\r\n").size, "00");
}

TEST(RouteParser, RefusesPayloadsWithoutTheirEnd) {
  for (const char* input : {"RMSG $G foo 2\r\nhi!\r\n", "RMSG $G foo 2\r\nh\r\n\r\n",
                            "HMSG $G foo 1 2\r\nhi\n\n", "PUB foo 2\r\nhi!"}) {
    EXPECT_EQ(RouteErrorOf(input), RouteParseError::kUnknownOperation) << input;
  }
  EXPECT_EQ(Parse("RMSG $G foo 2\r\nhi!\r\n").state, 41);
  EXPECT_EQ(Parse("RMSG $G foo 2\r\nhi\rx\r\n").state, 42);
}

TEST(RouteParser, RefusesUnknownVerbsInTheReferencesState) {
  struct Case {
    const char* input;
    int state;
  };
  for (const Case& c : {Case{"MSG foo 1 2\r\n", 0},
                        Case{"\r\n", 0},
                        Case{"GET / HTTP/1.1\r\n", 0},
                        Case{"\x16\x03\x01", 0},
                        Case{"SSH-2.0", 43},
                        Case{"RX", 57},
                        Case{"RS*", 58},
                        Case{"RS+\r\n", 45},
                        Case{"RS-\r\n", 63},
                        Case{"RMX", 66},
                        Case{"RMSG\r\n", 68},
                        Case{"LX", 55},
                        Case{"LSX", 56},
                        Case{"LMSX", 67},
                        Case{"HX", 18},
                        Case{"HMX", 24},
                        Case{"HMSG\r\n", 26},
                        Case{"A*", 48},
                        Case{"A+\r\n", 49},
                        Case{"A-\r\n", 52},
                        Case{"PX", 29},
                        Case{"PIX", 34},
                        Case{"-ERR\r\n", 7},
                        Case{"+OX", 2},
                        Case{"CONX", 12},
                        Case{"INFX", 73},
                        Case{"UNSUB\r\n", 63}}) {
    const RouteOutcome outcome = Parse(c.input);
    EXPECT_EQ(outcome.error, RouteParseError::kUnknownOperation) << c.input;
    EXPECT_EQ(outcome.state, c.state) << c.input;
  }
}

TEST(RouteParser, TheControlLineHasALimit) {
  const RouteParserLimits limits = {.control_line_bytes_max = 20};
  EXPECT_EQ(One("RS+ $G " + std::string(17, 's') + "\r\n", limits).account, "$G");
  EXPECT_EQ(RouteErrorOf("RS+ $G " + std::string(18, 's') + "\r\n", limits),
            RouteParseError::kControlLine);
  EXPECT_EQ(RouteErrorOf("RMSG $G " + std::string(18, 's') + " 1\r\n", limits),
            RouteParseError::kControlLine);
  EXPECT_EQ(RouteErrorOf("INFO " + std::string(21, 'x'), limits), RouteParseError::kControlLine);
}

TEST(RouteParser, TheDefaultLimitTakesInfosOf64KiB) {
  const std::string text = "{\"x\":\"" + std::string(65536 - 8, 'x') + "\"}";
  RouteFeeder feeder({});
  for (size_t at = 0; at < text.size() + 7; at += 1448) {
    feeder.Feed(("INFO " + text + "\r\n").substr(at, 1448));
  }
  EXPECT_EQ(feeder.outcome().error, RouteParseError::kNone);
  ASSERT_EQ(feeder.outcome().events.size(), 1u);
  EXPECT_EQ(feeder.outcome().events[0].argument, text);
  EXPECT_EQ(WholeRoute("INFO " + text + "x\r\n", {}).error, RouteParseError::kControlLine);
}

TEST(RouteParser, AfterAnErrorEveryCallIsOne) {
  RouteFeeder feeder({});
  feeder.Feed("PING\r\nFOO\r\n");
  EXPECT_EQ(feeder.outcome().events.size(), 1u);
  RouteOp op;
  EXPECT_EQ(feeder.parser().Next({}, op), RouteParser::Result::kError);
  feeder.Feed("PING\r\n");
  EXPECT_EQ(feeder.outcome().events.size(), 1u);
}

TEST(RouteParser, EndlessJunkAndBlanksCostNothing) {
  for (const char* verb : {"PING ", "RS+ ", "INFO ", "RMSG "}) {
    RouteParser parser;
    RouteOp op;
    parser.Push(verb);
    EXPECT_EQ(parser.Next({}, op), RouteParser::Result::kNeedMore);
    parser.Save();
    const std::string blanks(100'000, ' ');
    for (int i = 0; i < 10; ++i) {
      parser.Push(blanks);
      EXPECT_EQ(parser.Next({}, op), RouteParser::Result::kNeedMore);
      parser.Save();
      EXPECT_LE(parser.held_bytes(), size_t{200'000}) << verb;
    }
  }
}

TEST(RouteParser, AnAnnouncedSizeIsNotBelievedInAdvance) {
  RouteParser parser;
  RouteOp op;
  parser.Push("RMSG $G foo 999999999\r\nabc");
  EXPECT_EQ(parser.Next({}, op), RouteParser::Result::kNeedMore);
  parser.Save();
  EXPECT_LT(parser.held_bytes(), 100u);
}

TEST(RouteParser, FirstByteIsToldBeforeAnythingIsParsed) {
  RouteParser parser;
  EXPECT_EQ(parser.first_byte(), -1);
  parser.Push("RS+ $G foo\r\nPING\r\n");
  EXPECT_EQ(parser.first_byte(), 'R');
  RouteOp op;
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_EQ(parser.first_byte(), 'P');
  parser.Save();
  EXPECT_EQ(parser.first_byte(), 'P');
}

TEST(RouteParser, RunsAreMessagesWithTheSameLine) {
  std::string stream;
  for (const char* text : {"aa", "bb", "cc"}) {
    stream += "RMSG $G foo 2\r\n" + std::string(text) + "\r\n";
  }
  stream += "RMSG $G fox 2\r\ndd\r\n";
  RouteParser parser;
  RouteOp op;
  parser.Push(stream);
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_EQ(op.payload, "aa");
  const PubRun one = parser.TakeRun(1);  // less than a message: one all the same
  ASSERT_EQ(one.count, 1u);
  EXPECT_EQ(std::string_view(one.payload, 2), "bb");
  const PubRun rest = parser.TakeRun(SIZE_MAX);
  ASSERT_EQ(rest.count, 1u);
  EXPECT_EQ(std::string_view(rest.payload, 2), "cc");
  EXPECT_EQ(parser.TakeRun(SIZE_MAX).count, 0u);
  EXPECT_EQ(op.subject, "foo");
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_EQ(op.subject, "fox");
}

TEST(RouteParser, RunsEndWhereAPayloadHasNoEnd) {
  const std::string good = "HMSG $G foo 0 2\r\nhi\r\n";
  const RouteOutcome outcome = Parse(good + good + "HMSG $G foo 0 2\r\nhi\rx");
  EXPECT_EQ(outcome.events.size(), 2u);
  EXPECT_EQ(outcome.error, RouteParseError::kUnknownOperation);
}

TEST(RouteParser, NoRunFollowsWhatIsNoMessage) {
  RouteParser parser;
  RouteOp op;
  parser.Push("PING\r\nPING\r\nPING\r\n");
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_EQ(parser.TakeRun(SIZE_MAX).count, 0u);
}

TEST(RouteParser, GivesAwayLargeHeldMessages) {
  const std::string payload(10'000, 'x');
  const std::string message = "RMSG $G foo 10000\r\n" + payload + "\r\n";
  RouteParser parser;
  RouteOp op;
  parser.Push(std::string_view(message).substr(0, 5000));
  EXPECT_EQ(parser.Next({}, op), RouteParser::Result::kNeedMore);
  parser.Save();
  parser.Push(std::string_view(message).substr(5000));
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_TRUE(parser.holds());
  const std::string held = parser.TakeHeld();
  EXPECT_EQ(held, message);
  EXPECT_EQ(op.payload.data() + op.payload.size() + 2, held.data() + held.size());
  EXPECT_FALSE(parser.holds());
  EXPECT_EQ(parser.Next({}, op), RouteParser::Result::kNeedMore);
}

TEST(RouteParser, TheRestGoesBackToTheCaller) {
  const std::string stream = "PING\r\nPONG\r\nRS+";
  RouteParser parser;
  RouteOp op;
  parser.Push(stream);
  ASSERT_EQ(parser.Next({}, op), RouteParser::Result::kOp);
  EXPECT_EQ(parser.TakeRest(), "PONG\r\nRS+");
  EXPECT_EQ(parser.first_byte(), -1);
}

}  // namespace
}  // namespace martlet::proto
