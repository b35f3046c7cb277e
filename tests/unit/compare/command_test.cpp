#include "compare/command.h"

#include <gtest/gtest.h>

namespace martlet::compare {
namespace {

using Words = std::vector<std::string>;

Words WordsOf(std::string_view line) {
  const absl::StatusOr<Command> command = ParseCommand(line);
  return command.ok() ? command->words : Words{"error: " + std::string(command.status().message())};
}

TEST(ParseCommand, SplitsAtBlanks) {
  EXPECT_EQ(WordsOf("nats-server"), Words({"nats-server"}));
  EXPECT_EQ(WordsOf("  a \t b\nc  "), Words({"a", "b", "c"}));
}

TEST(ParseCommand, QuotesLikeTheShell) {
  EXPECT_EQ(WordsOf(R"(a 'b c' "d e")"), Words({"a", "b c", "d e"}));
  EXPECT_EQ(WordsOf(R"(a 'b\"$c' "d\"\\\$\x")"), Words({"a", R"(b\"$c)", R"(d"\$\x)"}));
  EXPECT_EQ(WordsOf(R"(a b\ c\' "")"), Words({"a", "b c'", ""}));
  EXPECT_EQ(WordsOf("a one'two'\"three\"four"), Words({"a", "onetwothreefour"}));
  EXPECT_EQ(WordsOf("a b\\\nc \"d\\\ne\""), Words({"a", "bc", "de"}));
}

TEST(ParseCommand, ExpandsNothing) {
  EXPECT_EQ(WordsOf("a $HOME ~ * | ; > &"), Words({"a", "$HOME", "~", "*", "|", ";", ">", "&"}));
}

TEST(ParseCommand, TakesLeadingAssignmentsAsEnvironment) {
  const absl::StatusOr<Command> command = ParseCommand("GOGC=200 X='a b' server -x Y=1");
  ASSERT_TRUE(command.ok());
  ASSERT_EQ(command->environment.size(), 2u);
  EXPECT_EQ(command->environment[0], std::make_pair(std::string("GOGC"), std::string("200")));
  EXPECT_EQ(command->environment[1], std::make_pair(std::string("X"), std::string("a b")));
  EXPECT_EQ(command->words, Words({"server", "-x", "Y=1"}));
  EXPECT_EQ(WordsOf("./a=b c"), Words({"./a=b", "c"}));
}

TEST(ParseCommand, SaysWhatIsWrong) {
  EXPECT_EQ(WordsOf("a 'b"), Words({"error: command \"a 'b\" has an open ' quote"}));
  EXPECT_EQ(WordsOf("a \"b"), Words({"error: command \"a \"b\" has an open \" quote"}));
  EXPECT_EQ(WordsOf("a \\"), Words({"error: command \"a \\\" ends in a backslash"}));
  EXPECT_EQ(WordsOf(" "), Words({"error: command \" \" names no program"}));
  EXPECT_EQ(WordsOf("A=1"), Words({"error: command \"A=1\" names no program"}));
}

TEST(WithPort, ReplacesEveryMark) {
  const Command command = WithPort(
      {.environment = {{"P", "{port}"}}, .words = {"a", "--listen=127.0.0.1:{port},{port}", "-p"}},
      4711, true);
  EXPECT_EQ(command.words, Words({"a", "--listen=127.0.0.1:4711,4711", "-p"}));
  EXPECT_EQ(command.environment[0].second, "4711");
}

TEST(WithPort, AppendsTheReferencesFlagsUnlessToldOtherwise) {
  EXPECT_EQ(WithPort({.environment = {}, .words = {"a", "-V"}}, 4711, true).words,
            Words({"a", "-V", "-a", "127.0.0.1", "-p", "4711"}));
  EXPECT_EQ(WithPort({.environment = {}, .words = {"a"}}, 4711, false).words, Words({"a"}));
}

TEST(QuoteWord, IsReadBackAsTheSame) {
  for (const std::string word : {"plain", "a b", "it's", "", "$x*", "{port}", "\"", "\\"}) {
    EXPECT_EQ(WordsOf("x " + QuoteWord(word)), Words({"x", word})) << QuoteWord(word);
  }
  EXPECT_EQ(QuoteWord("--a=b/c:1"), "--a=b/c:1");
}

}  // namespace
}  // namespace martlet::compare
