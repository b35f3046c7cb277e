// A stranger's bytes against the parser of routes: whole, and cut into pieces.
//
// Input: one byte of settings, one of cuts (fuzz::Cuts), then the stream.
//   bits 0-1  control line limit     bit 3  LS- names its origin
//   bit 2     the route is dedicated to an account, no account token
//   bit 4     a CONNECT turns that over
//   bit 5     the caller of the second parser stops after each operation
//
// The first parser takes runs, the second one operation after the other.
//
// Held to be true, whatever comes: both parsers give the same operations and the same end; views
// lie in readable memory, and CR LF stands behind a payload; names of queues are as many as is
// said; what is held stays within its bound; after an error every call is one, and the log line
// can be written.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "input.h"
#include "proto/route_parser.h"

namespace martlet::proto {
namespace {

struct Settings {
  RouteParserLimits limits;
  bool connect_turns_account;
  bool stops;

  explicit Settings(uint8_t bits)
      : connect_turns_account((bits & 16) != 0), stops((bits & 32) != 0) {
    constexpr size_t kLines[] = {65536, 512, 32, 3};
    limits.control_line_bytes_max = kLines[bits & 3];
    limits.account_omitted = (bits & 4) != 0;
    limits.leaf_unsub_origin = (bits & 8) != 0;
  }
};

bool IsMessage(RouteOpKind kind) {
  return kind == RouteOpKind::kRmsg || kind == RouteOpKind::kHmsg || kind == RouteOpKind::kLmsg ||
         kind == RouteOpKind::kPub || kind == RouteOpKind::kHpub;
}

// What came out of a parser, as text: what must not depend on where the input was cut.
class Transcript {
 public:
  void Add(const RouteOp& op) {
    text_ += "op ";
    text_ += VerbOf(op.kind);
    for (const std::string_view part : {op.argument, op.origin, op.account, op.subject, op.reply,
                                        op.queues, op.header_size_text, op.size_text, op.payload}) {
      Part(part);
    }
    text_ += " " + std::to_string(op.weight) + " " + std::to_string(op.header_bytes) +
             (op.has_queue ? " q\n" : "\n");
  }
  // Of the input behind a fault only the beginning is there in all cases, and its place in the
  // chunk says nothing about the stream. An argument that is too long is told early.
  void Add(const RouteErrorDetail& detail) {
    const bool whole_line = detail.error != RouteParseError::kUnknownOperation &&
                            detail.error != RouteParseError::kControlLine;
    text_ += "error " + std::to_string(static_cast<int>(detail.error)) + " " +
             std::to_string(detail.state);
    if (whole_line) text_ += RouteErrorText(detail, "ACC");
    Part(whole_line ? detail.input : detail.input.substr(0, 1));
  }
  const std::string& text() const { return text_; }

 private:
  void Part(std::string_view part) {
    text_ += " " + std::to_string(part.size()) + ":";
    text_ += part;
  }

  std::string text_;
};

class Run {
 public:
  explicit Run(const Settings& settings) : settings_(settings), limits_(settings.limits) {}

  // Takes a private copy, so that a view that outlives its chunk is seen.
  void Feed(std::string_view bytes, bool takes_runs, bool stops) {
    const std::unique_ptr<char[]> chunk(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), chunk.get());
    if (failed_) return;
    longest_chunk_ = std::max(longest_chunk_, bytes.size());
    parser_.Push({chunk.get(), bytes.size()});
    while (TakeOne(takes_runs)) {
      if (stops) parser_.Save();
    }
    if (failed_) return;
    parser_.Save();
    CHECK(parser_.held_bytes() <= HeldMax());
  }

  const std::string& transcript() const { return transcript_.text(); }

 private:
  bool TakeOne(bool takes_runs) {
    const int first = parser_.first_byte();
    RouteOp op;
    switch (parser_.Next(limits_, op)) {
      case RouteParser::Result::kOp:
        CHECK(first >= 0);
        Check(op);
        transcript_.Add(op);
        if (takes_runs) TakeRuns(op);
        if (op.kind == RouteOpKind::kConnect && settings_.connect_turns_account) {
          limits_.account_omitted = !limits_.account_omitted;
        }
        return true;
      case RouteParser::Result::kNeedMore:
        return false;
      case RouteParser::Result::kError:
        CHECK(parser_.error().error != RouteParseError::kNone);
        CHECK(!RouteErrorText(parser_.error()).empty());
        transcript_.Add(parser_.error());
        CHECK(parser_.Next(limits_, op) == RouteParser::Result::kError);
        failed_ = true;
        return false;
    }
    return false;
  }

  void TakeRuns(RouteOp op) {
    constexpr size_t kBytesMax = 64;
    for (PubRun run = parser_.TakeRun(kBytesMax); run.count > 0; run = parser_.TakeRun(kBytesMax)) {
      CHECK(run.count == 1 || run.count * run.stride <= kBytesMax);
      for (uint32_t i = 0; i < run.count; ++i) {
        op.payload = {run.payload + i * run.stride, op.payload.size()};
        Check(op);
        transcript_.Add(op);
      }
    }
  }

  void Check(const RouteOp& op) const {
    CHECK(op.argument.size() <= limits_.control_line_bytes_max);
    CHECK(op.header_bytes <= op.payload.size());
    size_t names = 0;
    std::string_view queues = op.queues;
    while (!TakeQueue(queues).empty()) ++names;
    CHECK(op.has_queue == (names > 0));
    CHECK(op.weight == 0 || names == 1);
    CHECK(!limits_.account_omitted || op.account.empty());
    if (!IsMessage(op.kind)) return;
    CHECK(!op.subject.empty());
    CHECK(op.payload.data()[op.payload.size()] == '\r');
    CHECK(op.payload.data()[op.payload.size() + 1] == '\n');
  }

  // The blanks in front of an argument are dropped only while nothing else is there, so a line may
  // take its limit twice, and a chunk. A verb and line ends come on top.
  size_t HeldMax() const {
    constexpr size_t kAnySize = 999'999'999;
    return 2 * limits_.control_line_bytes_max + kAnySize + longest_chunk_ + 16;
  }

  const Settings& settings_;
  RouteParserLimits limits_;
  RouteParser parser_;
  Transcript transcript_;
  size_t longest_chunk_ = 0;
  bool failed_ = false;
};

}  // namespace
}  // namespace martlet::proto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using martlet::proto::Run;
  martlet::fuzz::Input input(data, size);
  const martlet::proto::Settings settings(input.Byte());
  martlet::fuzz::Cuts cuts(input.Byte());
  const std::string_view stream = input.Rest();

  Run whole(settings);
  whole.Feed(stream, true, false);

  Run cut(settings);
  martlet::fuzz::Input pieces(reinterpret_cast<const uint8_t*>(stream.data()), stream.size());
  while (!pieces.empty()) cut.Feed(pieces.Take(cuts.Next()), false, settings.stops);

  CHECK(whole.transcript() == cut.transcript());
  return 0;
}
