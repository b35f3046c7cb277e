#include "cli/dump.h"

#include <gtest/gtest.h>

namespace martlet::cli {
namespace {

TEST(MessageJson, ReadsLikeGos) {
  EXPECT_EQ(MessageJson({.subject = "a.b", .reply = "", .headers = {}, .payload = "hello"}),
            R"({"Subject":"a.b","Reply":"","Header":null,"Data":"aGVsbG8=","Sub":null})");
  EXPECT_EQ(MessageJson({.subject = "s",
                         .reply = "r",
                         .headers = {{"K", "2"}, {"A", "x"}, {"K", "1"}},
                         .payload = "hi"}),
            R"({"Subject":"s","Reply":"r","Header":{"A":["x"],"K":["2","1"]},"Data":"aGk=",)"
            R"("Sub":null})");
  EXPECT_NE(MessageJson({.subject = "s", .reply = "", .headers = {}, .payload = "abc\xff"})
                .find("\"YWJj/w==\""),
            std::string::npos);
}

}  // namespace
}  // namespace martlet::cli
