// A strange stream of S2 against its reader: whole, and cut into pieces.
//
// Input: one byte of cuts (fuzz::Cuts), one whose lowest bit says whether checksums are mended
// first (no fuzzer guesses one), then the stream. After 16 MiB no more are mended: a few bytes make
// megabytes, and time is better spent elsewhere.
//
// Held to be true, whatever comes: both readers hand out the same blocks and end with the same
// error; a block is never empty and never above the limit; after an error every call is one and
// hands out nothing; letting go of memory changes nothing.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "input.h"
#include "s2/block.h"
#include "s2/crc32c.h"
#include "s2/framing.h"
#include "s2/reader.h"

namespace martlet::s2 {
namespace {

size_t Byte(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

uint32_t SumOf(uint8_t type, std::string_view block, size_t& budget_bytes) {
  if (type == kUncompressed) return ExtendCrc32c(0, block);
  const absl::StatusOr<size_t> bytes = DecodedBytes(block);
  if (!bytes.ok() || *bytes > budget_bytes) return 0;
  budget_bytes -= *bytes;
  std::string decoded(*bytes, '\0');
  return DecodeBlock(block, decoded).ok() ? ExtendCrc32c(0, decoded) : 0;
}

std::string Mend(std::string stream) {
  constexpr size_t kHeadBytes = kChunkHeaderBytes + kChecksumBytes;
  size_t budget_bytes = size_t{16} << 20;
  for (size_t at = 0; at + kHeadBytes <= stream.size();) {
    const std::string_view rest = std::string_view(stream).substr(at);
    const auto type = static_cast<uint8_t>(rest[0]);
    const size_t bytes = Byte(rest, 1) | Byte(rest, 2) << 8 | Byte(rest, 3) << 16;
    const bool is_data = type == kCompressed || type == kUncompressed;
    if (is_data && bytes >= kChecksumBytes && kChunkHeaderBytes + bytes <= rest.size()) {
      const std::string_view block = rest.substr(kHeadBytes, bytes - kChecksumBytes);
      const uint32_t sum = MaskCrc32c(SumOf(type, block, budget_bytes));
      for (size_t i = 0; i < kChecksumBytes; ++i) {
        stream[at + kChunkHeaderBytes + i] = static_cast<char>(sum >> (8 * i));
      }
    }
    at += kChunkHeaderBytes + bytes;
  }
  return stream;
}

class Run {
 public:
  // Takes a private copy, so that a read beyond the piece is seen.
  void Feed(std::string_view bytes) {
    const std::unique_ptr<char[]> piece(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), piece.get());
    const bool failed_before = !error_.empty();
    const absl::Status status =
        reader_.Read({piece.get(), bytes.size()}, [&](std::string_view decoded) {
          CHECK(!failed_before);
          CHECK(!decoded.empty());
          CHECK(decoded.size() <= kBlockBytesMax);
          blocks_.emplace_back(decoded.size(), std::hash<std::string_view>()(decoded));
        });
    CHECK(status.ok() || !status.message().empty());
    CHECK(!failed_before || status.message() == error_);
    error_ = std::string(status.message());
  }
  void Shrink() { reader_.Shrink(); }

  bool operator==(const Run& other) const {
    return blocks_ == other.blocks_ && error_ == other.error_ &&
           (!error_.empty() || reader_.at_chunk_end() == other.reader_.at_chunk_end());
  }

 private:
  Reader reader_;
  std::vector<std::pair<size_t, size_t>> blocks_;  // bytes and hash of each
  std::string error_;
};

}  // namespace
}  // namespace martlet::s2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using martlet::s2::Run;
  martlet::fuzz::Input input(data, size);
  martlet::fuzz::Cuts cuts(input.Byte());
  const bool mend = (input.Byte() & 1) != 0;
  std::string stream(input.Rest());
  if (mend) stream = martlet::s2::Mend(std::move(stream));

  Run whole;
  whole.Feed(stream);

  Run cut;
  martlet::fuzz::Input pieces(reinterpret_cast<const uint8_t*>(stream.data()), stream.size());
  while (!pieces.empty()) {
    const size_t bytes = cuts.Next();
    cut.Feed(pieces.Take(bytes));
    if (bytes % 4 == 3) cut.Shrink();
  }
  if (stream.empty()) cut.Feed(stream);

  CHECK(whole == cut);
  return 0;
}
