#include "s2/reader.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "s2/framing.h"
#include "sample_data.h"
#include "streams.h"

namespace martlet::s2 {
namespace {

// "abcdabcdabcd": a literal, a copy and a repeat.
constexpr std::string_view kBlock =
    "\x0C\x0C"
    "abcd\x01\x04\x01\x00"sv;
constexpr std::string_view kDecoded = "abcdabcdabcd";

std::string Stream(std::string_view chunks) {
  return std::string(kS2Identifier) + std::string(chunks);
}

std::string ErrorOf(std::string_view stream) {
  const Outcome outcome = ReadAll(stream);
  // The same however it is cut.
  EXPECT_EQ(ReadAll(stream, 1, 1).error, outcome.error);
  return outcome.error;
}

std::string ErrorOfChunk(std::string_view chunk) { return ErrorOf(Stream(chunk)); }

TEST(Reader, DecodesChunksOfBothKinds) {
  const std::string stream =
      Stream(Uncompressed("hello ") + Compressed(kBlock, kDecoded) + Uncompressed("!"));
  EXPECT_EQ(ReadAll(stream), (Outcome{"hello abcdabcdabcd!", "", true}));
}

TEST(Reader, HandsOutAWholeBlockAtATime) {
  Reader reader;
  std::vector<std::string> blocks;
  const std::string stream = Stream(Uncompressed("hello") + Compressed(kBlock, kDecoded));
  for (const char c : stream) {
    ASSERT_TRUE(
        reader.Read({&c, 1}, [&](std::string_view decoded) { blocks.emplace_back(decoded); }).ok());
  }
  EXPECT_EQ(blocks, (std::vector<std::string>{"hello", std::string(kDecoded)}));
}

TEST(Reader, StopsBehindABlockWhereThatIsWanted) {
  Reader reader;
  std::vector<std::string> blocks;
  const std::string stream = Stream(Uncompressed("hello") + Compressed(kBlock, kDecoded) +
                                    Uncompressed("") + Uncompressed("!") + "\x01");
  std::string_view left = stream;
  const auto read = [&] {
    return reader.ReadSome(left, [&](std::string_view decoded) { blocks.emplace_back(decoded); });
  };
  for (size_t count = 1; count <= 3; ++count) {
    ASSERT_TRUE(read().ok());
    EXPECT_EQ(blocks.size(), count);
  }
  EXPECT_EQ(blocks, (std::vector<std::string>{"hello", std::string(kDecoded), "!"}));
  ASSERT_TRUE(read().ok());
  EXPECT_EQ(left, "");
  EXPECT_FALSE(reader.at_chunk_end());
}

TEST(Reader, TakesAnyCut) {
  const std::string stream =
      Stream(Uncompressed("hello") + Chunk(0x80, "skip me") + std::string(kS2Identifier) +
             Compressed(kBlock, kDecoded) + Chunk(0xFE, "") + Uncompressed(RandomData(50)));
  const Outcome whole = ReadAll(stream);
  ASSERT_EQ(whole.error, "");
  for (size_t first = 1; first < stream.size(); ++first) {
    for (const size_t rest : {size_t{1}, size_t{5}, stream.size()}) {
      EXPECT_EQ(ReadAll(stream, first, rest), whole) << first << ", " << rest;
    }
  }
}

TEST(Reader, TakesIdentifiersAnywhere) {
  const std::string id(kS2Identifier);
  const std::string snappy(kSnappyIdentifier);
  EXPECT_EQ(ReadAll(id + id + Uncompressed("a") + id + Uncompressed("b") + snappy +
                    Uncompressed("c") + id),
            (Outcome{"abc", "", true}));
}

TEST(Reader, NeedsAnIdentifierFirst) {
  for (const std::string& chunk :
       {Uncompressed("a"), Compressed(kBlock, kDecoded), Chunk(0xFE, "padding")}) {
    EXPECT_EQ(ErrorOf(chunk), "S2: the stream has no identifier");
  }
  EXPECT_EQ(ErrorOf("INFO {}\r\n"), "S2: the stream has no identifier");
}

TEST(Reader, RefusesOtherIdentifiers) {
  EXPECT_EQ(ErrorOf(Chunk(0xFF, "S2sTw0")), "S2: a stream identifier is unknown");
  EXPECT_EQ(ErrorOf(Chunk(0xFF, "S2sTwO!")), "S2: a stream identifier has 7 bytes");
  EXPECT_EQ(ErrorOf(Chunk(0xFF, "")), "S2: a stream identifier has 0 bytes");
}

TEST(Reader, SkipsWhatIsSkippable) {
  std::string stream(kS2Identifier);
  for (int type = 0x80; type <= 0xFE; ++type) {
    stream += Chunk(static_cast<uint8_t>(type), std::string(static_cast<size_t>(type) - 0x80, 'x'));
  }
  stream += Uncompressed("a");
  EXPECT_EQ(ReadAll(stream), (Outcome{"a", "", true}));
  EXPECT_EQ(ReadAll(stream, 1, 1), (Outcome{"a", "", true}));
}

TEST(Reader, SkipsTheLongestChunk) {
  std::string body;
  body.resize(0xFFFFFF, 'x');
  const std::string stream = Stream(Chunk(0x99, body) + Uncompressed("a"));
  EXPECT_EQ(ReadAll(stream), (Outcome{"a", "", true}));
  EXPECT_EQ(ReadAll(stream, 1, 65536), (Outcome{"a", "", true}));
}

TEST(Reader, RefusesReservedTypes) {
  for (int type = 0x02; type <= 0x7F; ++type) {
    const std::string error = ErrorOfChunk(Chunk(static_cast<uint8_t>(type), ""));
    EXPECT_TRUE(error.starts_with("S2: a chunk has the reserved type 0x")) << error;
  }
  EXPECT_EQ(ErrorOfChunk(Chunk(0x7F, "")), "S2: a chunk has the reserved type 0x7f");
}

TEST(Reader, RefusesABadChecksum) {
  std::string uncompressed = Uncompressed("hello");
  std::string compressed = Compressed(kBlock, kDecoded);
  for (std::string* chunk : {&uncompressed, &compressed}) {
    for (size_t at = kChunkHeaderBytes; at < kChunkHeaderBytes + kChecksumBytes; ++at) {
      std::string bad = *chunk;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      EXPECT_EQ(ErrorOfChunk(bad), "S2: the checksum of a block does not match");
    }
  }
  uncompressed.back() = 'x';
  EXPECT_EQ(ErrorOfChunk(uncompressed), "S2: the checksum of a block does not match");
}

TEST(Reader, PassesOnWhatIsWrongWithABlock) {
  EXPECT_EQ(ErrorOfChunk(Compressed("\x08\x0C"
                                    "abcd\x01\x00"sv,
                                    "abcdabcd")),
            "S2: a block is corrupt: a copy has no offset");
  EXPECT_EQ(ErrorOfChunk(Compressed("", "")), "S2: a block's length cannot be read");
}

TEST(Reader, TakesEmptyBlocksAndHandsOutNone) {
  Reader reader;
  const std::string stream = Stream(Uncompressed("") + Compressed("\x00"sv, ""));
  EXPECT_TRUE(reader.Read(stream, [](std::string_view) { FAIL(); }).ok());
  EXPECT_TRUE(reader.at_chunk_end());
}

TEST(Reader, RefusesChunksThatAreTooShort) {
  for (const uint8_t type : {uint8_t{0}, uint8_t{1}}) {
    EXPECT_EQ(ErrorOfChunk(Chunk(type, "abc")), "S2: a chunk has 3 bytes");
    EXPECT_EQ(ErrorOfChunk(Chunk(type, "")), "S2: a chunk has 0 bytes");
  }
}

// Only the header is there: nothing waits for megabytes that will be refused.
TEST(Reader, RefusesChunksThatAreTooLongAtOnce) {
  const auto header = [](uint8_t type, size_t bytes) {
    return static_cast<char>(type) + LittleEndian(bytes, 3);
  };
  EXPECT_EQ(ErrorOfChunk(header(0x00, kChunkBytesMax + 1)), "S2: a chunk has 4194317 bytes");
  EXPECT_EQ(ErrorOfChunk(header(0x00, 0xFFFFFF)), "S2: a chunk has 16777215 bytes");
  EXPECT_EQ(ErrorOfChunk(header(0x00, kChunkBytesMax)), "");
  EXPECT_EQ(ErrorOfChunk(header(0x01, 4 + kBlockBytesMax + 1)),
            "S2: an uncompressed chunk of 4194309 bytes is above the limit");
  EXPECT_EQ(ErrorOfChunk(header(0x01, 4 + kBlockBytesMax)), "");
}

TEST(Reader, RefusesABlockThatClaimsTooMuch) {
  EXPECT_EQ(ErrorOfChunk(Compressed("\x81\x80\x80\x02"sv, "")),
            "S2: a block of 4194305 bytes is above the limit of 4194304");
  EXPECT_EQ(ErrorOfChunk(Compressed("\xFF\xFF\xFF\xFF\x0F"sv, "")),
            "S2: a block of 4294967295 bytes is above the limit of 4194304");
}

TEST(Reader, TakesTheLargestBlocks) {
  const std::string data = RandomData(kBlockBytesMax);
  const std::string stream = Stream(Uncompressed(data));
  EXPECT_EQ(ReadAll(stream), (Outcome{data, "", true}));
  EXPECT_EQ(ReadAll(stream, 3, 65536), (Outcome{data, "", true}));
  const std::string block = "\x80\x80\x80\x02\xF8\xFF\xFF\x3F" + data;  // one literal
  EXPECT_EQ(ReadAll(Stream(Compressed(block, data))), (Outcome{data, "", true}));
  EXPECT_EQ(ReadAll(Stream(Compressed(block, data)), 3, 65536), (Outcome{data, "", true}));
}

TEST(Reader, HoldsSnappyStreamsToSnappysLimit) {
  const std::string data(kSnappyBlockBytesMax + 1, 'a');
  const std::string id(kSnappyIdentifier);
  EXPECT_EQ(ErrorOf(id + Uncompressed(data)),
            "S2: an uncompressed chunk of 65541 bytes is above the limit");
  EXPECT_EQ(ErrorOf(id + Compressed("\x81\x80\x04\x00\x61"sv, data)),
            "S2: a block of 65537 bytes is above Snappy's limit of 65536");
  EXPECT_EQ(ErrorOf(id + std::string(kS2Identifier) + Uncompressed(data)), "");
}

TEST(Reader, TellsWhetherAChunkIsCutOff) {
  const std::string stream = Stream(Uncompressed("hello"));
  for (size_t bytes = 0; bytes <= stream.size(); ++bytes) {
    const Outcome outcome = ReadAll(stream.substr(0, bytes));
    EXPECT_EQ(outcome.error, "");
    EXPECT_EQ(outcome.at_chunk_end,
              bytes == 0 || bytes == kS2Identifier.size() || bytes == stream.size());
  }
}

TEST(Reader, StaysWithItsFirstError) {
  Reader reader;
  std::string decoded;
  const auto sink = [&](std::string_view bytes) { decoded += bytes; };
  const std::string stream = Stream(Uncompressed("a") + Chunk(0x02, "") + Uncompressed("b"));
  const absl::Status error = reader.Read(stream, sink);
  EXPECT_FALSE(error.ok());
  EXPECT_EQ(decoded, "a");
  EXPECT_EQ(reader.Read(Stream(Uncompressed("c")), sink), error);
  EXPECT_EQ(reader.Read("", sink), error);
  EXPECT_EQ(decoded, "a");
}

TEST(Reader, GoesOnAfterShrinking) {
  const std::string stream =
      Stream(Uncompressed("hello") + Compressed(kBlock, kDecoded) + Uncompressed("world"));
  Reader reader;
  std::string decoded;
  for (const char c : stream) {
    ASSERT_TRUE(reader.Read({&c, 1}, [&](std::string_view bytes) { decoded += bytes; }).ok());
    reader.Shrink();
  }
  EXPECT_EQ(decoded, "helloabcdabcdabcdworld");
}

}  // namespace
}  // namespace martlet::s2
