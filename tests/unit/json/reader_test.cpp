#include "json/reader.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::json {
namespace {

using namespace std::string_view_literals;

// "name=kind:text" for each member, or the error.
std::string Read(std::string_view text) {
  std::string members;
  const absl::StatusOr<Kind> root =
      ReadObject(text, [&](std::string_view name, const Value& value) {
        members += std::string(name) + "=" + std::string(KindName(value.kind)) + ":";
        members += value.kind == Kind::kBool ? (value.boolean ? "true" : "false") : value.text;
        members += ' ';
      });
  if (!root.ok()) return std::string(root.status().message());
  return std::string(KindName(*root)) + " " + members;
}

TEST(ReadObject, ReportsEachMemberWithItsKind) {
  EXPECT_EQ(Read(R"( {"a":null, "b":true,"c":-1.5e3,"d":"x\ny","e":[1, {"f":2}],"g":{"h":"}"}} )"),
            "object a=null: b=bool:true c=number:-1.5e3 d=string:x\ny "
            R"(e=array:[1, {"f":2}] g=object:{"h":"}"} )");
}

TEST(ReadObject, ReportsDuplicatesInOrder) {
  EXPECT_EQ(Read(R"({"a":1,"a":2})"), "object a=number:1 a=number:2 ");
}

TEST(ReadObject, TellsOtherRootsAndVisitsNothing) {
  EXPECT_EQ(Read("null"), "null ");
  EXPECT_EQ(Read(R"([{"a":1}])"), "array ");
  EXPECT_EQ(Read(R"("x")"), "string ");
  EXPECT_EQ(Read("5"), "number ");
  EXPECT_EQ(Read(" true\r\n"), "bool ");
}

// What Go 1.26 made of the same texts.
TEST(ReadObject, RepairsTextAsGoDoes) {
  EXPECT_EQ(Read(R"({"n":"\ud800x"})"), "object n=string:\ufffdx ");
  EXPECT_EQ(Read(R"({"n":"\udc00\ud800\udc00\ud83d\ude00"})"),
            "object n=string:\ufffd\U00010000\U0001f600 ");
  EXPECT_EQ(Read(R"({"n":"\ud800\u0041"})"), "object n=string:\ufffdA ");
  EXPECT_EQ(Read(R"({"n":"\ud800\ud800\udc00"})"), "object n=string:\ufffd\U00010000 ");
  EXPECT_EQ(Read(R"({"n":"\\ud800"})"), "object n=string:\\ud800 ");
  EXPECT_EQ(Read("{\"n\":\"a\xff"
                 "b\xe2\x82\"}"),
            "object n=string:a\ufffdb\ufffd\ufffd ");
  EXPECT_EQ(Read(R"({"n":"\u00e9\/\b"})"), "object n=string:é/\b ");
}

TEST(ReadObject, ErrorsReadLikeGos) {
  struct Case {
    std::string_view text;
    std::string_view error;
  };
  constexpr Case kCases[] = {
      {"", "unexpected end of JSON input"},
      {"{", "unexpected end of JSON input"},
      {"[[[[", "unexpected end of JSON input"},
      {R"({"name":"x)", "unexpected end of JSON input"},
      {R"({"name":"\u12)", "unexpected end of JSON input"},
      {R"({"name":"\)", "unexpected end of JSON input"},
      {"{} x", "invalid character 'x' after top-level value"},
      {"{}{}", "invalid character '{' after top-level value"},
      {"{}\0"sv, R"(invalid character '\x00' after top-level value)"},
      {"x", "invalid character 'x' looking for beginning of value"},
      {",", "invalid character ',' looking for beginning of value"},
      {"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value"},
      {"{,}", "invalid character ',' looking for beginning of object key string"},
      {"{1:2}", "invalid character '1' looking for beginning of object key string"},
      {"{'name':1}", R"(invalid character '\'' looking for beginning of object key string)"},
      {R"({"n":"x",})", "invalid character '}' looking for beginning of object key string"},
      {R"({"n" "x"})", R"(invalid character '"' after object key)"},
      {R"({"n":"x" "y":1})", R"(invalid character '"' after object key:value pair)"},
      {R"({"x":01})", "invalid character '1' after object key:value pair"},
      {R"({"n":[1 2]})", "invalid character '2' after array element"},
      {R"({"n":[1,]})", "invalid character ']' looking for beginning of value"},
      {R"({"a":})", "invalid character '}' looking for beginning of value"},
      {"{\"x\":\v1}", R"(invalid character '\v' looking for beginning of value)"},
      {"{\"é\":é}", "invalid character 'Ã' looking for beginning of value"},
      {"{\"n\":\"a\x01\"}", R"(invalid character '\x01' in string literal)"},
      {"{\"n\":\"a\nb\"}", R"(invalid character '\n' in string literal)"},
      {"{\"n\":\"a\0\"}"sv, R"(invalid character '\x00' in string literal)"},
      {R"({"n":"\q"})", "invalid character 'q' in string escape code"},
      {R"({"n":"\u12g4"})", R"(invalid character 'g' in \u hexadecimal character escape)"},
      {R"({"x":tru})", "invalid character '}' in literal true (expecting 'e')"},
      {R"({"x":nul)", "invalid character ' ' in literal null (expecting 'l')"},
      {R"({"x":1.})", "invalid character '}' after decimal point in numeric literal"},
      {R"({"x":1.)", "invalid character ' ' after decimal point in numeric literal"},
      {R"({"x":-})", "invalid character '}' in numeric literal"},
      {R"({"x":1e})", "invalid character '}' in exponent of numeric literal"},
  };
  for (const Case& c : kCases) EXPECT_EQ(Read(c.text), c.error) << c.text;
}

TEST(ReadObject, NestsAsDeepAsGo) {
  const auto nested = [](size_t arrays) {
    return R"({"x":)" + std::string(arrays, '[') + std::string(arrays, ']') + "}";
  };
  EXPECT_TRUE(ReadObject(nested(kDepthMax - 1), [](auto, auto&) {}).ok());
  EXPECT_EQ(Read(nested(kDepthMax)), "invalid character '[' exceeded max depth");
}

TEST(Value, AsIntTakesOnlyIntegers) {
  const auto as_int = [](std::string_view text) {
    return Value{.kind = Kind::kNumber, .text = text}.AsInt();
  };
  EXPECT_EQ(as_int("0"), 0);
  EXPECT_EQ(as_int("-0"), 0);
  EXPECT_EQ(as_int("9223372036854775807"), INT64_MAX);
  for (const char* text : {"1.0", "1e0", "9223372036854775808", ""}) {
    EXPECT_FALSE(as_int(text)) << text;
  }
  EXPECT_FALSE((Value{.kind = Kind::kString, .text = "1"}.AsInt()));
}

TEST(NameMatches, FoldsCaseAsGoDoes) {
  EXPECT_TRUE(NameMatches("verbose", "verbose"));
  EXPECT_TRUE(NameMatches("VerBOSE", "verbose"));
  EXPECT_TRUE(NameMatches("u\u017Fer", "user"));
  EXPECT_TRUE(NameMatches("n\u212AEY", "nkey"));
  for (const char* other : {"", "verbos", "verbosee", "ver-bose", "vérbose"}) {
    EXPECT_FALSE(NameMatches(other, "verbose")) << other;
  }
  EXPECT_FALSE(NameMatches("tlsrequired", "tls_required"));
}

}  // namespace
}  // namespace martlet::json
