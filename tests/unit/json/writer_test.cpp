#include "json/writer.h"

#include <cstdint>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::json {
namespace {

using namespace std::string_view_literals;

TEST(Writer, PutsCommasAndColons) {
  std::string out = "before ";
  Writer json(out);
  json.BeginObject();
  json.Member("text", "a");
  json.Member("number", -5);
  json.Member("large", UINT64_MAX);
  json.Member("yes", true);
  json.Key("list");
  json.BeginArray();
  json.Value(1);
  json.BeginArray();
  json.EndArray();
  json.BeginObject();
  json.Key("null");
  json.Null();
  json.EndObject();
  json.EndArray();
  json.Member("last", std::string("z"));
  json.EndObject();
  EXPECT_EQ(out, R"(before {"text":"a","number":-5,"large":18446744073709551615,"yes":true,)"
                 R"("list":[1,[],{"null":null}],"last":"z"})");
}

TEST(Writer, OptionalMembersVanishWhenEmpty) {
  std::string out;
  Writer json(out);
  json.BeginObject();
  json.OptionalMember("a", std::string());
  json.OptionalMember("b", 0);
  json.OptionalMember("c", false);
  json.OptionalMember("d", 1);
  json.EndObject();
  EXPECT_EQ(out, R"({"d":1})");
}

// Expected texts are what Go 1.26 printed for the same input.
TEST(AppendQuoted, EscapesLikeGo) {
  struct Case {
    std::string_view text;
    std::string_view quoted;
  };
  constexpr Case kCases[] = {
      {"", R"("")"},
      {"a<b>&\u2028\u2029", R"("a\u003cb\u003e\u0026\u2028\u2029")"},
      {"\xff\xfe", R"("\ufffd\ufffd")"},
      {"\x00\x1f\x7f\b\f\n\r\t\"\\/"sv, "\"\\u0000\\u001f\x7f\\b\\f\\n\\r\\t\\\"\\\\/\""},
      {"\U0001F600é", "\"\U0001F600é\""},
      {"\xe2\x82", R"("\ufffd\ufffd")"},
      {"\xed\xa0\x80\ufffd", "\"\\ufffd\\ufffd\\ufffd\ufffd\""},
  };
  for (const Case& c : kCases) {
    std::string out;
    AppendQuoted(c.text, out);
    EXPECT_EQ(out, c.quoted);
  }
}

}  // namespace
}  // namespace martlet::json
