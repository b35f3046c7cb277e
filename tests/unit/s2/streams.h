// Streams built and read by hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "s2/crc32c.h"
#include "s2/reader.h"

namespace martlet::s2 {

using namespace std::string_view_literals;

inline constexpr std::string_view kS2Identifier = "\xFF\x06\x00\x00S2sTwO"sv;
inline constexpr std::string_view kSnappyIdentifier = "\xFF\x06\x00\x00sNaPpY"sv;

inline std::string LittleEndian(size_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline std::string Chunk(uint8_t type, std::string_view body) {
  return static_cast<char>(type) + LittleEndian(body.size(), 3) + std::string(body);
}

inline std::string Checksum(std::string_view decoded) {
  return LittleEndian(MaskCrc32c(ExtendCrc32c(0, decoded)), 4);
}

inline std::string Uncompressed(std::string_view bytes) {
  return Chunk(0x01, Checksum(bytes) + std::string(bytes));
}

/// A chunk with `block`, which decodes to `decoded`.
inline std::string Compressed(std::string_view block, std::string_view decoded) {
  return Chunk(0x00, Checksum(decoded) + std::string(block));
}

/// What came out of a stream, and how it ended.
struct Outcome {
  std::string decoded;
  std::string error;  // empty: none
  bool at_chunk_end = false;

  bool operator==(const Outcome&) const = default;
};

/// Reads `stream` in pieces of `piece_bytes`, the first of `first_bytes`. Each piece is a copy of
/// its own, so that a sanitizer sees reads beyond it.
inline Outcome ReadAll(std::string_view stream, size_t first_bytes, size_t piece_bytes) {
  Reader reader;
  Outcome outcome;
  const auto sink = [&](std::string_view decoded) { outcome.decoded += decoded; };
  for (size_t bytes = first_bytes; !stream.empty(); bytes = piece_bytes) {
    const std::string piece(stream.substr(0, bytes));
    stream.remove_prefix(piece.size());
    const absl::Status status = reader.Read(piece, sink);
    if (!status.ok()) outcome.error = std::string(status.message());
  }
  outcome.at_chunk_end = reader.at_chunk_end();
  return outcome;
}

inline Outcome ReadAll(std::string_view stream) {
  return ReadAll(stream, stream.size(), stream.size());
}

}  // namespace martlet::s2
