// What the route parser holds between chunks, gives in runs, and gives away.
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proto/route_parser.h"
#include "route_parser_feeder.h"

namespace martlet::proto {
namespace {

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
