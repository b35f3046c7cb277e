// Streams of the reference implementation; see golden/README.md.
#include <fstream>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sample_data.h"
#include "streams.h"

namespace martlet::s2 {
namespace {

struct Golden {
  const char* name;
  std::string (*data)(size_t bytes);
  size_t bytes;
};

std::ostream& operator<<(std::ostream& out, const Golden& golden) { return out << golden.name; }

std::string Load(const Golden& golden) {
  std::ifstream file(std::string(GOLDEN_DIRECTORY "/") + golden.name + ".s2", std::ios::binary);
  EXPECT_TRUE(file.is_open()) << golden.name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Without gtest's prints of megabytes.
void ExpectDecodes(const Outcome& outcome, const std::string& data) {
  EXPECT_EQ(outcome.error, "");
  EXPECT_TRUE(outcome.at_chunk_end);
  EXPECT_EQ(outcome.decoded.size(), data.size());
  EXPECT_TRUE(outcome.decoded == data);
}

class GoldenStream : public testing::TestWithParam<Golden> {};
class ShortGoldenStream : public GoldenStream {};

TEST_P(GoldenStream, IsDecodedWholeAndInPieces) {
  const Golden& golden = GetParam();
  const std::string stream = Load(golden);
  const std::string data = golden.data(golden.bytes);
  ExpectDecodes(ReadAll(stream), data);
  for (const size_t bytes : {1, 7, 1448, 65536}) ExpectDecodes(ReadAll(stream, bytes, bytes), data);
}

TEST_P(ShortGoldenStream, IsDecodedHoweverItIsCutInTwo) {
  const Golden& golden = GetParam();
  const std::string stream = Load(golden);
  const std::string data = golden.data(golden.bytes);
  for (size_t first = 1; first < stream.size(); ++first) {
    ExpectDecodes(ReadAll(stream, first, stream.size()), data);
  }
}

// A byte that changes is noticed, unless it does not matter: in a skippable chunk, or an offset
// that leads to the same bytes elsewhere. What the error says depends.
TEST_P(ShortGoldenStream, GivesNoOtherBytesWithAByteChanged) {
  const Golden& golden = GetParam();
  const std::string stream = Load(golden);
  const std::string data = golden.data(golden.bytes);
  for (size_t at = 0; at < stream.size(); ++at) {
    std::string bad = stream;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    const Outcome outcome = ReadAll(bad);
    EXPECT_TRUE(!outcome.error.empty() || !outcome.at_chunk_end || outcome.decoded == data) << at;
    EXPECT_TRUE(data.starts_with(outcome.decoded)) << at;
  }
}

constexpr Golden kShort[] = {{"flushes", ProtocolData, 20000},
                             {"indexed", TextData, 5000},
                             {"protocol-uncompressed", ProtocolData, 3000},
                             {"random-best", RandomData, 3000},
                             {"random-better", RandomData, 3000},
                             {"random-fast", RandomData, 3000},
                             {"random-uncompressed", RandomData, 3000},
                             {"snappy", TextData, 5000},
                             {"text-uncompressed", TextData, 3000}};
constexpr Golden kLong[] = {{"protocol-best", ProtocolData, 40000},
                            {"protocol-better", ProtocolData, 40000},
                            {"protocol-fast", ProtocolData, 40000},
                            {"repeating-best", RepeatingData, 3000000},
                            {"repeating-better", RepeatingData, 3000000},
                            {"repeating-fast", RepeatingData, 3000000},
                            {"text-best", TextData, 40000},
                            {"text-better", TextData, 40000},
                            {"text-fast", TextData, 40000}};

INSTANTIATE_TEST_SUITE_P(Short, GoldenStream, testing::ValuesIn(kShort));
INSTANTIATE_TEST_SUITE_P(Long, GoldenStream, testing::ValuesIn(kLong));
INSTANTIATE_TEST_SUITE_P(Short, ShortGoldenStream, testing::ValuesIn(kShort));

}  // namespace
}  // namespace martlet::s2
