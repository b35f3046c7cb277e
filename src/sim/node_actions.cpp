// A simulated server does what its mesh wants done.
#include <algorithm>
#include <utility>

#include "cluster/compression.h"
#include "sim/node.h"

namespace martlet::sim {
namespace {

// More dials to one address within ten seconds are a storm. What is refused is dialled about once a
// second, by its name and by its address, for the pool and for each account.
constexpr size_t kDialsMax = 120;
constexpr uint64_t kDialsWindowMs = 10'000;

}  // namespace

void Node::Do(const cluster::Resolve& action) {
  cluster::Resolved answer{.dial = action.dial, .addresses = {}, .error = {}};
  if (action.host == "cluster") {
    for (int server = 0; server < 4; ++server) {
      answer.addresses.push_back({.ip = AddressOf(server), .port = action.port});
    }
  } else {
    const int server = std::stoi(action.host.substr(1));  // "n7"
    answer.addresses.push_back({.ip = AddressOf(server), .port = action.port});
  }
  if (world_.random.Below(50) == 0 && !world_.network.healed()) {
    answer.addresses.clear();
    answer.error = "lookup " + action.host + ": no such host";
  }
  GiveLater(std::move(answer));
}

void Node::Do(const cluster::Connect& action) {
  NoteDial(action.to);
  const int target = ServerAt(action.to.ip);
  const std::string where = "dial tcp " + action.to.ip + ":" + std::to_string(action.to.port);
  dialling_.insert(action.dial);
  const uint64_t life = life_;
  world_.network.Dial(number_, target, [=, this, dial = action.dial](auto result, WireId wire) {
    using Dialled = Network::DialResult;
    const bool wanted = life == life_ && dialling_.erase(dial) > 0;
    if (result == Dialled::kConnected) {
      if (!wanted) return world_.network.Close(wire, 0, true);
      return Give(cluster::Dialed{.dial = dial, .link = AddEnd(wire, 0)});
    }
    if (!wanted) return;
    const char* why =
        result == Dialled::kRefused ? ": connect: connection refused" : ": i/o timeout";
    Give(cluster::DialFailed{.dial = dial, .error = where + why});
  });
}

void Node::NoteDial(const cluster::Endpoint& to) {
  ++dials_;
  std::deque<uint64_t>& recent = recent_dials_[to.ip];
  const uint64_t now_ms = world_.time.now_ms();
  recent.push_back(now_ms);
  while (recent.front() + kDialsWindowMs <= now_ms) recent.pop_front();
  if (recent.size() <= kDialsMax) return;
  world_.fail("server " + std::to_string(number_) + " dialled " + to.ip + " " +
              std::to_string(recent.size()) + " times within ten seconds");
}

void Node::Do(const cluster::Send& action) {
  End* end = Find(action.link);
  if (end == nullptr) return;
  if (world_.trace) {
    Trace("link " + std::to_string(action.link) + " > " +
          action.bytes.substr(0, action.bytes.size() - 2));
  }
  if (action.bytes.starts_with("INFO ") && end->registered &&
      !just_registered_.contains(action.link)) {
    // Words about oneself go out only before a connection is registered, or in a reload.
    if (action.bytes.find("martlet_members") == std::string::npos &&
        action.bytes.find("\"server_id\":\"" + settings_.server_id) == std::string::npos &&
        action.bytes.find("route_acc_add_reqid") == std::string::npos) {
      ++gossip_;
    }
  }
  const bool is_probe = action.awaits_pong && !just_registered_.contains(action.link);
  if (is_probe && world_.mutant == Mutant::kLockOut) {
    return GiveLater(cluster::PongCame{.link = action.link});
  }
  if (action.awaits_pong) end->pings.push_back(true);
  SendLine(*end, action.bytes);
}

void Node::Do(const cluster::Proceed& action) {
  End* end = Find(action.link);
  if (end == nullptr) return;
  end->stalled = false;
  const uint64_t life = life_;
  const LinkId link = action.link;
  world_.time.In(0, [this, life, link] {
    if (life == life_) Pump(link);
  });
}

void Node::Do(const cluster::CompressOutput& action) {
  if (action.mode == cluster::CompressionMode::kOff ||
      action.mode == cluster::CompressionMode::kAccept) {
    return world_.fail("compression in mode " + std::string(cluster::Name(action.mode)));
  }
  if (End* end = Find(action.link)) end->compress = true;
}

void Node::Do(const cluster::DecompressInput& action) {
  if (End* end = Find(action.link)) end->decompress = true;
}

void Node::Do(const cluster::Register& action) {
  End* end = Find(action.link);
  if (end == nullptr) return;
  NoteRegistered(action);
  end->registered = true;
  end->peer_id = action.peer_id;
  end->carried = {.account = action.account,
                  .slot = action.slot,
                  .pool_size = action.pool_size,
                  .without = action.without};
  just_registered_.insert(action.link);
  // What a dedicated connection carries, the pool to the same server carries no more.
  SendAllInterest(*end);
}

void Node::NoteRegistered(const cluster::Register& action) {
  ++occasions_;
  Trace("link " + std::to_string(action.link) + " is up: " + action.peer_id +
        (action.account.empty() ? " slot " + std::to_string(action.slot) : " " + action.account));
  for (const auto& [link, end] : ends_) {
    if (!end.registered || end.peer_id != action.peer_id) continue;
    if (link == action.link) world_.fail("registered twice");
    if (end.carried.account != action.account || !action.account.empty()) continue;
    if (end.carried.slot == action.slot) {
      world_.fail("server " + std::to_string(number_) + ": two connections in slot " +
                  std::to_string(action.slot) + " of " + action.peer_id);
    }
  }
}

void Node::Do(const cluster::Reassign& action) {
  End* end = Find(action.link);
  if (end == nullptr) return;
  if (!end->registered) return world_.fail("reassigned, and not registered");
  end->carried = {.account = action.account,
                  .slot = action.slot,
                  .pool_size = action.pool_size,
                  .without = action.without};
  end->interest.Forget(end->carried);
  SendAllInterest(*end);
}

void Node::SendAllInterest(End& end) {
  for (std::string& line : end.interest.TellAll(interest_, end.carried)) {
    SendLine(end, std::move(line));
  }
}

void Node::Do(const cluster::Close& action) {
  const auto at = ends_.find(action.link);
  if (at == ends_.end()) return;
  Trace("link " + std::to_string(action.link) +
        " closes: " + std::string(proto::Name(action.reason)));
  world_.network.Close(at->second.wire, at->second.side, true);
  if (at->second.registered) ++occasions_;
  by_wire_.erase({at->second.wire, at->second.side});
  ends_.erase(at);
  GiveLater(cluster::LinkClosed{.link = action.link, .reason = action.reason});
}

void Node::Do(const cluster::LogLine& action) const {
  if (!world_.trace) return;
  Trace((action.link == 0 ? "" : "link " + std::to_string(action.link) + " - ") + action.text);
}

}  // namespace martlet::sim
