#include "client_parser_feeder.h"

#include <gtest/gtest.h>

namespace martlet::proto {
namespace {

Event Copy(const Op& op) {
  Event event{.kind = op.kind,
              .argument = std::string(op.argument),
              .subject = std::string(op.subject),
              .reply = std::string(op.reply),
              .queue = std::string(op.queue),
              .sid = std::string(op.sid),
              .max = std::string(op.max),
              .header_size = std::string(op.header_size_text),
              .size = std::string(op.size_text),
              .payload = std::string(op.payload),
              .header_bytes = op.header_bytes};
  if (op.kind == OpKind::kPub || op.kind == OpKind::kHpub) {
    EXPECT_EQ(std::string_view(op.payload.data() + op.payload.size(), 2), "\r\n");
  }
  return event;
}

}  // namespace

void PrintTo(const Event& event, std::ostream* out) {
  *out << "kind " << int{static_cast<uint8_t>(event.kind)} << " [" << event.argument
       << "] payload [" << event.payload << "]";
}

void PrintTo(const Outcome& outcome, std::ostream* out) {
  for (const Event& event : outcome.events) {
    PrintTo(event, out);
    *out << "; ";
  }
  *out << "error " << int{static_cast<uint8_t>(outcome.error)};
}

void Feeder::FeedAndTake(std::string_view chunk, size_t operations) {
  const std::vector<char> copy(chunk.begin(), chunk.end());
  parser_.Push({copy.data(), copy.size()});
  Drain(operations);
  parser_.Save();
}

void Feeder::Resume(size_t operations) {
  Drain(operations);
  parser_.Save();
}

void Feeder::Drain(size_t operations) {
  Op op;
  while (operations-- > 0) {
    switch (parser_.Next(limits_, op)) {
      case ClientParser::Result::kOp:
        outcome_.events.push_back(Copy(op));
        break;
      case ClientParser::Result::kNeedMore:
        return;
      case ClientParser::Result::kError:
        outcome_.error = parser_.error().error;
        EXPECT_NE(outcome_.error, ParseError::kNone);
        return;
    }
  }
}

Outcome Whole(std::string_view input, const ParserLimits& limits) {
  Feeder feeder(limits);
  feeder.Feed(input);
  return feeder.outcome();
}

Outcome Pieces(std::string_view input, size_t piece_bytes, const ParserLimits& limits) {
  Feeder feeder(limits);
  for (size_t at = 0; at < input.size(); at += piece_bytes) {
    feeder.Feed(input.substr(at, piece_bytes));
  }
  return feeder.outcome();
}

}  // namespace martlet::proto
