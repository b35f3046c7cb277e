// What goes wrong.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "sim/node.h"
#include "sim/scenario.h"

namespace martlet::sim {

using Nodes = std::vector<std::unique_ptr<Node>>;

/// Lets things go wrong until a time, and has them in order again by then: all servers run, as they
/// should be configured, and the network is whole. What broken connections there are is for the
/// servers to find out.
class Faults {
 public:
  Faults(Surroundings& world, const Scenario& scenario, Nodes& nodes)
      : world_(world), scenario_(scenario), nodes_(nodes) {}

  /// All servers start, within two seconds; then things go wrong, and subscribers come and go.
  void Plan();

 private:
  void PlanOne(uint64_t at_ms, uint64_t lasts_ms);
  void PlanInterest();
  void Strike(uint64_t lasts_ms);
  void BreakConnections(bool silently);
  void BreakDialledEnds();
  void Cut(uint64_t lasts_ms);
  void Part(uint64_t lasts_ms);
  void Restart(uint64_t lasts_ms);
  void ReloadOne(uint64_t lasts_ms);
  void PinAccount();
  void Undo();
  cluster::Settings WithNewId(const cluster::Settings& settings, size_t server);

  int AnyServer() {
    return static_cast<int>(world_.random.Below(static_cast<uint32_t>(nodes_.size())));
  }
  Node& At(int server) { return *nodes_[static_cast<size_t>(server)]; }

  Surroundings& world_;
  const Scenario& scenario_;
  Nodes& nodes_;
  uint64_t ids_ = 0;
};

}  // namespace martlet::sim
