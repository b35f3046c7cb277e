#include "auth/bcrypt.h"

#include <string>

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

// Made by crypt(3) of "rpass".
constexpr const char* kHash = "$2a$04$abcdefghijklmnopqrstuuxE/CUt5xzpo0YVn9mhMK.tzO21e/Oqq";

TEST(Bcrypt, IsToldByItsBeginning) {
  EXPECT_TRUE(IsBcrypt(kHash));
  for (const char* text : {"$2b$11$", "$2x$11$x", "$2y$11$x"}) EXPECT_TRUE(IsBcrypt(text)) << text;
  for (const char* text : {"", "$2a$", "$2a$11", "$2c$11$x", "$1a$11$x", "$2a$1x$x", "2a$11$xxx"}) {
    EXPECT_FALSE(IsBcrypt(text)) << text;
  }
}

TEST(Bcrypt, MatchesThePasswordItWasMadeOf) {
  EXPECT_TRUE(MatchesBcrypt("rpass", kHash));
  EXPECT_FALSE(MatchesBcrypt("rpas", kHash));
  EXPECT_FALSE(MatchesBcrypt("", kHash));
  EXPECT_FALSE(MatchesBcrypt(kHash, kHash));
  EXPECT_FALSE(MatchesBcrypt(std::string("rpass\0x", 7), kHash));
}

// The libraries of other languages write other letters for the same thing.
TEST(Bcrypt, TakesEveryMinorVersion) {
  std::string hash = kHash;
  for (const char letter : {'b', 'x', 'y'}) {
    hash[2] = letter;
    EXPECT_TRUE(MatchesBcrypt("rpass", hash)) << letter;
  }
}

TEST(Bcrypt, WhatIsNoWholeHashMatchesNothing) {
  const std::string hash = kHash;
  EXPECT_FALSE(MatchesBcrypt("rpass", hash.substr(0, 59)));
  EXPECT_FALSE(MatchesBcrypt("rpass", hash + "q"));
  EXPECT_FALSE(MatchesBcrypt("rpass", "$2a$99$" + hash.substr(7)));
  EXPECT_FALSE(MatchesBcrypt("rpass", "$2a$04$" + std::string(53, '!')));
  EXPECT_FALSE(MatchesBcrypt("rpass", ""));
}

}  // namespace
}  // namespace martlet::auth
