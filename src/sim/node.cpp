#include "sim/node.h"

#include <utility>

#include "cluster/compression.h"
#include "sim/surgery.h"

namespace martlet::sim {
namespace {

using proto::CloseReason;

}  // namespace

std::string AddressOf(int server) { return "10.0.0." + std::to_string(server + 1); }

int ServerAt(const std::string& address) {
  if (!address.starts_with("10.0.0.")) return -1;
  return std::stoi(address.substr(7)) - 1;
}

Node::Node(const Surroundings& world, int number) : world_(world), number_(number) {}

void Node::Start(cluster::Settings settings) {
  settings_ = std::move(settings);
  ++life_;
  up_ = powered_ = true;
  armed_ms_ = UINT64_MAX;
  recent_dials_.clear();  // a process at its start may dial at once what another had just dialled
  client_urls_ = settings_.client_urls;
  Trace("starts as " + settings_.server_id + " of " + settings_.name);
  differences_before_ = member_differences();
  mesh_ = std::make_unique<cluster::Mesh>(settings_, world_.random.Next());
  Actions actions;
  mesh_->Start(Clock(), actions);
  Settle(actions);
}

void Node::ShutDown(bool lame_duck) {
  if (!up_) return;
  Trace("shuts down");
  Actions actions;
  if (lame_duck) mesh_->EnterLameDuck(actions);
  up_ = false;  // peers that dial again must not be accepted
  mesh_->Stop(actions);
  Settle(actions);
  ++life_;
  ends_.clear();
  by_wire_.clear();
  dialling_.clear();
}

void Node::Die(Death death) {
  if (!up_) return;
  Trace(death == Death::kProcess ? "dies" : "loses power");
  up_ = false;
  powered_ = death == Death::kProcess;
  ++life_;
  for (const auto& [link, end] : ends_) {
    if (powered_) {
      world_.network.Send(end.wire, end.side, {.kind = Packet::Kind::kReset, .line = {}});
    }
    world_.network.Close(end.wire, end.side, false);
  }
  ends_.clear();
  by_wire_.clear();
  dialling_.clear();
}

void Node::Reload(const cluster::Settings& settings) {
  settings_ = settings;
  if (!up_) return;
  Trace("reloads");
  Actions actions;
  mesh_->Reload(settings, Clock(), actions);
  Settle(actions);
}

void Node::Want(const std::string& account, const std::string& subject, int count) {
  const std::pair<std::string, std::string> what(account, subject);
  if (count > 0) {
    interest_[what] = count;
  } else if (interest_.erase(what) == 0) {
    return;
  }
  for (auto& [link, end] : ends_) {
    if (!end.registered) continue;
    std::string line = end.interest.Tell(what, count, end.carried);
    if (line.empty()) continue;
    if (world_.mutant != Mutant::kReorderedInterest || count > 0) {
      SendLine(end, std::move(line));
      continue;
    }
    // Another thread sends this one.
    const LinkId late = link;
    const uint64_t life = life_;
    world_.time.In(2, [this, late, life, line] {
      const End* still = life == life_ ? Find(late) : nullptr;
      if (still != nullptr) SendLine(*still, line);
    });
  }
}

void Node::WantSome(const std::string& account, const std::string& subject, int messages) {
  Want(account, subject, 1);
  limits_[{account, subject}] = messages;
  if (world_.mutant != Mutant::kEarlyUnsubscribe) return;
  for (auto& [link, end] : ends_) {
    std::string line = end.interest.Tell({account, subject}, 0, end.carried);
    if (!line.empty()) SendLine(end, std::move(line));
  }
}

void Node::Publish(const std::string& account, const std::string& subject) {
  for (const auto& [link, end] : ends_) {
    if (!end.interest.heard().contains({account, subject})) continue;
    std::string line = "RMSG ";
    line += account;
    line += ' ';
    line += subject;
    SendLine(end, line + "\r\n");
  }
}

void Node::OnMessage(const Interest::key_type& what) {
  if (!interest_.contains(what)) return;
  ++received_;
  const auto limit = limits_.find(what);
  if (limit == limits_.end() || --limit->second > 0) return;
  limits_.erase(limit);
  Want(what.first, what.second, 0);
}

void Node::Break(WireId wire, int side, bool silently) {
  const auto at = by_wire_.find({wire, side});
  if (at == by_wire_.end()) return;
  Trace("connection " + std::to_string(at->second) + " breaks");
  if (silently) {
    world_.network.Sever(wire);
  } else {
    world_.network.Send(wire, side, {.kind = Packet::Kind::kReset, .line = {}});
  }
  EndLink(at->second, CloseReason::kReadError, false);
}

const Node::End* Node::FindEnd(WireId wire, int side) const {
  const auto at = by_wire_.find({wire, side});
  return at == by_wire_.end() ? nullptr : &ends_.at(at->second);
}

Node::End* Node::Find(LinkId link) {
  const auto at = ends_.find(link);
  return at == ends_.end() ? nullptr : &at->second;
}

Node::LinkId Node::AddEnd(WireId wire, int side) {
  const LinkId link = ++last_link_;
  End& end = ends_[link];
  end.wire = wire;
  end.side = side;
  end.born_ms = world_.time.now_ms();
  by_wire_[{wire, side}] = link;
  SchedulePing(link, 1000 + world_.random.Below(200));
  return link;
}

void Node::OnAccepted(WireId wire, int from) {
  if (!up_) return world_.network.Close(wire, 1, true);
  const LinkId link = AddEnd(wire, 1);
  Give(cluster::Accepted{.link = link, .remote = {.ip = AddressOf(from), .port = 40000}});
}

void Node::OnPacket(WireId wire, int side, Packet packet) {
  const auto at = by_wire_.find({wire, side});
  if (at == by_wire_.end()) return;
  if (packet.kind == Packet::Kind::kReset)
    return EndLink(at->second, CloseReason::kReadError, false);
  ends_.at(at->second).inbox.push_back(std::move(packet));
  Pump(at->second);
}

/// Works off what has come, as far as the handshake lets it.
void Node::Pump(LinkId link) {
  for (End* end = Find(link); end != nullptr && !end->stalled && !end->inbox.empty();
       end = Find(link)) {
    Packet packet = std::move(end->inbox.front());
    end->inbox.pop_front();
    if (packet.kind == Packet::Kind::kFin) return EndLink(link, CloseReason::kClientClosed, true);
    // A peer that refuses us says so in plain text, when it does not know of the switch yet.
    if (end->decompress && packet.line.starts_with("-ERR ")) {
      return EndLink(link, CloseReason::kReadError, true);
    }
    if (packet.compressed != end->decompress) {
      return world_.fail("server " + std::to_string(number_) + ": " +
                         (packet.compressed ? "compressed" : "plain") +
                         " where it should not be: " + packet.line);
    }
    Hear(link, packet.line);
  }
}

void Node::Hear(LinkId link, const std::string& text) {
  End& end = ends_.at(link);
  const std::string line = text.substr(0, text.size() - 2);
  if (line == "PING") return SendLine(end, "PONG\r\n");
  if (line == "PONG") {
    if (end.pings.empty()) return;
    const bool wanted = end.pings.front();
    end.pings.pop_front();
    if (wanted) Give(cluster::PongCame{.link = link});
    return;
  }
  if (line.starts_with("-ERR ")) {
    Trace("link " + std::to_string(link) + " hears " + line);
    Give(cluster::ErrorCame{.link = link, .text = line.substr(5)});
    return EndLink(link, CloseReason::kParseError, true);
  }
  if (line.starts_with("CONNECT ")) {
    const auto connect = proto::ReadRouteConnect(line.substr(8));
    if (!connect.ok()) return world_.fail("not readable: " + line);
    end.stalled = true;
    return Give(cluster::ConnectCame{.link = link, .connect = *connect});
  }
  if (line.starts_with("INFO ")) {
    const auto info = proto::ReadRouteInfo(line.substr(5));
    if (!info.ok()) return world_.fail("not readable: " + line);
    end.stalled = true;
    return Give(cluster::InfoCame{.link = link, .info = *info});
  }
  if (!end.registered) {
    return world_.fail("server " + std::to_string(number_) + ": interest before INFO: " + line);
  }
  if (line.starts_with("RMSG ")) {
    const size_t blank = line.find(' ', 5);
    return OnMessage({line.substr(5, blank - 5), line.substr(blank + 1)});
  }
  if (!end.interest.Hear(line, end.carried)) world_.fail("not understood: " + line);
}

/// The end of a connection that the mesh has not asked for.
void Node::EndLink(LinkId link, CloseReason reason, bool fin) {
  const auto at = ends_.find(link);
  if (at == ends_.end()) return;
  world_.network.Close(at->second.wire, at->second.side, fin);
  if (at->second.registered) ++occasions_;
  by_wire_.erase({at->second.wire, at->second.side});
  ends_.erase(at);
  Give(cluster::LinkClosed{.link = link, .reason = reason});
}

void Node::SchedulePing(LinkId link, uint64_t in_ms) {
  const uint64_t life = life_;
  world_.time.In(in_ms, [this, link, life] {
    if (life == life_) OnPingTime(link);
  });
}

void Node::OnPingTime(LinkId link) {
  End* end = Find(link);
  if (end == nullptr) return;
  SchedulePing(link, world_.ping_ms);
  if (!end->registered) {
    // Nothing may be sent while compression is being agreed on, so this one is only watched.
    if (world_.time.now_ms() - end->born_ms < 3 * world_.ping_ms) return;
    return EndLink(link, CloseReason::kStaleConnection, true);
  }
  // Nothing would come of it but two more packets.
  if (end->pings.empty() && world_.network.IsWell(end->wire)) return;
  uint64_t unanswered = 0;
  for (const bool of_mesh : end->pings) unanswered += of_mesh ? 0 : 1;
  if (unanswered >= 2) {
    SendLine(*end, "-ERR 'Stale Connection'\r\n");
    return EndLink(link, CloseReason::kStaleConnection, true);
  }
  end->pings.push_back(false);
  SendLine(*end, "PING\r\n");
}

void Node::SendLine(const End& end, std::string line) {
  world_.network.Send(
      end.wire, end.side,
      {.kind = Packet::Kind::kLine, .line = std::move(line), .compressed = end.compress});
}

void Node::Give(const cluster::Event& event) {
  Actions actions;
  mesh_->OnEvent(event, Clock(), actions);
  Settle(actions);
  if (world_.mutant != Mutant::kTightRedial ||
      !std::holds_alternative<cluster::LinkClosed>(event)) {
    return;
  }
  // No pause: time flies for this mesh.
  const uint64_t next_ms = mesh_->NextTimer();
  if (next_ms > Clock() + 1200) return;
  if (next_ms > Clock()) clock_ahead_ms_ += next_ms - Clock();
  mesh_->OnTimer(Clock(), actions);
  Settle(actions);
}

void Node::GiveLater(cluster::Event event) {
  const uint64_t life = life_;
  world_.time.In(0, [this, life, event = std::move(event)] {
    if (life == life_) Give(event);
  });
}

void Node::Settle(Actions& actions) {
  just_registered_.clear();
  for (const cluster::Action& action : std::exchange(actions, {})) {
    std::visit([this](const auto& one) { Do(one); }, action);
  }
  if (world_.mutant == Mutant::kMissingMember) cluster::MeshSurgery::StopMending(*mesh_);
  if (world_.mutant == Mutant::kForgottenPeer) cluster::MeshSurgery::ForgetLostPeers(*mesh_);
  Arm();
}

void Node::Arm() {
  const uint64_t due_ms = mesh_->NextTimer();
  if (!up_ || due_ms == UINT64_MAX) return;
  const uint64_t at_ms = due_ms > clock_ahead_ms_ ? due_ms - clock_ahead_ms_ : 0;
  if (at_ms >= armed_ms_) return;
  armed_ms_ = at_ms;
  const uint64_t life = life_;
  world_.time.At(at_ms, [this, life, at_ms] {
    if (life != life_ || armed_ms_ != at_ms) return;
    armed_ms_ = UINT64_MAX;
    Actions actions;
    if (mesh_->NextTimer() <= Clock()) mesh_->OnTimer(Clock(), actions);
    Settle(actions);
  });
}

void Node::Trace(const std::string& text) const {
  if (world_.trace) world_.trace(number_, text);
}

}  // namespace martlet::sim
