#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "proto/route_parser.h"

namespace martlet::proto {
namespace {

std::string TextOf(std::string_view input, std::string_view account = {}) {
  RouteParser parser;
  parser.Push(input);
  RouteOp op;
  const RouteParserLimits limits = {.control_line_bytes_max = 40,
                                    .account_omitted = !account.empty()};
  while (parser.Next(limits, op) == RouteParser::Result::kOp) {
  }
  return RouteErrorText(parser.error(), account);
}

TEST(RouteErrorText, NothingWithoutAFault) { EXPECT_EQ(TextOf("PING\r\n"), ""); }

TEST(RouteErrorText, Interest) {
  EXPECT_EQ(TextOf("RS+ foo\r\n"), "processRemoteSub Parse Error: 'R foo'");
  EXPECT_EQ(TextOf("RS+ a b  c\r\n"), "processRemoteSub Parse Error: 'R a b  c'");
  EXPECT_EQ(TextOf("LS+ a b\r\n"), "processRemoteSub Parse Error: 'L a b'");
  EXPECT_EQ(TextOf("RS- foo\r\n"), "processRemoteUnsub parse error: 'foo'");
  EXPECT_EQ(TextOf("LS- foo\r\n"), "processRemoteUnsub parse error: 'foo'");
}

TEST(RouteErrorText, Messages) {
  EXPECT_EQ(TextOf("RMSG $G  foo\r\n"), "processRoutedMsgArgs Parse Error: '[$G foo]'");
  EXPECT_EQ(TextOf("RMSG $G foo x y 2\r\n"),
            "processRoutedMsgArgs Bad or Missing Reply Indicator: 'x'");
  EXPECT_EQ(TextOf("RMSG $G foo -1\r\n"),
            "processRoutedMsgArgs Bad or Missing Size: '[$G foo -1]'");
  EXPECT_EQ(TextOf("HMSG $G foo 2\r\n"), "processRoutedHeaderMsgArgs Parse Error: '[$G foo 2]'");
  EXPECT_EQ(TextOf("HMSG $G foo ++ r 1 2\r\n"),
            "processRoutedHeaderMsgArgs Bad or Missing Reply Indicator: '++'");
  EXPECT_EQ(TextOf("HMSG $G foo x 2\r\n"),
            "processRoutedHeaderMsgArgs Bad or Missing Header Size: '$G foo x 2'");
  EXPECT_EQ(TextOf("HMSG $G foo 1 x\r\n"),
            "processRoutedHeaderMsgArgs Bad or Missing Size: '[$G foo 1 x]'");
  EXPECT_EQ(TextOf("HMSG $G foo 3 2\r\n"),
            "processRoutedHeaderMsgArgs Header Size larger then TotalSize: '$G foo 3 2'");
  EXPECT_EQ(TextOf("LMSG o $G foo 2\r\n"),
            "processRoutedOriginClusterMsgArgs Parse Error: '[o $G foo 2]'");
}

TEST(RouteErrorText, NamesTheAccountOfADedicatedRoute) {
  EXPECT_EQ(TextOf("RMSG foo\r\n", "ACC"), "processRoutedMsgArgs Parse Error: '[ACC foo]'");
  EXPECT_EQ(TextOf("LMSG o foo 1\r\n", "ACC"),
            "processRoutedOriginClusterMsgArgs Parse Error: '[o ACC foo 1]'");
}

TEST(RouteErrorText, ClientsOperations) {
  EXPECT_EQ(TextOf("PUB foo\r\n"), "processPub Parse Error: \"foo\"");
  EXPECT_EQ(TextOf("PUB foo x\r\n"), "processPub Bad or Missing Size: \"foo x\"");
  EXPECT_EQ(TextOf("HPUB foo 1 x\r\n"), "processHeaderPub Bad or Missing Total Size: \"foo 1 x\"");
}

TEST(RouteErrorText, TheParserItself) {
  EXPECT_EQ(TextOf("PING\r\nMSG foo 1 2\r\n"),
            "Router parser ERROR, state=0, i=6: proto='\"MSG foo 1 2\\r\"...'");
  EXPECT_EQ(TextOf("RS+\r\n"), "Router parser ERROR, state=45, i=3: proto='\"\\r\"...'");
  EXPECT_EQ(TextOf("RMSG $G foo 1\r\nabcd\r\n"),
            "Router parser ERROR, state=41, i=16: proto='\"bcd\\r\"...'");
  EXPECT_EQ(TextOf("RS+ " + std::string(41, 'x') + "\r\n"), "maximum control line exceeded");
}

}  // namespace
}  // namespace martlet::proto
