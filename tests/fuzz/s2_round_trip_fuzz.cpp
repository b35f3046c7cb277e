// Our writer's streams against our reader.
//
// Input: one byte of cuts (fuzz::Cuts) for the pieces, one for the level and the number of flushes,
// one for how often the bytes are repeated, then the bytes.
//
// Held to be true: the reader gets the same bytes, at the end of each flush all of them; a flush is
// not larger than it may be; the writer hands out nothing empty.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "input.h"
#include "s2/reader.h"
#include "s2/writer.h"

namespace martlet::s2 {
namespace {

std::vector<iovec> Cut(std::string& data, fuzz::Cuts& cuts, size_t scale) {
  std::vector<iovec> pieces;
  for (size_t at = 0; at < data.size();) {
    const size_t bytes = std::min(cuts.Next() * scale, data.size() - at);
    pieces.push_back({data.data() + at, bytes});
    at += bytes;
  }
  return pieces;
}

std::string Flush(Writer& writer, Level level, const std::vector<iovec>& pieces) {
  std::string stream;
  writer.Flush(level, pieces, [&](std::string_view bytes) {
    CHECK(!bytes.empty());
    stream += bytes;
  });
  return stream;
}

}  // namespace
}  // namespace martlet::s2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace martlet;
  fuzz::Input input(data, size);
  fuzz::Cuts cuts(input.Byte());
  const uint8_t mode = input.Byte();
  const auto level = static_cast<s2::Level>(mode & 3);
  const size_t flushes = 1 + (mode >> 2) % 4;
  const size_t repetitions = 1 + input.Byte();
  const std::string_view bytes = input.Rest();
  std::string text;
  while (text.size() < repetitions * bytes.size() && text.size() < (size_t{1} << 18)) text += bytes;

  s2::Writer writer;
  s2::Reader reader;
  for (size_t flush = 0; flush < flushes; ++flush) {
    const std::vector<iovec> pieces = s2::Cut(text, cuts, 1 + text.size() / 256);
    const std::string stream = s2::Flush(writer, level, pieces);
    CHECK(stream.size() <= s2::Writer::FlushBytesMax(text.size()));
    std::string decoded;
    CHECK(reader.Read(stream, [&](std::string_view block) { decoded += block; }).ok());
    CHECK(reader.at_chunk_end());
    CHECK(decoded == text);
  }
  return 0;
}
