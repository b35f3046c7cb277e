#include "s2/block.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "streams.h"

namespace martlet::s2 {
namespace {

std::string Varint(size_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7) text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

// What `block` decodes to, or the error. In memory of exactly its size, as is the block, so that a
// sanitizer sees each access beyond it.
std::string Decode(std::string_view block) {
  const std::unique_ptr<char[]> in(new char[block.size()]);
  std::copy(block.begin(), block.end(), in.get());
  block = {in.get(), block.size()};
  const absl::StatusOr<size_t> bytes = DecodedBytes(block);
  if (!bytes.ok()) return std::string(bytes.status().message());
  const std::unique_ptr<char[]> out(new char[*bytes]);
  const absl::Status status = DecodeBlock(block, {out.get(), *bytes});
  return status.ok() ? std::string(out.get(), *bytes) : std::string(status.message());
}

std::string DecodeClaiming(size_t bytes, std::string_view elements) {
  return Decode(Varint(bytes) + std::string(elements));
}

// Elements, by hand.
std::string Literal(std::string_view text) {
  const size_t code = text.size() - 1;
  std::string head;
  if (code < 60) {
    head += static_cast<char>(code << 2);
  } else {
    const size_t bytes = code < 256 ? 1 : code < 65536 ? 2 : 3;
    head += static_cast<char>((59 + bytes) << 2);
    head += LittleEndian(code, bytes);
  }
  return head + std::string(text);
}
std::string Copy1(size_t offset, size_t bytes) {
  return LittleEndian((offset >> 8) << 5 | (bytes - 4) << 2 | 1, 1) + LittleEndian(offset, 1);
}
std::string Copy2(size_t offset, size_t bytes) {
  return LittleEndian((bytes - 1) << 2 | 2, 1) + LittleEndian(offset, 2);
}
std::string Copy4(size_t offset, size_t bytes) {
  return LittleEndian((bytes - 1) << 2 | 3, 1) + LittleEndian(offset, 4);
}
std::string Repeat(size_t code, std::string_view length = "") {
  return LittleEndian(code << 2 | 1, 1) + '\0' + std::string(length);
}

// What a copy makes, byte by byte.
std::string Repeated(std::string text, size_t offset, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) text += text[text.size() - offset];
  return text;
}

std::string Letters(size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>('a' + i * i % 23);
  return text;
}

constexpr std::string_view kCorrupt = "S2: a block is corrupt: ";

void ExpectCorrupt(const std::string& result, std::string_view why) {
  EXPECT_EQ(result, std::string(kCorrupt) + std::string(why));
}

TEST(DecodedBytes, ReadsTheClaim) {
  EXPECT_EQ(DecodedBytes("\x00"sv).value(), 0u);
  EXPECT_EQ(DecodedBytes("\x7F"sv).value(), 127u);
  EXPECT_EQ(DecodedBytes("\x80\x01"sv).value(), 128u);
  EXPECT_EQ(DecodedBytes(Varint(kBlockBytesMax)).value(), kBlockBytesMax);
}

TEST(DecodedBytes, RefusesWhatCannotBeRead) {
  for (const std::string_view block :
       {""sv, "\x80"sv, "\xFF\xFF\xFF\xFF"sv, "\x80\x80\x80\x80\x80\x01"sv}) {
    EXPECT_EQ(DecodedBytes(block).status().message(), "S2: a block's length cannot be read");
  }
}

TEST(DecodedBytes, RefusesMoreThanTheLimit) {
  EXPECT_EQ(DecodedBytes(Varint(kBlockBytesMax + 1)).status().message(),
            "S2: a block of 4194305 bytes is above the limit of 4194304");
  EXPECT_FALSE(DecodedBytes("\xFF\xFF\xFF\xFF\x7F"sv).ok());
}

TEST(DecodeBlock, DecodesNothing) { EXPECT_EQ(DecodeClaiming(0, ""), ""); }

TEST(DecodeBlock, DecodesLiteralsOfAllLengths) {
  for (const size_t bytes : {1, 15, 16, 17, 59, 60, 61, 255, 256, 257, 65535, 65536, 65537}) {
    const std::string text = Letters(bytes);
    EXPECT_EQ(DecodeClaiming(bytes, Literal(text)), text) << bytes;
  }
  const std::string text = Letters(70);
  EXPECT_EQ(DecodeClaiming(70, "\xFC" + LittleEndian(69, 4) + text), text);
}

TEST(DecodeBlock, DecodesCopiesOfAllOffsetsAndLengths) {
  const std::string text = Letters(80);
  for (size_t offset = 1; offset <= 80; ++offset) {
    for (size_t bytes = 1; bytes <= 64; ++bytes) {
      const std::string expected = Repeated(text, offset, bytes);
      const size_t size = expected.size();
      EXPECT_EQ(DecodeClaiming(size, Literal(text) + Copy2(offset, bytes)), expected);
      EXPECT_EQ(DecodeClaiming(size, Literal(text) + Copy4(offset, bytes)), expected);
      if (bytes < 4 || bytes > 11) continue;
      EXPECT_EQ(DecodeClaiming(size, Literal(text) + Copy1(offset, bytes)), expected);
    }
  }
}

TEST(DecodeBlock, GoesOnBehindACopy) {
  const std::string text = Letters(40);
  for (size_t offset = 1; offset <= 40; ++offset) {
    for (const size_t bytes : {1, 7, 20, 33, 64}) {
      const std::string tail = Letters(50);
      const std::string expected = Repeated(text, offset, bytes) + tail;
      EXPECT_EQ(
          DecodeClaiming(expected.size(), Literal(text) + Copy2(offset, bytes) + Literal(tail)),
          expected);
    }
  }
}

TEST(DecodeBlock, ReachesFarBack) {
  const std::string text = Letters(70000);
  const std::string expected = Repeated(Repeated(Repeated(text, 2047, 11), 65535, 64), 70000, 64);
  EXPECT_EQ(DecodeClaiming(expected.size(),
                           Literal(text) + Copy1(2047, 11) + Copy2(65535, 64) + Copy4(70000, 64)),
            expected);
}

TEST(DecodeBlock, RepeatsTheLastOffset) {
  const std::string text = Letters(30);
  const struct {
    std::string element;
    size_t bytes;
  } repeats[] = {{Repeat(0), 4},
                 {Repeat(4), 8},
                 {Repeat(5, "\x00"sv), 8},
                 {Repeat(5, "\xFF"sv), 263},
                 {Repeat(6, "\x00\x00"sv), 260},
                 {Repeat(6, "\x34\x12"sv), 0x1234 + 260},
                 {Repeat(7, "\x00\x00\x00"sv), 65540},
                 {Repeat(7, "\x56\x34\x12"sv), 0x123456 + 65540}};
  for (const auto& repeat : repeats) {
    for (const std::string& copy : {Copy1(7, 5), Copy2(7, 5), Copy4(7, 5)}) {
      // Behind another literal, too: that changes no offset.
      const std::string first = Repeated(text, 7, 5) + "xyz";
      const std::string expected = Repeated(first, 7, repeat.bytes);
      EXPECT_EQ(
          DecodeClaiming(expected.size(), Literal(text) + copy + Literal("xyz") + repeat.element),
          expected);
    }
  }
}

TEST(DecodeBlock, RepeatsTheLargestLengthOnlyToFail) {
  ExpectCorrupt(
      DecodeClaiming(kBlockBytesMax, Literal("abcd") + Copy1(4, 4) + Repeat(7, "\xFF\xFF\xFF"sv)),
      "it holds more than it claims");
}

TEST(DecodeBlock, FillsTheLargestBlock) {
  std::string elements = Literal("a") + Copy1(1, 4);
  elements += Repeat(7, LittleEndian(kBlockBytesMax - 5 - 65540, 3));
  EXPECT_EQ(DecodeClaiming(kBlockBytesMax, elements), std::string(kBlockBytesMax, 'a'));
}

TEST(DecodeBlock, RefusesARepeatBeforeAnyCopy) {
  ExpectCorrupt(DecodeClaiming(8, Literal("abcd") + Repeat(0)), "a copy has no offset");
  ExpectCorrupt(DecodeClaiming(4, Repeat(0)), "a copy has no offset");
}

TEST(DecodeBlock, RefusesOffsetsOfZero) {
  ExpectCorrupt(DecodeClaiming(8, Literal("abcd") + Copy2(0, 4)), "a copy has no offset");
  ExpectCorrupt(DecodeClaiming(8, Literal("abcd") + Copy4(0, 4)), "a copy has no offset");
}

TEST(DecodeBlock, RefusesCopiesFromBeforeTheStart) {
  for (const std::string& copy :
       {Copy1(5, 4), Copy2(5, 4), Copy4(5, 4), Copy4(0xFFFFFFFF, 4), Copy2(65535, 4)}) {
    ExpectCorrupt(DecodeClaiming(8, Literal("abcd") + copy), "a copy is from before the start");
  }
}

TEST(DecodeBlock, RefusesMoreThanItClaims) {
  const std::string text = Letters(40);
  ExpectCorrupt(DecodeClaiming(39, Literal(text)), "it holds more than it claims");
  ExpectCorrupt(DecodeClaiming(3, Literal("abcd")), "it holds more than it claims");
  ExpectCorrupt(DecodeClaiming(0, Literal("a")), "it holds more than it claims");
  for (const size_t offset : {1, 3, 20, 40}) {
    ExpectCorrupt(DecodeClaiming(40 + 63, Literal(text) + Copy2(offset, 64)),
                  "it holds more than it claims");
  }
}

TEST(DecodeBlock, RefusesLessThanItClaims) {
  ExpectCorrupt(DecodeClaiming(5, Literal("abcd")), "it holds less than it claims");
  ExpectCorrupt(DecodeClaiming(kBlockBytesMax, ""), "it holds less than it claims");
}

TEST(DecodeBlock, RefusesEveryPrefix) {
  const std::string text = Letters(300);
  const std::string decoded = Repeated(Repeated(Repeated(text, 9, 300), 20, 64), 300, 64);
  const std::string block = Varint(decoded.size()) + Literal(text) + Copy1(9, 4) +
                            Repeat(6, LittleEndian(296 - 260, 2)) + Copy2(20, 64) + Copy4(300, 64);
  ASSERT_EQ(Decode(block), decoded);
  for (size_t bytes = 0; bytes < block.size(); ++bytes) {
    EXPECT_TRUE(Decode(block.substr(0, bytes)).starts_with("S2: ")) << bytes;
  }
}

TEST(DecodeBlock, RefusesElementsThatAreCutOff) {
  for (const std::string_view element :
       {"\xF0"sv, "\xF4\x01"sv, "\xF8\x01\x01"sv, "\xFC\x01\x01\x01"sv, "\x01"sv, "\x02\x01"sv,
        "\x03\x01\x00\x00"sv, "\x15\x00"sv, "\x19\x00\x00"sv, "\x1D\x00\x00\x00"sv}) {
    ExpectCorrupt(DecodeClaiming(1000, element), "an element is cut off");
  }
  ExpectCorrupt(DecodeClaiming(1000,
                               "\x0C"
                               "abc"),
                "a literal is cut off");
  ExpectCorrupt(DecodeClaiming(1000,
                               "\xFC\xFF\xFF\xFF\xFF"
                               "abc"),
                "a literal is cut off");
}

}  // namespace
}  // namespace martlet::s2
