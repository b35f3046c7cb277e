#include "s2/writer.h"

#include <algorithm>
#include <cstring>

#include <snappy.h>

#include "s2/crc32c.h"
#include "s2/framing.h"

namespace martlet::s2 {
namespace {

constexpr size_t kHeadBytes = kChunkHeaderBytes + kChecksumBytes;

// Shorter blocks are not worth the compressor's start; the reference leaves them alone, too.
constexpr size_t kCompressedBytesMin = 32;

void StoreLittleEndian(char* to, size_t bytes, size_t value) {
  for (size_t i = 0; i < bytes; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

// The head of a data chunk whose block, as sent, has `block_bytes`.
void StoreHead(char* to, ChunkType type, size_t block_bytes, uint32_t crc) {
  *to = static_cast<char>(type);
  StoreLittleEndian(to + 1, 3, kChecksumBytes + block_bytes);
  StoreLittleEndian(to + kChunkHeaderBytes, kChecksumBytes, MaskCrc32c(crc));
}

void WriteIdentifier(Writer::Sink sink) {
  char chunk[kChunkHeaderBytes + kS2Magic.size()];
  *chunk = static_cast<char>(kIdentifier);
  StoreLittleEndian(chunk + 1, 3, kS2Magic.size());
  std::memcpy(chunk + kChunkHeaderBytes, kS2Magic.data(), kS2Magic.size());
  sink({chunk, sizeof chunk});
}

}  // namespace

/// Walks over the bytes of pieces.
class Writer::Cursor {
 public:
  explicit Cursor(std::span<const iovec> pieces) : pieces_(pieces) { Settle(); }

  bool at_end() const { return front_.empty(); }
  bool in_last_piece() const { return pieces_.size() == 1; }
  size_t front_bytes() const { return front_.size(); }

  /// The next bytes, `bytes_max` of them unless the piece ends before.
  std::string_view Take(size_t bytes_max) {
    const std::string_view taken = front_.substr(0, bytes_max);
    front_.remove_prefix(taken.size());
    if (front_.empty()) {
      pieces_ = pieces_.subspan(1);
      Settle();
    }
    return taken;
  }

 private:
  /// Finds the front of the first piece that has bytes.
  void Settle() {
    while (!pieces_.empty() && pieces_.front().iov_len == 0) pieces_ = pieces_.subspan(1);
    if (pieces_.empty()) return;
    front_ = {static_cast<const char*>(pieces_.front().iov_base), pieces_.front().iov_len};
  }

  std::span<const iovec> pieces_;  // the first is the one that front_ lies in
  std::string_view front_;
};

void Writer::Flush(Level level, std::span<const iovec> pieces, Sink sink) {
  Cursor cursor(pieces);
  if (cursor.at_end()) return;
  WriteIdentifier(sink);
  while (!cursor.at_end()) {
    if (level == Level::kUncompressed) {
      WriteUncompressed(cursor, sink);
    } else {
      WriteCompressed(cursor, sink);
    }
  }
}

// Two walks, since the checksum stands in front; nothing is copied.
void Writer::WriteUncompressed(Cursor& cursor, Sink sink) {
  Cursor ahead = cursor;
  size_t bytes = 0;
  uint32_t crc = 0;
  while (!ahead.at_end() && bytes < kWrittenBlockBytes) {
    const std::string_view part = ahead.Take(kWrittenBlockBytes - bytes);
    crc = ExtendCrc32c(crc, part);
    bytes += part.size();
  }
  char head[kHeadBytes];
  StoreHead(head, kUncompressed, bytes, crc);
  sink({head, kHeadBytes});
  while (bytes > 0) {
    const std::string_view part = cursor.Take(bytes);
    sink(part);
    bytes -= part.size();
  }
}

void Writer::WriteCompressed(Cursor& cursor, Sink sink) {
  const std::string_view block = TakeBlock(cursor);
  const uint32_t crc = ExtendCrc32c(0, block);
  if (!compressed_) {
    const size_t bytes_max = kHeadBytes + snappy::MaxCompressedLength(kWrittenBlockBytes);
    compressed_ = std::make_unique_for_overwrite<char[]>(bytes_max);
  }
  size_t bytes = block.size();
  if (block.size() >= kCompressedBytesMin) {
    snappy::RawCompress(block.data(), block.size(), compressed_.get() + kHeadBytes, &bytes);
  }
  if (bytes < block.size()) {
    StoreHead(compressed_.get(), kCompressed, bytes, crc);
    sink({compressed_.get(), kHeadBytes + bytes});
    return;
  }
  StoreHead(compressed_.get(), kUncompressed, block.size(), crc);
  sink({compressed_.get(), kHeadBytes});
  sink(block);
}

// The next block in one stretch: where it lies, if it lies in one piece.
std::string_view Writer::TakeBlock(Cursor& cursor) {
  if (cursor.front_bytes() >= kWrittenBlockBytes || cursor.in_last_piece()) {
    return cursor.Take(kWrittenBlockBytes);
  }
  if (!gathered_) gathered_ = std::make_unique_for_overwrite<char[]>(kWrittenBlockBytes);
  size_t bytes = 0;
  while (!cursor.at_end() && bytes < kWrittenBlockBytes) {
    const std::string_view part = cursor.Take(kWrittenBlockBytes - bytes);
    std::memcpy(gathered_.get() + bytes, part.data(), part.size());
    bytes += part.size();
  }
  return {gathered_.get(), bytes};
}

}  // namespace martlet::s2
