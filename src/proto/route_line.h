// The control lines of messages on routes, split into parts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "proto/route_parser.h"

namespace martlet::proto {

/// The parts of an argument text: as many of the first ones as a rule looks at, and the last two.
/// Nothing is set that Add() has not set: this lies on the way of every message.
class RouteParts {
 public:
  static constexpr size_t kFirst = 6;

  explicit RouteParts(const char* text) : text_(text) {}

  /// A part of the text, behind those before.
  void Add(size_t begin, size_t end) {
    const Part part = {static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    if (count_ < kFirst) first_[count_] = part;
    before_last_ = last_;
    last_ = part;
    ++count_;
  }

  size_t count() const { return count_; }
  /// REQUIRES: `i` < count() and kFirst.
  std::string_view at(size_t i) const { return View(first_[i]); }
  std::string_view last() const { return View(last_); }
  /// REQUIRES: count() > 1.
  std::string_view before_last() const { return View(before_last_); }

 private:
  struct Part {
    uint32_t begin;
    uint32_t end;
  };

  std::string_view View(Part part) const { return {text_ + part.begin, part.end - part.begin}; }

  const char* const text_;
  size_t count_ = 0;
  Part last_ = {};
  Part before_last_;
  std::array<Part, kFirst> first_;
};

/// Splits at blanks and CR, any number of them.
RouteParts SplitRouteArgument(std::string_view argument);

/// A line that ScanRouteLine() has read.
struct RouteLine {
  explicit RouteLine(const char* begin) : parts(begin) {}

  RouteOpKind kind = RouteOpKind::kRmsg;
  std::string_view argument;
  RouteParts parts;
  size_t bytes = 0;  // of the line, with its end
};

/// Reads the line at the front of `in`, where that of `line` begins, when it is an RMSG or HMSG in
/// the form that servers write: verb in capitals, one blank between the parts, CR LF, at most 128
/// bytes. False says nothing about the line: it may be incomplete, wrong, or sound in another form.
bool ScanRouteLine(std::string_view in, RouteLine& line);

/// A fault of a message's argument, and where.
struct RouteFault {
  RouteParseError error = RouteParseError::kNone;
  std::string_view input;
};

/// Reads what the parts of a message mean: all of `op` but the payload, `op.kind` and
/// `op.argument` being set. Source: spec route-protocol.md section 5.1.
RouteFault ReadMessageParts(const RouteParts& parts, bool account_omitted, RouteOp& op,
                            uint32_t& payload_bytes);

}  // namespace martlet::proto
