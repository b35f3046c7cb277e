// Everything that can be set from outside, with its default and unit. Plain data.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace martlet {

enum class IoBackend : uint8_t { kAuto, kUring, kEpoll };

/// What the engine is tuned for; docs/profiles.md says what each sets and costs.
enum class Profile : uint8_t { kBalanced, kLatency, kThroughput };

/// What the log's lines look like; docs/logs.md.
enum class LogFormat : uint8_t { kText, kJson };

/// Subjects that may pass in one direction. Not given: all of them.
struct SubjectRules {
  bool given = false;
  std::vector<std::string> allow;  // empty: all but those denied
  std::vector<std::string> deny;
  friend bool operator==(const SubjectRules&, const SubjectRules&) = default;
};

/// The block `cluster`: how this server is one of several. The comment names the key in it;
/// defaults are the reference's (spec cluster-behaviour.md section 14).
struct ClusterOptions {
  std::string name;                 // name; empty: generated at start
  std::string host = "0.0.0.0";     // host
  int port = 0;                     // port; 0: no cluster, -1: any free one
  std::vector<std::string> routes;  // routes, as URLs
  std::string advertise;            // advertise; host[:port] told to other servers
  bool no_advertise = false;        // no_advertise
  int64_t connect_retries = 0;      // connect_retries, of servers heard of
  bool connect_backoff = false;     // connect_backoff
  std::string user;                 // authorization.user; empty: none is asked for
  std::string password;             // authorization.password
  std::chrono::nanoseconds auth_timeout = std::chrono::seconds(2);  // authorization.timeout
  SubjectRules import;                                   // permissions.import: wanted from others
  SubjectRules exports;                                  // permissions.export: given to others
  int64_t pool_size = 3;                                 // pool_size; below 1: no pool
  std::vector<std::string> pinned_accounts;              // accounts, and $SYS where there is a pool
  std::string compression = "accept";                    // compression
  std::vector<std::chrono::nanoseconds> rtt_thresholds;  // compression.rtt_thresholds
  std::chrono::nanoseconds ping_interval{0};   // ping_interval; 0: that of clients, at most 30 s
  int ping_max = 0;                            // ping_max; 0: that of clients
  std::chrono::nanoseconds write_deadline{0};  // write_deadline; 0: that of clients
  bool close_at_write_deadline = false;        // write_timeout: close
  std::chrono::nanoseconds accept_after_mesh{
      0};  // accept_after_mesh; 0: clients are let in at once
  friend bool operator==(const ClusterOptions&, const ClusterOptions&) = default;
};

/// What a server is started with. The comment names the configuration key it answers to; defaults
/// are the reference's (spec client-protocol.md section 12).
struct Options {
  // Listening.
  std::string host = "0.0.0.0";  // host
  int port = 4222;               // port; -1: any free one
  std::string server_name;       // server_name; empty: the server id
  std::string client_advertise;  // client_advertise; host:port shown in INFO

  // What the monitor shows.
  std::vector<std::string> server_tags;                // server_tags, in small letters
  std::map<std::string, std::string> server_metadata;  // server_metadata

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
  bool retry_writes = false;                                              // write_timeout: retry
  std::chrono::nanoseconds lame_duck_duration = std::chrono::minutes(2);  // lame_duck_duration
  std::chrono::nanoseconds lame_duck_grace_period =
      std::chrono::seconds(10);  // lame_duck_grace_period

  // Log. Of the destinations the first one set counts: file, remote syslog, syslog, else standard
  // error.
  std::string log_file;                     // log_file
  int64_t log_size_limit_bytes = 0;         // log_size_limit, of the file; 0: it is never rotated
  int64_t log_files_max = 0;                // log_max_num, the present one included; 0: all stay
  std::string remote_syslog;                // remote_syslog; udp://, tcp:// or unix://
  bool syslog = false;                      // syslog, the one of this machine
  bool debug = false;                       // debug
  bool trace = false;                       // trace
  bool trace_verbose = false;               // trace_verbose
  bool trace_headers = false;               // trace_headers; of payloads only the header block
  int max_traced_msg_len = 0;               // max_traced_msg_len, in bytes; 0: whole payloads
  bool log_timestamps = true;               // logtime
  bool log_utc = false;                     // logtime_utc
  LogFormat log_format = LogFormat::kText;  // log_format, ours

  // Routes.
  ClusterOptions cluster;
  bool system_account = true;        // no_system_account, inverted
  int connect_error_reports = 3600;  // connect_error_reports
  int reconnect_error_reports = 1;   // reconnect_error_reports

  // Monitoring.
  std::string http_host;                // http; empty: the clients' host
  int http_port = 0;                    // http_port, http; 0: none, -1: any free one
  std::string http_base_path;           // http_base_path; stands before the endpoints' names
  uint32_t max_closed_clients = 10000;  // max_closed_clients; so many the monitor remembers

  // Files.
  std::string pid_file;        // pid_file
  std::string ports_file_dir;  // ports_file_dir

  // Engine (ours, not the reference's).
  int shards = 0;                           // shards; 0: the CPUs the process may use
  IoBackend io_backend = IoBackend::kAuto;  // io_backend
  Profile profile = Profile::kBalanced;     // profile
};

}  // namespace martlet
