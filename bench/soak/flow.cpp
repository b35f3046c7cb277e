#include "flow.h"

#include <algorithm>

namespace martlet::soak {
namespace {

// On the way at a time; what is due beyond that waits.
constexpr uint64_t kWindowBytes = uint64_t{1} << 20;
constexpr uint64_t kWindowMax = 4096;
constexpr uint32_t kRequestBytes = 64;
// A member of a queue group leaves it and comes back after so many messages: none may be lost
// between its UNSUB and its SUB, nor arrive twice.
constexpr uint64_t kRoveAfter = 100;
constexpr std::string_view kGroup = "soak";
constexpr std::string_view kInbox = "_INBOX.soak.";

uint64_t WindowOf(uint32_t size) {
  return std::clamp<uint64_t>(kWindowBytes / size, 8, kWindowMax);
}

}  // namespace

// Flow.

class Flow::Member final : public Guest {
 public:
  Member(Flow& flow, int index)
      : Guest(flow.stage_),
        flow_(flow),
        roves_(flow.shape_.queue && index == 0),
        ledger_(flow.shape_.subject + " subscriber " + std::to_string(index), 0, 1,
                flow.stage_.faults) {}

  uint64_t received() const { return received_; }
  void Settle() { ledger_.Close(0, flow_.sent_); }

 protected:
  void Prepare() override { Join(); }

  void Take(const proto::Message& message) override {
    load::Head head;
    if (message.subject != flow_.shape_.subject || !flow_.contents_.Read(message.payload, head)) {
      return stage_.faults.AddCorrupted(ledger_.who(), "a message that was not sent");
    }
    const bool is_new = flow_.shape_.queue ? flow_.group_.Take(head) : ledger_.Take(head);
    if (!is_new) return;
    ++received_;
    ++flow_.delivered_;
    if (!roves_ || received_ % kRoveAfter != 0) return;
    connection_.Unsubscribe(sid_);
    Join();
  }

 private:
  void Join() {
    connection_.Subscribe(flow_.shape_.subject, flow_.shape_.queue ? kGroup : "", ++sid_);
  }

  Flow& flow_;
  const bool roves_;
  load::OrderedLedger ledger_;
  uint64_t sid_ = 0;
  uint64_t received_ = 0;
};

Flow::Flow(Stage& stage, Shape shape)
    : stage_(stage),
      shape_(std::move(shape)),
      contents_(stage.seed, shape_.size_bytes),
      group_(shape_.subject + " queue group", 0, 1, stage.faults),
      publisher_(stage),
      pace_(shape_.per_second),
      payload_(shape_.size_bytes + load::Contents::kSlackBytes, ' ') {
  for (int i = 0; i < shape_.members; ++i) members_.push_back(std::make_unique<Member>(*this, i));
}

Flow::~Flow() = default;

void Flow::Open() {
  for (auto& member : members_) member->Open();
  publisher_.Open();
}

bool Flow::Prepared() const {
  return publisher_.prepared() &&
         std::all_of(members_.begin(), members_.end(), [](const auto& m) { return m->prepared(); });
}

void Flow::Produce(uint64_t now) {
  const uint64_t room = Received() + WindowOf(shape_.size_bytes);
  for (const uint64_t until = std::min(pace_.Due(now), room); sent_ < until; ++sent_) {
    contents_.Write({.stream = 0, .sequence = sent_}, payload_.data());
    publisher_.connection().Publish(shape_.subject, {}, {},
                                    std::string_view(payload_).substr(0, shape_.size_bytes));
  }
}

uint64_t Flow::Received() const {
  if (shape_.queue) return delivered_;
  uint64_t least = UINT64_MAX;
  for (const auto& member : members_) least = std::min(least, member->received());
  return least;
}

void Flow::Settle() {
  if (shape_.queue) return group_.Close(0, sent_);
  for (auto& member : members_) member->Settle();
}

void Flow::Close() {
  for (auto& member : members_) member->Close();
  publisher_.Close();
}

// Requests.

class Requests::Requester final : public Guest {
 public:
  explicit Requester(Requests& requests) : Guest(requests.stage_), requests_(requests) {}

 protected:
  void Prepare() override { connection_.Subscribe(std::string(kInbox) + "*", {}, 1); }
  void Take(const proto::Message& message) override {
    load::Head head;
    if (!requests_.contents_.Read(message.payload, head) ||
        message.subject != std::string(kInbox) + std::to_string(head.sequence)) {
      return stage_.faults.AddCorrupted("the requester", "a reply that was not sent");
    }
    if (requests_.replies_.Take(head)) ++requests_.received_;
  }

 private:
  Requests& requests_;
};

class Requests::Responder final : public Guest {
 public:
  using Guest::Guest;

 protected:
  void Prepare() override { connection_.Subscribe("soak.request", kGroup, 1); }
  void Take(const proto::Message& message) override {
    connection_.Publish(message.reply, {}, {}, message.payload);
  }
};

Requests::Requests(Stage& stage, int responders, double per_second)
    : stage_(stage),
      contents_(stage.seed, kRequestBytes),
      replies_("the requester", 0, 1, stage.faults),
      requester_(std::make_unique<Requester>(*this)),
      pace_(per_second),
      payload_(kRequestBytes + load::Contents::kSlackBytes, ' ') {
  for (int i = 0; i < responders; ++i) responders_.push_back(std::make_unique<Responder>(stage));
}

Requests::~Requests() = default;

void Requests::Open() {
  for (auto& responder : responders_) responder->Open();
  requester_->Open();
}

bool Requests::Prepared() const {
  return requester_->prepared() && std::all_of(responders_.begin(), responders_.end(),
                                               [](const auto& r) { return r->prepared(); });
}

void Requests::Produce(uint64_t now) {
  const uint64_t until = std::min(pace_.Due(now), received_ + kWindowMax);
  for (; sent_ < until; ++sent_) {
    contents_.Write({.stream = 0, .sequence = sent_}, payload_.data());
    requester_->connection().Publish("soak.request", std::string(kInbox) + std::to_string(sent_),
                                     {}, std::string_view(payload_).substr(0, kRequestBytes));
  }
}

void Requests::Close() {
  for (auto& responder : responders_) responder->Close();
  requester_->Close();
}

}  // namespace martlet::soak
