#include "route_parser_feeder.h"

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

RouteEvent Copy(const RouteOp& op) {
  RouteEvent event{.kind = op.kind,
                   .argument = std::string(op.argument),
                   .origin = std::string(op.origin),
                   .account = std::string(op.account),
                   .subject = std::string(op.subject),
                   .reply = std::string(op.reply),
                   .queues = {},
                   .weight = op.weight,
                   .header_bytes = op.header_bytes,
                   .header_size = std::string(op.header_size_text),
                   .size = std::string(op.size_text),
                   .payload = std::string(op.payload)};
  std::string_view queues = op.queues;
  for (std::string_view name; !(name = TakeQueue(queues)).empty();) event.queues.emplace_back(name);
  EXPECT_EQ(op.has_queue, !event.queues.empty());
  if (!op.size_text.empty()) {
    EXPECT_EQ(std::string_view(op.payload.data() + op.payload.size(), 2), "\r\n");
  }
  return event;
}

}  // namespace

void PrintTo(const RouteEvent& event, std::ostream* out) {
  *out << VerbOf(event.kind) << " [" << event.argument << "] payload [" << event.payload << "]";
}

void PrintTo(const RouteOutcome& outcome, std::ostream* out) {
  for (const RouteEvent& event : outcome.events) {
    PrintTo(event, out);
    *out << "; ";
  }
  *out << "error " << int{static_cast<uint8_t>(outcome.error)} << " state " << outcome.state;
}

void RouteFeeder::Feed(std::string_view chunk, bool takes_runs) {
  const std::vector<char> copy(chunk.begin(), chunk.end());
  parser_.Push({copy.data(), copy.size()});
  while (TakeOne(takes_runs)) {
  }
  parser_.Save();
}

bool RouteFeeder::TakeOne(bool takes_runs) {
  RouteOp op;
  switch (parser_.Next(limits_, op)) {
    case RouteParser::Result::kOp:
      outcome_.events.push_back(Copy(op));
      if (takes_runs) TakeRun(op);
      return true;
    case RouteParser::Result::kNeedMore:
      return false;
    case RouteParser::Result::kError:
      outcome_.error = parser_.error().error;
      outcome_.state = parser_.error().state;
      EXPECT_NE(outcome_.error, RouteParseError::kNone);
      return false;
  }
  return false;
}

void RouteFeeder::TakeRun(RouteOp& op) {
  const PubRun run = parser_.TakeRun(SIZE_MAX);
  for (uint32_t i = 0; i < run.count; ++i) {
    op.payload = {run.payload + i * run.stride, op.payload.size()};
    outcome_.events.push_back(Copy(op));
  }
}

RouteOutcome WholeRoute(std::string_view input, const RouteParserLimits& limits, bool takes_runs) {
  RouteFeeder feeder(limits);
  feeder.Feed(input, takes_runs);
  return feeder.outcome();
}

RouteOutcome Parse(std::string_view input, const RouteParserLimits& limits) {
  RouteOutcome whole = WholeRoute(input, limits);
  EXPECT_EQ(WholeRoute(input, limits, true), whole) << "with runs";
  for (size_t at = 1; at < input.size(); ++at) {
    RouteFeeder feeder(limits);
    feeder.Feed(input.substr(0, at));
    feeder.Feed(input.substr(at));
    EXPECT_EQ(feeder.outcome(), whole) << "cut at " << at;
  }
  RouteFeeder bytes(limits);
  for (const char& c : input) bytes.Feed({&c, 1});
  EXPECT_EQ(bytes.outcome(), whole) << "byte by byte";
  return whole;
}

}  // namespace martlet::proto
