// The quick ways of the client parser: PUBs as client libraries write them.
#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "proto/client_parser.h"
#include "proto/pub_line.h"

namespace martlet::proto {
namespace {

// Eight bytes at a time, the last eight maybe twice; a PUB line has no less.
bool EqualLines(const char* a, const char* b, size_t bytes) {
  const auto word = [](const char* p) {
    uint64_t value = 0;
    std::memcpy(&value, p, sizeof value);
    return value;
  };
  for (size_t at = 0; at + sizeof(uint64_t) <= bytes; at += sizeof(uint64_t)) {
    if (word(a + at) != word(b + at)) return false;
  }
  return word(a + bytes - sizeof(uint64_t)) == word(b + bytes - sizeof(uint64_t));
}

// A PUB in front, whole and within the limits.
bool IsPlainPub(std::string_view in, const ParserLimits& limits, PubLine& line) {
  if (!ScanPubLine(in, line)) return false;
  const size_t end = line.bytes + line.payload_bytes;
  if (in.size() < end + 2 || in[end] != '\r' || in[end + 1] != '\n') return false;
  return limits.AllowPayload(line.payload_bytes) &&
         line.argument.size() <= limits.control_line_bytes_max;
}

}  // namespace

// The quick way for what nearly all traffic is. Whatever is out of the ordinary, a payload that is
// not all there, a limit that is passed, takes the long way.
bool ClientParser::TakePlainPub(const ParserLimits& limits, Op& op) {
  PubLine line;
  if (!IsPlainPub(in_, limits, line)) return false;
  const size_t end = line.bytes + line.payload_bytes;
  op = Op{.kind = OpKind::kPub,
          .argument = line.argument,
          .subject = line.subject,
          .reply = line.reply,
          .size_text = line.size,
          .payload = in_.substr(line.bytes, line.payload_bytes)};
  run_line_bytes_ = line.bytes;
  run_stride_ = end + 2;
  in_.remove_prefix(end + 2);
  return true;
}

size_t ClientParser::LookAhead(const ParserLimits& limits, std::span<PlainPub> pubs) const {
  if (!held_.empty()) return 0;
  std::string_view in = in_;
  size_t count = 0;
  size_t last_line_bytes = 0;
  for (PubLine line; count < pubs.size() && IsPlainPub(in, limits, line); ++count) {
    if (count > 0 && line.bytes == last_line_bytes &&
        EqualLines(in.data(), pubs[count - 1].payload.data() - line.bytes, line.bytes)) {
      return count - 1;  // a run begins
    }
    last_line_bytes = line.bytes;
    pubs[count] = {line.subject, line.reply, line.size, in.substr(line.bytes, line.payload_bytes)};
    in.remove_prefix(line.bytes + line.payload_bytes + 2);
  }
  return count;
}

void ClientParser::Take(const PlainPub& pub) {
  const char* const end = pub.payload.data() + pub.payload.size() + 2;
  DCHECK(end > in_.data() && end <= in_.data() + in_.size());
  in_.remove_prefix(static_cast<size_t>(end - in_.data()));
  run_stride_ = 0;
}

PubRun ClientParser::TakeRun(size_t bytes_max) {
  if (run_stride_ == 0) return {};
  const size_t stride = run_stride_;
  const char* const first = in_.data();
  const char* const model = first - stride;
  const size_t fit = std::min(in_.size(), std::max(bytes_max, stride)) / stride;
  const char* at = first;
  for (const char* const end = first + fit * stride; at != end; at += stride) {
    if (!EqualLines(at, model, run_line_bytes_)) break;
    if (at[stride - 2] != '\r' || at[stride - 1] != '\n') break;
  }
  in_.remove_prefix(static_cast<size_t>(at - first));
  return {first + run_line_bytes_, stride, static_cast<uint32_t>((at - first) / stride)};
}

}  // namespace martlet::proto
