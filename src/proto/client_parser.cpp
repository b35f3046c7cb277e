#include "proto/client_parser.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/check.h"

namespace martlet::proto {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// A verb and the number that the reference's parser gives to the state "first letter read".
// States after each further letter count up from there.
struct Verb {
  std::string_view text;  // upper case
  OpKind kind;
  int first_state;
  bool blank_needed;  // at least one blank must follow
  bool junk_allowed;  // everything up to the line end is ignored
};

constexpr std::array<Verb, 10> kVerbs = {{
    {"PUB", OpKind::kPub, 29, true, false},
    {"PING", OpKind::kPing, 33, false, true},
    {"PONG", OpKind::kPong, 36, false, true},
    {"HPUB", OpKind::kHpub, 18, true, false},
    {"SUB", OpKind::kSub, 43, true, false},
    {"UNSUB", OpKind::kUnsub, 59, true, false},
    {"CONNECT", OpKind::kConnect, 10, false, false},
    {"INFO", OpKind::kInfo, 71, false, false},
    {"+OK", OpKind::kOk, 1, false, true},
    {"-ERR", OpKind::kErr, 4, true, false},
}};

constexpr int kStateP = 29;           // PING and PONG share the first letter's state with PUB
constexpr int kStateMessageEnd = 41;  // the byte after the payload must be CR

char Upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

// How many leading bytes of `in` agree with the verb.
size_t MatchedBytes(const Verb& verb, std::string_view in) {
  const size_t limit = std::min(in.size(), verb.text.size());
  size_t matched = 0;
  while (matched < limit && Upper(in[matched]) == verb.text[matched]) ++matched;
  return matched;
}

int StateAfter(const Verb& verb, size_t letters) {
  if (letters == 0) return 0;
  if (letters == 1 && verb.text[0] == 'P') return kStateP;
  return verb.first_state + static_cast<int>(letters) - 1;
}

struct Arguments {
  static constexpr size_t kMax = 5;  // one more than any verb takes
  std::array<std::string_view, kMax> at;
  size_t count = 0;
};

// PUB and HPUB split at blanks only; SUB and UNSUB also at CR (reference: splitArg).
template <bool kSplitAtCr>
Arguments SplitArguments(std::string_view text) {
  Arguments args;
  size_t i = 0;
  while (i < text.size()) {
    const auto separates = [](char c) { return IsBlank(c) || (kSplitAtCr && c == '\r'); };
    while (i < text.size() && separates(text[i])) ++i;
    const size_t start = i;
    while (i < text.size() && !separates(text[i])) ++i;
    if (i == start) break;
    if (args.count < Arguments::kMax) args.at[args.count] = text.substr(start, i - start);
    ++args.count;
  }
  return args;
}

// One to nine digits; leading zeros are fine, signs are not.
std::optional<uint32_t> ParseSize(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  uint32_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<uint32_t>(c - '0');
  }
  return value;
}

}  // namespace

// The control line of one operation.
struct ClientParser::Line {
  const Verb* verb = nullptr;
  std::string_view argument;
  size_t end = 0;  // offset just behind the LF
};

void ClientParser::Push(std::string_view bytes) {
  DCHECK(in_.empty());
  in_ = bytes;
  pushed_bytes_ = bytes.size();
  run_stride_ = 0;
}

int ClientParser::first_byte() const {
  const size_t next = held_start_ + held_used_;
  if (held_.size() > next) return static_cast<unsigned char>(held_[next]);
  return in_.empty() ? -1 : static_cast<unsigned char>(in_.front());
}

ClientParser::Result ClientParser::Next(const ParserLimits& limits, Op& op) {
  run_stride_ = 0;
  return held_.empty() && TakePlainPub(limits, op) ? Result::kOp : NextOther(limits, op);
}

ClientParser::Result ClientParser::NextOther(const ParserLimits& limits, Op& op) {
  if (error_.error != ParseError::kNone) return Result::kError;
  DropUsed();
  if (!held_.empty()) return NextHeld(limits, op);

  size_t consumed = 0;
  Need need;
  switch (ParseOne(in_, limits, op, consumed, need)) {
    case Step::kDone:
      if (op.kind == OpKind::kPub || op.kind == OpKind::kHpub) {
        run_line_bytes_ = static_cast<size_t>(op.payload.data() - in_.data());
        run_stride_ = consumed;
      }
      in_.remove_prefix(consumed);
      return Result::kOp;
    case Step::kMore:
      return Result::kNeedMore;
    case Step::kFail:
      break;
  }
  return Result::kError;
}

ClientParser::Result ClientParser::NextHeld(const ParserLimits& limits, Op& op) {
  size_t consumed = 0;
  Need need;
  for (;;) {
    switch (ParseOne(Held(), limits, op, consumed, need)) {
      case Step::kDone:
        held_used_ = consumed;
        return Result::kOp;
      case Step::kMore:
        if (!Refill(need, limits)) return Result::kNeedMore;
        break;
      case Step::kFail:
        return Result::kError;
    }
  }
}

void ClientParser::DropUsed() {
  held_start_ += held_used_;
  held_used_ = 0;
  if (held_start_ == held_.size() && held_start_ != 0) {
    held_ = std::string();  // gives the memory back, too
    held_start_ = 0;
  }
}

std::string ClientParser::TakeHeld() {
  // Short texts lie in the string itself, and would move with it.
  constexpr size_t kWorthwhileBytes = 4096;
  if (held_start_ != 0 || held_used_ != held_.size() || held_used_ < kWorthwhileBytes) return {};
  held_used_ = 0;
  return std::exchange(held_, {});
}

// Moves bytes of the chunk behind the held ones, no more than the operation can use. False when
// the chunk is used up.
bool ClientParser::Refill(const Need& need, const ParserLimits& limits) {
  if (in_.empty()) return false;
  if (held_start_ != 0) {
    held_.erase(0, held_start_);
    held_start_ = 0;
  }
  size_t take = in_.size();
  if (need.bytes > held_.size()) {
    take = std::min(take, need.bytes - held_.size());
    // Grow as the bytes come, at most doubling: an announced size is not believed in advance.
    if (held_.capacity() < held_.size() + take) {
      held_.reserve(std::min(need.bytes, std::max(2 * held_.size(), held_.size() + take)));
    }
  } else {
    const size_t newline = in_.find('\n');
    if (newline != in_.npos) {
      take = newline + 1;
    } else if (held_.size() > limits.control_line_bytes_max) {
      held_ = std::string(Compact(held_));  // junk and blanks do not pile up
    }
  }
  held_.append(in_.substr(0, take));
  in_.remove_prefix(take);
  return true;
}

void ClientParser::Save() {
  DropUsed();
  if (held_.empty()) {
    held_ = in_.empty() ? std::string() : std::string(Compact(in_));
  } else {
    held_.append(in_);
  }
  in_ = {};
  run_stride_ = 0;
}

std::string_view ClientParser::TakeRest() {
  DropUsed();
  run_stride_ = 0;
  return std::exchange(in_, {});
}

// What must be kept of an operation that has no line end yet: junk behind PING, PONG and +OK is
// ignored anyway, and of the blanks behind a verb one is enough.
std::string_view ClientParser::Compact(std::string_view pending) {
  if (pending.find('\n') != pending.npos) return pending;
  for (const Verb& verb : kVerbs) {
    if (MatchedBytes(verb, pending) != verb.text.size()) continue;
    if (verb.junk_allowed) return pending.substr(0, verb.text.size());
    const std::string_view rest = pending.substr(verb.text.size());
    if (!rest.empty() && std::all_of(rest.begin(), rest.end(), IsBlank)) {
      return pending.substr(0, verb.text.size() + 1);
    }
  }
  return pending;
}

ClientParser::Step ClientParser::Fail(ParseError error, std::string_view input, int state) {
  error_.error = error;
  error_.state = state;
  error_.input = input;
  const bool in_chunk = input.data() >= in_.data() && input.data() <= in_.data() + in_.size();
  error_.offset =
      in_chunk ? pushed_bytes_ - in_.size() + static_cast<size_t>(input.data() - in_.data()) : 0;
  return Step::kFail;
}

ClientParser::Step ClientParser::ParseOne(std::string_view in, const ParserLimits& limits, Op& op,
                                          size_t& consumed, Need& need) {
  need.bytes = 0;
  if (in.empty()) return Step::kMore;
  Line line;
  const Step step = ParseVerb(in, limits, line);
  if (step != Step::kDone) return step;

  op = Op{.kind = line.verb->kind, .argument = line.argument};
  consumed = line.end;
  switch (line.verb->kind) {
    case OpKind::kPub:
      return ParsePub(in, limits, line, op, consumed, need);
    case OpKind::kHpub: {
      uint32_t size_bytes = 0;
      const Step parsed = ParseHpub(limits, line, op, size_bytes);
      if (parsed != Step::kDone) return parsed;
      return TakePayload(in, line, size_bytes, op, consumed, need);
    }
    case OpKind::kSub:
      return ParseSub(line, op);
    case OpKind::kUnsub:
      return ParseUnsub(line, op);
    default:
      return Step::kDone;
  }
}

// Finds verb, argument text and line end. A byte that cannot continue any verb fails at once,
// before the line is complete.
ClientParser::Step ClientParser::ParseVerb(std::string_view in, const ParserLimits& limits,
                                           Line& line) {
  size_t best = 0;
  const Verb* nearest = &kVerbs[0];
  for (const Verb& verb : kVerbs) {
    const size_t matched = MatchedBytes(verb, in);
    if (matched == verb.text.size()) {
      line.verb = &verb;
      break;
    }
    if (matched > best) {
      best = matched;
      nearest = &verb;
    }
  }
  if (line.verb == nullptr) {
    if (best == in.size()) return Step::kMore;
    return Fail(ParseError::kUnknownOperation, in.substr(best), StateAfter(*nearest, best));
  }

  const Verb& verb = *line.verb;
  const std::string_view rest = in.substr(verb.text.size());
  if (verb.blank_needed && !rest.empty() && !IsBlank(rest.front())) {
    return Fail(ParseError::kUnknownOperation, rest, StateAfter(verb, verb.text.size()));
  }
  const size_t newline = rest.find('\n');
  line.argument = rest.substr(0, newline);
  if (verb.junk_allowed) {
    if (newline == rest.npos) return Step::kMore;
    line.argument = {};
  } else {
    while (!line.argument.empty() && IsBlank(line.argument.front())) {
      line.argument.remove_prefix(1);
    }
    if (line.argument.ends_with('\r')) line.argument.remove_suffix(1);
    if (line.argument.size() > limits.control_line_bytes_max) {
      return Fail(ParseError::kControlLine, line.argument);
    }
    if (newline == rest.npos) return Step::kMore;
  }
  line.end = verb.text.size() + newline + 1;
  return Step::kDone;
}

ClientParser::Step ClientParser::ParsePub(std::string_view in, const ParserLimits& limits,
                                          const Line& line, Op& op, size_t& consumed, Need& need) {
  const Arguments args = SplitArguments<false>(line.argument);
  if (args.count < 2 || args.count > 3) return Fail(ParseError::kPubArguments, line.argument);
  op.subject = args.at[0];
  if (args.count == 3) op.reply = args.at[1];
  op.size_text = args.at[args.count - 1];
  const std::optional<uint32_t> size_bytes = ParseSize(op.size_text);
  if (!size_bytes) return Fail(ParseError::kPubSize, line.argument);
  if (!limits.AllowPayload(*size_bytes)) {
    error_.announced_bytes = *size_bytes;
    return Fail(ParseError::kPayloadSize, line.argument);
  }
  return TakePayload(in, line, *size_bytes, op, consumed, need);
}

ClientParser::Step ClientParser::ParseHpub(const ParserLimits& limits, const Line& line, Op& op,
                                           uint32_t& size_bytes) {
  if (!limits.headers) return Fail(ParseError::kHeadersNotSupported, line.argument);
  const Arguments args = SplitArguments<false>(line.argument);
  if (args.count < 3 || args.count > 4) return Fail(ParseError::kHpubArguments, line.argument);
  op.subject = args.at[0];
  if (args.count == 4) op.reply = args.at[1];
  op.header_size_text = args.at[args.count - 2];
  op.size_text = args.at[args.count - 1];
  const std::optional<uint32_t> header_bytes = ParseSize(op.header_size_text);
  const std::optional<uint32_t> total_bytes = ParseSize(op.size_text);
  if (!header_bytes) return Fail(ParseError::kHpubHeaderSize, line.argument);
  if (!total_bytes) return Fail(ParseError::kHpubTotalSize, line.argument);
  if (*header_bytes > *total_bytes) return Fail(ParseError::kHpubSizeOrder, line.argument);
  if (!limits.AllowPayload(*total_bytes)) {
    error_.announced_bytes = *total_bytes;
    return Fail(ParseError::kPayloadSize, line.argument);
  }
  op.header_bytes = *header_bytes;
  size_bytes = *total_bytes;
  return Step::kDone;
}

// The two bytes behind the payload must be CR LF, and a wrong one fails as soon as it is there.
ClientParser::Step ClientParser::TakePayload(std::string_view in, const Line& line,
                                             uint32_t size_bytes, Op& op, size_t& consumed,
                                             Need& need) {
  const size_t end = line.end + size_bytes;
  if (in.size() > end && in[end] != '\r') {
    return Fail(ParseError::kUnknownOperation, in.substr(end), kStateMessageEnd);
  }
  if (in.size() > end + 1 && in[end + 1] != '\n') {
    return Fail(ParseError::kUnknownOperation, in.substr(end + 1), kStateMessageEnd + 1);
  }
  if (in.size() < end + 2) {
    need.bytes = end + 2;
    return Step::kMore;
  }
  op.payload = in.substr(line.end, size_bytes);
  consumed = end + 2;
  return Step::kDone;
}

ClientParser::Step ClientParser::ParseSub(const Line& line, Op& op) {
  const Arguments args = SplitArguments<true>(line.argument);
  if (args.count < 2 || args.count > 3) return Fail(ParseError::kSubArguments, line.argument);
  op.subject = args.at[0];
  if (args.count == 3) op.queue = args.at[1];
  op.sid = args.at[args.count - 1];
  return Step::kDone;
}

ClientParser::Step ClientParser::ParseUnsub(const Line& line, Op& op) {
  const Arguments args = SplitArguments<true>(line.argument);
  if (args.count < 1 || args.count > 2) return Fail(ParseError::kUnsubArguments, line.argument);
  op.sid = args.at[0];
  if (args.count == 2) op.max = args.at[1];
  return Step::kDone;
}

}  // namespace martlet::proto
