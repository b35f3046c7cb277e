// What the client parser holds between chunks, and where it goes on.
#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "client_parser_feeder.h"
#include "proto/client_parser.h"

namespace martlet::proto {
namespace {

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

}  // namespace
}  // namespace martlet::proto
