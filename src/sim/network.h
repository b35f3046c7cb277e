// A network that can be told to misbehave.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "sim/time_line.h"

namespace martlet::sim {

using WireId = uint64_t;

/// What travels on a wire.
struct Packet {
  enum class Kind : uint8_t { kLine, kFin, kReset };
  Kind kind = Kind::kLine;
  std::string line;
  bool compressed = false;
};

/// Lines that were sent.
struct Traffic {
  uint64_t interest = 0;
  uint64_t messages = 0;  // all others
  uint64_t bytes = 0;     // of those
};

/// Connections between numbered hosts. In each direction bytes keep their order, are late, wait
/// where the way is blocked, and never get lost while the connection lives: as TCP has it.
class Network {
 public:
  /// What a host is told. `side` is 0 for who dialled.
  struct Host {
    virtual ~Host() = default;
    virtual bool IsListening() const = 0;
    /// No process or no machine? A packet to a machine without power is answered by nobody.
    virtual bool IsPowered() const = 0;
    virtual void OnAccepted(WireId wire, int from) = 0;
    virtual void OnPacket(WireId wire, int side, Packet packet) = 0;
  };
  enum class DialResult : uint8_t { kConnected, kRefused, kTimedOut };

  Network(TimeLine& time, base::Random& random) : time_(time), random_(random) {}

  void Add(Host& host) { hosts_.push_back(&host); }

  /// `done` comes once, within a second.
  void Dial(int from, int to, const std::function<void(DialResult, WireId)>& done);
  void Send(WireId wire, int side, Packet packet);
  /// This side is gone for its host; with `fin` the other side is told.
  void Close(WireId wire, int side, bool fin);

  // Faults.
  void Block(int from, int to) { ++blocked_[{from, to}]; }
  void Unblock(int from, int to);
  void SetExtraDelay(int a, int b, uint64_t ms) { extra_ms_[std::minmax(a, b)] = ms; }
  void SetDelay(uint64_t max_ms) { delay_max_ms_ = max_ms; }
  /// Nothing passes on this wire any more, and no host is told of it.
  void Sever(WireId wire) { wires_.at(wire).severed = true; }
  /// All is well from here on, but for wires that are severed.
  void Heal();
  /// Since Heal() names are found as well: two look-ups in vain would take longer than any bound.
  bool healed() const { return healed_; }

  struct Wire {
    int host[2] = {};
    bool open[2] = {};
    bool severed = false;
    uint64_t last_ms[2] = {};  // arrival of what this side sent last
    std::deque<Packet> held[2];
  };
  const Wire& wire(WireId id) const { return wires_.at(id); }
  /// Wires with both sides open, in the order of their making.
  std::vector<WireId> OpenWires() const;
  /// Whether what is sent now would arrive and be answered.
  bool IsWell(WireId id) const;
  const Traffic& traffic() const { return traffic_; }
  bool IsBlocked(int from, int to) const { return blocked_.contains({from, to}); }

 private:
  uint64_t Delay(int a, int b);
  void Count(const Packet& packet);
  void Arrive(WireId id, int from_side, Packet packet);
  void Deliver(WireId id, int from_side, Packet packet);
  void Release(Wire& wire, WireId id, int from_side);

  TimeLine& time_;
  base::Random& random_;
  std::vector<Host*> hosts_;
  std::map<WireId, Wire> wires_;
  WireId last_wire_ = 0;
  std::map<std::pair<int, int>, int> blocked_;
  std::map<std::pair<int, int>, uint64_t> extra_ms_;
  uint64_t delay_max_ms_ = 3;
  bool healed_ = false;
  Traffic traffic_;
};

}  // namespace martlet::sim
