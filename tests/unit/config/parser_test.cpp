#include "config/parser.h"

#include <string>

#include <gtest/gtest.h>

#include "fake_environment.h"

namespace martlet::config {
namespace {

std::string ErrorOf(FakeEnvironment& environment, const ParseLimits& limits = {}) {
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment, limits);
  return map.ok() ? "" : std::string(map.status().message());
}
std::string ErrorOf(const std::string& text) {
  FakeEnvironment environment(text);
  return ErrorOf(environment);
}

TEST(ConfigParser, BuildsATreeThatKnowsWhereItStands) {
  FakeEnvironment environment("a: 1\nb {\n  c: [ x, 2.5 ]\n}\n");
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(*map->Find("a")->As<int64_t>(), 1);
  const Value* c = map->Find("b")->map()->Find("c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->where.text(), "main.conf:3:3");
  EXPECT_EQ(*c->array()->at(0).As<std::string>(), "x");
  EXPECT_EQ(*c->array()->at(1).As<double>(), 2.5);
}

TEST(ConfigParser, TheLastOfEqualKeysCounts) {
  FakeEnvironment environment("a: 1\nb: 2\na: 3\n");
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->size(), 2u);
  EXPECT_EQ(*map->Find("a")->As<int64_t>(), 3);
  EXPECT_EQ(map->Find("a")->where.line, 3);
}

TEST(ConfigParser, ManyKeysAreFoundAsFewAre) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "k" + std::to_string(i) + ": " + std::to_string(i) + "\n";
  FakeEnvironment environment(text + "k7: 70\n");
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(map->size(), 1000u);
  EXPECT_EQ(*map->Find("k7")->As<int64_t>(), 70);
  EXPECT_EQ(*map->Find("k999")->As<int64_t>(), 999);
  EXPECT_EQ(map->Find("k1000"), nullptr);
}

TEST(ConfigParser, UnitsMultiply) {
  FakeEnvironment environment("a: 1k\nb: 1kb\nc: 2MiB\nd: 1e\n");
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ(*map->Find("a")->As<int64_t>(), 1000);
  EXPECT_EQ(*map->Find("b")->As<int64_t>(), 1024);
  EXPECT_EQ(*map->Find("c")->As<int64_t>(), 2 << 20);
  EXPECT_EQ(*map->Find("d")->As<int64_t>(), 1'000'000'000'000'000'000);
  EXPECT_EQ(ErrorOf("a: 99eb\n"), "integer '99eb' is out of the range");
  EXPECT_EQ(ErrorOf("a: 1kbib\n"), "integer '1kbib' on line 1 has an unknown unit");
}

TEST(ConfigParser, VariablesAreLookedUpOutward) {
  FakeEnvironment environment("A: 1\nm { B: 2, x: $A, y: $B, z: $C }\n");
  environment.variables["C"] = "3";
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok()) << map.status();
  const Map& inner = *map->Find("m")->map();
  EXPECT_EQ(*inner.Find("x")->As<int64_t>(), 1);
  EXPECT_EQ(*inner.Find("y")->As<int64_t>(), 2);
  EXPECT_EQ(*inner.Find("z")->As<int64_t>(), 3);
  EXPECT_TRUE(map->Find("A")->used_as_variable);
  EXPECT_TRUE(inner.Find("B")->used_as_variable);
  EXPECT_FALSE(inner.Find("x")->used_as_variable);
  EXPECT_EQ(ErrorOf("a: $NOPE\n"), "variable reference for 'NOPE' on line 1 can not be found");
}

TEST(ConfigParser, ReferencesOfTheEnvironmentToItselfEnd) {
  FakeEnvironment environment("a: $A\n");
  environment.variables["A"] = "$A";
  EXPECT_NE(ErrorOf(environment).find("variable reference cycle for 'A'"), std::string::npos);
}

TEST(ConfigParser, ReferencesThatGrowWithoutBoundEnd) {
  std::string text = "x0: [ 1, 1 ]\n";
  for (int i = 1; i < 64; ++i) {
    const std::string before = "$x" + std::to_string(i - 1);
    text += "x" + std::to_string(i) + ": [ " + before + ", " + before + " ]\n";
  }
  EXPECT_EQ(ErrorOf(text), "configuration has more than 1000000 values");
}

TEST(ConfigParser, IncludesAreRelativeToTheIncludingFile) {
  FakeEnvironment environment("include sub/a.conf\n");
  environment.files["sub/a.conf"] = "include b.conf\n";
  environment.files["sub/b.conf"] = "port: 5\n";
  const absl::StatusOr<Map> map = ParseFile("main.conf", environment);
  ASSERT_TRUE(map.ok()) << map.status();
  EXPECT_EQ(map->Find("port")->where.text(), "sub/b.conf:1:0");
}

TEST(ConfigParser, IncludesOfThemselvesEnd) {
  FakeEnvironment direct("include main.conf\n");
  EXPECT_EQ(ErrorOf(direct), "error parsing include file 'main.conf', the file includes itself");
  FakeEnvironment indirect("include a.conf\n");
  indirect.files["a.conf"] = "include main.conf\n";
  EXPECT_NE(ErrorOf(indirect).find("the file includes itself"), std::string::npos);
  FakeEnvironment chain;
  for (int i = 0; i < 100; ++i) {
    chain.files["f" + std::to_string(i) + ".conf"] =
        "include f" + std::to_string(i + 1) + ".conf\n";
  }
  chain.files["main.conf"] = "include './f0.conf'\n";
  EXPECT_NE(ErrorOf(chain).find("includes are nested too deeply"), std::string::npos);
}

TEST(ConfigParser, LargeFilesAreRefused) {
  FakeEnvironment environment("a: \"" + std::string(5000, 'x') + "\"\n");
  const ParseLimits limits{.bytes_max = 4096, .values_max = 10, .include_depth_max = 1};
  EXPECT_EQ(ErrorOf(environment, limits), "configuration is larger than 0 MiB");
  FakeEnvironment many("a: [ 1 , 2 , 3 , 4 , 5 , 6 , 7 , 8 , 9 , 10 , 11 ]\n");
  EXPECT_EQ(ErrorOf(many, limits), "configuration has more than 10 values");
}

TEST(ConfigParser, NulsAreNoEndOfTheFile) {
  EXPECT_EQ(ErrorOf(std::string("a: 1\n\0b: 2\n", 11)), "Parse error on line 2: 'Unexpected EOF.'");
}

TEST(ConfigDigest, IsThatOfTheValues) {
  FakeEnvironment one("a: 1\nb { c: x }\n");
  FakeEnvironment other("# same\nb: { \"c\" = 'x' };\na 1\n");
  const absl::StatusOr<Map> first = ParseFile("main.conf", one);
  const absl::StatusOr<Map> second = ParseFile("main.conf", other);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(Digest(*first), Digest(*second));
  // echo '{}' | sha256sum
  EXPECT_EQ(Digest(Map()),
            "sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356");
}

}  // namespace
}  // namespace martlet::config
