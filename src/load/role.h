// One connection with a job in a run.
#pragma once

#include <cstdint>

#include "client/connection.h"
#include "client/runtime.h"
#include "load/ledger.h"
#include "load/recorder.h"
#include "load/run_state.h"

namespace martlet::load {

/// What the roles of one worker thread share.
struct WorkerContext {
  RunState& run;
  client::Runtime& runtime;
  Recorder& recorder;
  FaultBook& faults;
};

/// Publisher, subscriber, requester, ...: a handler of its own connection.
///
/// Thread: its worker's.
class Role : public client::Connection::Handler {
 public:
  static constexpr int64_t kWhenSomethingHappens = INT64_MAX;

  Role(WorkerContext& context, const client::Peer& peer,
       const client::ConnectionOptions& options = {})
      : context_(context), connection_(context.runtime, peer, options, *this) {}
  virtual ~Role() = default;
  Role(const Role&) = delete;
  Role& operator=(const Role&) = delete;

  void Open() { connection_.Open(); }
  void Close() { connection_.Close(); }
  /// Connected, subscribed, and the server has said so.
  bool prepared() const { return prepared_; }

  /// Each turn of kRun: sends what there is to send. Returns after how many nanoseconds it wants
  /// to be called again: 0 for at once, kWhenSomethingHappens for after any event.
  virtual int64_t Produce(uint64_t /*now*/) { return kWhenSomethingHappens; }

  void OnReady(client::Connection&) override {
    Prepare();
    connection_.Ping();
  }
  void OnPong(client::Connection&, uint64_t /*number*/) override { prepared_ = true; }
  void OnInput(client::Connection& connection) override {
    proto::Message message;
    while (connection.Next(message)) {
    }
  }
  void OnClosed(client::Connection&, const absl::Status& why) override {
    if (!why.ok()) context_.run.Fail(why);
  }
  void OnError(client::Connection&, std::string_view text) override {
    context_.run.Fail(absl::UnavailableError("the server says: " + std::string(text)));
  }

 protected:
  /// Subscribes, where it is a subscriber.
  virtual void Prepare() {}

  const Plan& plan() const { return context_.run.plan; }
  WorkerContext& context_;
  client::Connection connection_;
  bool prepared_ = false;
};

}  // namespace martlet::load
