// Operations, and those that change subscriptions.
#include <algorithm>
#include <charconv>
#include <utility>

#include "base/go_text.h"
#include "session/client_session.h"
#include "session/delivery.h"
#include "session/interest_board.h"
#include "session/user_info.h"
#include "subject/subject.h"

namespace martlet::session {
namespace {

using base::GoQuote;
using base::LogLevel;

// One to nine digits; anything else, also nothing, is no number.
int64_t ParseMax(std::string_view text) {
  int64_t value = -1;
  if (text.empty() || text.size() > 9) return -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && text.front() != '-' ? value : -1;
}

}  // namespace

proto::ParserLimits ClientSession::ParserLimitsNow() const {
  const Options& options = context_.facts->options;
  return {
      .control_line_bytes_max = static_cast<size_t>(options.max_control_line_bytes),
      .payload_bytes_max = options.max_payload_bytes,
      .headers = headers_,
  };
}

void ClientSession::Process() {
  proto::Op op;
  while (!paused() && !closing()) {
    switch (parser_.Next(ParserLimitsNow(), op)) {
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
  ++subscription_changes_;
  context_.index.Add(context_.shard, subject::kGlobalAccount, op.subject, op.queue, *subscription);
  context_.interest->OnAdded(*subscription->filter);
  context_.stats.subscriptions.Add();
  context_.stats.subscriptions_made.Add();
  if (context_.mailroom.blocked()) [[unlikely]]
    PauseForRings();
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
  ++subscription_changes_;
  context_.interest->OnRemoved(context_.index.RemoveAndPin(context_.shard, subscription));
  context_.stats.subscriptions.Subtract();
  Subscription::Destroy(&subscription);
}

void ClientSession::DropSubscriptions() {
  context_.interest->Hold();
  // Not one by one out of the set: finding the first again in an emptying table is quadratic.
  for (Subscription* subscription : std::exchange(subscriptions_, {})) Withdraw(*subscription);
  context_.interest->LetGo();
}

}  // namespace martlet::session
