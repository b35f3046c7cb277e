// Accepts clients and hands each to the shard that has room.
#pragma once

#include <cstdint>

#include "base/timer_wheel.h"
#include "io/loop.h"

namespace martlet::shard {

class Shard;

/// One shard's accept on the listening socket that all shards share.
///
/// Out of descriptors or memory, it waits 10 ms and tries again, twice as long each time up to one
/// second (reference: acceptConnections).
///
/// Ownership:  its shard owns it; the socket is the control shard's.
/// Thread:     its shard's.
class Listener {
 public:
  explicit Listener(Shard& shard) : shard_(shard) {}

  void Open(int fd);
  /// Accepts no more; the shard is told by OnListenerClosed when the socket is free.
  void Close();
  bool open() const { return fd_ >= 0 || accept_.in_flight(); }

 private:
  static constexpr uint64_t kFirstPauseMs = 10;
  static constexpr uint64_t kPauseMaxMs = 1000;

  void OnAccept(const io::Completion& done);
  void OnRetry();

  Shard& shard_;
  int fd_ = -1;  // -1: closed or closing
  uint64_t pause_ms_ = kFirstPauseMs;
  io::Operation accept_ = io::Operation::Bind<&Listener::OnAccept>(this);
  base::Timer retry_ = base::Timer::Bind<&Listener::OnRetry>(this);
};

}  // namespace martlet::shard
