#include "s2/block.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "base/check.h"

namespace martlet::s2 {
namespace {

// The lowest two bits of an element's first byte.
enum Tag : uint8_t { kLiteral = 0, kCopy1 = 1, kCopy2 = 2, kCopy4 = 3 };

// What most literals and copies fit in; they are moved as one such piece, and what that writes too
// much is overwritten by the next element.
constexpr size_t kPieceBytes = 16;

// One to four bytes, lowest first. The fixed number becomes a single load.
template <size_t kBytes>
size_t LoadLittleEndian(const char* from) {
  size_t value = 0;
  for (size_t i = 0; i < kBytes; ++i) value |= size_t{static_cast<uint8_t>(from[i])} << (8 * i);
  return value;
}

size_t LoadLittleEndian(const char* from, size_t bytes) {
  switch (bytes) {
    case 1:
      return LoadLittleEndian<1>(from);
    case 2:
      return LoadLittleEndian<2>(from);
    case 3:
      return LoadLittleEndian<3>(from);
    default:
      return LoadLittleEndian<4>(from);
  }
}

// Source and target may overlap: all is read before it is written.
void MovePiece(char* to, const char* from) {
  char piece[kPieceBytes];
  std::memcpy(piece, from, kPieceBytes);
  std::memcpy(to, piece, kPieceBytes);
}

// Repeats what stands `offset` bytes before `to` for `bytes` bytes. May write kPieceBytes - 1 more.
//
// While the two are closer than a piece, a move gets only the first `to - from` bytes right. Those
// have the same period, so `from` stays, and the distance doubles:
//
//   from  to                 from        to
//   a b c . . . . . .   ->   a b c a b c . . .
void RepeatInPieces(char* to, size_t offset, size_t bytes) {
  const char* from = to - offset;
  char* const end = to + bytes;
  while (to < end && static_cast<size_t>(to - from) < kPieceBytes) {
    const ptrdiff_t right = to - from;
    MovePiece(to, from);
    to += right;
  }
  for (; to < end; to += kPieceBytes, from += kPieceBytes) MovePiece(to, from);
}

constexpr const char* kElementCutOff = "an element is cut off";
constexpr const char* kTooLong = "it holds more than it claims";

// Goes through the elements of one block. Lives on the stack of DecodeBlock alone, so that the
// compiler keeps its members in registers.
//
// Each step says what is wrong with the block, or nullptr.
class Decoder {
 public:
  Decoder(std::string_view in, std::span<char> out)
      : in_(in.data()),
        in_end_(in.data() + in.size()),
        out_begin_(out.data()),
        out_(out.data()),
        out_end_(out.data() + out.size()) {}

  const char* Run() {
    while (in_ != in_end_) {
      const auto first = static_cast<uint8_t>(*in_);
      const char* fault = (first & 3) == kLiteral ? Literal(first) : Copy(first);
      if (fault != nullptr) [[unlikely]]
        return fault;
    }
    return out_ == out_end_ ? nullptr : "it holds less than it claims";
  }

 private:
  size_t in_left() const { return static_cast<size_t>(in_end_ - in_); }
  size_t out_left() const { return static_cast<size_t>(out_end_ - out_); }

  const char* Literal(uint8_t first) {
    size_t bytes = size_t{first} / 4 + 1;
    if (bytes <= kPieceBytes && in_left() > kPieceBytes && out_left() >= kPieceBytes) {
      MovePiece(out_, in_ + 1);
      in_ += 1 + bytes;
      out_ += bytes;
      return nullptr;
    }
    size_t head = 1;
    if (bytes > 60) {
      head += bytes - 60;  // codes 60 to 63: the length follows in 1 to 4 bytes
      if (in_left() < head) return kElementCutOff;
      bytes = LoadLittleEndian(in_ + 1, head - 1) + 1;
    }
    if (in_left() - head < bytes) return "a literal is cut off";
    if (out_left() < bytes) return kTooLong;
    std::memcpy(out_, in_ + head, bytes);
    in_ += head + bytes;
    out_ += bytes;
    return nullptr;
  }

  const char* Copy(uint8_t first) {
    size_t bytes = size_t{first} / 4 + 1;
    switch (first & 3) {
      case kCopy1:
        if (in_left() < 2) return kElementCutOff;
        if ((first & 0xE0) == 0 && in_[1] == 0) return Repeat(first);
        offset_ = size_t{first & 0xE0U} << 3 | LoadLittleEndian<1>(in_ + 1);
        bytes = (size_t{first} / 4 & 7) + 4;
        in_ += 2;
        break;
      case kCopy2:
        if (in_left() < 3) return kElementCutOff;
        offset_ = LoadLittleEndian<2>(in_ + 1);
        in_ += 3;
        break;
      default:
        if (in_left() < 5) return kElementCutOff;
        offset_ = LoadLittleEndian<4>(in_ + 1);
        in_ += 5;
        break;
    }
    return CopyFromOffset(bytes);
  }

  // Length codes 0 to 4 stand for 4 to 8 bytes; behind 5, 6 and 7 the length follows in 1, 2 and 3.
  const char* Repeat(uint8_t first) {
    constexpr size_t kAdded[] = {8, 260, 65540};
    const size_t code = size_t{first} / 4 & 7;
    const size_t more = code < 5 ? 0 : code - 4;
    if (in_left() < 2 + more) return kElementCutOff;
    const size_t bytes = more == 0 ? code + 4 : LoadLittleEndian(in_ + 2, more) + kAdded[more - 1];
    in_ += 2 + more;
    return CopyFromOffset(bytes);
  }

  const char* CopyFromOffset(size_t bytes) {
    if (offset_ == 0) return "a copy has no offset";  // a repeat with nothing before it, too
    if (static_cast<size_t>(out_ - out_begin_) < offset_) return "a copy is from before the start";
    if (out_left() < bytes) return kTooLong;
    const size_t room = out_left() - bytes;
    const size_t in_pieces = room >= kPieceBytes ? bytes : bytes - std::min(bytes, kPieceBytes);
    RepeatInPieces(out_, offset_, in_pieces);
    for (size_t i = in_pieces; i < bytes; ++i) out_[i] = *(out_ + i - offset_);
    out_ += bytes;
    return nullptr;
  }

  const char* in_;
  const char* const in_end_;
  char* const out_begin_;
  char* out_;
  char* const out_end_;
  size_t offset_ = 0;  // of the last copy; 0: none yet
};

// The length in front of a block, seven bits to a byte, lowest first.
struct Claim {
  size_t decoded_bytes;
  size_t own_bytes;
};

std::optional<Claim> ReadClaim(std::string_view block) {
  Claim claim = {};
  const size_t own_bytes_max = std::min<size_t>(block.size(), 5);
  while (claim.own_bytes < own_bytes_max) {
    const auto byte = static_cast<uint8_t>(block[claim.own_bytes]);
    claim.decoded_bytes |= size_t{byte & 0x7FU} << (7 * claim.own_bytes++);
    if (byte < 0x80) return claim;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<size_t> DecodedBytes(std::string_view block) {
  const std::optional<Claim> claim = ReadClaim(block);
  if (!claim) return absl::InvalidArgumentError("S2: a block's length cannot be read");
  if (claim->decoded_bytes > kBlockBytesMax) {
    return absl::InvalidArgumentError("S2: a block of " + std::to_string(claim->decoded_bytes) +
                                      " bytes is above the limit of " +
                                      std::to_string(kBlockBytesMax));
  }
  return claim->decoded_bytes;
}

absl::Status DecodeBlock(std::string_view block, std::span<char> out) {
  const std::optional<Claim> claim = ReadClaim(block);
  CHECK(claim.has_value());
  CHECK(claim->decoded_bytes == out.size());
  block.remove_prefix(claim->own_bytes);
  const char* fault = Decoder(block, out).Run();
  if (fault == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(std::string("S2: a block is corrupt: ") + fault);
}

}  // namespace martlet::s2
