#include "proto/route_line.h"

#include <algorithm>
#include <cstring>

#include "proto/control_line.h"
#include "proto/line_marks.h"

namespace martlet::proto {
namespace {

constexpr size_t kVerbBytes = 5;  // with the blank

// The bytes [at, at + 64) of `in`, with zeros behind its end.
LineMarks MarksAt(std::string_view in, size_t at) {
  if (in.size() >= at + LineMarks::kBytes) return MarksOf(in.data() + at);
  std::array<char, LineMarks::kBytes> padded = {};
  std::copy(in.begin() + static_cast<ptrdiff_t>(at), in.end(), padded.begin());
  return MarksOf(padded.data());
}

size_t LowestBit(uint64_t bits) { return static_cast<size_t>(__builtin_ctzll(bits)); }

bool ReadVerb(std::string_view in, RouteOpKind& kind) {
  if (in.size() < kVerbBytes || std::memcmp(in.data() + 1, "MSG ", kVerbBytes - 1) != 0) {
    return false;
  }
  kind = in.front() == 'R' ? RouteOpKind::kRmsg : RouteOpKind::kHmsg;
  return in.front() == 'R' || in.front() == 'H';
}

// From the first name to what stands in front of the sizes.
std::string_view Between(std::string_view first, std::string_view behind) {
  std::string_view text(first.data(), static_cast<size_t>(behind.data() - first.data()));
  while (!text.empty() && (IsBlank(text.back()) || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

RouteParts SplitRouteArgument(std::string_view argument) {
  const char* const text = argument.data();
  RouteParts parts(text);
  for (;;) {
    const std::string_view part = TakePart<true>(argument);
    if (part.empty()) return parts;
    const auto begin = static_cast<size_t>(part.data() - text);
    parts.Add(begin, begin + part.size());
  }
}

bool ScanRouteLine(std::string_view in, RouteLine& line) {
  constexpr size_t kBytesMax = 2 * LineMarks::kBytes;
  if (!ReadVerb(in, line.kind)) return false;
  size_t begin = kVerbBytes;  // of the part that is looked for the end of
  uint64_t behind_verb = ~uint64_t{0} << kVerbBytes;
  size_t first_return = 0;
  for (size_t at = 0; at < kBytesMax && at < in.size(); at += LineMarks::kBytes) {
    const LineMarks marks = MarksAt(in, at);
    // Those in front of the line end, where there is one.
    const uint64_t line_bits = marks.line_ends ^ (marks.line_ends - 1);
    const uint64_t wanted = (marks.line_ends == 0 ? ~uint64_t{0} : line_bits >> 1) & behind_verb;
    behind_verb = ~uint64_t{0};
    for (uint64_t blanks = marks.blanks & wanted; blanks != 0; blanks &= blanks - 1) {
      const size_t end = at + LowestBit(blanks);
      if (end == begin) return false;
      line.parts.Add(begin, end);
      begin = end + 1;
    }
    const uint64_t returns = marks.returns & wanted;
    if (first_return == 0 && returns != 0) first_return = at + LowestBit(returns);
    if (marks.line_ends == 0) continue;

    const size_t newline = at + LowestBit(marks.line_ends);
    const size_t end = newline - 1;
    if (first_return != end || end <= begin) return false;
    line.parts.Add(begin, end);
    line.argument = in.substr(kVerbBytes, end - kVerbBytes);
    line.bytes = newline + 1;
    return true;
  }
  return false;
}

RouteFault ReadMessageParts(const RouteParts& parts, bool account_omitted, RouteOp& op,
                            uint32_t& payload_bytes) {
  const bool routed = op.kind != RouteOpKind::kPub && op.kind != RouteOpKind::kHpub;
  const bool has_origin = op.kind == RouteOpKind::kLmsg;
  const bool has_account = routed && !account_omitted;
  const size_t sizes = op.kind == RouteOpKind::kRmsg || op.kind == RouteOpKind::kPub ? 1 : 2;
  const size_t subject_at = size_t{has_origin} + size_t{has_account};
  if (parts.count() < subject_at + 1 + sizes) return {RouteParseError::kArguments, op.argument};

  if (has_origin) op.origin = parts.at(0);
  if (has_account) op.account = parts.at(subject_at - 1);
  op.subject = parts.at(subject_at);
  op.size_text = parts.last();
  if (sizes == 2) op.header_size_text = parts.before_last();

  // Between subject and sizes: nothing, a reply, or an indicator and what it promises.
  const size_t others = parts.count() - subject_at - 1 - sizes;
  if (others == 1) op.reply = parts.at(subject_at + 1);
  if (others > 1) {
    if (!routed) return {RouteParseError::kArguments, op.argument};
    const std::string_view indicator = parts.at(subject_at + 1);
    if (indicator != "+" && indicator != "|") return {RouteParseError::kReplyIndicator, indicator};
    const bool has_reply = indicator == "+";
    if (has_reply) op.reply = parts.at(subject_at + 2);
    op.has_queue = others > (has_reply ? 2 : 1);
    const std::string_view sizes_begin = sizes == 2 ? parts.before_last() : parts.last();
    if (op.has_queue) op.queues = Between(parts.at(subject_at + (has_reply ? 3 : 2)), sizes_begin);
  }

  if (sizes == 2 && !ReadSize(op.header_size_text, op.header_bytes)) {
    return {RouteParseError::kHeaderSize, op.argument};
  }
  if (!ReadSize(op.size_text, payload_bytes)) return {RouteParseError::kSize, op.argument};
  if (op.header_bytes > payload_bytes) return {RouteParseError::kSizeOrder, op.argument};
  return {};
}

}  // namespace martlet::proto
