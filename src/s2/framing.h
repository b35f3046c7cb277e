// What reader and writer know of the frame around the blocks of a stream.
//
// A chunk: one byte of type, three of length (lowest first), then so many bytes. Data chunks begin
// with the masked checksum of what they decode to.
// Source: Snappy's framing_format.txt; github.com/klauspost/compress/s2, s2.go and reader.go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "s2/block.h"

namespace martlet::s2 {

enum ChunkType : uint8_t {
  kCompressed = 0x00,
  kUncompressed = 0x01,
  kFirstReserved = 0x02,   // up to 0x7F: a reader must give up
  kFirstSkippable = 0x80,  // up to 0xFE, with the index, 0x99, and padding, 0xFE
  kIdentifier = 0xFF,
};

inline constexpr size_t kChunkHeaderBytes = 4;
inline constexpr size_t kChecksumBytes = 4;

inline constexpr std::string_view kS2Magic = "S2sTwO";
inline constexpr std::string_view kSnappyMagic = "sNaPpY";

/// Blocks of a stream that calls itself Snappy are not larger than this.
inline constexpr size_t kSnappyBlockBytesMax = size_t{64} << 10;

/// The longest body of a data chunk: a block of the largest size that consists of one literal, with
/// its length and its checksum. What is longer would better have been sent uncompressed, and the
/// reference reader refuses it, too.
inline constexpr size_t kChunkBytesMax = kChecksumBytes + 4 + 4 + kBlockBytesMax;

}  // namespace martlet::s2
