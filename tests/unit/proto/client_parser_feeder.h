// Feeds a client parser whole or in pieces and writes down what comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "proto/client_parser.h"

namespace martlet::proto {

/// An operation with texts of its own.
struct Event {
  OpKind kind = OpKind::kPing;
  std::string argument, subject, reply, queue, sid, max, header_size, size, payload;
  uint32_t header_bytes = 0;

  bool operator==(const Event&) const = default;
};
void PrintTo(const Event& event, std::ostream* out);

struct Outcome {
  std::vector<Event> events;
  ParseError error = ParseError::kNone;

  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out);

/// A parser and its outcome. Every chunk stands in memory of its own, which is gone afterwards: the
/// sanitizer then finds views that outlive it.
class Feeder {
 public:
  explicit Feeder(const ParserLimits& limits) : limits_(limits) {}

  void Feed(std::string_view chunk) { FeedAndTake(chunk, SIZE_MAX); }
  /// Takes at most so many operations before the chunk goes.
  void FeedAndTake(std::string_view chunk, size_t operations);
  void Resume(size_t operations);

  const Outcome& outcome() const { return outcome_; }
  ClientParser& parser() { return parser_; }

 private:
  void Drain(size_t operations);

  ParserLimits limits_;
  ClientParser parser_;
  Outcome outcome_;
};

Outcome Whole(std::string_view input, const ParserLimits& limits);
Outcome Pieces(std::string_view input, size_t piece_bytes, const ParserLimits& limits);

inline constexpr ParserLimits kLimits = {
    .control_line_bytes_max = 32, .payload_bytes_max = 16, .headers = true};

}  // namespace martlet::proto
