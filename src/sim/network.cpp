#include "sim/network.h"

#include <algorithm>

namespace martlet::sim {
namespace {

constexpr uint64_t kDialTimeoutMs = 1000;

}  // namespace

uint64_t Network::Delay(int a, int b) {
  const auto extra = extra_ms_.find(std::minmax(a, b));
  const uint64_t base_ms = extra == extra_ms_.end() ? 0 : extra->second;
  return base_ms + random_.Below(static_cast<uint32_t>(delay_max_ms_ + 1));
}

void Network::Dial(int from, int to, const std::function<void(DialResult, WireId)>& done) {
  const uint64_t began_ms = time_.now_ms();
  const auto time_out = [this, began_ms, done] {
    time_.At(began_ms + kDialTimeoutMs, [done] { done(DialResult::kTimedOut, 0); });
  };
  time_.In(Delay(from, to), [this, from, to, done, time_out] {
    const Host& target = *hosts_[static_cast<size_t>(to)];
    if (IsBlocked(from, to) || !target.IsPowered()) return time_out();
    const uint64_t back_ms = Delay(from, to);
    if (!target.IsListening()) {
      if (IsBlocked(to, from)) return time_out();
      return time_.In(back_ms, [done] { done(DialResult::kRefused, 0); });
    }
    // The listening side has the connection before the dialling side knows of it.
    const WireId id = ++last_wire_;
    Wire& wire = wires_[id];
    wire.host[0] = from;
    wire.host[1] = to;
    wire.open[1] = true;
    wire.last_ms[1] = time_.now_ms() + back_ms;
    time_.In(back_ms, [this, id, from, to, done, time_out] {
      if (IsBlocked(to, from)) return time_out();
      const auto at = wires_.find(id);
      if (at != wires_.end()) at->second.open[0] = true;
      done(DialResult::kConnected, id);
    });
    hosts_[static_cast<size_t>(to)]->OnAccepted(id, from);
  });
}

void Network::Count(const Packet& packet) {
  if (packet.kind != Packet::Kind::kLine) return;
  if (packet.line.starts_with("RS")) {
    ++traffic_.interest;
  } else {
    ++traffic_.messages;
    traffic_.bytes += packet.line.size();
  }
}

void Network::Send(WireId id, int side, Packet packet) {
  Wire& wire = wires_.at(id);
  if (!wire.open[side]) return;
  Count(packet);
  const uint64_t at_ms =
      std::max(wire.last_ms[side], time_.now_ms() + Delay(wire.host[0], wire.host[1]));
  wire.last_ms[side] = at_ms;
  time_.At(at_ms, [this, id, side, packet = std::move(packet)]() mutable {
    Arrive(id, side, std::move(packet));
  });
}

void Network::Close(WireId id, int side, bool fin) {
  Wire& wire = wires_.at(id);
  if (fin) Send(id, side, Packet{.kind = Packet::Kind::kFin, .line = {}});
  wire.open[side] = false;
}

void Network::Arrive(WireId id, int from_side, Packet packet) {
  Wire& wire = wires_.at(id);
  if (wire.severed) return;
  const int to = 1 - from_side;
  if (IsBlocked(wire.host[from_side], wire.host[to]) || !wire.held[from_side].empty()) {
    wire.held[from_side].push_back(std::move(packet));
    return;
  }
  Deliver(id, from_side, std::move(packet));
}

void Network::Deliver(WireId id, int from_side, Packet packet) {
  Wire& wire = wires_.at(id);
  const int to = 1 - from_side;
  Host& host = *hosts_[static_cast<size_t>(wire.host[to])];
  if (!host.IsPowered()) return;
  if (wire.open[to]) return host.OnPacket(id, to, std::move(packet));
  // Who sends to a closed connection is told that it is.
  if (packet.kind != Packet::Kind::kLine || !wire.open[from_side]) return;
  const uint64_t at_ms =
      std::max(wire.last_ms[to], time_.now_ms() + Delay(wire.host[0], wire.host[1]));
  wire.last_ms[to] = at_ms;
  time_.At(at_ms,
           [this, id, to] { Arrive(id, to, Packet{.kind = Packet::Kind::kReset, .line = {}}); });
}

void Network::Unblock(int from, int to) {
  const auto at = blocked_.find({from, to});
  if (at == blocked_.end()) return;
  if (--at->second > 0) return;
  blocked_.erase(at);
  for (auto& [id, wire] : wires_) {
    for (const int side : {0, 1}) {
      if (wire.host[side] == from && wire.host[1 - side] == to) Release(wire, id, side);
    }
  }
}

/// At once, before what is still on its way behind it.
void Network::Release(Wire& wire, WireId id, int from_side) {
  for (Packet& packet : std::exchange(wire.held[from_side], {})) {
    if (!wire.severed) Deliver(id, from_side, std::move(packet));
  }
}

void Network::Heal() {
  const auto blocked = blocked_;
  for (const auto& [way, count] : blocked) {
    for (int i = 0; i < count; ++i) Unblock(way.first, way.second);
  }
  extra_ms_.clear();
  healed_ = true;
}

bool Network::IsWell(WireId id) const {
  const Wire& one = wires_.at(id);
  if (one.severed || !one.open[0] || !one.open[1]) return false;
  if (blocked_.empty()) return true;
  return !IsBlocked(one.host[0], one.host[1]) && !IsBlocked(one.host[1], one.host[0]);
}

std::vector<WireId> Network::OpenWires() const {
  std::vector<WireId> open;
  for (const auto& [id, wire] : wires_) {
    if (wire.open[0] && wire.open[1] && !wire.severed) open.push_back(id);
  }
  return open;
}

}  // namespace martlet::sim
