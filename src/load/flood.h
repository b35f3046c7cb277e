// Large messages from one connection to another, beside the load that is measured.
#pragma once

#include <cstdint>

#include "load/role.h"

namespace martlet::load {

/// Receives and checks the flood.
class FloodSink final : public Role {
 public:
  explicit FloodSink(WorkerContext& context);

  void OnInput(client::Connection& connection) override;
  /// To be called when the threads have stopped: what has not come is lost.
  void CloseLedger() { ledger_.Close(0, context_.run.flood_sent.Get()); }
  const Contents& contents() const { return contents_; }

 protected:
  void Prepare() override;

 private:
  Contents contents_;
  OrderedLedger ledger_;
};

/// Publishes it, at its rate. So little is on the way at a time that a server without room for the
/// measured messages is slow, not over its limits; a server that cannot carry the rate gets less,
/// and the figure of the flood says so.
class Flooder final : public Role {
 public:
  Flooder(WorkerContext& context, const FloodSink& sink);

  int64_t Produce(uint64_t now) override;

 private:
  const Contents& contents_;
  std::string before_;  // the line in front of each payload
};

}  // namespace martlet::load
