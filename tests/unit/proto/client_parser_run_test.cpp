// Many PUBs at once: runs of equal lines, and a look ahead at different ones.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "client_parser_feeder.h"
#include "proto/client_parser.h"

namespace martlet::proto {
namespace {

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

}  // namespace
}  // namespace martlet::proto
