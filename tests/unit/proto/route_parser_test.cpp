// The grammar of routes: what is read, and what is refused.
#include "proto/route_parser.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "route_parser_feeder.h"

namespace martlet::proto {
namespace {

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

}  // namespace
}  // namespace martlet::proto
