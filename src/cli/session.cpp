#include "cli/session.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "auth/nkey.h"
#include "base/clock.h"
#include "base/go_text.h"
#include "cli/interrupt.h"
#include "cli/log.h"

namespace martlet::cli {
namespace {

// A signal between the look at Interrupted() and the wait is seen this much later.
constexpr uint64_t kSliceNs = 200'000'000;
constexpr uint64_t kPingEveryNs = 120'000'000'000;  // nats.go's PingInterval
constexpr uint64_t kPingsUnansweredMax = 2;         // and its MaxPingsOut

uint64_t RetryDelayNs(uint64_t attempt) {
  constexpr uint64_t kStepNs = 250'000'000;
  constexpr uint64_t kLongestNs = 10'000'000'000;
  return std::min((attempt + 1) * kStepNs, kLongestNs);
}

}  // namespace

uint64_t DeadlineIn(std::chrono::nanoseconds wait) {
  return base::MonotonicNanoseconds() + static_cast<uint64_t>(std::max<int64_t>(wait.count(), 0));
}

absl::StatusOr<std::unique_ptr<Session>> Session::Open(const ConnectionFlags& flags,
                                                       WhenLost when_lost) {
  const absl::StatusOr<std::vector<client::Target>> targets = flags.Targets();
  if (!targets.ok()) return targets.status();
  absl::Status refused;
  for (const client::Target& target : *targets) {
    const absl::StatusOr<client::Peer> peer = client::Peer::Make(target);
    if (!peer.ok()) {
      refused = peer.status();
      continue;
    }
    auto session = OpenTo(flags, *peer, when_lost);
    if (session.ok() || Interrupted()) return session;
    refused = session.status();
  }
  return refused;
}

absl::StatusOr<std::unique_ptr<Session>> Session::OpenTo(const ConnectionFlags& flags,
                                                         const client::Peer& peer,
                                                         WhenLost when_lost) {
  absl::StatusOr<std::unique_ptr<client::Runtime>> runtime =
      client::Runtime::Create(flags.backend());
  if (!runtime.ok()) return runtime.status();
  std::unique_ptr<Session> session(new Session(flags, peer, when_lost));
  session->runtime_ = *std::move(runtime);
  client::Connection::Handler& handler = *session;
  session->connection_ = std::make_unique<client::Connection>(*session->runtime_, session->peer_,
                                                              client::ConnectionOptions(), handler);
  if (absl::Status connected = session->Connect(); !connected.ok()) return connected;
  return session;
}

Session::Session(const ConnectionFlags& flags, const client::Peer& peer, WhenLost when_lost)
    : peer_(peer),
      timeout_(flags.timeout),
      inbox_prefix_(flags.inbox_prefix),
      when_lost_(when_lost) {}

Session::~Session() {
  std::fflush(stdout);
  when_lost_ = WhenLost::kFail;
  connection_->Close();
  while (!connection_->gone()) runtime_->Turn(static_cast<int64_t>(kSliceNs));
}

absl::Status Session::Connect() {
  const uint64_t deadline = DeadlineIn(timeout_);
  connection_->Open();
  while (!was_ready_ && lost_.ok()) {
    if (Interrupted()) return absl::CancelledError("interrupted");
    if (base::MonotonicNanoseconds() >= deadline) {
      return absl::DeadlineExceededError(peer_.target.url() + " does not answer within " +
                                         base::GoDuration(timeout_));
    }
    Turn(deadline);
  }
  return lost_;
}

// Writing.

uint64_t Session::Subscribe(std::string_view subject, std::string_view queue) {
  subscriptions_.push_back({++last_sid_, std::string(subject), std::string(queue), 0});
  if (connection_->ready()) connection_->Subscribe(subject, queue, last_sid_);
  return last_sid_;
}

void Session::Unsubscribe(uint64_t sid, uint64_t max) {
  const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                               [&](const Subscription& s) { return s.sid == sid; });
  if (it == subscriptions_.end()) return;
  if (connection_->ready()) connection_->Unsubscribe(sid, max);
  if (max > 0) {
    it->left = max;
  } else {
    subscriptions_.erase(it);
  }
}

absl::Status Session::Publish(std::string_view subject, std::string_view reply,
                              const std::vector<Header>& headers, std::string_view payload) {
  const proto::ServerInfo& server = connection_->server();
  if (!IsPlainSubject(subject) || (!reply.empty() && !IsPlainSubject(reply))) {
    return absl::InvalidArgumentError("invalid subject " +
                                      base::GoQuote(IsPlainSubject(subject) ? reply : subject));
  }
  const std::string block = HeaderBlock(headers);
  if (!block.empty() && !server.headers) {
    return absl::UnimplementedError("the server does not support headers");
  }
  if (server.max_payload > 0 &&
      block.size() + payload.size() > static_cast<uint64_t>(server.max_payload)) {
    return absl::InvalidArgumentError("the message is larger than the server takes, " +
                                      std::to_string(server.max_payload) + " bytes");
  }
  // What is written while there is no connection would be lost with it.
  if (!connection_->ready()) return absl::UnavailableError("not connected");
  connection_->Publish(subject, reply, block, payload);
  return absl::OkStatus();
}

absl::Status Session::Flush() {
  if (!connection_->ready()) return lost_.ok() ? absl::UnavailableError("not connected") : lost_;
  const uint64_t deadline = DeadlineIn(timeout_);
  const uint64_t wanted = pings_ = connection_->Ping();
  while (pongs_ < wanted) {
    if (!connection_->ready()) return lost_.ok() ? absl::UnavailableError("not connected") : lost_;
    if (Interrupted()) return absl::CancelledError("interrupted");
    if (base::MonotonicNanoseconds() >= deadline) {
      return absl::DeadlineExceededError("the server does not answer within " +
                                         base::GoDuration(timeout_));
    }
    Turn(deadline);
  }
  if (complaint_.empty()) return absl::OkStatus();
  return absl::PermissionDeniedError("the server says: " + std::exchange(complaint_, {}));
}

// Waiting.

std::optional<Received> Session::Next(uint64_t deadline_ns) {
  while (queued_.empty()) {
    if (Interrupted() || !lost_.ok() || base::MonotonicNanoseconds() >= deadline_ns) {
      return std::nullopt;
    }
    Turn(deadline_ns);
  }
  Received first = std::move(queued_.front());
  queued_.pop_front();
  return first;
}

void Session::WaitUntil(uint64_t deadline_ns) {
  while (!Interrupted() && lost_.ok() && base::MonotonicNanoseconds() < deadline_ns) {
    Turn(deadline_ns);
  }
}

void Session::Pump() { Turn(0); }

void Session::Turn(uint64_t deadline_ns) {
  const uint64_t now = base::MonotonicNanoseconds();
  if (connection_->gone() && lost_.ok() && attempts_ > 0 && now >= next_attempt_ns_) {
    next_ping_ns_ = now + static_cast<uint64_t>(timeout_.count());
    connection_->Open();
  }
  KeepAlive(now);
  std::fflush(stdout);
  const uint64_t left = deadline_ns > now ? deadline_ns - now : 0;
  runtime_->Turn(static_cast<int64_t>(std::min(left, kSliceNs)));
}

/// A server that is gone without a word is noticed by the PINGs that it does not answer.
void Session::KeepAlive(uint64_t now_ns) {
  if (connection_->gone() || !was_ready_ || now_ns < next_ping_ns_) return;
  if (!connection_->ready() || pings_ - pongs_ >= kPingsUnansweredMax) return connection_->Close();
  next_ping_ns_ = now_ns + kPingEveryNs;
  pings_ = connection_->Ping();
}

// Events.

void Session::OnReady(client::Connection& connection) {
  next_ping_ns_ = base::MonotonicNanoseconds() + kPingEveryNs;
  pings_ = pongs_ = 0;
  attempts_ = 0;
  if (!std::exchange(was_ready_, true)) return;
  Log(">>> Reconnected to " + peer_.target.url());
  for (const Subscription& subscription : subscriptions_) {
    connection.Subscribe(subscription.subject, subscription.queue, subscription.sid);
    if (subscription.left > 0) connection.Unsubscribe(subscription.sid, subscription.left);
  }
}

void Session::OnInput(client::Connection& connection) {
  proto::Message message;
  while (connection.Next(message)) {
    if (queued_.size() >= kQueuedMax) {
      if (!std::exchange(dropping_, true)) Log(">>> Slow consumer, messages dropped");
      continue;
    }
    Received& received = queued_.emplace_back();
    received.subject = message.subject;
    received.reply = message.reply;
    received.headers = ParseHeaderBlock(message.headers);
    received.payload = message.payload;
    std::from_chars(message.sid.data(), message.sid.data() + message.sid.size(), received.sid);
    Count(received.sid);
  }
}

/// A subscription that the server has ended must not come back with the next connection.
void Session::Count(uint64_t sid) {
  const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                               [&](const Subscription& s) { return s.sid == sid; });
  if (it != subscriptions_.end() && it->left > 0 && --it->left == 0) subscriptions_.erase(it);
}

void Session::OnPong(client::Connection&, uint64_t number) { pongs_ = number; }

void Session::OnError(client::Connection&, std::string_view text) { complaint_ = text; }

void Session::OnClosed(client::Connection&, const absl::Status& why) {
  const absl::Status reason = why.ok() ? absl::UnavailableError("the server does not answer") : why;
  if (when_lost_ == WhenLost::kFail || !was_ready_) {
    lost_ = reason;
    return;
  }
  if (attempts_ == 0) {
    Log(">>> Disconnected due to: " + std::string(reason.message()) + ", will attempt reconnect");
  }
  next_attempt_ns_ = base::MonotonicNanoseconds() + RetryDelayNs(attempts_++);
}

std::string Session::NewInbox() const { return inbox_prefix_ + "." + auth::NewNuid(); }

}  // namespace martlet::cli
