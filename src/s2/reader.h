// Taking S2 streams apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <absl/functional/function_ref.h>
#include <absl/status/status.h>

#include "s2/block.h"

namespace martlet::s2 {

/// Decodes a stream as it arrives, cut anywhere.
///
/// Ownership:  owns the chunk that is not whole yet and the block decoded last.
/// Bound:      one chunk and one block of at most 4 MiB each, the chunk's memory growing with what
///             arrives of it. Up to 1 MiB of each, what the reference writer needs, is kept for the
///             next ones, until Shrink().
/// Errors:     all are final: the stream cannot be trusted any more. Blocks in front of the error
///             have been handed out.
/// Source:     github.com/klauspost/compress/s2, reader.go; Snappy's framing_format.txt.
class Reader {
 public:
  /// Receives decoded bytes, never none; borrowed until it returns.
  using Sink = absl::FunctionRef<void(std::string_view decoded)>;

  /// Decodes what `bytes` and those before them make whole, a block at a time and in order.
  ///
  /// The stream must begin with its identifier, S2's or Snappy's, which may come again any number
  /// of times. Skippable chunks are skipped. An error where a chunk has a reserved type, is too
  /// short or too long, or a block is corrupt, too large or has another checksum; and on every call
  /// after that.
  absl::Status Read(std::string_view bytes, Sink sink);
  /// The same, but it returns behind the first block that it handed out: few bytes may stand for
  /// many. Takes off the front of `bytes` what is done.
  absl::Status ReadSome(std::string_view& bytes, Sink sink);

  /// Is all that came decoded? Where the bytes end while it is not, the stream was cut off.
  bool at_chunk_end() const { return !in_body_ && header_filled_ == 0; }

  /// Lets go of memory that holds nothing.
  void Shrink();

 private:
  /// Memory that grows.
  class Buffer {
   public:
    char* data() { return bytes_.get(); }
    size_t capacity() const { return capacity_; }
    /// Has room for `bytes` after this, and still holds the first `kept_bytes`.
    void Reserve(size_t bytes, size_t kept_bytes);
    void Free();

   private:
    std::unique_ptr<char[]> bytes_;
    size_t capacity_ = 0;
  };

  absl::Status ReadHeader(std::string_view& bytes);
  absl::Status BeginChunk(uint8_t type, size_t body_bytes);
  absl::Status ReadBody(std::string_view& bytes, Sink sink);
  void Keep(std::string_view piece);
  absl::Status EndChunk(std::string_view body, Sink sink);
  absl::Status ReadIdentifier(std::string_view body);
  absl::Status ReadBlock(std::string_view block, uint32_t checksum, Sink sink);

  absl::Status status_;
  uint8_t header_[4] = {};
  uint8_t header_filled_ = 0;
  bool in_body_ = false;
  bool identified_ = false;  // the stream's first chunk was there
  uint8_t type_ = 0;         // of the chunk whose body is read
  size_t body_bytes_ = 0;
  size_t body_filled_ = 0;  // how many of them were there, in partial_ unless they are skipped
  size_t block_bytes_max_ = kBlockBytesMax;
  Buffer partial_;  // a body that came in pieces
  Buffer block_;
};

}  // namespace martlet::s2
