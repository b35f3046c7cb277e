// A strange block of S2 against the decoder, which copies in pieces and past the end of what it was
// asked for.
//
// Input: the block.
//
// Held to be true, whatever comes: nothing outside of block and output is touched (both have memory
// of exactly their size); a decoder that goes byte by byte agrees on every block that is sound,
// and on which ones are not; what Snappy's own decoder takes is taken, with the same result.
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <snappy.h>

#include "base/check.h"
#include "input.h"
#include "s2/block.h"

namespace martlet::s2 {
namespace {

// The format once more, as plain as it gets. Nothing for a block that is not sound.
class PlainDecoder {
 public:
  PlainDecoder(std::string_view elements, size_t bytes)
      : input_(reinterpret_cast<const uint8_t*>(elements.data()), elements.size()), bytes_(bytes) {}

  std::optional<std::string> Run() {
    while (!input_.empty()) {
      const size_t first = input_.Byte();
      if (!(first % 4 == 0 ? Literal(first >> 2) : Copy(first))) return std::nullopt;
    }
    return out_.size() == bytes_ ? std::optional(out_) : std::nullopt;
  }

 private:
  bool Number(size_t bytes, size_t& number) {
    const std::string_view text = input_.Take(bytes);
    number = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      number += size_t{static_cast<uint8_t>(text[i])} << (8 * i);
    }
    return text.size() == bytes;
  }

  bool Literal(size_t code) {
    size_t bytes = code;
    if (code >= 60 && !Number(code - 59, bytes)) return false;
    const std::string_view text = input_.Take(++bytes);
    if (text.size() < bytes || bytes_ - out_.size() < bytes) return false;
    out_ += text;
    return true;
  }

  bool Copy(size_t first) {
    size_t bytes = (first >> 2) + 1;
    size_t offset = 0;
    if (first % 4 == 1) {
      if (!Number(1, offset)) return false;
      offset += first >> 5 << 8;
      bytes = (first >> 2) % 8;
      if (offset == 0) {
        const size_t added[] = {0, 0, 0, 0, 0, 4, 256, 65536};
        size_t more = 0;
        if (bytes > 4) {
          if (!Number(bytes - 4, more)) return false;
          bytes = more + added[bytes];
        }
        offset = offset_;
      }
      bytes += 4;
    } else if (!Number(first % 4 == 2 ? 2 : 4, offset)) {
      return false;
    }
    offset_ = offset;
    if (offset == 0 || offset > out_.size() || bytes_ - out_.size() < bytes) return false;
    for (; bytes > 0; --bytes) out_ += out_[out_.size() - offset];
    return true;
  }

  fuzz::Input input_;
  const size_t bytes_;
  std::string out_;
  size_t offset_ = 0;
};

size_t ClaimBytes(std::string_view block) {
  size_t bytes = 1;
  while ((static_cast<uint8_t>(block[bytes - 1]) & 0x80) != 0) ++bytes;
  return bytes;
}

void CheckAgainstSnappy(std::string_view block, std::string_view decoded, bool ok) {
  if (!snappy::IsValidCompressedBuffer(block.data(), block.size())) return;
  CHECK(ok);
  std::string by_snappy;
  CHECK(snappy::Uncompress(block.data(), block.size(), &by_snappy));
  CHECK(by_snappy == decoded);
}

void Check(std::string_view block) {
  const absl::StatusOr<size_t> bytes = DecodedBytes(block);
  if (!bytes.ok()) {
    CHECK(!bytes.status().message().empty());
    return;
  }
  CHECK(*bytes <= kBlockBytesMax);
  const std::unique_ptr<char[]> out(new char[*bytes]);
  const absl::Status status = DecodeBlock(block, {out.get(), *bytes});
  const std::string_view decoded(out.get(), *bytes);
  const std::optional<std::string> plain =
      PlainDecoder(block.substr(ClaimBytes(block)), *bytes).Run();
  CHECK(status.ok() == plain.has_value());
  if (plain) CHECK(decoded == *plain);
  CheckAgainstSnappy(block, decoded, status.ok());
}

}  // namespace
}  // namespace martlet::s2

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::unique_ptr<char[]> block(new char[size]);
  if (size > 0) std::memcpy(block.get(), data, size);
  martlet::s2::Check({block.get(), size});
  return 0;
}
