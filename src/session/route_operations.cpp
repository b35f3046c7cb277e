// What the operations of a route mean.
#include <utility>

#include "base/go_text.h"
#include "session/delivery.h"
#include "session/route_session.h"
#include "subject/subject.h"

namespace martlet::session {

using base::GoQuote;
using base::LogLevel;
using proto::RouteOp;
using proto::RouteOpKind;

namespace {

// Input that is published in one go, at most.
constexpr size_t kRoutedRunBytesMax = 65536;

// `$JS.ACK.<eight tokens or more>@<subject>`: a message of another server's stream. Its receivers
// read the subject behind the `@`, and answer to what stands in front of it.
// Source: spec route-protocol.md section 5.3; reference processInboundRoutedMsg.
bool SplitStreamReply(std::string_view reply, Message& message) {
  if (!reply.starts_with("$JS.ACK.")) return false;
  const size_t at = reply.find('@');
  if (at == reply.npos) return false;
  message.reply = reply.substr(0, at);
  message.shown_subject = reply.substr(at + 1);
  return true;
}

}  // namespace

proto::RouteParserLimits RouteSession::LimitsNow() const {
  constexpr size_t kTimesThatOfClients = 16;
  const auto line = static_cast<size_t>(context_.facts->options.max_control_line_bytes);
  return {.control_line_bytes_max = kTimesThatOfClients * line,
          .account_omitted = registered_ && !role_.account.empty()};
}

void RouteSession::Process() {
  RouteOp op;
  while (!paused() && !closing() && MayCome()) {
    switch (parser_.Next(LimitsNow(), op)) {
      case proto::RouteParser::Result::kOp:
        Execute(op);
        break;
      case proto::RouteParser::Result::kNeedMore:
        return;
      case proto::RouteParser::Result::kError:
        OnParseError();
        return;
    }
  }
}

void RouteSession::Execute(const RouteOp& op) {
  if (Logs(LogLevel::kTrace)) [[unlikely]]
    TraceIn(op);
  switch (op.kind) {
    case RouteOpKind::kRmsg:
    case RouteOpKind::kHmsg:
    case RouteOpKind::kLmsg:
      OnMessage(op);
      if (context_.mailroom.blocked()) [[unlikely]]
        PauseForRings();
      return;
    case RouteOpKind::kRoutedSub:
    case RouteOpKind::kRoutedUnsub:
    case RouteOpKind::kLeafSub:
    case RouteOpKind::kLeafUnsub:
      return OnInterest(op);
    case RouteOpKind::kConnect:
      return OnConnect(op.argument);
    case RouteOpKind::kInfo:
      return OnInfo(op.argument);
    case RouteOpKind::kPing:
      return AnswerPing();
    case RouteOpKind::kPong:
      return OnPong();
    case RouteOpKind::kErr:
      host_.OnRouteError(op.argument);  // the mesh logs it
      return Close(CloseReason::kParseError);
    default:
      return;  // without effect on a route
  }
}

// What was published before is on its way when the answer leaves; and who asks once it is
// registered has been told all that is wanted here by then.
void RouteSession::AnswerPing() {
  if (registered_ && !told_all_) {
    ++pongs_owed_;
    return;
  }
  context_.drain_inbound();
  if (Logs(LogLevel::kTrace)) TraceOut("PONG");
  SendLine("PONG\r\n");
}

// A server that connects says who it is before anything else, and its first byte tells whether it
// does: no verb but CONNECT begins so. What else a stranger sends is not even parsed.
// Source: reference parser.go, OP_START.
bool RouteSession::MayCome() {
  if (solicited_ || connect_came_) return true;
  const int first = parser_.first_byte();
  if (first < 0 || first == 'C' || first == 'c') return true;
  Log(LogLevel::kError, "authentication error");
  CloseWith("Authorization Violation", CloseReason::kAuthenticationFailure);
  return false;
}

void RouteSession::OnConnect(std::string_view text) {
  connect_came_ = true;
  last_active_ns_ = context_.now_ns;
  absl::StatusOr<proto::RouteConnect> connect = proto::ReadRouteConnect(text);
  if (!connect.ok()) {
    Log(LogLevel::kError, std::string(connect.status().message()));
    return Close(CloseReason::kProtocolViolation);
  }
  if (registered_ || solicited_) return;  // has been said, or is nothing that acceptors say
  waits_for_control_ = true;
  UpdatePause();
  host_.OnRouteConnect(*std::move(connect));
}

void RouteSession::OnInfo(std::string_view text) {
  if (registered_ && TakeCheck(text)) return;
  absl::StatusOr<proto::RouteInfo> info = proto::ReadRouteInfo(text);
  if (!info.ok()) {
    Log(LogLevel::kError, std::string(info.status().message()));
    return Close(CloseReason::kProtocolViolation);
  }
  if (!registered_) {
    waits_for_control_ = true;
    UpdatePause();
  }
  host_.OnRouteInfo(*std::move(info));
}

void RouteSession::OnInterest(const RouteOp& op) {
  last_active_ns_ = context_.now_ns;
  const bool adds = op.kind == RouteOpKind::kRoutedSub || op.kind == RouteOpKind::kLeafSub;
  const auto account = role_.account.empty() ? FindAccount(op.account)
                                             : std::optional<subject::AccountId>(own_account_);
  if (!account) {
    if (!adds) return;
    return Log(LogLevel::kError, "Unknown account " + GoQuote(op.account) + " for remote subject " +
                                     GoQuote(op.subject));
  }
  if (!adds) {
    if (interest_.Remove(*account, op.subject, op.queues)) ForgetInterest(1);
    return;
  }
  if (!subject::IsValidFilter(op.subject)) {
    Log(LogLevel::kError, "Could not insert subscription: sublist: invalid subject");
    return SendError("Invalid Subscription");  // which makes a real peer close
  }
  if (!MayExport(op.subject)) {
    if (Logs(LogLevel::kDebug)) {
      Log(LogLevel::kDebug,
          "Can not export " + GoQuote(op.subject) + ", ignoring remote subscription request");
    }
    return;
  }
  if (!interest_.Add(*account, op.subject, op.queues, op.weight)) return;
  context_.stats.remote_subscriptions.Add();
  context_.stats.remote_subscriptions_made.Add();
}

void RouteSession::OnMessage(const RouteOp& op) {
  last_active_ns_ = context_.now_ns;
  context_.stats.route_in_messages.Add();
  context_.stats.route_in_bytes.Add(op.payload.size());
  CountIn(1, op.payload.size());
  const auto account = role_.account.empty() ? FindAccount(op.account)
                                             : std::optional<subject::AccountId>(own_account_);
  if (!account || !registered_) return;  // nobody here has it
  const base::Keeper memory(KeepInput());
  Message message = {
      .account = *account,
      .subject = op.subject,
      .reply = op.reply,
      .header_size_text = op.header_bytes > 0 ? op.header_size_text : std::string_view(),
      .size_text = op.size_text,
      .header_bytes = op.header_bytes,
      .payload = op.payload,
      .memory = memory.get()};
  SplitStreamReply(op.reply, message);
  subject::MatchCache::Memo memo;
  context_.delivery->PublishRouted(message, op.queues, *this,
                                   context_.cache.Match(message.account, message.subject, memo));
  if (Logs(LogLevel::kTrace)) return;
  while (!paused() && !closing() && !context_.mailroom.blocked()) {
    const proto::PubRun run = parser_.TakeRun(kRoutedRunBytesMax);
    if (run.count == 0) return;
    message.payload = {run.payload, message.payload.size()};
    message.stride = run.stride;
    message.count = run.count;
    const uint64_t bytes = run.count * message.payload.size();
    context_.stats.route_in_messages.Add(run.count);
    context_.stats.route_in_bytes.Add(bytes);
    CountIn(run.count, bytes);
    context_.delivery->PublishRouted(
        message, op.queues, *this,
        context_.cache.MatchAgain(message.account, message.subject, memo));
  }
}

void RouteSession::OnParseError() {
  const proto::RouteErrorDetail& detail = parser_.error();
  switch (detail.error) {
    case proto::RouteParseError::kUnknownOperation:
      SendError("Unknown Protocol Operation");
      break;
    case proto::RouteParseError::kControlLine:
      SendError("maximum control line exceeded");
      Log(LogLevel::kError, "maximum control line exceeded");
      return Close(CloseReason::kMaximumControlLineExceeded);
    default:
      break;
  }
  Log(LogLevel::kError, proto::RouteErrorText(detail, role_.account));
  Close(CloseReason::kProtocolViolation);
}

void RouteSession::TraceIn(const RouteOp& op) const {
  std::string text = "<<- [" + std::string(proto::VerbOf(op.kind));
  if (!op.argument.empty()) text += " " + std::string(op.argument);
  Log(LogLevel::kTrace, text + "]");
  if (!op.payload.empty()) {
    Log(LogLevel::kTrace, "<<- MSG_PAYLOAD: [" + GoQuote(op.payload) + "]");
  }
}

void RouteSession::TraceOut(std::string_view text) const {
  Log(LogLevel::kTrace, "->> [" + std::string(text) + "]");
}

}  // namespace martlet::session
