// What the shard sees of any connection's protocol.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "proto/close_reason.h"
#include "session/outbound.h"
#include "session/shard_context.h"

namespace martlet::session {

using proto::CloseReason;

/// The mover of a session's bytes; the shard's connection derives from it.
class Transport {
 protected:
  ~Transport() = default;
};

/// Messages of one connection: as many as came from the peer, and went to it. Bytes are payload,
/// headers included.
struct Traffic {
  uint64_t in_msgs = 0;
  uint64_t in_bytes = 0;
  uint64_t out_msgs = 0;
  uint64_t out_bytes = 0;
  uint64_t last_out_ms = 0;  // when the last one went; 0: never
};

/// How long the socket may take for what it is given. Once the time is up, OnWriteDeadline() comes.
///
/// Source: spec client-protocol.md section 8, cluster-behaviour.md section 12; reference
/// flushOutbound, handleWriteTimeout.
struct WriteLimit {
  std::chrono::nanoseconds deadline{0};
  bool whole = false;  // all that waits has to go (write_timeout: close); else any of it will do

  uint64_t deadline_ms() const {
    return static_cast<uint64_t>(std::max<int64_t>(1, deadline / std::chrono::milliseconds(1)));
  }
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
  /// The rings towards other shards have room again.
  virtual void OnRingsFree() = 0;
  /// The socket has not kept the write deadline; `bytes` were on their way.
  virtual void OnWriteDeadline(size_t chunks, size_t bytes) = 0;
  /// Output is about to be sent: once for each touched session in a turn.
  virtual void PrepareOutput() {}

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
  const Traffic& traffic() const { return traffic_; }
  Transport& transport() { return transport_; }
  ShardContext& context() { return context_; }

  virtual WriteLimit write_limit() const = 0;
  /// From the transport: a part of the output waits for the socket from now on.
  void SendBegins() {
    send_began_ms_ = context_.timers.now();
    if (owed_bytes_ > 0) return;
    owed_bytes_ = write_limit().whole ? std::min(outbound_.pending_bytes(), kWriteBytesMax) : 1;
    owed_since_ms_ = send_began_ms_;
  }
  /// It does no more; `taken` bytes are gone.
  void SendEnds(size_t taken) {
    send_began_ms_ = kNoSend;
    Sent(taken);
  }
  void Sent(size_t taken) {
    outbound_.Consume(taken);
    owed_bytes_ -= std::min(owed_bytes_, taken);
  }
  /// Milliseconds for which the socket has taken nothing; 0 while it does.
  uint64_t send_waits_ms() const {
    const uint64_t now = context_.timers.now();
    return now > send_began_ms_ ? now - send_began_ms_ : 0;
  }
  /// Milliseconds for which it has owed what the write limit wants of it; 0: nothing.
  uint64_t write_owed_ms() const {
    return owed_bytes_ > 0 ? context_.timers.now() - owed_since_ms_ : 0;
  }

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

  void CountIn(uint64_t messages, uint64_t bytes) {
    traffic_.in_msgs += messages;
    traffic_.in_bytes += bytes;
  }
  void CountOut(uint64_t messages, uint64_t bytes) {
    traffic_.out_msgs += messages;
    traffic_.out_bytes += bytes;
    traffic_.last_out_ms = context_.timers.now();
  }

  ShardContext& context_;

 private:
  static constexpr uint64_t kNoSend = UINT64_MAX;
  static constexpr size_t kWriteBytesMax = size_t{64} << 20;  // that of the reference's one write

  Transport& transport_;
  Outbound outbound_;
  uint64_t send_began_ms_ = kNoSend;
  size_t owed_bytes_ = 0;  // that the socket has to take within the write deadline
  uint64_t owed_since_ms_ = 0;
  bool touched_ = false;
  bool closing_ = false;
  bool paused_ = false;
  bool resume_due_ = false;
  CloseReason close_reason_ = CloseReason::kClientClosed;
  Traffic traffic_;  // beside what every delivery touches
};

}  // namespace martlet::session
