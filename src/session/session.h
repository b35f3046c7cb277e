// What the shard sees of any connection's protocol.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "session/close_reason.h"
#include "session/outbound.h"
#include "session/shard_context.h"

namespace martlet::session {

/// The mover of a session's bytes; the shard's connection derives from it.
class Transport {
 protected:
  ~Transport() = default;
};

/// Protocol of one connection: bytes in, output and wishes out. It touches no socket: what it wants
/// done (send, pause, close) it notes, and its shard acts at the end of the turn.
///
/// Ownership:  its transport owns it.
/// Thread:     its shard's, always.
/// Lifetime:   after Close() it takes no input; Detach() takes it out of the index. It may be freed
///             after that, but not in the middle of a delivery.
class Session {
 public:
  Session(ShardContext& context, Transport& transport)
      : context_(context), transport_(transport), outbound_(context.pool) {}
  virtual ~Session() = default;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Bytes from the peer, borrowed until it returns, or for as long as their memory is kept (null:
  /// it cannot be). While paused they are copied.
  virtual void OnBytes(std::string_view bytes, base::KeptMemory* memory) = 0;
  /// Goes on after a pause, with what was kept.
  virtual void OnResume() = 0;
  /// Takes the session out of the shard's books, once, when it closes: subscriptions, timers.
  virtual void Detach() = 0;

  /// Wishes the end of the connection; the first reason counts.
  void Close(CloseReason reason) {
    if (closing_) return;
    closing_ = true;
    close_reason_ = reason;
    Touch();
  }

  bool closing() const { return closing_; }
  CloseReason close_reason() const { return close_reason_; }
  /// No input wanted now: the transport stops receiving until it is over.
  bool paused() const { return paused_; }
  /// True once after a pause is over: OnResume() is due before any more input. The pause may have
  /// come and gone within one turn, so the transport must not rely on having seen it.
  bool TakeResumeDue() { return !paused_ && std::exchange(resume_due_, false); }
  Outbound& outbound() { return outbound_; }
  const Outbound& outbound() const { return outbound_; }
  Transport& transport() { return transport_; }
  ShardContext& context() { return context_; }

  /// For the shard: the session has been looked at.
  void ClearTouched() { touched_ = false; }
  /// Asks the shard to look at the session at the end of the turn: output, pause or close changed.
  void Touch() {
    if (touched_) return;
    touched_ = true;
    context_.touched.push_back(this);
  }

 protected:
  void set_paused(bool paused) {
    if (paused_ == paused) return;
    paused_ = paused;
    resume_due_ = true;
    Touch();
  }

  ShardContext& context_;

 private:
  Transport& transport_;
  Outbound outbound_;
  bool touched_ = false;
  bool closing_ = false;
  bool paused_ = false;
  bool resume_due_ = false;
  CloseReason close_reason_ = CloseReason::kClientClosed;
};

}  // namespace martlet::session
