// Moves bytes between one socket and the session that understands them.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "session/session.h"

namespace martlet::shard {

class Shard;

/// One connection's socket. What it carries, derived classes say: clients (client_connection.h) and
/// routes (route_connection.h).
///
///   open ──Close()──> flushing ──all sent──> lingering ──end of input, or time──> shut ──> gone
///     └──── nothing to send, or sending is what failed ────────────────────────────┘
///
/// Lingering: our side is closed, and what the peer still sends is thrown away for a moment. A
/// close with unread input would reset the connection and could take the last -ERR with it.
///
/// Ownership:  its shard owns it; it owns the descriptor, its derived part the session.
/// Thread:     its shard's, always.
/// Lifetime:   until both operations are answered; then the shard is told (Gone) and frees it at
///             the end of the turn.
/// Invariants: at most one receive and one send in flight. While open and not paused, a receive is
///             armed. Bytes leave in the order of the session's output.
class Connection : public session::Transport {
 public:
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Brings the socket in line with what the session wishes: called at the end of the turn.
  void Settle();
  /// Lets the session go on after a pause; at the start of a turn.
  void Resume();
  /// Ends it without any more patience.
  void Abort();

  session::Session& session() { return session_; }

 protected:
  /// `session` is a member of the derived class: nothing is asked of it before Open().
  Connection(Shard& shard, base::UniqueFd fd, session::Session& session)
      : shard_(shard), fd_(std::move(fd)), session_(session) {}

  /// Begins to receive.
  void Open();
  /// The session leaves the shard's books, once; what is left to do is the socket's business.
  virtual void LeaveBooks() = 0;

  Shard& shard_;

 private:
  enum class State : uint8_t { kOpen, kFlushing, kLingering, kShut };

  static constexpr uint64_t kLingerMs = 500;
  static constexpr uint64_t kLingerAtShutdownMs = 50;

  void OnReceive(const io::Completion& done);
  void OnSend(const io::Completion& done);
  void OnTimer();

  void BeginClose();
  void SettleInput();
  void SettleOutput();
  void SendSome();
  void LeaveSendToLoop();
  void OnSendFailed();
  void OnFlushed();
  void Shut();
  void FinishIfAnswered();

  base::UniqueFd fd_;
  session::Session& session_;
  State state_ = State::kOpen;
  bool gone_ = false;
  std::optional<session::CloseReason> input_end_;  // the peer's end came; closes when worked off
  size_t sending_parts_ = 0;
  io::Operation receive_ = io::Operation::Bind<&Connection::OnReceive>(this);
  io::Operation send_ = io::Operation::Bind<&Connection::OnSend>(this);
  // While open or flushing: the write deadline. While lingering: its end.
  base::Timer timer_ = base::Timer::Bind<&Connection::OnTimer>(this);
};

}  // namespace martlet::shard
