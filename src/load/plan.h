// What a run of the load generator is to do. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <martlet/options.h>

#include "client/target.h"

namespace martlet::load {

enum class Scenario : uint8_t {
  kPublish,        // publishers only
  kPubSub,         // 1:1, pairs, fan-out, fan-in, mesh, queue groups, many subjects, routes
  kRequest,        // requesters and responders, closed or open loop
  kSubscriptions,  // subscribe many, measure their memory, publish at random over them
  kIdle,           // connections that do nothing
  kConnect,        // connect, CONNECT, PING, one SUB, as fast as possible
  kHerd,           // all connections drop and come back with their subscriptions
  kLimit,          // this client against a sink and a source of its own, which is made of
  kBlast,          // ... publishers without a window, and
  kReceive,        // ... subscribers without a publisher
};

enum class Arrival : uint8_t { kFixed, kPoisson };
enum class SubjectOrder : uint8_t { kRotate, kUniform, kZipf };
enum class Topology : uint8_t {
  kAll,
  kPairs
};  // every subscriber hears every publisher, or its own

/// One run. Rates are messages a second of all publishers (requesters) together.
struct Plan {
  Scenario scenario = Scenario::kPubSub;
  std::string name;  // for people, "1:1", "fan-out 1:100"; made from the parameters when empty

  client::Target server;          // where subscribers (and all else) connect
  client::Target publish_server;  // where publishers connect; the same unless a route is measured
  IoBackend backend = IoBackend::kAuto;
  int server_pid = 0;     // 0: found by its port when it is on this machine
  std::vector<int> cpus;  // to pin the worker threads to, one each, in turn; empty: not pinned
  int threads = 1;

  int publishers = 1;   // or requesters
  int subscribers = 1;  // or responders; connections for kIdle, kConnect and kHerd
  Topology topology = Topology::kAll;
  std::string queue;           // group that all subscribers join; empty: none; kPubSub only
  bool distinct_sids = false;  // every subscriber another sid (servers may share work otherwise)

  std::string subject = "bench";  // root; streams are ROOT.N
  uint32_t subjects = 1;          // per publisher
  SubjectOrder subject_order = SubjectOrder::kRotate;
  double zipf_exponent = 1.0;
  bool wildcard = false;  // subscribers take ROOT.*, else each literal subject

  uint32_t size_bytes = 128;  // payload
  uint32_t header_count = 0;  // headers per message
  double rate = 0;            // messages a second; 0: as fast as possible within the window
  Arrival arrival = Arrival::kFixed;
  int depth = 1;          // requests outstanding per requester, closed loop
  uint64_t messages = 0;  // stop after so many (all publishers together); 0: by time
  std::chrono::nanoseconds warmup = std::chrono::milliseconds(500);
  std::chrono::nanoseconds duration = std::chrono::seconds(3);
  std::chrono::nanoseconds interval = std::chrono::seconds(1);
  // Nothing may move for so long before what has not arrived counts as lost: longer than servers
  // wait for a slow consumer (write_deadline, 10 s).
  std::chrono::nanoseconds patience = std::chrono::seconds(15);
  uint64_t seed = 1;
  bool spin = true;  // open loop: never sleep, so that the client adds no wake-up of its own

  int stuck_subscribers = 0;  // beside the others; they never read
  // They go away and come back after so long: what a server does about them goes on; 0: they stay.
  std::chrono::nanoseconds stuck_for{0};
  double churn_per_second = 0;  // SUB + UNSUB pairs a second on a connection beside the load
  double flood_per_second = 0;  // messages one to one beside the load, with payloads of
  uint32_t flood_bytes = 64 << 10;
  uint32_t subscriptions = 0;  // kSubscriptions: how many; kHerd, kIdle: per connection
  double literal_share = 0.8;  // kSubscriptions: these, then `*`, then the rest `>`
  double star_share = 0.15;
  int connects_at_once = 64;  // kConnect, kHerd, kIdle
};

/// How many messages publisher (requester) `index` is to send; UINT64_MAX: until the time is up.
uint64_t ShareOf(const Plan& plan, uint32_t index);

/// The plan's name where it has none: "1:1", "fan-out 1:100", "10 pairs", ...
std::string DescribePlan(const Plan& plan);

/// Name and value of each parameter that matters for the plan's scenario, for echo and reports.
std::vector<std::pair<std::string, std::string>> PlanRows(const Plan& plan);

}  // namespace martlet::load
