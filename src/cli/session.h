// One connection as a verb uses it: calls that wait, a queue of what was received.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "cli/connection_flags.h"
#include "cli/text.h"
#include "client/connection.h"
#include "client/runtime.h"

namespace martlet::cli {

/// A message with texts of its own.
struct Received {
  std::string subject;
  std::string reply;
  std::vector<Header> headers;
  std::string payload;
  uint64_t sid = 0;
};

/// Connects, waits, and connects again where that is wished.
///
/// Thread:     one; every call that waits also answers the server's PINGs. CatchInterrupts ends
///             waits early.
/// Memory:     at most kQueuedMax messages not yet taken; more are dropped, which is logged once.
class Session final : client::Connection::Handler {
 public:
  static constexpr size_t kQueuedMax = size_t{1} << 19;  // nats.go's limit for a subscription
  /// What becomes of a lost connection: an error from the next call, or another try, for ever.
  enum class WhenLost : uint8_t { kFail, kReconnect };

  /// Connects to the first of the servers that lets us in.
  static absl::StatusOr<std::unique_ptr<Session>> Open(const ConnectionFlags& flags,
                                                       WhenLost when_lost);
  /// To one server only.
  static absl::StatusOr<std::unique_ptr<Session>> OpenTo(const ConnectionFlags& flags,
                                                         const client::Peer& peer,
                                                         WhenLost when_lost);
  /// Closes the connection; what was not flushed may be lost.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Returns the number that messages of it carry.
  uint64_t Subscribe(std::string_view subject, std::string_view queue);
  /// Ends it after `max` messages in all; 0: at once.
  void Unsubscribe(uint64_t sid, uint64_t max);

  /// Queues a message; an error is one that no server would take.
  absl::Status Publish(std::string_view subject, std::string_view reply,
                       const std::vector<Header>& headers, std::string_view payload);
  /// Waits until the server has answered a PING behind all that was written; says what it has
  /// complained of since the last call.
  absl::Status Flush();

  /// The next message, waiting at most until the monotonic `deadline_ns`. Nothing: the deadline has
  /// passed, an interrupt came, or the connection is lost, which lost() tells.
  std::optional<Received> Next(uint64_t deadline_ns);
  /// Waits until then, an interrupt or the end of the connection.
  void WaitUntil(uint64_t deadline_ns);
  /// Handles what is there, without waiting.
  void Pump();

  /// Why there is no connection, where it is gone for good; OK else.
  const absl::Status& lost() const { return lost_; }
  std::string NewInbox() const;
  const client::Connection& connection() const { return *connection_; }
  const client::Peer& peer() const { return peer_; }
  std::chrono::nanoseconds timeout() const { return timeout_; }

 private:
  struct Subscription {
    uint64_t sid;
    std::string subject, queue;
    uint64_t left;  // messages until it ends; 0: no end
  };

  Session(const ConnectionFlags& flags, const client::Peer& peer, WhenLost when_lost);
  absl::Status Connect();
  void Turn(uint64_t deadline_ns);
  void KeepAlive(uint64_t now_ns);
  void Count(uint64_t sid);

  void OnReady(client::Connection& connection) override;
  void OnInput(client::Connection& connection) override;
  void OnPong(client::Connection& connection, uint64_t number) override;
  void OnError(client::Connection& connection, std::string_view text) override;
  void OnClosed(client::Connection& connection, const absl::Status& why) override;

  const client::Peer peer_;
  const std::chrono::nanoseconds timeout_;
  const std::string inbox_prefix_;
  WhenLost when_lost_;
  bool was_ready_ = false;
  std::unique_ptr<client::Runtime> runtime_;
  std::unique_ptr<client::Connection> connection_;
  std::vector<Subscription> subscriptions_;
  uint64_t last_sid_ = 0;
  std::deque<Received> queued_;
  bool dropping_ = false;
  uint64_t pings_ = 0;  // numbers of the last PING sent and the last answered
  uint64_t pongs_ = 0;
  uint64_t next_ping_ns_ = 0;
  uint64_t attempts_ = 0;  // since it was last connected
  uint64_t next_attempt_ns_ = 0;
  std::string complaint_;  // of the server, since the last Flush
  absl::Status lost_;
};

/// The monotonic time `wait` from now.
uint64_t DeadlineIn(std::chrono::nanoseconds wait);

}  // namespace martlet::cli
