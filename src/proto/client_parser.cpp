#include "proto/client_parser.h"

#include <array>

#include "proto/control_line.h"

namespace martlet::proto {
namespace {

constexpr std::array<Verb<OpKind>, 10> kClientVerbs = {{
    {{"PUB", {29, 30, 31}, true, false}, OpKind::kPub},
    {{"PING", {29, 34, 35, 36}, false, true}, OpKind::kPing},
    {{"PONG", {29, 37, 38, 39}, false, true}, OpKind::kPong},
    {{"HPUB", {18, 19, 20, 21}, true, false}, OpKind::kHpub},
    {{"SUB", {43, 44, 45}, true, false}, OpKind::kSub},
    {{"UNSUB", {59, 60, 61, 62, 63}, true, false}, OpKind::kUnsub},
    {{"CONNECT", {10, 11, 12, 13, 14, 15, 16}, false, false}, OpKind::kConnect},
    {{"INFO", {71, 72, 73, 74}, false, false}, OpKind::kInfo},
    {{"+OK", {1, 2, 3}, false, true}, OpKind::kOk},
    {{"-ERR", {4, 5, 6, 7}, true, false}, OpKind::kErr},
}};

struct Arguments {
  static constexpr size_t kMax = 5;  // one more than any verb takes
  std::array<std::string_view, kMax> at;
  size_t count = 0;
};

// PUB and HPUB split at blanks only; SUB and UNSUB also at CR (reference: splitArg).
template <bool kSplitAtCr>
Arguments SplitArguments(std::string_view text) {
  Arguments args;
  for (;;) {
    const std::string_view part = TakePart<kSplitAtCr>(text);
    if (part.empty()) return args;
    if (args.count < Arguments::kMax) args.at[args.count] = part;
    ++args.count;
  }
}

std::string_view CompactClientLine(std::string_view pending) {
  return CompactLine(pending, kClientVerbs);
}

}  // namespace

ClientParser::ClientParser() : input_(CompactClientLine) {}

void ClientParser::Push(std::string_view bytes) {
  input_.Push(bytes);
  run_stride_ = 0;
}

ClientParser::Result ClientParser::Next(const ParserLimits& limits, Op& op) {
  run_stride_ = 0;
  return !input_.holds() && TakePlainPub(limits, op) ? Result::kOp : NextOther(limits, op);
}

ClientParser::Result ClientParser::NextOther(const ParserLimits& limits, Op& op) {
  if (error_.error != ParseError::kNone) return Result::kError;
  size_t op_bytes = 0;
  const Step step = input_.Cut(limits.control_line_bytes_max,
                               [&](std::string_view in, size_t& consumed, size_t& need) {
                                 const Step parsed = ParseOne(in, limits, op, consumed, need);
                                 op_bytes = consumed;
                                 return parsed;
                               });
  if (step == Step::kMore) return Result::kNeedMore;
  if (step == Step::kFail) return Result::kError;
  const bool publishes = op.kind == OpKind::kPub || op.kind == OpKind::kHpub;
  if (publishes && !input_.holds()) {
    run_line_bytes_ = op_bytes - op.payload.size() - 2;
    run_stride_ = op_bytes;
  }
  return Result::kOp;
}

void ClientParser::Save() {
  input_.Save();
  run_stride_ = 0;
}

std::string_view ClientParser::TakeRest() {
  run_stride_ = 0;
  return input_.TakeRest();
}

ClientParser::Step ClientParser::Fail(ParseError error, std::string_view input, int state) {
  error_.error = error;
  error_.state = state;
  error_.input = input;
  error_.offset = input_.OffsetOf(input.data());
  return Step::kFail;
}

ClientParser::Step ClientParser::ParseOne(std::string_view in, const ParserLimits& limits, Op& op,
                                          size_t& consumed, size_t& need) {
  ControlLine line;
  OpKind kind = OpKind::kPing;
  switch (ReadControlLine(in, kClientVerbs, limits.control_line_bytes_max, kind, line)) {
    case ReadResult::kDone:
      break;
    case ReadResult::kMore:
      return Step::kMore;
    case ReadResult::kUnknownOperation:
      return Fail(ParseError::kUnknownOperation, line.argument, line.state);
    case ReadResult::kTooLong:
      return Fail(ParseError::kControlLine, line.argument);
  }

  op = Op{.kind = kind, .argument = line.argument};
  consumed = line.end;
  if (kind == OpKind::kSub) return ParseSub(op);
  if (kind == OpKind::kUnsub) return ParseUnsub(op);
  if (kind != OpKind::kPub && kind != OpKind::kHpub) return Step::kDone;
  uint32_t size_bytes = 0;
  const Step parsed =
      kind == OpKind::kPub ? ParsePub(limits, op, size_bytes) : ParseHpub(limits, op, size_bytes);
  return parsed == Step::kDone ? TakePayload(in, size_bytes, line, op, consumed, need) : parsed;
}

ClientParser::Step ClientParser::ParsePub(const ParserLimits& limits, Op& op,
                                          uint32_t& size_bytes) {
  const Arguments args = SplitArguments<false>(op.argument);
  if (args.count < 2 || args.count > 3) return Fail(ParseError::kPubArguments, op.argument);
  op.subject = args.at[0];
  if (args.count == 3) op.reply = args.at[1];
  op.size_text = args.at[args.count - 1];
  if (!ReadSize(op.size_text, size_bytes)) return Fail(ParseError::kPubSize, op.argument);
  if (!limits.AllowPayload(size_bytes)) {
    error_.announced_bytes = size_bytes;
    return Fail(ParseError::kPayloadSize, op.argument);
  }
  return Step::kDone;
}

ClientParser::Step ClientParser::ParseHpub(const ParserLimits& limits, Op& op,
                                           uint32_t& size_bytes) {
  if (!limits.headers) return Fail(ParseError::kHeadersNotSupported, op.argument);
  const Arguments args = SplitArguments<false>(op.argument);
  if (args.count < 3 || args.count > 4) return Fail(ParseError::kHpubArguments, op.argument);
  op.subject = args.at[0];
  if (args.count == 4) op.reply = args.at[1];
  op.header_size_text = args.at[args.count - 2];
  op.size_text = args.at[args.count - 1];
  if (!ReadSize(op.header_size_text, op.header_bytes)) {
    return Fail(ParseError::kHpubHeaderSize, op.argument);
  }
  if (!ReadSize(op.size_text, size_bytes)) return Fail(ParseError::kHpubTotalSize, op.argument);
  if (op.header_bytes > size_bytes) return Fail(ParseError::kHpubSizeOrder, op.argument);
  if (!limits.AllowPayload(size_bytes)) {
    error_.announced_bytes = size_bytes;
    return Fail(ParseError::kPayloadSize, op.argument);
  }
  return Step::kDone;
}

ClientParser::Step ClientParser::TakePayload(std::string_view in, uint32_t size_bytes,
                                             ControlLine& line, Op& op, size_t& consumed,
                                             size_t& need) {
  switch (ReadPayload(in, size_bytes, line, op.payload)) {
    case ReadResult::kDone:
      consumed = line.end;
      return Step::kDone;
    case ReadResult::kMore:
      need = line.end;
      return Step::kMore;
    default:
      return Fail(ParseError::kUnknownOperation, line.argument, line.state);
  }
}

ClientParser::Step ClientParser::ParseSub(Op& op) {
  const Arguments args = SplitArguments<true>(op.argument);
  if (args.count < 2 || args.count > 3) return Fail(ParseError::kSubArguments, op.argument);
  op.subject = args.at[0];
  if (args.count == 3) op.queue = args.at[1];
  op.sid = args.at[args.count - 1];
  return Step::kDone;
}

ClientParser::Step ClientParser::ParseUnsub(Op& op) {
  const Arguments args = SplitArguments<true>(op.argument);
  if (args.count < 1 || args.count > 2) return Fail(ParseError::kUnsubArguments, op.argument);
  op.sid = args.at[0];
  if (args.count == 2) op.max = args.at[1];
  return Step::kDone;
}

}  // namespace martlet::proto
