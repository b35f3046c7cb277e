// Making S2 streams.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <sys/uio.h>

#include <absl/functional/function_ref.h>

namespace martlet::s2 {

/// How hard to try. kFast, kBetter and kBest are one and the same here: the blocks are Snappy's,
/// whose library has a single compressor. Any reader of S2 understands them.
enum class Level : uint8_t { kUncompressed, kFast, kBetter, kBest };

/// Uncompressed bytes in one chunk. Snappy finds nothing farther away than this, so larger chunks
/// would save their headers alone, and the other side waits less for the first bytes.
inline constexpr size_t kWrittenBlockBytes = size_t{64} << 10;

/// Writes flushes, each of which is a stream of its own, with an identifier in front: the reference
/// server's writer begins anew for each.
///
/// Thread:  one at a time. Between flushes it holds scratch memory alone, so one writer serves all
///          connections of a thread.
/// Bound:   some 140 KiB of memory, from the first flush that compresses on.
/// Source:  github.com/klauspost/compress/s2, writer.go; nats-server, client.go, flushOutbound.
class Writer {
 public:
  /// Receives the stream in order; borrowed until it returns. The views may lie in the pieces.
  using Sink = absl::FunctionRef<void(std::string_view bytes)>;

  /// Writes the bytes of all `pieces` as one flush; nothing at all where they have none.
  ///
  /// A chunk is compressed where that makes it smaller, unless `level` says never. At most
  /// FlushBytesMax() bytes come out.
  void Flush(Level level, std::span<const iovec> pieces, Sink sink);

  /// What a flush of so many bytes takes at most: nothing compressed, and all headers.
  static constexpr size_t FlushBytesMax(size_t bytes) {
    const size_t chunks = (bytes + kWrittenBlockBytes - 1) / kWrittenBlockBytes;
    return bytes == 0 ? 0 : 10 + bytes + 8 * chunks;
  }

 private:
  class Cursor;

  void WriteUncompressed(Cursor& cursor, Sink sink);
  void WriteCompressed(Cursor& cursor, Sink sink);
  std::string_view TakeBlock(Cursor& cursor);

  std::unique_ptr<char[]> gathered_;    // a block whose bytes come from several pieces
  std::unique_ptr<char[]> compressed_;  // a chunk with its header
};

}  // namespace martlet::s2
