#include "ops/flags.h"

#include <algorithm>
#include <limits>

namespace martlet::ops {
namespace {

constexpr std::string_view kGroupTitles[] = {
    "Server Options",        "Logging Options", "JetStream Options",
    "Authorization Options", "TLS Options",     "Cluster Options",
    "Profiling Options",     "Martlet Options", "Common Options"};

template <std::string Options::*field>
Complaint SetString(Parsed& parsed, std::string_view value) {
  parsed.options.*field = value;
  return nullptr;
}

template <bool Options::*field>
void SetSwitch(Parsed& parsed, bool value) {
  parsed.options.*field = value;
}

template <int Options::*field>
Complaint SetClamped(Parsed& parsed, int64_t value) {
  // Wrong values are found where they are used; what an int cannot hold is as wrong as its
  // extremes.
  using Limits = std::numeric_limits<int>;
  parsed.options.*field =
      static_cast<int>(std::clamp<int64_t>(value, Limits::min(), Limits::max()));
  return nullptr;
}

Complaint SetShards(Parsed& parsed, int64_t value) {
  if (value < 0 || value > 1024) return "must be 0 to 1024";
  parsed.options.shards = static_cast<int>(value);
  return nullptr;
}

Complaint SetIoBackend(Parsed& parsed, std::string_view value) {
  if (value == "auto") {
    parsed.options.io_backend = IoBackend::kAuto;
  } else if (value == "io_uring") {
    parsed.options.io_backend = IoBackend::kUring;
  } else if (value == "epoll") {
    parsed.options.io_backend = IoBackend::kEpoll;
  } else {
    return "must be auto, io_uring or epoll";
  }
  return nullptr;
}

Complaint SetLogSizeLimit(Parsed& parsed, int64_t value) {
  parsed.options.log_size_limit_bytes = value;
  return nullptr;
}

Complaint SetLogFormat(Parsed& parsed, std::string_view value) {
  if (value == "text") {
    parsed.options.log_format = LogFormat::kText;
  } else if (value == "json") {
    parsed.options.log_format = LogFormat::kJson;
  } else {
    return "must be text or json";
  }
  return nullptr;
}

Complaint SetClusterUrl(Parsed& parsed, std::string_view value) {
  parsed.cluster_url = value;
  return nullptr;
}

// The reference's flag of this name takes a port, ours a word, so that either is understood.
Complaint SetProfile(Parsed& parsed, std::string_view value) {
  if (value == "balanced") {
    parsed.options.profile = Profile::kBalanced;
  } else if (value == "latency") {
    parsed.options.profile = Profile::kLatency;
  } else if (value == "throughput") {
    parsed.options.profile = Profile::kThroughput;
  } else {
    int64_t port = 0;
    if (Complaint complaint = ParseFlagInt(value, port)) return complaint;
    if (port != 0) parsed.unsupported = true;
  }
  return nullptr;
}

// One shape for all rows reads better than the tightest one for each:
// clang-format off
constexpr Flag kFlags[] = {
    {{"a", "addr", "net"}, Group::kServer, "-a, --addr, --net <host>",
     "Bind to host address (default: 0.0.0.0)", &SetString<&Options::host>},
    {{"p", "port"}, Group::kServer, "-p, --port <port>",
     "Use port for clients (default: 4222)", &SetClamped<&Options::port>},
    {{"n", "name", "server_name"}, Group::kServer, "-n, --name\n    --server_name <server_name>",
     "Server name (default: auto)", &SetString<&Options::server_name>},
    {{"P", "pid"}, Group::kServer, "-P, --pid <file>",
     "File to store PID", &SetString<&Options::pid_file>},
    {{"m", "http_port"}, Group::kServer, "-m, --http_port <port>",
     "Use port for http monitoring", &SetClamped<&Options::http_port>},
    {{"ms", "https_port"}, Group::kServer, "-ms,--https_port <port>",
     "Use port for https monitoring", Later::kInt},
    {{"c", "config"}, Group::kServer, "-c, --config <file>",
     "Configuration file",
     [](Parsed& parsed, std::string_view value) -> Complaint {
       parsed.config_file = value;
       return nullptr;
     }},
    {{"t"}, Group::kServer, "-t",
     "Test configuration and exit",
     [](Parsed& parsed, bool value) { parsed.check_config = value; }},
    {{"sl", "signal"}, Group::kServer, "-sl,--signal <signal>[=<pid>]",
     "Send signal to nats-server process (ldm, stop, quit, term, reopen, reload)\n"
     "<pid> can be either a PID (e.g. 1) or the path to a PID file (e.g. /var/run/nats-server.pid)",
     [](Parsed& parsed, std::string_view value) -> Complaint {
       parsed.signal = value;
       return nullptr;
     }},
    {{"client_advertise"}, Group::kServer, "    --client_advertise <string>",
     "Client URL to advertise to other servers", &SetString<&Options::client_advertise>},
    {{"ports_file_dir"}, Group::kServer, "    --ports_file_dir <dir>",
     "Creates a ports file in the specified directory (<executable_name>_<pid>.ports).",
     &SetString<&Options::ports_file_dir>},

    {{"l", "log"}, Group::kLogging, "-l, --log <file>",
     "File to redirect log output", &SetString<&Options::log_file>},
    {{"T", "logtime"}, Group::kLogging, "-T, --logtime",
     "Timestamp log entries (default: true)", &SetSwitch<&Options::log_timestamps>},
    {{"logtime_utc"}, Group::kLogging, "    --logtime_utc",
     "Timestamps in UTC instead of local timezone (default: false)", &SetSwitch<&Options::log_utc>},
    {{"s", "syslog"}, Group::kLogging, "-s, --syslog",
     "Log to syslog or windows event log", &SetSwitch<&Options::syslog>},
    {{"r", "remote_syslog"}, Group::kLogging, "-r, --remote_syslog <addr>",
     "Syslog server addr (udp://localhost:514)", &SetString<&Options::remote_syslog>},
    {{"D", "debug"}, Group::kLogging, "-D, --debug",
     "Enable debugging output", &SetSwitch<&Options::debug>},
    {{"V", "trace"}, Group::kLogging, "-V, --trace",
     "Trace the raw protocol", &SetSwitch<&Options::trace>},
    {{"VV"}, Group::kLogging, "-VV",
     "Verbose trace (traces system account as well)",
     [](Parsed& parsed, bool value) { parsed.verbose_trace = value; }},
    {{"DV"}, Group::kLogging, "-DV",
     "Debug and trace", [](Parsed& parsed, bool value) { parsed.debug_and_trace = value; }},
    {{"DVV"}, Group::kLogging, "-DVV",
     "Debug and verbose trace (traces system account as well)",
     [](Parsed& parsed, bool value) { parsed.debug_and_verbose_trace = value; }},
    {{"log_size_limit"}, Group::kLogging, "    --log_size_limit <limit>",
     "Logfile size limit (default: auto)", &SetLogSizeLimit},
    {{"max_traced_msg_len"}, Group::kLogging, "    --max_traced_msg_len <len>",
     "Maximum printable length for traced messages (default: unlimited)",
     &SetClamped<&Options::max_traced_msg_len>},

    {{"js", "jetstream"}, Group::kJetStream, "-js, --jetstream",
     "Enable JetStream functionality", Later::kBool},
    {{"sd", "store_dir"}, Group::kJetStream, "-sd, --store_dir <dir>",
     "Set the storage directory", Later::kText},

    {{"user"}, Group::kAuthorization, "    --user <user>",
     "User required for connections", Later::kText},
    {{"pass"}, Group::kAuthorization, "    --pass <password>",
     "Password required for connections", Later::kText},
    {{"auth"}, Group::kAuthorization, "    --auth <token>",
     "Authorization token required for connections", Later::kText},

    {{"tls"}, Group::kTls, "    --tls",
     "Enable TLS, do not verify clients (default: false)", Later::kBool},
    {{"tlscert"}, Group::kTls, "    --tlscert <file>",
     "Server certificate file", Later::kText},
    {{"tlskey"}, Group::kTls, "    --tlskey <file>",
     "Private key for server certificate", Later::kText},
    {{"tlsverify"}, Group::kTls, "    --tlsverify",
     "Enable TLS, verify client certificates", Later::kBool},
    {{"tlscacert"}, Group::kTls, "    --tlscacert <file>",
     "Client certificate CA for verification", Later::kText},

    {{"routes"}, Group::kCluster, "    --routes <rurl-1, rurl-2>",
     "Routes to solicit and connect",
     [](Parsed& parsed, std::string_view value) -> Complaint {
       parsed.routes = value;
       return nullptr;
     }},
    {{"cluster"}, Group::kCluster, "    --cluster <cluster-url>",
     "Cluster URL for solicited routes", &SetClusterUrl},
    {{"cluster_name"}, Group::kCluster, "    --cluster_name <string>",
     "Cluster Name, if not set one will be dynamically generated",
     [](Parsed& parsed, std::string_view value) -> Complaint {
       parsed.options.cluster.name = value;
       return nullptr;
     }},
    {{"no_advertise"}, Group::kCluster, "    --no_advertise <bool>",
     "Do not advertise known cluster information to clients",
     [](Parsed& parsed, bool value) { parsed.options.cluster.no_advertise = value; }},
    {{"cluster_advertise"}, Group::kCluster, "    --cluster_advertise <string>",
     "Cluster URL to advertise to other servers",
     [](Parsed& parsed, std::string_view value) -> Complaint {
       parsed.options.cluster.advertise = value;
       return nullptr;
     }},
    {{"connect_retries"}, Group::kCluster, "    --connect_retries <number>",
     "For implicit routes, number of connect retries",
     [](Parsed& parsed, int64_t value) -> Complaint {
       parsed.options.cluster.connect_retries = value;
       return nullptr;
     }},
    {{"cluster_listen"}, Group::kCluster, "    --cluster_listen <url>",
     "Cluster url from which members can solicit routes", &SetClusterUrl},

    {{"profile"}, Group::kProfiling, "    --profile <port>",
     "Profiling HTTP port (not supported yet)", &SetProfile},

    {{"profile"}, Group::kEngine, "    --profile <name>",
     "What to tune for: balanced, latency, throughput (default: balanced)", &SetProfile},
    {{"shards"}, Group::kEngine, "    --shards <number>",
     "Threads that serve clients (default: one per CPU)", &SetShards},
    {{"io_backend"}, Group::kEngine, "    --io_backend <name>",
     "Kernel interface: auto, io_uring or epoll (default: auto)", &SetIoBackend},
    {{"log_format"}, Group::kEngine, "    --log_format <name>",
     "What log lines look like: text or json (default: text)", &SetLogFormat},

    {{"h", "help"}, Group::kCommon, "-h, --help",
     "Show this message", [](Parsed& parsed, bool value) { parsed.help = value; }},
    {{"v", "version"}, Group::kCommon, "-v, --version",
     "Show version", [](Parsed& parsed, bool value) { parsed.version = value; }},
    {{"help_tls"}, Group::kCommon, "    --help_tls",
     "TLS help", [](Parsed& parsed, bool value) { parsed.help_tls = value; }},
};
// clang-format on

struct Set {
  Parsed& parsed;
  std::string_view text;

  Complaint operator()(SetBool set) const {
    const std::optional<bool> value = ParseFlagBool(text);
    if (!value) return "parse error";
    set(parsed, *value);
    return nullptr;
  }
  Complaint operator()(SetInt set) const {
    int64_t value = 0;
    if (Complaint complaint = ParseFlagInt(text, value)) return complaint;
    return set(parsed, value);
  }
  Complaint operator()(SetText set) const { return set(parsed, text); }
  // What asks for nothing, like -tls=false, is no reason to refuse.
  Complaint operator()(Later type) const {
    if (type == Later::kInt) {
      int64_t number = 0;
      if (Complaint complaint = ParseFlagInt(text, number)) return complaint;
      parsed.unsupported = number != 0;
    } else if (type == Later::kBool) {
      const std::optional<bool> value = ParseFlagBool(text);
      if (!value) return "parse error";
      parsed.unsupported = *value;
    } else {
      parsed.unsupported = !text.empty();
    }
    return nullptr;
  }
};

}  // namespace

std::string_view TitleOf(Group group) { return kGroupTitles[static_cast<size_t>(group)]; }

std::span<const Flag> Flags() { return kFlags; }

const Flag* FindFlag(std::string_view name) {
  if (name.empty()) return nullptr;  // else it would match the unused places of `names`
  for (const Flag& flag : kFlags) {
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

Complaint SetFlag(const Flag& flag, std::string_view text, Parsed& parsed) {
  return std::visit(Set{parsed, text}, flag.set);
}

}  // namespace martlet::ops
