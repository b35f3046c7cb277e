// The connections of a run that come and go while the others are checked in full.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "delivery_ledger.h"
#include "delivery_plan.h"
#include "delivery_random.h"
#include "delivery_sockets.h"
#include "delivery_tracker.h"
#include "raw_client.h"

namespace delivery {

/// Lives in epochs: subscribes, takes some messages, leaves; then again, or on a new connection.
///
/// A plain churner is checked for gaps and order between its first message and its last one; a
/// member of a queue group has its share in what the group must get.
///
/// Thread:   the run's.
/// Lifetime: borrows all it is built from.
class Churners {
 public:
  using Clock = std::chrono::steady_clock;

  Churners(const Plan& plan, uint64_t seed, Tracker& tracker, Sockets& sockets, Report& report);

  void Connect();
  void OnEvent(uint32_t index);
  /// Ends the epochs that have had enough messages or time.
  void Tick(Clock::time_point now);

 private:
  enum class State : uint8_t { kSubscribing, kReceiving, kLeaving, kLeft };
  struct Churner {
    Socket socket;
    uint32_t group = 0;  // an index, if it is of a queue group
    State state = State::kSubscribing;
    uint64_t sid = 0;
    uint64_t wanted = 0;              // messages of this epoch
    uint64_t auto_unsub = 0;          // the server ends the epoch after so many; 0: we do
    uint64_t received = 0;            // of this epoch
    uint64_t received_early = 0;      // of those, before the PONG
    Clock::time_point give_up;        // end the epoch even with fewer
    std::vector<uint64_t> published;  // by stream, when SUB was answered
    std::vector<StreamTrack> tracks;  // by stream
    std::vector<bool> begun;          // by stream
    Tracker::Order order;
  };

  const Plan::Churner& PlanOf(const Churner& churner) const {
    return plan_.churners[churner.socket.index];
  }
  void Connect(Churner& churner);
  void Reconnect(Churner& churner);
  void Subscribe(Churner& churner);
  void Leave(Churner& churner);
  bool OnFrame(Churner& churner, const raw::Frame& frame);
  void OnPong(Churner& churner);
  void EndEpoch(Churner& churner);
  void OnMessage(Churner& churner, const raw::Frame& frame);
  void TakePlain(Churner& churner, const Stamp& stamp);

  const Plan& plan_;
  Random random_;
  Tracker& tracker_;
  Sockets& sockets_;
  Report& report_;
  std::vector<Churner> churners_;
};

}  // namespace delivery
