#include "json/writer.h"

#include <cstdint>
#include <limits>
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

TEST(Writer, IndentsLikeGo) {
  std::string out;
  Writer json(out, Writer::Layout::kIndented);
  json.BeginObject();
  json.Member("number", 1);
  json.Key("empty");
  json.BeginObject();
  json.EndObject();
  json.Key("list");
  json.BeginArray();
  json.Value(2);
  json.BeginObject();
  json.Member("text", "a");
  json.EndObject();
  json.EndArray();
  json.Key("none");
  json.BeginArray();
  json.EndArray();
  json.EndObject();
  EXPECT_EQ(out, R"({
  "number": 1,
  "empty": {},
  "list": [
    2,
    {
      "text": "a"
    }
  ],
  "none": []
})");
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

std::string NumberText(double number) {
  std::string out;
  AppendNumber(number, out);
  return out;
}

// As Go's encoding/json prints a float64.
TEST(AppendNumber, WritesTheFewestDigitsThatReadBack) {
  struct Case {
    double number;
    std::string_view text;
  };
  constexpr Case kCases[] = {
      {0.0, "0"},
      {-0.0, "-0"},
      {1.0, "1"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {1.0 / 3, "0.3333333333333333"},
      {100.0, "100"},
      {1234567.891, "1234567.891"},
      {1e-6, "0.000001"},
      {1.5e-6, "0.0000015"},
      {9.5e-7, "9.5e-7"},
      {1.25e-15, "1.25e-15"},
      {5e-324, "5e-324"},
      {1e20, "100000000000000000000"},
      {123456789012345678901.0, "123456789012345680000"},
      {1e21, "1e+21"},
      {1.7976931348623157e308, "1.7976931348623157e+308"},
  };
  for (const Case& c : kCases) EXPECT_EQ(NumberText(c.number), c.text);
}

TEST(AppendNumber, WhatIsNoNumberIsNull) {
  EXPECT_EQ(NumberText(std::numeric_limits<double>::quiet_NaN()), "null");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::infinity()), "null");
}

TEST(Writer, PutsDoublesAmongOtherValues) {
  std::string out;
  Writer json(out);
  json.BeginArray();
  json.Value(0.5);
  json.Value(2);
  json.Value(-3.25);
  json.EndArray();
  EXPECT_EQ(out, "[0.5,2,-3.25]");
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
