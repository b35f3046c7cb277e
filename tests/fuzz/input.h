// Takes a fuzzer's input apart.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"

namespace martlet::fuzz {

/// A cursor over the bytes of one input. Past the end it gives zeros and empty texts, so that every
/// input means something.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : left_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return left_.empty(); }
  uint8_t Byte() {
    if (left_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(left_.front());
    left_.remove_prefix(1);
    return byte;
  }
  std::string_view Take(size_t bytes) {
    const std::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(taken.size());
    return taken;
  }
  std::string_view Rest() { return Take(left_.size()); }

 private:
  std::string_view left_;
};

/// Sizes of the pieces that a stream is cut into, from one byte of the input: 0 gives single bytes,
/// others a sequence of sizes from 1 to 64, most of them small.
class Cuts {
 public:
  explicit Cuts(uint8_t seed) : state_(seed) {}

  size_t Next() {
    if (state_ == 0) return 1;
    state_ = state_ * 1103515245 + 12345;
    const uint32_t random = state_ >> 16;
    return 1 + (random & 63) % (1 + (random >> 6) % 64);
  }

 private:
  uint32_t state_;
};

/// Of an input that is one byte of cuts and then a stream, one `Run` is fed the stream whole and
/// another one in pieces: both must tell the same in their transcripts.
template <typename Run>
void CheckThatCutsChangeNothing(const uint8_t* data, size_t size) {
  Input input(data, size);
  Cuts cuts(input.Byte());
  Input pieces = input;

  Run whole;
  whole.Feed(input.Rest());

  Run cut;
  while (!pieces.empty()) cut.Feed(pieces.Take(cuts.Next()));

  CHECK(whole.transcript() == cut.transcript());
}

}  // namespace martlet::fuzz
