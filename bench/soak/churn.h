// What comes and goes: subscriptions, and whole clients.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "guest.h"
#include "load/contents.h"
#include "part.h"

namespace martlet::soak {

/// One connection that subscribes and unsubscribes at a rate, with some thousand subscriptions
/// alive at a time: literals, both wildcards, queue groups, on subjects that hardly ever come
/// again.
class SubscriptionChurn final : public Part, private Guest {
 public:
  SubscriptionChurn(Stage& stage, double per_second) : Guest(stage), pace_(per_second) {}

  void Open() override { Guest::Open(); }
  bool Prepared() const override { return prepared(); }
  void Begin(uint64_t now) override { pace_.Begin(now); }
  void Produce(uint64_t now) override;
  bool Drained() const override { return confirmed_ == begun_; }
  void Close() override { Guest::Close(); }
  uint64_t moved() const override { return confirmed_; }

  /// Pairs of SUB and UNSUB that the server has worked on, but for the last few UNSUBs.
  uint64_t pairs() const { return confirmed_; }

 private:
  void OnPong(client::Connection&, uint64_t number) override;
  void SubscribeTo(uint64_t number);

  struct Mark {
    uint64_t ping = 0;
    uint64_t pairs = 0;
  };
  Pace pace_;
  uint64_t begun_ = 0;
  uint64_t confirmed_ = 0;
  std::deque<Mark> marks_;
};

/// Clients that connect at a rate, subscribe, hear themselves and go; some go with data for them on
/// the way, which nobody counts.
class Visitors final : public Part {
 public:
  /// `firehose`: a subject with much traffic, for those who leave without having read it.
  Visitors(Stage& stage, double per_second, std::string firehose);
  ~Visitors() override;

  void Open() override {}
  bool Prepared() const override { return true; }
  void Begin(uint64_t now) override { pace_.Begin(now); }
  void Produce(uint64_t now) override;
  bool Drained() const override { return finished_ == begun_; }
  void Settle() override;
  void Close() override;
  uint64_t moved() const override { return finished_; }

  /// Visits that came to their end.
  uint64_t visits() const { return finished_; }

 private:
  class Visitor;

  Stage& stage_;
  const load::Contents contents_;
  const std::string firehose_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
  std::vector<Visitor*> free_;
  Pace pace_;
  uint64_t begun_ = 0;
  uint64_t finished_ = 0;
};

}  // namespace martlet::soak
