// Decoding one block of S2.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace martlet::s2 {

/// The most that one block may decode to; S2's limit.
inline constexpr size_t kBlockBytesMax = size_t{4} << 20;

/// How many bytes `block` claims to decode to, which is what it begins with. An error where that
/// number is cut off or above kBlockBytesMax.
absl::StatusOr<size_t> DecodedBytes(std::string_view block);

/// Decodes `block` into `out`, whose size must be what DecodedBytes() said.
///
/// A block of Snappy is one of S2. S2 adds the repeat: a copy with a one-byte offset of 0 copies
/// from where the last copy did, and has codes for lengths of up to 2^24 + 65539 bytes.
/// Whatever the block holds, only its bytes are read and only those of `out` are written; after an
/// error `out` holds anything. A block that decodes to more or less than it claims is an error.
/// Source: github.com/klauspost/compress/s2, s2.go and decode_other.go.
absl::Status DecodeBlock(std::string_view block, std::span<char> out);

}  // namespace martlet::s2
