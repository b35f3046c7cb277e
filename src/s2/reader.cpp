#include "s2/reader.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "s2/crc32c.h"
#include "s2/framing.h"

namespace martlet::s2 {
namespace {

// The reference writer makes blocks of 1 MiB at most, so memory for larger ones is not kept.
constexpr size_t kUsualBlockBytes = size_t{1} << 20;
constexpr size_t kUsualChunkBytes = kUsualBlockBytes + (kChunkBytesMax - kBlockBytesMax);

// What the memory for a body in pieces begins with.
constexpr size_t kPartialBytesMin = size_t{16} << 10;

bool IsData(uint8_t type) { return type == kCompressed || type == kUncompressed; }
bool IsSkippable(uint8_t type) { return type >= kFirstSkippable && type != kIdentifier; }

size_t LoadLittleEndian(const uint8_t* from, size_t bytes) {
  size_t value = 0;
  for (size_t i = 0; i < bytes; ++i) value |= size_t{from[i]} << (8 * i);
  return value;
}

std::string Hex(uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

absl::Status Error(const std::string& text) { return absl::InvalidArgumentError("S2: " + text); }

absl::Status CheckBlock(std::string_view decoded, uint32_t checksum) {
  if (MaskCrc32c(ExtendCrc32c(0, decoded)) == checksum) return absl::OkStatus();
  return Error("the checksum of a block does not match");
}

}  // namespace

void Reader::Buffer::Reserve(size_t bytes, size_t kept_bytes) {
  if (bytes <= capacity_) return;
  auto larger = std::make_unique_for_overwrite<char[]>(bytes);
  if (kept_bytes > 0) std::memcpy(larger.get(), bytes_.get(), kept_bytes);
  bytes_ = std::move(larger);
  capacity_ = bytes;
}

void Reader::Buffer::Free() {
  bytes_.reset();
  capacity_ = 0;
}

absl::Status Reader::Read(std::string_view bytes, Sink sink) {
  while (status_.ok() && !bytes.empty()) {
    status_ = in_body_ ? ReadBody(bytes, sink) : ReadHeader(bytes);
  }
  return status_;
}

absl::Status Reader::ReadSome(std::string_view& bytes, Sink sink) {
  bool handed_out = false;
  const auto noting = [&](std::string_view decoded) {
    handed_out = true;
    sink(decoded);
  };
  while (status_.ok() && !bytes.empty() && !handed_out) {
    status_ = in_body_ ? ReadBody(bytes, noting) : ReadHeader(bytes);
  }
  return status_;
}

void Reader::Shrink() {
  block_.Free();
  if (!in_body_ || body_filled_ == 0) partial_.Free();
}

absl::Status Reader::ReadHeader(std::string_view& bytes) {
  const size_t taken = std::min(bytes.size(), kChunkHeaderBytes - header_filled_);
  std::memcpy(header_ + header_filled_, bytes.data(), taken);
  bytes.remove_prefix(taken);
  header_filled_ = static_cast<uint8_t>(header_filled_ + taken);
  if (header_filled_ < kChunkHeaderBytes) return absl::OkStatus();
  header_filled_ = 0;
  return BeginChunk(header_[0], LoadLittleEndian(header_ + 1, 3));
}

absl::Status Reader::BeginChunk(uint8_t type, size_t body_bytes) {
  if (!identified_ && type != kIdentifier) return Error("the stream has no identifier");
  if (type >= kFirstReserved && type < kFirstSkippable) {
    return Error("a chunk has the reserved type " + Hex(type));
  }
  if (type == kIdentifier && body_bytes != kS2Magic.size()) {
    return Error("a stream identifier has " + std::to_string(body_bytes) + " bytes");
  }
  if (IsData(type) && (body_bytes < kChecksumBytes || body_bytes > kChunkBytesMax)) {
    return Error("a chunk has " + std::to_string(body_bytes) + " bytes");
  }
  if (type == kUncompressed && body_bytes - kChecksumBytes > block_bytes_max_) {
    return Error("an uncompressed chunk of " + std::to_string(body_bytes) +
                 " bytes is above the limit");
  }
  type_ = type;
  body_bytes_ = body_bytes;
  body_filled_ = 0;
  in_body_ = body_bytes > 0;
  return absl::OkStatus();
}

absl::Status Reader::ReadBody(std::string_view& bytes, Sink sink) {
  const std::string_view piece = bytes.substr(0, body_bytes_ - body_filled_);
  bytes.remove_prefix(piece.size());
  const bool in_pieces = piece.size() < body_bytes_;
  if (in_pieces && !IsSkippable(type_)) Keep(piece);
  body_filled_ += piece.size();
  if (body_filled_ < body_bytes_) return absl::OkStatus();

  in_body_ = false;
  if (IsSkippable(type_)) return absl::OkStatus();
  absl::Status status =
      EndChunk(in_pieces ? std::string_view(partial_.data(), body_bytes_) : piece, sink);
  if (partial_.capacity() > kUsualChunkBytes) partial_.Free();
  return status;
}

void Reader::Keep(std::string_view piece) {
  const size_t needed = body_filled_ + piece.size();
  if (needed > partial_.capacity()) {
    const size_t wanted = std::max({needed, 2 * partial_.capacity(), kPartialBytesMin});
    partial_.Reserve(std::max(needed, std::min(wanted, body_bytes_)), body_filled_);
  }
  std::memcpy(partial_.data() + body_filled_, piece.data(), piece.size());
}

absl::Status Reader::EndChunk(std::string_view body, Sink sink) {
  if (type_ == kIdentifier) return ReadIdentifier(body);
  uint8_t checksum_bytes[kChecksumBytes];
  std::memcpy(checksum_bytes, body.data(), kChecksumBytes);
  body.remove_prefix(kChecksumBytes);
  const auto checksum = static_cast<uint32_t>(LoadLittleEndian(checksum_bytes, kChecksumBytes));
  if (type_ == kCompressed) return ReadBlock(body, checksum, sink);

  absl::Status status = CheckBlock(body, checksum);
  if (status.ok() && !body.empty()) sink(body);
  return status;
}

absl::Status Reader::ReadIdentifier(std::string_view body) {
  if (body != kS2Magic && body != kSnappyMagic) return Error("a stream identifier is unknown");
  identified_ = true;
  block_bytes_max_ = body == kS2Magic ? kBlockBytesMax : kSnappyBlockBytesMax;
  return absl::OkStatus();
}

absl::Status Reader::ReadBlock(std::string_view block, uint32_t checksum, Sink sink) {
  const absl::StatusOr<size_t> bytes = DecodedBytes(block);
  if (!bytes.ok()) return bytes.status();
  if (*bytes > block_bytes_max_) {
    return Error("a block of " + std::to_string(*bytes) + " bytes is above Snappy's limit of " +
                 std::to_string(block_bytes_max_));
  }
  block_.Reserve(*bytes, 0);
  const std::span<char> decoded(block_.data(), *bytes);
  absl::Status status = DecodeBlock(block, decoded);
  if (status.ok()) status = CheckBlock({decoded.data(), decoded.size()}, checksum);
  if (status.ok() && !decoded.empty()) sink({decoded.data(), decoded.size()});
  if (block_.capacity() > kUsualBlockBytes) block_.Free();
  return status;
}

}  // namespace martlet::s2
