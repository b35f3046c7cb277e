// One HTTP connection of the monitoring port.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/timer_wheel.h"
#include "base/unique_fd.h"
#include "io/loop.h"
#include "monitor/http_request.h"
#include "monitor/http_response.h"

namespace martlet::control {

class MonitorPort;

/// Reads requests and sends answers, one after the other.
///
///   reading ──request──> working ──answer──> sending ──┬─ keep alive ─> reading
///                                                      └─> lingering ──end of input, or time──>
///                                                      shut
///   reading, sending: out of time, or the peer is gone ──> shut
///
/// Ownership:  the port owns it; it owns the descriptor.
/// Thread:     the control shard's.
/// Lifetime:   until both operations are answered; then the port is told (Gone) and frees it at
///             the end of the turn.
/// Bound:      input that waits while an answer is on its way: kInputBytesMax, give or take a
///             receive buffer; then nothing is received. A head of a request has kHeadMs, a part of
///             an answer kSendMs to be taken, and who asks nothing for kIdleMs is let go.
class MonitorConnection {
 public:
  static constexpr uint64_t kHeadMs = 5'000;  // as in the reference
  static constexpr uint64_t kIdleMs = 60'000;
  static constexpr uint64_t kSendMs = 10'000;

  MonitorConnection(MonitorPort& port, base::UniqueFd fd);

  /// Begins to read.
  void Start();
  /// Sends this and ends.
  void Refuse(const monitor::HttpError& error);
  /// The answer to the request that the port was given. Once for each.
  void Respond(monitor::Response response);
  /// Ends it at once.
  void Shut();

  /// Has nothing to do at the moment; since when.
  bool is_reading() const { return state_ == State::kReading; }
  uint64_t reads_since_ms() const { return reads_since_ms_; }

 private:
  enum class State : uint8_t { kReading, kWorking, kSending, kLingering, kShut };

  static constexpr size_t kInputBytesMax = size_t{64} << 10;
  static constexpr size_t kPartBytesMax = size_t{256} << 10;  // in one send
  static constexpr uint64_t kLingerMs = 500;

  void OnReceive(const io::Completion& done);
  void OnSend(const io::Completion& done);
  void BeginReading();
  void Read();
  void WaitForMore();
  void Send(std::string head, std::string body);
  void SendMore();
  void OnSent();
  void Linger();
  void FinishIfAnswered();

  MonitorPort& port_;
  base::UniqueFd fd_;
  State state_ = State::kReading;
  bool input_ended_ = false;
  bool keeps_alive_ = false;  // after the answer on its way
  bool in_request_ = false;   // the timer is that of a head
  bool gone_ = false;
  uint64_t reads_since_ms_ = 0;
  monitor::HttpParser parser_;
  monitor::HttpRequest request_;
  std::string head_;
  std::string body_;
  size_t sent_bytes_ = 0;  // of both
  io::Operation receive_ = io::Operation::Bind<&MonitorConnection::OnReceive>(this);
  io::Operation send_ = io::Operation::Bind<&MonitorConnection::OnSend>(this);
  base::Timer timer_ = base::Timer::Bind<&MonitorConnection::Shut>(this);
};

}  // namespace martlet::control
