#include "config/lexer.h"

#include <string>

#include <gtest/gtest.h>

namespace martlet::config {
namespace {

const char* NameOf(ItemType type) {
  static constexpr const char* kNames[] = {"error", "end",   "key",  "string", "bool",
                                           "int",   "float", "date", "[",      "]",
                                           "{",     "}",     "$",    "include"};
  return kNames[static_cast<size_t>(type)];
}

// "key:a int:1", up to the end or an error.
std::string Items(std::string_view text) {
  Lexer lexer(text);
  std::string out;
  for (;;) {
    const Item item = lexer.Next();
    if (item.type == ItemType::kEnd) return out;
    if (!out.empty()) out += ' ';
    out += NameOf(item.type);
    if (!item.text.empty()) out += ":" + item.text;
    if (item.type == ItemType::kError) return out;
  }
}

TEST(Lexer, KeysMayBeFollowedByAnySeparator) {
  for (const char* text : {"a=1", "a:1", "a 1", "a\t1", "a = 1\n", "\"a\": 1", "'a' 1", "a\n: 1"}) {
    EXPECT_EQ(Items(text), "key:a int:1") << text;
  }
}

TEST(Lexer, WordsAreStringsUnlessTheySayOtherwise) {
  EXPECT_EQ(Items("a: true"), "key:a bool:true");
  EXPECT_EQ(Items("a: Off"), "key:a bool:Off");
  EXPECT_EQ(Items("a: \"true\""), "key:a string:true");
  EXPECT_EQ(Items("a: $B"), "key:a $:B");
  EXPECT_EQ(Items("a: -5"), "key:a int:-5");
  EXPECT_EQ(Items("a: 5kb"), "key:a int:5kb");
  EXPECT_EQ(Items("a: 5kbx"), "key:a string:5kbx");
  EXPECT_EQ(Items("a: 5s"), "key:a string:5s");
  EXPECT_EQ(Items("a: 1.5"), "key:a float:1.5");
  EXPECT_EQ(Items("a: 1.2.3.4:5"), "key:a string:1.2.3.4:5");
  EXPECT_EQ(Items("a: 2020-01-02T03:04:05Z"), "key:a date:2020-01-02T03:04:05Z");
}

TEST(Lexer, EscapesAreResolved) {
  EXPECT_EQ(Items(R"(a: "x\ty\x41\\")"), "key:a string:x\tyA\\");
  EXPECT_EQ(Items(R"(a: x\x41)"), "key:a string:xA");
  EXPECT_EQ(Items(R"(a: 'x\t')"), R"(key:a string:x\t)");
}

TEST(Lexer, ErrorsTellWhatWasExpected) {
  EXPECT_EQ(Items("a: .5"), "key:a error:Floats must start with a digit");
  EXPECT_EQ(Items("a {"), "key:a { error:Unexpected EOF processing map.");
  EXPECT_EQ(Items("a: 1 b"),
            "key:a int:1 error:Expected a top-level value to end with a new line, "
            "comment or EOF, but got 'b' instead.");
}

TEST(Lexer, PositionsCountFromTheNewlineBefore) {
  Lexer lexer("a: 1\n  bc: 2\n");
  const Item first = lexer.Next();
  EXPECT_EQ(first.line, 1);
  EXPECT_EQ(first.pos, 0);
  lexer.Next();
  const Item second = lexer.Next();
  EXPECT_EQ(second.text, "bc");
  EXPECT_EQ(second.line, 2);
  EXPECT_EQ(second.pos, 3);
}

TEST(Lexer, DepthHasABound) {
  std::string text = "a: ";
  text.append(2 * Lexer::kDepthMax, '[');
  EXPECT_NE(Items(text).find("error:Nested too deeply."), std::string::npos);
}

// Whatever the text: an end, in as many items as there are bytes.
TEST(Lexer, EndsOnEveryPrefixOfAnything) {
  const std::string text =
      "# c\n{ a: [1, 'b', \"c\\x41\", (\nx\n)\n], \"k\" { include f.conf\n d: $E } }\n// z\n2: "
      "-1.5\n";
  for (size_t bytes = 0; bytes <= text.size(); ++bytes) {
    Lexer lexer(std::string_view(text).substr(0, bytes));
    size_t items = 0;
    for (;;) {
      const Item item = lexer.Next();
      if (item.type == ItemType::kEnd || item.type == ItemType::kError) break;
      ASSERT_LE(++items, bytes) << bytes;
    }
  }
}

}  // namespace
}  // namespace martlet::config
