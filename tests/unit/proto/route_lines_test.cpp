#include "proto/route_lines.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

TEST(RouteLines, NameTheAccountUnlessTheRouteIsItsOwn) {
  std::string out = "x";
  AppendRoutedSub("$G", "foo.*", out);
  AppendRoutedSub("", "foo.*", out);
  EXPECT_EQ(out, "xRS+ $G foo.*\r\nRS+ foo.*\r\n");
}

TEST(RouteLines, QueueInterestHasItsWeight) {
  std::string out;
  AppendRoutedSub("$G", "foo", "q", 1, out);
  AppendRoutedSub("", "foo", "q", UINT32_MAX, out);
  EXPECT_EQ(out, "RS+ $G foo q 1\r\nRS+ foo q 4294967295\r\n");
}

TEST(RouteLines, UnsubHasNone) {
  std::string out;
  AppendRoutedUnsub("$G", "foo", "", out);
  AppendRoutedUnsub("$G", "foo", "q", out);
  AppendRoutedUnsub("", "foo", "q", out);
  EXPECT_EQ(out, "RS- $G foo\r\nRS- $G foo q\r\nRS- foo q\r\n");
}

}  // namespace
}  // namespace martlet::proto
