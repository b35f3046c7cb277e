// Feeds a route parser whole or in pieces and writes down what comes out.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "proto/route_parser.h"

namespace martlet::proto {

/// An operation with texts of its own.
struct RouteEvent {
  RouteOpKind kind = RouteOpKind::kPing;
  std::string argument, origin, account, subject, reply;
  std::vector<std::string> queues;
  uint32_t weight = 0;
  uint32_t header_bytes = 0;
  std::string header_size, size, payload;

  bool operator==(const RouteEvent&) const = default;
};
void PrintTo(const RouteEvent& event, std::ostream* out);

struct RouteOutcome {
  std::vector<RouteEvent> events;
  RouteParseError error = RouteParseError::kNone;
  int state = 0;

  bool operator==(const RouteOutcome&) const = default;
};
void PrintTo(const RouteOutcome& outcome, std::ostream* out);

/// A parser and its outcome. Every chunk stands in memory of its own, which is gone afterwards: the
/// sanitizer then finds views that outlive it.
class RouteFeeder {
 public:
  explicit RouteFeeder(const RouteParserLimits& limits) : limits_(limits) {}

  void Feed(std::string_view chunk, bool takes_runs = false);

  const RouteOutcome& outcome() const { return outcome_; }
  RouteParser& parser() { return parser_; }

 private:
  bool TakeOne(bool takes_runs);
  void TakeRun(RouteOp& op);

  RouteParserLimits limits_;
  RouteParser parser_;
  RouteOutcome outcome_;
};

RouteOutcome WholeRoute(std::string_view input, const RouteParserLimits& limits,
                        bool takes_runs = false);
/// The outcome, which does not depend on where the input is cut.
RouteOutcome Parse(std::string_view input, const RouteParserLimits& limits = {});

}  // namespace martlet::proto
