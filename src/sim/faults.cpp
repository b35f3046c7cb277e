#include "sim/faults.h"

#include <algorithm>
#include <functional>

namespace martlet::sim {
namespace {

constexpr uint64_t kStartMs = 2000;

void Say(const Surroundings& world, const std::string& text) {
  if (world.trace) world.trace(-1, text);
}

}  // namespace

void Faults::Plan() {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    world_.time.At(world_.random.Below(kStartMs),
                   [this, i] { nodes_[i]->Start(WithNewId(scenario_.at_start[i], i)); });
  }
  for (int i = 0; i < scenario_.faults; ++i) {
    const uint64_t at_ms =
        kStartMs + world_.random.Below(static_cast<uint32_t>(scenario_.faults_ms));
    const uint64_t left_ms = kStartMs + scenario_.faults_ms - at_ms;
    const uint64_t lasts_ms =
        1 + world_.random.Below(static_cast<uint32_t>(std::min<uint64_t>(left_ms, 12'000)));
    world_.time.At(at_ms, [this, lasts_ms] { Strike(lasts_ms); });
  }
  world_.time.At(kStartMs + scenario_.faults_ms, [this] { Undo(); });
  PlanInterest();
}

cluster::Settings Faults::WithNewId(const cluster::Settings& settings, size_t server) {
  cluster::Settings own = settings;
  // Ids are in no order that anything else has.
  own.server_id = "N" + std::to_string(world_.random.Below(1000)) + "x" + std::to_string(server) +
                  "x" + std::to_string(++ids_);
  return own;
}

void Faults::PlanInterest() {
  constexpr const char* kAccounts[] = {"$G", "$SYS", "ACC", "BBB", "CCC"};
  const uint64_t until_ms = kStartMs + scenario_.faults_ms + 2000;
  for (size_t i = 0; i < nodes_.size(); ++i) {
    for (int n = 0; n < 12; ++n) {
      const uint64_t at_ms = world_.random.Below(static_cast<uint32_t>(until_ms));
      const std::string account = kAccounts[world_.random.Below(5)];
      const std::string subject = "t" + std::to_string(world_.random.Below(3));
      const auto count = static_cast<int>(1 + world_.random.Below(3));
      world_.time.At(
          at_ms, [this, i, account, subject, count] { nodes_[i]->Want(account, subject, count); });
      // Some go again; some of those come back at once, as a client does that reconnects.
      if (world_.random.Below(2) == 0) continue;
      const uint64_t gone_ms = at_ms + 1 + world_.random.Below(3000);
      world_.time.At(gone_ms,
                     [this, i, account, subject] { nodes_[i]->Want(account, subject, 0); });
      if (world_.random.Below(2) == 0) continue;
      world_.time.At(gone_ms + world_.random.Below(3), [this, i, account, subject, count] {
        nodes_[i]->Want(account, subject, count);
      });
    }
  }
}

void Faults::Strike(uint64_t lasts_ms) {
  if (scenario_.one_sided) return BreakDialledEnds();
  switch (world_.random.Below(11)) {
    case 0:
    case 1:
      return BreakConnections(false);
    case 2:
      return BreakConnections(true);
    case 3:
      return Cut(lasts_ms);
    case 4:
      return Part(lasts_ms);
    case 5:
    case 6:
      return Restart(lasts_ms);
    case 7:
      return ReloadOne(lasts_ms);
    case 8: {
      const uint64_t ahead_ms = 1000 + world_.random.Below(120'000);
      Say(world_, "a clock jumps by " + std::to_string(ahead_ms));
      return At(AnyServer()).JumpClock(ahead_ms);
    }
    case 9: {
      const int a = AnyServer(), b = AnyServer();
      const uint64_t slow_ms = 20 + world_.random.Below(600);
      Say(world_, "slow between " + std::to_string(a) + " and " + std::to_string(b));
      return world_.network.SetExtraDelay(a, b, slow_ms);
    }
    default:
      return PinAccount();
  }
}

/// Both ends of some connections see them break; or one end, and the other hears nothing any more.
void Faults::BreakConnections(bool silently) {
  const std::vector<WireId> open = world_.network.OpenWires();
  if (open.empty()) return;
  const uint32_t count =
      1 + world_.random.Below(static_cast<uint32_t>(std::min<size_t>(open.size(), 6)));
  for (uint32_t i = 0; i < count; ++i) {
    const WireId wire = open[world_.random.Below(static_cast<uint32_t>(open.size()))];
    const int side = static_cast<int>(world_.random.Below(2));
    const Network::Wire& one = world_.network.wire(wire);
    if (!one.open[0] || !one.open[1]) continue;
    At(one.host[side]).Break(wire, side, silently);
  }
}

void Faults::BreakDialledEnds() {
  // All connections that one server has dialled to another: its NAT has forgotten them.
  const std::vector<WireId> open = world_.network.OpenWires();
  if (open.empty()) return;
  const Network::Wire picked =
      world_.network.wire(open[world_.random.Below(static_cast<uint32_t>(open.size()))]);
  Say(world_, "connections from " + std::to_string(picked.host[0]) + " to " +
                  std::to_string(picked.host[1]) + " die at the near end");
  for (const WireId wire : open) {
    const Network::Wire& one = world_.network.wire(wire);
    if (one.host[0] != picked.host[0] || one.host[1] != picked.host[1] || !one.open[0]) continue;
    // One that is not registered would be found stale, which takes longer than is waited here.
    const Node::End* far = At(one.host[1]).FindEnd(wire, 1);
    if (far == nullptr || !far->registered) continue;
    At(one.host[0]).Break(wire, 0, true);
  }
}

void Faults::Cut(uint64_t lasts_ms) {
  const int from = AnyServer(), to = AnyServer();
  if (from == to) return;
  Say(world_, "cut from " + std::to_string(from) + " to " + std::to_string(to));
  world_.network.Block(from, to);
  world_.time.In(lasts_ms, [this, from, to] { world_.network.Unblock(from, to); });
}

void Faults::Part(uint64_t lasts_ms) {
  std::vector<bool> side;
  for (size_t i = 0; i < nodes_.size(); ++i) side.push_back(world_.random.Below(2) == 0);
  Say(world_, "parted");
  const auto each = [this, side](auto what) {
    for (size_t a = 0; a < side.size(); ++a) {
      for (size_t b = 0; b < side.size(); ++b) {
        if (side[a] != side[b]) (world_.network.*what)(static_cast<int>(a), static_cast<int>(b));
      }
    }
  };
  each(&Network::Block);
  world_.time.In(lasts_ms, [each] { each(&Network::Unblock); });
}

void Faults::Restart(uint64_t lasts_ms) {
  const auto server = static_cast<size_t>(AnyServer());
  Node& node = *nodes_[server];
  if (!node.up()) return;
  switch (world_.random.Below(4)) {
    case 0:
      node.Die(Node::Death::kProcess);
      break;
    case 1:
      node.Die(Node::Death::kMachine);
      break;
    default:
      node.ShutDown(world_.random.Below(2) == 0);
  }
  world_.time.In(lasts_ms, [this, server, &node] {
    if (!node.up()) node.Start(WithNewId(node.settings(), server));
  });
}

void Faults::ReloadOne(uint64_t lasts_ms) {
  const auto server = static_cast<size_t>(AnyServer());
  Node& node = *nodes_[server];
  if (!node.up()) return;
  cluster::Settings changed = node.settings();
  const cluster::Settings& right = scenario_.servers[server];
  // Another reload of it may come before this one is undone; so each undoes its own mistake alone.
  std::function<void(cluster::Settings&)> undo = [](cluster::Settings&) {};
  const uint32_t kind = world_.random.Below(4);
  if (kind == 0 && !changed.routes.empty()) {
    changed.routes.erase(changed.routes.begin() +
                         world_.random.Below(static_cast<uint32_t>(changed.routes.size())));
    undo = [&right](cluster::Settings& now) { now.routes = right.routes; };
  } else if (kind == 1 && changed.pool_size > 0) {
    changed.pool_size = 1 + world_.random.Below(4);
    undo = [&right](cluster::Settings& now) { now.pool_size = right.pool_size; };
  } else if (kind == 2) {
    changed.compression.mode = AnyCompression(world_.random);
    undo = [&right](cluster::Settings& now) { now.compression = right.compression; };
  } else if (std::none_of(nodes_.begin(), nodes_.end(),
                          [](const auto& one) { return one->settings().name_dynamic; })) {
    changed.name = "C2";
    undo = [&right](cluster::Settings& now) { now.name = right.name; };
  }
  node.Reload(changed);
  world_.time.In(lasts_ms, [&node, undo] {
    cluster::Settings again = node.settings();
    undo(again);
    node.Reload(again);
  });
}

/// All servers are told, one after the other, to give an account connections of its own.
void Faults::PinAccount() {
  Say(world_, "BBB is pinned");
  for (const auto& node : nodes_) {
    world_.time.In(world_.random.Below(1500), [&node] {
      cluster::Settings changed = node->settings();
      auto& pinned = changed.pinned_accounts;
      if (changed.pool_size < 1 || std::find(pinned.begin(), pinned.end(), "BBB") != pinned.end())
        return;
      pinned.push_back("BBB");
      node->Reload(changed);
    });
  }
}

void Faults::Undo() {
  Say(world_, "all is well from here on");
  world_.network.Heal();
  const bool pinned = std::any_of(nodes_.begin(), nodes_.end(), [](const auto& node) {
    const auto& accounts = node->settings().pinned_accounts;
    return std::find(accounts.begin(), accounts.end(), "BBB") != accounts.end();
  });
  for (size_t i = 0; i < nodes_.size(); ++i) {
    Node& node = *nodes_[i];
    cluster::Settings settings = scenario_.servers[i];
    settings.server_id = node.settings().server_id;
    if (pinned && settings.pool_size >= 1) settings.pinned_accounts.push_back("BBB");
    if (node.up()) {
      node.Reload(settings);
    } else {
      node.Start(WithNewId(settings, i));
    }
  }
}

}  // namespace martlet::sim
