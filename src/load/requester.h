// Request and reply: who asks, and who answers.
#pragma once

#include "load/role.h"

namespace martlet::load {

/// Asks through one inbox subscription, `depth` requests outstanding or by schedule, and checks
/// that each answer is the payload of its request, once.
class Requester final : public Role {
 public:
  Requester(WorkerContext& context, uint32_t index);

  int64_t Produce(uint64_t now) override;
  void OnInput(client::Connection& connection) override;

  /// Replies; any thread.
  const base::Counter& replies() const { return replies_; }
  uint64_t last_ns() const { return last_ns_; }
  void CloseLedger() { ledger_.Close(index_, state_.sequences[0]); }

 protected:
  void Prepare() override;

 private:
  int64_t ProduceDue(uint64_t now);
  int64_t ProduceClosed(uint64_t now);
  int64_t Finish();
  void Ask(uint64_t due, uint64_t now);

  uint32_t index_;
  PublisherState& state_;
  SharedLedger ledger_;  // answers of several responders may overtake each other
  Arrivals arrivals_;
  std::string inbox_;   // "_INBOX.<who>."
  std::string before_;  // "PUB subject _INBOX.<who>."
  std::string after_;   // " 128\r\n"
  int64_t next_due_;
  uint64_t left_;
  base::Counter replies_;
  uint64_t last_ns_ = 0;
};

/// Sends every request back as its answer.
class Responder final : public Role {
 public:
  explicit Responder(WorkerContext& context) : Role(context, context.run.peer) {}
  void OnInput(client::Connection& connection) override;

 protected:
  void Prepare() override;
};

}  // namespace martlet::load
