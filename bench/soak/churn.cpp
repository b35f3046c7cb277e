#include "churn.h"

#include <algorithm>

namespace martlet::soak {
namespace {

constexpr uint64_t kAlive = 4096;       // subscriptions of the churn
constexpr uint64_t kPairsAtOnce = 512;  // written at a turn
constexpr size_t kMarksMax = 8;
constexpr size_t kVisitorsAtOnce = 128;
constexpr uint32_t kVisitBytes = 48;
constexpr uint64_t kVisitMessages = 2;

}  // namespace

// Subscriptions.

void SubscriptionChurn::Produce(uint64_t now) {
  const uint64_t due = pace_.Due(now);
  if (due <= begun_ || marks_.size() >= kMarksMax) return;
  for (const uint64_t until = std::min(due, begun_ + kPairsAtOnce); begun_ < until; ++begun_) {
    SubscribeTo(begun_);
    if (begun_ >= kAlive) connection_.Unsubscribe(begun_ - kAlive + 1);
  }
  marks_.push_back({.ping = connection_.Ping(), .pairs = begun_});
}

void SubscriptionChurn::SubscribeTo(uint64_t number) {
  const std::string name = std::to_string(number);
  const uint64_t sid = number + 1;
  switch (number % 8) {
    case 0:
      return connection_.Subscribe("churn." + name + ".*", {}, sid);
    case 1:
      return connection_.Subscribe("churn.*." + name, {}, sid);
    case 2:
      return connection_.Subscribe("churn." + name + ".>", {}, sid);
    case 3:
      return connection_.Subscribe("churn.group." + name, "group-" + name, sid);
    case 4:
      return connection_.Subscribe("churn.same", {}, sid);
    default:
      return connection_.Subscribe("churn.literal." + name, {}, sid);
  }
}

void SubscriptionChurn::OnPong(client::Connection&, uint64_t number) {
  prepared_ = true;
  while (!marks_.empty() && marks_.front().ping <= number) {
    confirmed_ = marks_.front().pairs;
    marks_.pop_front();
  }
}

// Visitors.

class Visitors::Visitor final : public client::Connection::Handler {
 public:
  /// Each from an address of its own: none runs out of ports while the kernel remembers old
  /// connections.
  Visitor(Visitors& all, uint32_t index)
      : all_(all), connection_(all.stage_.runtime, all.stage_.peer, {.source = index + 1}, *this) {}

  void Come(uint64_t number) {
    number_ = number;
    inbox_ = "visit." + std::to_string(number);
    next_ = 0;
    leaving_ = false;
    connection_.Open();
  }
  void Close() {
    leaving_ = true;
    connection_.Close();
  }
  bool away() const { return connection_.gone(); }
  void SayStuck() {
    const uint64_t missing = kVisitMessages - next_;
    all_.stage_.faults.Add(load::FaultBook::Kind::kLost, inbox_, 0, next_, missing);
  }

  void OnReady(client::Connection&) override {
    connection_.Subscribe(inbox_, {}, 1);
    connection_.Subscribe(inbox_ + ".*", {}, 2);
    connection_.Subscribe("visit.group", "visitors", 3);
    if (impolite()) connection_.Subscribe(all_.firehose_, {}, 4);
    connection_.Ping();
  }
  void OnPong(client::Connection&, uint64_t) override {
    if (impolite()) {
      connection_.StopReading();
      return Close();
    }
    std::string payload(kVisitBytes + load::Contents::kSlackBytes, ' ');
    for (uint64_t i = 0; i < kVisitMessages; ++i) {
      all_.contents_.Write({.stream = 0, .sequence = number_ * kVisitMessages + i}, payload.data());
      connection_.Publish(inbox_, {}, {}, std::string_view(payload).substr(0, kVisitBytes));
    }
    connection_.Unsubscribe(2);
  }
  void OnInput(client::Connection& connection) override {
    proto::Message message;
    while (connection.Next(message)) Take(message);
    if (next_ == kVisitMessages && !leaving_) Close();
  }
  void OnError(client::Connection&, std::string_view text) override {
    all_.stage_.Fail(absl::UnavailableError("the server says: " + std::string(text)));
  }
  void OnClosed(client::Connection&, const absl::Status& why) override {
    if (!why.ok()) all_.stage_.Fail(why);
    ++all_.finished_;
    all_.free_.push_back(this);
  }

 private:
  bool impolite() const { return number_ % 4 == 3; }

  void Take(const proto::Message& message) {
    if (message.subject == all_.firehose_) return;
    load::Head head;
    load::FaultBook& faults = all_.stage_.faults;
    if (message.subject != inbox_ || !all_.contents_.Read(message.payload, head)) {
      return faults.AddCorrupted(inbox_, "a message that was not sent");
    }
    const uint64_t sequence = head.sequence - number_ * kVisitMessages;
    if (sequence != next_) {
      // An earlier one came again; a later one means that one is missing, since they go in order.
      const auto kind =
          sequence < next_ ? load::FaultBook::Kind::kDuplicated : load::FaultBook::Kind::kLost;
      faults.Add(kind, inbox_, 0, head.sequence);
    }
    next_ = sequence + 1;
  }

  Visitors& all_;
  client::Connection connection_;
  uint64_t number_ = 0;
  std::string inbox_;
  uint64_t next_ = 0;
  bool leaving_ = false;
};

Visitors::Visitors(Stage& stage, double per_second, std::string firehose)
    : stage_(stage),
      contents_(stage.seed, kVisitBytes),
      firehose_(std::move(firehose)),
      pace_(per_second) {
  for (uint32_t i = 0; i < kVisitorsAtOnce; ++i) {
    visitors_.push_back(std::make_unique<Visitor>(*this, i));
    free_.push_back(visitors_.back().get());
  }
}

Visitors::~Visitors() = default;

void Visitors::Produce(uint64_t now) {
  for (const uint64_t due = pace_.Due(now); begun_ < due && !free_.empty();) {
    Visitor* const visitor = free_.back();
    free_.pop_back();
    visitor->Come(begun_++);
  }
}

void Visitors::Settle() {
  for (auto& visitor : visitors_) {
    if (!visitor->away()) visitor->SayStuck();
  }
}

void Visitors::Close() {
  for (auto& visitor : visitors_) {
    if (!visitor->away()) visitor->Close();
  }
}

}  // namespace martlet::soak
