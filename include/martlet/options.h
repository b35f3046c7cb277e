// Everything that can be set from outside, with its default and unit. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace martlet {

enum class IoBackend : uint8_t { kAuto, kUring, kEpoll };

/// What the engine is tuned for; docs/profiles.md says what each sets and costs.
enum class Profile : uint8_t { kBalanced, kLatency, kThroughput };

/// What a server is started with. The comment names the configuration key it answers to; defaults
/// are the reference's (spec client-protocol.md section 12).
struct Options {
  // Listening.
  std::string host = "0.0.0.0";  // host
  int port = 4222;               // port; -1: any free one
  std::string server_name;       // server_name; empty: the server id
  std::string client_advertise;  // client_advertise; host:port shown in INFO

  // Limits.
  int64_t max_connections = 65536;                // max_connections
  int64_t max_subscriptions = 0;                  // max_subscriptions, per connection; 0: none
  uint32_t max_subscription_tokens = 0;           // max_sub_tokens; 0: none
  int32_t max_control_line_bytes = 4096;          // max_control_line
  int64_t max_payload_bytes = 1 << 20;            // max_payload; -1: none
  int64_t max_pending_bytes = int64_t{64} << 20;  // max_pending
  bool headers = true;                            // no_header_support, inverted
  bool stall_fast_producers = true;               // no_fast_producer_stall, inverted

  // Timers.
  std::chrono::nanoseconds ping_interval = std::chrono::minutes(2);       // ping_interval
  int ping_max = 2;                                                       // ping_max
  std::chrono::nanoseconds write_deadline = std::chrono::seconds(10);     // write_deadline
  std::chrono::nanoseconds lame_duck_duration = std::chrono::minutes(2);  // lame_duck_duration
  std::chrono::nanoseconds lame_duck_grace_period =
      std::chrono::seconds(10);  // lame_duck_grace_period

  // Log.
  std::string log_file;        // log_file; empty: standard error
  bool debug = false;          // debug
  bool trace = false;          // trace
  bool log_timestamps = true;  // logtime
  bool log_utc = false;        // logtime_utc

  // Files.
  std::string pid_file;        // pid_file
  std::string ports_file_dir;  // ports_file_dir

  // Engine (ours, not the reference's).
  int shards = 0;                           // shards; 0: the CPUs the process may use
  IoBackend io_backend = IoBackend::kAuto;  // io_backend
  Profile profile = Profile::kBalanced;     // profile
};

}  // namespace martlet
