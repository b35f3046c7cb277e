#include "s2/writer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "s2/framing.h"
#include "sample_data.h"
#include "streams.h"

namespace martlet::s2 {
namespace {

constexpr Level kLevels[] = {Level::kUncompressed, Level::kFast, Level::kBetter, Level::kBest};

// `data` in pieces of these sizes, over and over; empty ones are allowed.
std::vector<iovec> Cut(std::string& data, const std::vector<size_t>& sizes) {
  std::vector<iovec> pieces;
  size_t at = 0;
  for (size_t i = 0; at < data.size(); ++i) {
    const size_t bytes = std::min(sizes[i % sizes.size()], data.size() - at);
    pieces.push_back({data.data() + at, bytes});
    at += bytes;
  }
  return pieces;
}

std::string Flush(Writer& writer, Level level, std::span<const iovec> pieces) {
  std::string stream;
  writer.Flush(level, pieces, [&](std::string_view bytes) { stream += bytes; });
  return stream;
}

std::string Flush(Level level, std::string data) {
  Writer writer;
  return Flush(writer, level, Cut(data, {data.size()}));
}

// The types and body sizes of a stream's chunks.
struct ChunkInfo {
  uint8_t type;
  size_t body_bytes;
  bool operator==(const ChunkInfo&) const = default;
};
std::vector<ChunkInfo> Chunks(std::string_view stream) {
  std::vector<ChunkInfo> chunks;
  while (stream.size() >= kChunkHeaderBytes) {
    const auto byte = [&](size_t at) { return static_cast<uint8_t>(stream[at]); };
    const size_t bytes = byte(1) | size_t{byte(2)} << 8 | size_t{byte(3)} << 16;
    chunks.push_back({byte(0), bytes});
    stream.remove_prefix(std::min(stream.size(), kChunkHeaderBytes + bytes));
  }
  EXPECT_TRUE(stream.empty());
  return chunks;
}

TEST(Writer, WritesNothingForNoBytes) {
  Writer writer;
  const iovec empty[] = {{nullptr, 0}, {nullptr, 0}};
  for (const Level level : kLevels) {
    EXPECT_EQ(Flush(writer, level, {}), "");
    EXPECT_EQ(Flush(writer, level, empty), "");
  }
  EXPECT_EQ(Writer::FlushBytesMax(0), 0u);
}

TEST(Writer, BeginsEachFlushWithTheIdentifier) {
  Writer writer;
  for (const Level level : kLevels) {
    for (int flush = 0; flush < 2; ++flush) {
      std::string data = "PING\r\n";
      EXPECT_EQ(Flush(writer, level, Cut(data, {6})),
                std::string(kS2Identifier) + Uncompressed(data));
    }
  }
}

TEST(Writer, CompressesWhereThatIsSmaller) {
  for (const Level level : {Level::kFast, Level::kBetter, Level::kBest}) {
    const std::string stream = Flush(level, ProtocolData(1000));
    EXPECT_LT(stream.size(), 700u);
    EXPECT_EQ(Chunks(stream).at(1).type, kCompressed);
  }
}

TEST(Writer, LeavesAloneWhatCompressionMakesLarger) {
  const std::string data = RandomData(1000);
  EXPECT_EQ(Flush(Level::kBest, data), std::string(kS2Identifier) + Uncompressed(data));
}

TEST(Writer, DecidesForEachBlock) {
  const std::string data =
      RandomData(kWrittenBlockBytes) + std::string(kWrittenBlockBytes, 'a') + "the rest";
  const std::vector<ChunkInfo> chunks = Chunks(Flush(Level::kFast, data));
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].type, kIdentifier);
  EXPECT_EQ(chunks[1], (ChunkInfo{kUncompressed, 4 + kWrittenBlockBytes}));
  EXPECT_EQ(chunks[2].type, kCompressed);
  EXPECT_LT(chunks[2].body_bytes, 4000u);
  EXPECT_EQ(chunks[3], (ChunkInfo{kUncompressed, 4 + 8}));
}

TEST(Writer, NeverCompressesWhereItShallNot) {
  const std::string stream = Flush(Level::kUncompressed, std::string(kWrittenBlockBytes + 1, 'a'));
  EXPECT_EQ(Chunks(stream),
            (std::vector<ChunkInfo>{
                {kIdentifier, 6}, {kUncompressed, 4 + kWrittenBlockBytes}, {kUncompressed, 5}}));
}

TEST(Writer, PassesUncompressedPiecesOnWithoutACopy) {
  Writer writer;
  std::string data = TextData(500);
  const std::vector<iovec> pieces = Cut(data, {200});
  std::vector<const char*> seen;
  writer.Flush(Level::kUncompressed, pieces,
               [&](std::string_view bytes) { seen.push_back(bytes.data()); });
  ASSERT_EQ(seen.size(), 2 + pieces.size());  // behind the identifier and the head
  for (size_t i = 0; i < pieces.size(); ++i) EXPECT_EQ(seen[2 + i], pieces[i].iov_base);
}

TEST(Writer, GivesTheSameStreamHoweverTheBytesLie) {
  std::string data = ProtocolData(3 * kWrittenBlockBytes + 100);
  Writer writer;
  for (const Level level : kLevels) {
    const std::string stream = Flush(writer, level, Cut(data, {data.size()}));
    for (const std::vector<size_t>& sizes : std::vector<std::vector<size_t>>{
             {1}, {17, 0, 900}, {65536}, {65535, 2}, {100000}, {200, 70000, 0, 0}}) {
      EXPECT_TRUE(Flush(writer, level, Cut(data, sizes)) == stream);
    }
  }
}

TEST(Writer, IsReadBackByTheReader) {
  Writer writer;
  for (auto* make : {RandomData, TextData, ProtocolData, RepeatingData}) {
    for (const size_t bytes : {1, 31, 32, 33, 5000, 65535, 65536, 65537, 300000}) {
      for (const Level level : kLevels) {
        std::string data = make(bytes);
        const std::string stream = Flush(writer, level, Cut(data, {1000, 100000}));
        EXPECT_LE(stream.size(), Writer::FlushBytesMax(bytes));
        const Outcome outcome = ReadAll(stream, 1000, 1448);
        EXPECT_EQ(outcome.error, "");
        EXPECT_TRUE(outcome.at_chunk_end);
        EXPECT_TRUE(outcome.decoded == data) << bytes;
      }
    }
  }
}

TEST(Writer, StaysBelowItsBound) {
  for (const size_t bytes : {1, 100, 65536, 65537, 200000}) {
    EXPECT_EQ(Flush(Level::kUncompressed, RandomData(bytes)).size(), Writer::FlushBytesMax(bytes));
  }
}

}  // namespace
}  // namespace martlet::s2
