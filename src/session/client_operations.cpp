// PUB, HPUB, SUB, UNSUB: the operations that move messages.
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/go_text.h"
#include "session/client_session.h"
#include "session/delivery.h"
#include "session/user_info.h"
#include "subject/subject.h"

namespace martlet::session {
namespace {

using base::GoQuote;
using base::LogLevel;

// Subjects of routed gateway replies: the prefix and two hashes of six characters, then more.
bool IsRoutedGatewayReply(std::string_view subject) {
  constexpr size_t kPrefixAndHashes = 19;
  return subject.size() > kPrefixAndHashes && subject.starts_with("_GR_.");
}

bool IsReservedReply(std::string_view reply) {
  const auto begins = [&](std::string_view prefix) {
    return reply.size() > prefix.size() && reply.starts_with(prefix);
  };
  return reply.starts_with("_R_.") || begins("$JS.ACK.") || begins("_GR_.");
}

// Input that is published in one go, at most.
constexpr int64_t kRunBytesMax = 65536;

// One to nine digits; anything else, also nothing, is no number.
int64_t ParseMax(std::string_view text) {
  int64_t value = -1;
  if (text.empty() || text.size() > 9) return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && text.front() != '-' ? value : -1;
}

}  // namespace

void ClientSession::Process() {
  proto::Op op;
  while (!paused() && !closing()) {
    const Options& options = context_.facts->options;
    const proto::ParserLimits limits = {
        .control_line_bytes_max = static_cast<size_t>(options.max_control_line_bytes),
        .payload_bytes_max = options.max_payload_bytes,
        .headers = headers_,
    };
    switch (parser_.Next(limits, op)) {
      case proto::ClientParser::Result::kOp:
        Execute(op);
        break;
      case proto::ClientParser::Result::kNeedMore:
        return;
      case proto::ClientParser::Result::kError:
        OnParseError();
        return;
    }
  }
}

void ClientSession::Execute(const proto::Op& op) {
  switch (op.kind) {
    case proto::OpKind::kPub:
    case proto::OpKind::kHpub:
      OnPublish(op);
      if (context_.mailroom.blocked()) [[unlikely]]
        PauseForRings();
      return;
    case proto::OpKind::kSub:
      return OnSubscribe(op);
    case proto::OpKind::kUnsub:
      return OnUnsubscribe(op);
    case proto::OpKind::kConnect:
      return OnConnect(op.argument);
    case proto::OpKind::kPing:
      return OnPing();
    case proto::OpKind::kPong:
      return OnPong();
    case proto::OpKind::kInfo:
      return OnInfo(op.argument);
    case proto::OpKind::kOk:
      return;
    case proto::OpKind::kErr:
      return OnPeerError(op.argument);
  }
}

void ClientSession::Publish(const Message& message, const subject::MatchResult& match) {
  if (!context_.delivery->Publish(message, this, match) && !message.reply.empty()) {
    context_.delivery->AnswerNoResponders(message, *this);
  }
}

// Source: spec client-protocol.md section 5, "Processing order".
void ClientSession::OnPublish(const proto::Op& op) {
  const bool traces = Logs(LogLevel::kTrace);
  if (traces) [[unlikely]] {
    TraceIn(op.kind == proto::OpKind::kPub ? "PUB" : "HPUB", op.argument);
    TracePayload("<<- ", op.payload);
  }
  last_input_ms_ = context_.timers.now();
  context_.stats.in_messages.Add();
  context_.stats.in_bytes.Add(op.payload.size());

  // A pedantic client is told, and its message goes on all the same.
  if (pedantic_ && !subject::IsValidLiteral(op.subject)) SendError("Invalid Publish Subject");
  if (!MayPublish(op)) return;
  if (verbose_) SendOk();

  Message message = {
      .account = subject::kGlobalAccount,
      .subject = op.subject,
      .reply = op.reply,
      .header_size_text = op.header_size_text,
      .size_text = op.size_text,
      .header_bytes = op.header_bytes,
      .payload = op.payload,
  };
  const base::Keeper memory(KeepInput());
  message.memory = memory.get();
  if (op.subject == kUserInfoSubject) [[unlikely]]
    return AnswerUserInfo(message, *this);
  subject::MatchCache::Memo memo;
  Publish(message, context_.cache.Match(message.account, message.subject, memo));
  if (!pedantic_ && !verbose_ && !traces && message.reply.empty()) PublishRuns(message, memo);
}

// The memory that the operation lies in, where that can be kept.
base::KeptMemory* ClientSession::KeepInput() {
  if (!parser_.holds()) return input_memory_;
  std::string text = parser_.TakeHeld();
  return text.empty() ? nullptr : new base::KeptText(std::move(text));
}

/// What follows with the same control line: nothing is asked again. In pieces, so that a pause
/// that a delivery makes due is not long in coming.
void ClientSession::PublishRuns(Message message, subject::MatchCache::Memo& memo) {
  const int64_t max_pending = context_.facts->options.max_pending_bytes;
  const auto piece = static_cast<size_t>(std::clamp<int64_t>(max_pending / 16, 1, kRunBytesMax));
  while (!paused() && !closing() && !context_.mailroom.blocked()) {
    const proto::PubRun run = parser_.TakeRun(piece);
    if (run.count == 0) return;
    message.payload = {run.payload, message.payload.size()};
    message.stride = run.stride;
    message.count = run.count;
    context_.stats.in_messages.Add(run.count);
    context_.stats.in_bytes.Add(run.count * message.payload.size());
    Publish(message, context_.cache.MatchAgain(message.account, message.subject, memo));
  }
}

bool ClientSession::MayPublish(const proto::Op& op) {
  if (op.subject.front() == '_' || op.subject.front() == '$') [[unlikely]] {
    if (IsRoutedGatewayReply(op.subject) || op.subject.starts_with("$NRG.")) {
      SendError("Permissions Violation for Publish to " + GoQuote(op.subject));
      Log(LogLevel::kError, "Publish Violation - Subject " + GoQuote(op.subject));
      return false;
    }
  }
  if (!op.reply.empty() && IsReservedReply(op.reply)) [[unlikely]] {
    SendError("Permissions Violation for Publish with Reply of " + GoQuote(op.reply));
    Log(LogLevel::kError, "Publish Violation - Reply " + GoQuote(op.reply));
    return false;
  }
  return true;
}

// Source: spec client-protocol.md section 6; reference processSubEx, for the order of the checks.
void ClientSession::OnSubscribe(const proto::Op& op) {
  if (Logs(LogLevel::kTrace)) TraceIn("SUB", op.argument);
  last_input_ms_ = context_.timers.now();
  if (!MaySubscribe(op)) return;

  const bool known = subscriptions_.contains(op.sid);
  if (!known && !subject::IsValidFilter(op.subject)) return SendError("Invalid Subject");
  if (verbose_) SendOk();
  if (known) return;

  // What was published on other shards before this SUB must not reach it.
  context_.drain_inbound();
  Subscription* subscription = Subscription::Create(*this, op.sid);
  subscriptions_.insert(subscription);
  context_.index.Add(context_.shard, subject::kGlobalAccount, op.subject, op.queue, *subscription);
  context_.stats.subscriptions.Add();
}

bool ClientSession::MaySubscribe(const proto::Op& op) {
  const Options& options = context_.facts->options;
  if (op.queue == "_sys_") {
    const std::string subject = GoQuote(op.subject);
    const std::string queue = GoQuote(op.queue);
    SendError("Permissions Violation for Subscription to " + subject + " using queue " + queue);
    Log(LogLevel::kError, "Subscription Violation - Subject " + subject + ", Queue: " + queue +
                              ", SID " + std::string(op.sid));
    return false;
  }
  if (options.max_subscription_tokens > 0 &&
      subject::CountTokens(op.subject) > options.max_subscription_tokens) {
    const std::string subject = GoQuote(op.subject);
    SendError("Permissions Violation for Subscription to " + subject + ", too many tokens");
    Log(LogLevel::kError, "Subscription Violation Too Many Tokens - Subject " + subject + ", SID " +
                              std::string(op.sid));
    return false;
  }
  const int64_t limit = options.max_subscriptions;
  if (limit > 0 && static_cast<int64_t>(subscriptions_.size()) >= limit) {
    Log(LogLevel::kError, "maximum subscriptions exceeded");
    SendError("maximum subscriptions exceeded");
    return false;
  }
  return true;
}

void ClientSession::OnUnsubscribe(const proto::Op& op) {
  if (Logs(LogLevel::kTrace)) TraceIn("UNSUB", op.argument);
  last_input_ms_ = context_.timers.now();
  context_.drain_inbound();  // what was published before still counts and arrives

  const auto found = subscriptions_.find(op.sid);
  if (verbose_) SendOk();
  if (found == subscriptions_.end()) return;
  Subscription& subscription = **found;
  const int64_t max = op.max.empty() ? -1 : ParseMax(op.max);
  if (max > 0 && max > subscription.delivered) {
    subscription.max = max;
    if (Logs(LogLevel::kDebug)) {
      Log(LogLevel::kDebug, "Deferring actual UNSUB(" + std::string(subscription.filter->text()) +
                                "): " + std::to_string(max) + " max, " +
                                std::to_string(subscription.delivered) + " received");
    }
    return;
  }
  Unsubscribe(subscription);
}

void ClientSession::Expire(Subscription& subscription) {
  if (Logs(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "Auto-unsubscribe limit of " + std::to_string(subscription.max) +
                              " reached for sid '" + std::string(subscription.sid()) + "'");
  }
  Unsubscribe(subscription);
}

void ClientSession::Unsubscribe(Subscription& subscription) {
  subscriptions_.erase(&subscription);
  Withdraw(subscription);
}

/// Takes a subscription that the session has let go of out of the index, and frees it.
void ClientSession::Withdraw(Subscription& subscription) {
  if (Logs(LogLevel::kTrace)) {
    Log(LogLevel::kTrace, "<-> [DELSUB " + std::string(subscription.sid()) + "]");
  }
  context_.index.Remove(context_.shard, subscription);
  context_.stats.subscriptions.Subtract();
  Subscription::Destroy(&subscription);
}

void ClientSession::DropSubscriptions() {
  // Not one by one out of the set: finding the first again in an emptying table is quadratic.
  for (Subscription* subscription : std::exchange(subscriptions_, {})) Withdraw(*subscription);
}

}  // namespace martlet::session
