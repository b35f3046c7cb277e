// The bytes that a parser was given and has not yet cut into operations.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::proto {

/// The chunk last pushed and, in front of it, what was held of an operation that chunks cut in two.
///
/// Memory:     nothing while no operation is cut in two; else what was received of it, in memory
///             that grows as the bytes come: an announced size is not believed in advance.
/// Invariants: an operation lies in the chunk or in the held bytes, never across.
class PendingInput {
 public:
  enum class Step : uint8_t { kDone, kMore, kFail };
  /// What must be kept of an operation that has no line end yet.
  using Compact = std::string_view (*)(std::string_view pending);

  explicit PendingInput(Compact compact) : compact_(compact) {}
  PendingInput(const PendingInput&) = delete;
  PendingInput& operator=(const PendingInput&) = delete;

  /// REQUIRES: nothing is left of the chunk before.
  void Push(std::string_view bytes);
  /// What is left of the chunk.
  std::string_view chunk() const { return chunk_; }
  /// Takes from the front of the chunk.
  void Consume(size_t bytes) { chunk_.remove_prefix(bytes); }

  /// Cuts the next operation off with `parse`, which is called as
  /// `Step parse(std::string_view in, size_t& consumed, size_t& need)`: for kDone it says how many
  /// bytes the operation has, for kMore how many it will have, or 0 for "up to a line end". It may
  /// be called several times, each time with more, until there is no more.
  template <typename Parse>
  Step Cut(size_t line_bytes_max, Parse parse) {
    DropUsed();
    size_t consumed = 0;
    size_t need = 0;
    if (held_.empty()) {
      const Step step = parse(chunk_, consumed, need);
      if (step == Step::kDone) chunk_.remove_prefix(consumed);
      return step;
    }
    for (;;) {
      need = 0;
      const Step step = parse(held(), consumed, need);
      if (step == Step::kDone) held_used_ = consumed;
      if (step != Step::kMore) return step;
      if (!Refill(need, line_bytes_max)) return Step::kMore;
    }
  }

  /// Keeps what is left of the chunk, which may go then.
  void Save();
  /// Instead of Save(): what is left of the chunk, to be pushed again.
  std::string_view TakeRest();

  /// The first byte not yet cut off, or -1.
  int first_byte() const;
  /// Whether the last operation lies in held memory.
  bool holds() const { return !held_.empty(); }
  /// Hands over that memory when it is the operation and nothing else, and much; else empty.
  std::string TakeHeld();
  size_t held_bytes() const { return held_.size() - held_start_; }
  /// Where `at` lies in the pushed bytes; 0 when it does not.
  size_t OffsetOf(const char* at) const;

 private:
  std::string_view held() const { return std::string_view(held_).substr(held_start_); }
  bool Refill(size_t need, size_t line_bytes_max);
  void DropUsed();

  const Compact compact_;
  std::string_view chunk_;   // what is left of the pushed chunk
  size_t pushed_bytes_ = 0;  // size of that chunk
  std::string held_;         // the beginning of a cut operation; comes before chunk_
  size_t held_start_ = 0;    // bytes of held_ that operations before the last one consumed
  size_t held_used_ = 0;     // bytes behind that which the last operation consumed
};

}  // namespace martlet::proto
