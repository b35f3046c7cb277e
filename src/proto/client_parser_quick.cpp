// The quick ways of the client parser: PUBs as client libraries write them.
#include "base/check.h"
#include "proto/client_parser.h"
#include "proto/pub_line.h"
#include "proto/pub_run.h"

namespace martlet::proto {
namespace {

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
  const std::string_view in = input_.chunk();
  if (!IsPlainPub(in, limits, line)) return false;
  const size_t end = line.bytes + line.payload_bytes;
  op = Op{.kind = OpKind::kPub,
          .argument = line.argument,
          .subject = line.subject,
          .reply = line.reply,
          .size_text = line.size,
          .payload = in.substr(line.bytes, line.payload_bytes)};
  run_line_bytes_ = line.bytes;
  run_stride_ = end + 2;
  input_.Consume(end + 2);
  return true;
}

size_t ClientParser::LookAhead(const ParserLimits& limits, std::span<PlainPub> pubs) const {
  if (input_.holds()) return 0;
  std::string_view in = input_.chunk();
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
  const std::string_view in = input_.chunk();
  const char* const end = pub.payload.data() + pub.payload.size() + 2;
  DCHECK(end > in.data() && end <= in.data() + in.size());
  input_.Consume(static_cast<size_t>(end - in.data()));
  run_stride_ = 0;
}

PubRun ClientParser::TakeRun(size_t bytes_max) {
  const PubRun run = FindRun(input_.chunk(), run_line_bytes_, run_stride_, bytes_max);
  input_.Consume(run.count * run.stride);
  return run;
}

}  // namespace martlet::proto
