// The connections of a run that subscribe before the first message and stay to the last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "delivery_ledger.h"
#include "delivery_plan.h"
#include "delivery_sockets.h"
#include "delivery_tracker.h"
#include "raw_client.h"

namespace delivery {

/// Hands every message to the tracker; says itself what is stray or late.
///
/// Thread:   the run's.
/// Lifetime: borrows all it is built from.
class Subscribers {
 public:
  Subscribers(const Plan& plan, Tracker& tracker, Sockets& sockets, Report& report);

  /// Connects and subscribes, up to the PONG that says that the server knows it.
  bool Connect();
  /// PINGs; flushed() once all PONGs are here, and what comes after its PONG is late.
  void Flush();
  bool flushed() const;
  void OnEvent(uint32_t index);

 private:
  struct Subscriber {
    Socket socket;
    bool headers = true;
    bool ponged = false;
    Tracker::Order order;
  };

  std::string SubscribeLines(uint32_t index) const;
  bool OnFrame(Subscriber& subscriber, const raw::Frame& frame);
  void OnMessage(Subscriber& subscriber, const raw::Frame& frame);

  const Plan& plan_;
  Tracker& tracker_;
  Sockets& sockets_;
  Report& report_;
  std::vector<Subscriber> subscribers_;
};

}  // namespace delivery
