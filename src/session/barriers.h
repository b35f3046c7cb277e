// Answers to clients who want to know that their subscriptions are known everywhere.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "base/timer_wheel.h"
#include "session/message.h"
#include "session/record.h"

namespace martlet::session {

class ClientSession;
struct ShardContext;

/// A request on this subject is answered when every subscription that its client made before is
/// known to each server behind a route. Ours, not the reference's; docs/clusters.md describes it.
inline constexpr std::string_view kBarrierSubject = "$SYS.REQ.MARTLET.BARRIER";

/// One shard's part in such answers.
///
/// The client's shard asks each shard with routes, through the ring that the changes of interest
/// took before; that one sends a PING behind them on each route that carries the account, and
/// answers when all PONGs are there: by then the other side has read what stood in front of the
/// PING. A route that goes meanwhile is waited for no more, and not counted.
///
/// Thread: its shard's, always.
/// Bound:  kWaitingMax requests at a time; more are answered at once, as incomplete. After
///         kPatienceMs each is answered as it stands.
class Barriers {
 public:
  static constexpr size_t kWaitingMax = 4096;
  static constexpr uint64_t kPatienceMs = 5000;

  explicit Barriers(ShardContext& context) : context_(context) {}
  ~Barriers() { timer_.Disarm(); }
  Barriers(const Barriers&) = delete;
  Barriers& operator=(const Barriers&) = delete;

  /// A client's request.
  void Begin(const Message& request, const ClientSession& client);

  void OnRecord(const BarrierRecord& record);
  void OnRecord(const BarrierDoneRecord& record);

  /// From a route of this shard: the PONG has come, or never will.
  void OnPong(uint64_t part, bool came);

 private:
  // A request of this shard's client.
  struct Request {
    subject::AccountId account;
    std::string reply;
    uint32_t shards_missing;
    uint32_t routes;
  };
  // What this shard does for one.
  struct Part {
    unsigned origin;
    uint64_t request;
    uint32_t missing;
    uint32_t routes;
  };
  struct Deadline {
    uint64_t request;
    uint64_t at_ms;
  };

  void Ask(unsigned origin, uint64_t request, subject::AccountId account);
  void PartDone(unsigned origin, uint64_t request, uint32_t routes);
  void Answer(const Request& request, bool complete);
  void OnTimer();
  void ArmTimer();

  ShardContext& context_;
  uint64_t last_id_ = 0;
  absl::flat_hash_map<uint64_t, Request> requests_;
  absl::flat_hash_map<uint64_t, Part> parts_;
  std::deque<Deadline> deadlines_;
  base::Timer timer_ = base::Timer::Bind<&Barriers::OnTimer>(this);
};

}  // namespace martlet::session
