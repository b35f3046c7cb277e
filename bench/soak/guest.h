// What the parts of the mix have in common.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>

#include "client/connection.h"
#include "client/runtime.h"
#include "load/ledger.h"

namespace martlet::soak {

/// What all parts of one round share. Thread: its runtime's.
struct Stage {
  client::Runtime& runtime;
  const client::Peer& peer;
  load::FaultBook& faults;
  uint64_t seed = 1;
  absl::Status failure;  // the first; ends the round

  void Fail(const absl::Status& why) {
    if (failure.ok()) failure = why;
  }
};

/// A connection that stays for the round.
class Guest : public client::Connection::Handler {
 public:
  explicit Guest(Stage& stage) : stage_(stage), connection_(stage.runtime, stage.peer, {}, *this) {}
  virtual ~Guest() = default;
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;

  void Open() { connection_.Open(); }
  void Close() { connection_.Close(); }
  /// Subscribed, and the server has said so.
  bool prepared() const { return prepared_; }
  client::Connection& connection() { return connection_; }

  void OnReady(client::Connection&) override {
    Prepare();
    connection_.Ping();
  }
  void OnPong(client::Connection&, uint64_t) override { prepared_ = true; }
  void OnInput(client::Connection& connection) override {
    proto::Message message;
    while (connection.Next(message)) Take(message);
  }
  void OnError(client::Connection&, std::string_view text) override {
    stage_.Fail(absl::UnavailableError("the server says: " + std::string(text)));
  }
  void OnClosed(client::Connection&, const absl::Status& why) override {
    if (!why.ok()) stage_.Fail(why);
  }

 protected:
  virtual void Prepare() {}
  virtual void Take(const proto::Message&) {}

  Stage& stage_;
  client::Connection connection_;
  bool prepared_ = false;
};

/// Says how many of something that comes at a rate are due.
class Pace {
 public:
  explicit Pace(double per_second) : per_second_(per_second) {}
  void Begin(uint64_t now) { begin_ns_ = now; }
  uint64_t Due(uint64_t now) const {
    return static_cast<uint64_t>(static_cast<double>(now - begin_ns_) * 1e-9 * per_second_);
  }

 private:
  double per_second_;
  uint64_t begin_ns_ = 0;
};

}  // namespace martlet::soak
