#include "proto/route_parser.h"

#include <array>
#include <cstddef>

#include "proto/control_line.h"
#include "proto/route_line.h"

namespace martlet::proto {
namespace {

// What routes are full of comes first.
constexpr std::array<Verb<RouteOpKind>, 19> kRouteVerbs = {{
    {{"RMSG", {57, 66, 67, 68}, true, false}, RouteOpKind::kRmsg},
    {{"HMSG", {18, 24, 25, 26}, true, false}, RouteOpKind::kHmsg},
    {{"RS+", {57, 58, 45}, true, false}, RouteOpKind::kRoutedSub},
    {{"RS-", {57, 58, 63}, true, false}, RouteOpKind::kRoutedUnsub},
    {{"PING", {29, 34, 35, 36}, false, true}, RouteOpKind::kPing},
    {{"PONG", {29, 37, 38, 39}, false, true}, RouteOpKind::kPong},
    {{"INFO", {71, 72, 73, 74}, false, false}, RouteOpKind::kInfo},
    {{"CONNECT", {10, 11, 12, 13, 14, 15, 16}, false, false}, RouteOpKind::kConnect},
    {{"-ERR", {4, 5, 6, 7}, true, false}, RouteOpKind::kErr},
    {{"+OK", {1, 2, 3}, false, true}, RouteOpKind::kOk},
    {{"LMSG", {55, 66, 67, 68}, true, false}, RouteOpKind::kLmsg},
    {{"LS+", {55, 56, 45}, true, false}, RouteOpKind::kLeafSub},
    {{"LS-", {55, 56, 63}, true, false}, RouteOpKind::kLeafUnsub},
    {{"A+", {48, 49}, true, false}, RouteOpKind::kAccountSub},
    {{"A-", {48, 52}, true, false}, RouteOpKind::kAccountUnsub},
    {{"PUB", {29, 30, 31}, true, false}, RouteOpKind::kPub},
    {{"HPUB", {18, 19, 20, 21}, true, false}, RouteOpKind::kHpub},
    {{"SUB", {43, 44, 45}, true, false}, RouteOpKind::kSub},
    {{"UNSUB", {59, 60, 61, 62, 63}, true, false}, RouteOpKind::kUnsub},
}};

std::string_view CompactRouteLine(std::string_view pending) {
  return CompactLine(pending, kRouteVerbs);
}

bool IsMessage(RouteOpKind kind) {
  switch (kind) {
    case RouteOpKind::kRmsg:
    case RouteOpKind::kHmsg:
    case RouteOpKind::kLmsg:
    case RouteOpKind::kPub:
    case RouteOpKind::kHpub:
      return true;
    default:
      return false;
  }
}

bool IsInterest(RouteOpKind kind) {
  return kind == RouteOpKind::kRoutedSub || kind == RouteOpKind::kRoutedUnsub ||
         kind == RouteOpKind::kLeafSub || kind == RouteOpKind::kLeafUnsub;
}

}  // namespace

std::string_view VerbOf(RouteOpKind kind) {
  for (const Verb<RouteOpKind>& verb : kRouteVerbs) {
    if (verb.kind == kind) return verb.text;
  }
  return {};
}

std::string_view TakeQueue(std::string_view& queues) { return TakePart<true>(queues); }

RouteParser::RouteParser() : input_(CompactRouteLine) {}

void RouteParser::Push(std::string_view bytes) {
  input_.Push(bytes);
  run_stride_ = 0;
}

RouteParser::Result RouteParser::Next(const RouteParserLimits& limits, RouteOp& op) {
  run_stride_ = 0;
  return !input_.holds() && TakePlainMessage(limits, op) ? Result::kOp : NextOther(limits, op);
}

// The quick way for what nearly all traffic is. Whatever is out of the ordinary, a payload that is
// not all there, a limit that is passed, takes the long way.
bool RouteParser::TakePlainMessage(const RouteParserLimits& limits, RouteOp& op) {
  const std::string_view in = input_.chunk();
  RouteLine line(in.data());
  if (!ScanRouteLine(in, line)) return false;
  if (line.argument.size() > limits.control_line_bytes_max) return false;
  op = RouteOp();
  op.kind = line.kind;
  op.argument = line.argument;
  uint32_t payload_bytes = 0;
  const RouteFault fault = ReadMessageParts(line.parts, limits.account_omitted, op, payload_bytes);
  if (fault.error != RouteParseError::kNone) return false;
  const size_t end = line.bytes + payload_bytes;
  if (in.size() < end + 2 || in[end] != '\r' || in[end + 1] != '\n') return false;
  op.payload = in.substr(line.bytes, payload_bytes);
  run_line_bytes_ = line.bytes;
  run_stride_ = end + 2;
  input_.Consume(end + 2);
  return true;
}

RouteParser::Result RouteParser::NextOther(const RouteParserLimits& limits, RouteOp& op) {
  if (error_.error != RouteParseError::kNone) return Result::kError;
  size_t op_bytes = 0;
  const Step step = input_.Cut(limits.control_line_bytes_max,
                               [&](std::string_view in, size_t& consumed, size_t& need) {
                                 const Step parsed = ParseOne(in, limits, op, consumed, need);
                                 op_bytes = consumed;
                                 return parsed;
                               });
  if (step == Step::kMore) return Result::kNeedMore;
  if (step == Step::kFail) return Result::kError;
  if (IsMessage(op.kind) && !input_.holds()) {
    run_line_bytes_ = op_bytes - op.payload.size() - 2;
    run_stride_ = op_bytes;
  }
  return Result::kOp;
}

PubRun RouteParser::TakeRun(size_t bytes_max) {
  const PubRun run = FindRun(input_.chunk(), run_line_bytes_, run_stride_, bytes_max);
  input_.Consume(run.count * run.stride);
  return run;
}

void RouteParser::Save() {
  input_.Save();
  run_stride_ = 0;
}

std::string_view RouteParser::TakeRest() {
  run_stride_ = 0;
  return input_.TakeRest();
}

RouteParser::Step RouteParser::Fail(RouteParseError error, RouteOpKind kind, std::string_view input,
                                    int state) {
  error_ = {.error = error,
            .kind = kind,
            .state = state,
            .offset = input_.OffsetOf(input.data()),
            .input = input};
  return Step::kFail;
}

RouteParser::Step RouteParser::ParseOne(std::string_view in, const RouteParserLimits& limits,
                                        RouteOp& op, size_t& consumed, size_t& need) {
  ControlLine line;
  RouteOpKind kind = RouteOpKind::kPing;
  switch (ReadControlLine(in, kRouteVerbs, limits.control_line_bytes_max, kind, line)) {
    case ReadResult::kDone:
      break;
    case ReadResult::kMore:
      return Step::kMore;
    case ReadResult::kUnknownOperation:
      return Fail(RouteParseError::kUnknownOperation, kind, line.argument, line.state);
    case ReadResult::kTooLong:
      return Fail(RouteParseError::kControlLine, kind, line.argument);
  }
  op = RouteOp();
  op.kind = kind;
  op.argument = line.argument;
  consumed = line.end;
  if (IsMessage(kind)) return ParseMessage(in, limits, line, op, consumed, need);
  return IsInterest(kind) ? ParseInterest(limits, op) : Step::kDone;
}

RouteParser::Step RouteParser::ParseMessage(std::string_view in, const RouteParserLimits& limits,
                                            ControlLine& line, RouteOp& op, size_t& consumed,
                                            size_t& need) {
  uint32_t payload_bytes = 0;
  const RouteFault fault =
      ReadMessageParts(SplitRouteArgument(op.argument), limits.account_omitted, op, payload_bytes);
  if (fault.error != RouteParseError::kNone) return Fail(fault.error, op.kind, fault.input);
  switch (ReadPayload(in, payload_bytes, line, op.payload)) {
    case ReadResult::kDone:
      consumed = line.end;
      return Step::kDone;
    case ReadResult::kMore:
      need = line.end;
      return Step::kMore;
    default:
      return Fail(RouteParseError::kUnknownOperation, op.kind, line.argument, line.state);
  }
}

// Source: spec route-protocol.md sections 4, 6; reference processRemoteSub, parseUnsubProto.
RouteParser::Step RouteParser::ParseInterest(const RouteParserLimits& limits, RouteOp& op) {
  const bool adds = op.kind == RouteOpKind::kRoutedSub || op.kind == RouteOpKind::kLeafSub;
  const bool has_origin = op.kind == RouteOpKind::kLeafSub ||
                          (op.kind == RouteOpKind::kLeafUnsub && limits.leaf_unsub_origin);
  const bool has_account = !limits.account_omitted;
  const size_t subject_at = size_t{has_origin} + size_t{has_account};
  const RouteParts parts = SplitRouteArgument(op.argument);
  // A queue comes with its weight, and goes without.
  op.has_queue = parts.count() == subject_at + (adds ? 3 : 2);
  if (!op.has_queue && parts.count() != subject_at + 1) {
    return Fail(RouteParseError::kArguments, op.kind, op.argument);
  }
  if (has_origin) op.origin = parts.at(0);
  if (has_account) op.account = parts.at(subject_at - 1);
  op.subject = parts.at(subject_at);
  if (!op.has_queue) return Step::kDone;
  op.queues = parts.at(subject_at + 1);
  if (adds && !ReadSize(parts.last(), op.weight)) op.weight = 0;
  return Step::kDone;
}

}  // namespace martlet::proto
