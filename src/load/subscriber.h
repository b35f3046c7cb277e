// Receives, checks and times the messages of publishers.
#pragma once

#include <deque>

#include "load/role.h"

namespace martlet::load {

/// One subscriber: alone, or a member of a queue group, whose members share a ledger and therefore
/// a thread.
///
/// Only messages that are new count as received: that is what opens publishers' windows.
class Subscriber final : public Role {
 public:
  /// `group` is null for a subscriber on its own; else its members' common ledger.
  Subscriber(WorkerContext& context, uint32_t index, SharedLedger* group);

  void OnInput(client::Connection& connection) override;

  uint64_t delivered() const { return delivered_; }
  /// When the last message came; 0: none yet.
  uint64_t last_ns() const { return last_ns_; }
  /// To be called when the threads have stopped: what has not come is lost.
  void CloseLedger();

 protected:
  void Prepare() override;

 private:
  void Take(const proto::Message& message);
  void Time(const Head& head);
  bool SubjectIs(std::string_view subject, uint32_t stream);

  uint32_t index_;
  uint32_t first_publisher_;  // of those it hears
  uint32_t publisher_count_;
  OrderedLedger ledger_;
  RisingLedger rising_;
  SharedLedger* group_;
  std::vector<base::Counter>& received_;  // from each publisher it hears
  uint64_t delivered_ = 0;
  uint64_t last_ns_ = 0;
  bool timed_;
  std::string subject_;  // scratch
};

/// Subscribes like the others and never reads a byte: the server's slow consumer. That the server
/// has cut it it cannot see, since the end stands behind what it does not read; so it comes back
/// when its time (Plan::stuck_for) is over, where it has one.
class StuckSubscriber final : public Role {
 public:
  explicit StuckSubscriber(WorkerContext& context) : Role(context, context.run.peer) {}
  int64_t Produce(uint64_t now) override;
  void OnPong(client::Connection& connection, uint64_t number) override;
  /// That the server cuts it is what it is for.
  void OnClosed(client::Connection&, const absl::Status&) override {}
  void OnError(client::Connection&, std::string_view) override {}

 protected:
  void Prepare() override;
};

/// Subscribes and unsubscribes all the time, to subjects that nobody publishes on.
class Churner final : public Role {
 public:
  explicit Churner(WorkerContext& context) : Role(context, context.run.peer) {}
  int64_t Produce(uint64_t now) override;
  void OnPong(client::Connection& connection, uint64_t number) override;
  /// Pairs that the server has processed; any thread.
  const base::Counter& pairs() const { return pairs_; }

 private:
  struct Mark {
    uint64_t ping = 0;
    uint64_t pairs = 0;
  };
  uint64_t begun_ = 0;
  base::Counter pairs_;
  std::deque<Mark> marks_;
};

}  // namespace martlet::load
