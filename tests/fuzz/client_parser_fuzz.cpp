// A stranger's bytes against the client parser: whole, and cut into pieces.
//
// Input: one byte of settings, one of cuts (fuzz::Cuts), then the stream.
//   bits 0-1  control line limit     bit 4  headers at the start
//   bits 2-3  payload limit          bit 5  a CONNECT turns headers over
//   bit 6     the caller of the second parser stops after each operation, like a paused client
//
// The first parser takes runs and looks ahead, the second one operation after the other.
//
// Held to be true, whatever comes: both parsers give the same operations and the same end; views
// lie in readable memory, and CR LF stands behind a payload; what is held stays within its bound;
// after an error every call is one.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "input.h"
#include "proto/client_parser.h"

namespace martlet::proto {
namespace {

struct Settings {
  ParserLimits limits;
  bool connect_turns_headers;
  bool stops;

  explicit Settings(uint8_t bits)
      : connect_turns_headers((bits & 32) != 0), stops((bits & 64) != 0) {
    constexpr size_t kLines[] = {4096, 512, 32, 3};
    constexpr int64_t kPayloads[] = {1 << 20, -1, 100, 0};
    limits.control_line_bytes_max = kLines[bits & 3];
    limits.payload_bytes_max = kPayloads[bits >> 2 & 3];
    limits.headers = (bits & 16) != 0;
  }
};

// What came out of a parser, as text: what must not depend on where the input was cut.
class Transcript {
 public:
  void Add(const Op& op) {
    text_ += "op " + std::to_string(static_cast<int>(op.kind));
    for (const std::string_view part : {op.argument, op.subject, op.reply, op.queue, op.sid, op.max,
                                        op.header_size_text, op.size_text, op.payload}) {
      Part(part);
    }
    text_ += " " + std::to_string(op.header_bytes) + "\n";
  }
  // Of the input behind a fault only the beginning is there in all cases, and its place in the
  // chunk says nothing about the stream. An argument that is too long is told early.
  void Add(const ErrorDetail& detail) {
    const bool whole_line =
        detail.error != ParseError::kUnknownOperation && detail.error != ParseError::kControlLine;
    text_ += "error " + std::to_string(static_cast<int>(detail.error)) + " " +
             std::to_string(detail.state) + " " + std::to_string(detail.announced_bytes);
    Part(whole_line ? detail.input : detail.input.substr(0, 1));
    sum_ = 0;
    for (const char c : detail.input) sum_ = sum_ + static_cast<unsigned char>(c);
  }
  const std::string& text() const { return text_; }

 private:
  void Part(std::string_view part) {
    text_ += " " + std::to_string(part.size()) + ":";
    text_ += part;
  }

  std::string text_;
  volatile unsigned sum_ = 0;  // of the bytes of an error: they are there to be read
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
    Op op;
    switch (parser_.Next(limits_, op)) {
      case ClientParser::Result::kOp:
        CHECK(first >= 0);
        Check(op);
        transcript_.Add(op);
        if (takes_runs) TakeRuns(op);
        if (op.kind == OpKind::kConnect && settings_.connect_turns_headers) {
          limits_.headers = !limits_.headers;
        }
        return true;
      case ClientParser::Result::kNeedMore:
        return false;
      case ClientParser::Result::kError:
        CHECK(parser_.error().error != ParseError::kNone);
        transcript_.Add(parser_.error());
        CHECK(parser_.Next(limits_, op) == ClientParser::Result::kError);
        failed_ = true;
        return false;
    }
    return false;
  }

  void TakeRuns(Op op) {
    constexpr size_t kBytesMax = 64;
    for (PubRun run = parser_.TakeRun(kBytesMax); run.count > 0; run = parser_.TakeRun(kBytesMax)) {
      CHECK(run.count == 1 || run.count * run.stride <= kBytesMax);
      for (uint32_t i = 0; i < run.count; ++i) {
        op.payload = {run.payload + i * run.stride, op.payload.size()};
        Check(op);
        transcript_.Add(op);
      }
    }
    LookAhead();
  }

  void LookAhead() {
    std::array<PlainPub, 3> pubs;
    const size_t count = parser_.LookAhead(limits_, pubs);
    for (size_t i = 0; i < count; ++i) {
      const PlainPub& pub = pubs[i];
      const char* const end = pub.size_text.data() + pub.size_text.size();
      const Op op = {
          .kind = OpKind::kPub,
          .argument = {pub.subject.data(), static_cast<size_t>(end - pub.subject.data())},
          .subject = pub.subject,
          .reply = pub.reply,
          .size_text = pub.size_text,
          .payload = pub.payload};
      Check(op);
      transcript_.Add(op);
      parser_.Take(pub);
    }
  }

  void Check(const Op& op) const {
    const bool publishes = op.kind == OpKind::kPub || op.kind == OpKind::kHpub;
    const bool has_argument =
        op.kind != OpKind::kPing && op.kind != OpKind::kPong && op.kind != OpKind::kOk;
    CHECK(has_argument || op.argument.empty());
    CHECK(op.argument.size() <= limits_.control_line_bytes_max);
    CHECK(op.kind != OpKind::kHpub || limits_.headers);
    CHECK(op.header_bytes <= op.payload.size());
    if (!publishes) return;
    CHECK(!op.subject.empty());
    CHECK(op.payload.data()[op.payload.size()] == '\r');
    CHECK(op.payload.data()[op.payload.size() + 1] == '\n');
    CHECK(limits_.payload_bytes_max < 0 ||
          static_cast<int64_t>(op.payload.size()) <= limits_.payload_bytes_max);
  }

  // The blanks in front of an argument are dropped only while nothing else is there, so a line may
  // take its limit twice, and a chunk. A verb and line ends come on top.
  size_t HeldMax() const {
    constexpr size_t kAnySize = 999'999'999;
    const size_t payload_max =
        limits_.payload_bytes_max < 0 ? kAnySize : static_cast<size_t>(limits_.payload_bytes_max);
    return 2 * limits_.control_line_bytes_max + payload_max + longest_chunk_ + 16;
  }

  const Settings& settings_;
  ParserLimits limits_;
  ClientParser parser_;
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
