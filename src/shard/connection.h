// Moves bytes between one socket and the session that understands them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "session/client_session.h"

namespace martlet::shard {

class Shard;

/// One client connection's socket.
///
///   open ──Close()──> flushing ──all sent──> lingering ──end of input, or time──> shut ──> gone
///     └──── nothing to send, or sending is what failed ────────────────────────────┘
///
/// Lingering: our side is closed, and what the peer still sends is thrown away for a moment. A
/// close with unread input would reset the connection and could take the last -ERR with it.
///
/// Ownership:  its shard owns it; it owns descriptor and session.
/// Thread:     its shard's, always.
/// Lifetime:   until both operations are answered; then the shard is told (Gone) and frees it at
///             the end of the turn.
/// Invariants: at most one receive and one send in flight. While open and not paused, a receive is
///             armed. Bytes leave in the order of the session's output.
class Connection final : public session::Transport {
 public:
  Connection(Shard& shard, base::UniqueFd fd, uint64_t client_id, session::Peer peer);

  void Start(bool over_limit);
  /// Brings the socket in line with what the session wishes: called at the end of the turn.
  void Settle();
  /// Lets the session go on after a pause; at the start of a turn.
  void Resume();
  /// Ends it without any more patience.
  void Abort();

  session::ClientSession& session() { return session_; }

 private:
  enum class State : uint8_t { kOpen, kFlushing, kLingering, kShut };

  static constexpr uint64_t kLingerMs = 500;
  static constexpr uint64_t kLingerAtShutdownMs = 50;

  void OnReceive(const io::Completion& done);
  void OnSend(const io::Completion& done);
  void OnTimer();

  void LeaveBooks();
  void BeginClose();
  void SettleInput();
  void SettleOutput();
  void SendSome();
  void LeaveSendToLoop();
  void OnSendFailed();
  void OnFlushed();
  void Shut();
  void FinishIfAnswered();

  Shard& shard_;
  base::UniqueFd fd_;
  session::ClientSession session_;
  State state_ = State::kOpen;
  bool gone_ = false;
  std::optional<session::CloseReason> input_end_;  // the peer's end came; closes when worked off
  size_t sending_parts_ = 0;
  uint64_t send_started_ms_ = 0;
  io::Operation receive_ = io::Operation::Bind<&Connection::OnReceive>(this);
  io::Operation send_ = io::Operation::Bind<&Connection::OnSend>(this);
  // While open or flushing: the write deadline. While lingering: its end.
  base::Timer timer_ = base::Timer::Bind<&Connection::OnTimer>(this);
};

}  // namespace martlet::shard
