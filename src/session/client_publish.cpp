// PUB and HPUB.
#include <algorithm>
#include <array>
#include <utility>

#include "base/go_text.h"
#include "session/barriers.h"
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

// So many PUBs are looked at ahead: their look-ups wait for memory at the same time.
constexpr size_t kAhead = 16;

}  // namespace

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
    TracePayload("<<- ", op.payload, op.header_bytes);
  }
  last_input_ms_ = context_.timers.now();
  // A pedantic client is told, and its message goes on all the same.
  if (pedantic_ && !subject::IsValidLiteral(op.subject)) SendError("Invalid Publish Subject");

  const base::Keeper memory(KeepInput());
  const Message message = {
      .account = subject::kGlobalAccount,
      .subject = op.subject,
      .reply = op.reply,
      .header_size_text = op.header_size_text,
      .size_text = op.size_text,
      .header_bytes = op.header_bytes,
      .payload = op.payload,
      .memory = memory.get(),
  };
  subject::MatchCache::Memo memo;
  const uint64_t hash = subject::SubjectIndex::HashOf(message.account, message.subject);
  if (!PublishOne(message, hash, memo)) return;
  if (pedantic_ || verbose_ || traces) return;
  if (message.reply.empty() && PublishRuns(message, memo)) return;
  PublishAhead();
}

/// However it was parsed. False: it was refused, or was for the server itself.
bool ClientSession::PublishOne(const Message& message, uint64_t hash,
                               subject::MatchCache::Memo& memo) {
  context_.stats.in_messages.Add();
  context_.stats.in_bytes.Add(message.payload.size());
  CountIn(1, message.payload.size());
  if (!MayPublish(message.subject, message.reply)) return false;
  if (verbose_) SendOk();
  if (message.subject.starts_with("$SYS.REQ.")) [[unlikely]] {
    if (AnswerRequest(message)) return false;
  }
  Publish(message, context_.cache.Match(message.account, message.subject, hash, memo));
  return true;
}

// Requests that the server itself answers.
bool ClientSession::AnswerRequest(const Message& message) {
  if (message.subject == kUserInfoSubject) {
    AnswerUserInfo(message, *this);
  } else if (message.subject == kBarrierSubject) {
    context_.barriers->Begin(message, *this);
  } else {
    return false;
  }
  return true;
}

// The memory that the operation lies in, where that can be kept.
base::KeptMemory* ClientSession::KeepInput() {
  if (!parser_.holds()) return input_memory_;
  std::string text = parser_.TakeHeld();
  return text.empty() ? nullptr : new base::KeptText(std::move(text));
}

/// What follows with the same control line: nothing is asked again. In pieces, so that a pause
/// that a delivery makes due is not long in coming.
bool ClientSession::PublishRuns(Message message, subject::MatchCache::Memo& memo) {
  bool any = false;
  const int64_t max_pending = context_.facts->options.max_pending_bytes;
  const auto piece = static_cast<size_t>(std::clamp<int64_t>(max_pending / 16, 1, kRunBytesMax));
  while (!paused() && !closing() && !context_.mailroom.blocked()) {
    const proto::PubRun run = parser_.TakeRun(piece);
    if (run.count == 0) break;
    any = true;
    message.payload = {run.payload, message.payload.size()};
    message.stride = run.stride;
    message.count = run.count;
    const uint64_t bytes = run.count * message.payload.size();
    context_.stats.in_messages.Add(run.count);
    context_.stats.in_bytes.Add(bytes);
    CountIn(run.count, bytes);
    Publish(message, context_.cache.MatchAgain(message.account, message.subject, memo));
  }
  return any;
}

/// What follows with other control lines. Each subject's match lies elsewhere in memory, so all are
/// asked for before the first is needed.
void ClientSession::PublishAhead() {
  std::array<proto::PlainPub, kAhead> pubs;
  std::array<uint64_t, kAhead> hashes;
  size_t count = kAhead;
  while (count == kAhead) {
    count = parser_.LookAhead(ParserLimitsNow(), pubs);
    for (size_t i = 0; i < count; ++i) {
      hashes[i] = subject::SubjectIndex::HashOf(subject::kGlobalAccount, pubs[i].subject);
      context_.cache.Prefetch(hashes[i]);
    }
    Foresee(std::span(hashes).first(count));
    for (size_t i = 0; i < count; ++i) {
      if (paused() || closing() || context_.mailroom.blocked()) return;
      parser_.Take(pubs[i]);
      subject::MatchCache::Memo memo;
      PublishOne({.account = subject::kGlobalAccount,
                  .subject = pubs[i].subject,
                  .reply = pubs[i].reply,
                  .size_text = pubs[i].size_text,
                  .payload = pubs[i].payload,
                  .memory = input_memory_},
                 hashes[i], memo);
    }
  }
}

/// One stage after the other: in each, nothing waits for the one before it.
void ClientSession::Foresee(std::span<const uint64_t> hashes) {
  std::array<const subject::MatchResult*, kAhead> matches;
  for (size_t i = 0; i < hashes.size(); ++i) matches[i] = context_.cache.Foresee(hashes[i]);
  for (size_t i = 0; i < hashes.size(); ++i) {
    if (matches[i] != nullptr) __builtin_prefetch(matches[i]->first_local);
  }
  for (size_t i = 0; i < hashes.size(); ++i) {
    const subject::MatchResult* const match = matches[i];
    // Only what is current points to lists that are there.
    if (match == nullptr || match->first_local == nullptr || !match->stamp.IsCurrent()) continue;
    __builtin_prefetch(match->first_local->members().data()[0]);
  }
}

bool ClientSession::MayPublish(std::string_view subject, std::string_view reply) {
  if (subject.front() == '_' || subject.front() == '$') [[unlikely]] {
    if (IsRoutedGatewayReply(subject) || subject.starts_with("$NRG.")) {
      SendError("Permissions Violation for Publish to " + GoQuote(subject));
      Log(LogLevel::kError, "Publish Violation - Subject " + GoQuote(subject));
      return false;
    }
  }
  if (!reply.empty() && IsReservedReply(reply)) [[unlikely]] {
    SendError("Permissions Violation for Publish with Reply of " + GoQuote(reply));
    Log(LogLevel::kError, "Publish Violation - Reply " + GoQuote(reply));
    return false;
  }
  return true;
}

}  // namespace martlet::session
