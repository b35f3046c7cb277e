// Messages from one publisher to subscribers, and requests: what must neither be lost nor doubled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "guest.h"
#include "load/contents.h"
#include "part.h"

namespace martlet::soak {

/// One publisher at a rate; each of `members` gets every message, or with `queue` one of them does.
class Flow final : public Part {
 public:
  struct Shape {
    std::string subject;
    int members = 1;
    bool queue = false;
    uint32_t size_bytes = 128;
    double per_second = 1000;
  };

  Flow(Stage& stage, Shape shape);
  ~Flow() override;

  void Open() override;
  bool Prepared() const override;
  void Begin(uint64_t now) override { pace_.Begin(now); }
  void Produce(uint64_t now) override;
  bool Drained() const override { return Received() >= sent_; }
  void Settle() override;
  void Close() override;
  uint64_t moved() const override { return delivered_; }

 private:
  class Member;
  uint64_t Received() const;  // messages that everybody has who should

  Stage& stage_;
  const Shape shape_;
  const load::Contents contents_;
  load::SharedLedger group_;  // of a queue group
  std::vector<std::unique_ptr<Member>> members_;
  Guest publisher_;
  Pace pace_;
  std::string payload_;
  uint64_t sent_ = 0;
  uint64_t delivered_ = 0;
};

/// One requester at a rate, responders in a queue group; every request gets one reply.
class Requests final : public Part {
 public:
  Requests(Stage& stage, int responders, double per_second);
  ~Requests() override;

  void Open() override;
  bool Prepared() const override;
  void Begin(uint64_t now) override { pace_.Begin(now); }
  void Produce(uint64_t now) override;
  bool Drained() const override { return received_ >= sent_; }
  void Settle() override { replies_.Close(0, sent_); }
  void Close() override;
  uint64_t moved() const override { return received_; }

 private:
  class Requester;
  class Responder;

  Stage& stage_;
  const load::Contents contents_;
  load::SharedLedger replies_;
  std::vector<std::unique_ptr<Responder>> responders_;
  std::unique_ptr<Requester> requester_;
  Pace pace_;
  std::string payload_;
  uint64_t sent_ = 0;
  uint64_t received_ = 0;
};

}  // namespace martlet::soak
