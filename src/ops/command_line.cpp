#include "ops/command_line.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <martlet/version.h>

#include "base/go_text.h"
#include "ops/cluster_flags.h"

namespace martlet::ops {
namespace {

enum class Group : uint8_t {
  kServer,
  kLogging,
  kJetStream,
  kAuthorization,
  kTls,
  kCluster,
  kProfiling,
  kEngine,
  kCommon,
};
constexpr std::string_view kGroupTitles[] = {
    "Server Options",        "Logging Options", "JetStream Options",
    "Authorization Options", "TLS Options",     "Cluster Options",
    "Profiling Options",     "Martlet Options", "Common Options"};

/// What the flags have said so far.
struct Parsed {
  Options options;
  std::string config_file;
  bool check_config = false;
  std::string signal;
  // -DV, -DVV and -VV, each of which beats the ones before it wherever they stand, and -D and -V.
  std::optional<bool> debug_and_trace;
  std::optional<bool> debug_and_verbose_trace;
  std::optional<bool> verbose_trace;
  bool version = false;
  bool help = false;
  bool help_tls = false;
  std::string cluster_url;  // -cluster, -cluster_listen
  std::optional<std::string> routes;
  bool unsupported = false;  // the flag asks for what is not there
};

/// What a setter has against a value; null: nothing.
using Complaint = const char*;
using SetBool = void (*)(Parsed&, bool);
using SetInt = Complaint (*)(Parsed&, int64_t);
using SetText = Complaint (*)(Parsed&, std::string_view);
/// Flags of the reference that are not there yet. Their values are checked all the same: a bad
/// one is told first.
enum class Later : uint8_t { kBool, kInt, kText };

struct Flag {
  std::array<std::string_view, 3> names;
  Group group;
  std::string_view synopsis;  // left column of the usage
  std::string_view help;      // right column
  std::variant<SetBool, SetInt, SetText, Later> set;

  bool is_bool() const {
    const Later* later = std::get_if<Later>(&set);
    return later != nullptr ? *later == Later::kBool : std::holds_alternative<SetBool>(set);
  }
};

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
Complaint SetPort(Parsed& parsed, int64_t value) {
  // Wrong ports are found when listening; what an int cannot hold is as wrong as its extremes.
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

Complaint SetTracedLength(Parsed& parsed, int64_t value) {
  using Limits = std::numeric_limits<int>;
  parsed.options.max_traced_msg_len =
      static_cast<int>(std::clamp<int64_t>(value, Limits::min(), Limits::max()));
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

Complaint ParseInt(std::string_view text, int64_t& out);

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
    if (Complaint complaint = ParseInt(value, port)) return complaint;
    if (port != 0) parsed.unsupported = true;
  }
  return nullptr;
}

// In the order of the reference's usage, apart from our own group.
// One shape for all rows reads better than the tightest one for each:
// clang-format off
constexpr Flag kFlags[] = {
    {{"a", "addr", "net"}, Group::kServer, "-a, --addr, --net <host>",
     "Bind to host address (default: 0.0.0.0)", &SetString<&Options::host>},
    {{"p", "port"}, Group::kServer, "-p, --port <port>",
     "Use port for clients (default: 4222)", &SetPort<&Options::port>},
    {{"n", "name", "server_name"}, Group::kServer, "-n, --name\n    --server_name <server_name>",
     "Server name (default: auto)", &SetString<&Options::server_name>},
    {{"P", "pid"}, Group::kServer, "-P, --pid <file>",
     "File to store PID", &SetString<&Options::pid_file>},
    {{"m", "http_port"}, Group::kServer, "-m, --http_port <port>",
     "Use port for http monitoring", &SetPort<&Options::http_port>},
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
     "Maximum printable length for traced messages (default: unlimited)", &SetTracedLength},

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

const Flag* FindFlag(std::string_view name) {
  if (name.empty()) return nullptr;  // else it would match the unused places of `names`
  for (const Flag& flag : kFlags) {
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

std::optional<bool> ParseBool(std::string_view text) {
  for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
    if (text == yes) return true;
  }
  for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
    if (text == no) return false;
  }
  return std::nullopt;
}

// An underscore may stand between digits, and between a base's prefix and the first digit.
bool UnderscoresFit(std::string_view digits, bool behind_prefix) {
  bool after_digit = behind_prefix;
  for (const char c : digits) {
    if (c == '_' && !after_digit) return false;
    after_digit = c != '_';
  }
  return after_digit;
}

/// Go's strconv.ParseInt(text, 0, 64): sign, 0x 0b 0o or 0 in front, underscores between digits.
/// The complaint is that of the flag package.
Complaint ParseInt(std::string_view text, int64_t& out) {
  constexpr Complaint kSyntax = "parse error";
  constexpr Complaint kRange = "value out of range";
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);

  int base = 10;
  bool prefix = false;
  if (text.size() > 1 && text[0] == '0') {
    const char letter = static_cast<char>(text[1] | 0x20);
    base = letter == 'x' ? 16 : letter == 'b' ? 2 : 8;
    prefix = true;
    text.remove_prefix(letter == 'x' || letter == 'b' || letter == 'o' ? 2 : 1);
  }
  if (text.empty() || !UnderscoresFit(text, prefix)) return kSyntax;
  std::string digits(text);
  std::erase(digits, '_');

  uint64_t magnitude = 0;
  const char* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, magnitude, base);
  if (result.ec == std::errc::result_out_of_range) return kRange;  // whatever stands behind
  if (result.ec != std::errc() || result.ptr != end) return kSyntax;
  const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (magnitude > limit) return kRange;
  out = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
  return nullptr;
}

/// Gives `text` to the flag; what it complains of is told by the caller.
struct Set {
  Parsed& parsed;
  std::string_view text;

  Complaint operator()(SetBool set) const {
    const std::optional<bool> value = ParseBool(text);
    if (!value) return "parse error";
    set(parsed, *value);
    return nullptr;
  }
  Complaint operator()(SetInt set) const {
    int64_t value = 0;
    if (Complaint complaint = ParseInt(text, value)) return complaint;
    return set(parsed, value);
  }
  Complaint operator()(SetText set) const { return set(parsed, text); }
  // What asks for nothing, like -tls=false, is no reason to refuse.
  Complaint operator()(Later type) const {
    if (type == Later::kInt) {
      int64_t number = 0;
      if (Complaint complaint = ParseInt(text, number)) return complaint;
      parsed.unsupported = number != 0;
    } else if (type == Later::kBool) {
      const std::optional<bool> value = ParseBool(text);
      if (!value) return "parse error";
      parsed.unsupported = *value;
    } else {
      parsed.unsupported = !text.empty();
    }
    return nullptr;
  }
};

// What is wrong with the flags of the cluster, which stand over what the file says of it.
std::string FinishCluster(const Parsed& parsed, ClusterOptions& cluster) {
  if (!parsed.cluster_url.empty()) {
    if (std::string wrong = ApplyClusterUrl(parsed.cluster_url, cluster); !wrong.empty()) {
      return wrong;
    }
  }
  if (!parsed.routes) return {};
  if (!parsed.routes->empty() && cluster.port == 0) {
    return "solicited routes require cluster capabilities, e.g. --cluster";
  }
  return ApplyRoutes(*parsed.routes, cluster);
}

// What the reference does after its flags are read: empty and zero mean the default.
Options Finish(const Parsed& parsed) {
  const Options defaults;
  Options options = parsed.options;
  FinishCluster(parsed, options.cluster);
  // Where there is a pool, the system account has a route of its own.
  std::vector<std::string>& pinned = options.cluster.pinned_accounts;
  if (options.cluster.pool_size >= 1 && options.system_account &&
      std::find(pinned.begin(), pinned.end(), "$SYS") == pinned.end()) {
    pinned.emplace_back("$SYS");
  }
  for (const std::optional<bool>& both : {parsed.debug_and_trace, parsed.debug_and_verbose_trace}) {
    if (both) options.debug = options.trace = *both;
  }
  if (parsed.verbose_trace) options.trace = *parsed.verbose_trace;
  if (options.host.empty()) options.host = defaults.host;
  if (options.port == 0) options.port = defaults.port;
  return options;
}

}  // namespace

Options Invocation::Over(Options options) const {
  Parsed parsed;
  parsed.options = std::move(options);
  for (const Given& given : given_) {
    std::visit(Set{parsed, given.value}, kFlags[given.flag].set);
  }
  return Finish(parsed);
}

std::string Invocation::Problem(const Options& options) const {
  Parsed parsed;
  parsed.options = options;
  for (const Given& given : given_) {
    std::visit(Set{parsed, given.value}, kFlags[given.flag].set);
  }
  return FinishCluster(parsed, parsed.options.cluster);
}

/// Walks the arguments by the rules of Go's FlagSet.Parse.
class FlagReader {
 public:
  explicit FlagReader(std::span<const std::string_view> arguments) : rest_(arguments) {}

  /// False after the last flag, and at a mistake, which error() then tells.
  bool Next();

  const Parsed& parsed() const { return parsed_; }
  Invocation TakeInvocation();
  const std::string& error() const { return error_; }
  std::span<const std::string_view> rest() const { return rest_; }

 private:
  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  bool Apply(const Flag& flag, std::string_view name, std::string_view value);

  std::span<const std::string_view> rest_;
  Parsed parsed_;
  Invocation invocation_;
  std::string error_;
};

bool FlagReader::Next() {
  if (rest_.empty() || rest_[0].size() < 2 || rest_[0][0] != '-') return false;
  const std::string_view word = rest_[0];
  if (word == "--") {
    rest_ = rest_.subspan(1);
    return false;
  }
  std::string_view name = word.substr(word[1] == '-' ? 2 : 1);
  if (name[0] == '-' || name[0] == '=') return Fail("bad flag syntax: " + std::string(word));
  rest_ = rest_.subspan(1);

  std::optional<std::string_view> value;
  if (const size_t equals = name.find('='); equals != name.npos) {
    value = name.substr(equals + 1);
    name = name.substr(0, equals);
  }
  const Flag* flag = FindFlag(name);
  if (flag == nullptr) return Fail("flag provided but not defined: -" + std::string(name));
  if (!value && flag->is_bool()) value = "true";
  if (!value) {
    if (rest_.empty()) return Fail("flag needs an argument: -" + std::string(name));
    value = rest_[0];
    rest_ = rest_.subspan(1);
  }
  return Apply(*flag, name, *value);
}

bool FlagReader::Apply(const Flag& flag, std::string_view name, std::string_view value) {
  parsed_.unsupported = false;
  if (Complaint complaint = std::visit(Set{parsed_, value}, flag.set)) {
    return Fail((flag.is_bool() ? "invalid boolean value " : "invalid value ") +
                base::GoQuote(value) + (flag.is_bool() ? " for -" : " for flag -") +
                std::string(name) + ": " + complaint);
  }
  if (parsed_.unsupported && invocation_.unsupported.empty()) invocation_.unsupported = name;
  invocation_.given_.push_back({static_cast<size_t>(&flag - kFlags), std::string(value)});
  return true;
}

Invocation FlagReader::TakeInvocation() {
  invocation_.config_file = parsed_.config_file;
  invocation_.check_config = parsed_.check_config;
  invocation_.signal = parsed_.signal;
  return std::move(invocation_);
}

ExitNow Refuse(const std::string& why) { return {.err = "nats-server: " + why + "\n", .code = 1}; }

namespace {

// `help` and `version` in any case, as words.
ExitNow FollowWord(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "version") return {.out = VersionText()};
  if (lower == "help") return {.out = UsageText()};
  return Refuse("unrecognized command: " + base::GoQuote(word));
}

}  // namespace

CommandLine ParseCommandLine(std::span<const std::string_view> arguments) {
  FlagReader reader(arguments);
  while (reader.Next()) {
  }
  if (!reader.error().empty()) return ExitNow{.out = UsageText(), .err = reader.error() + "\n"};

  const Parsed& parsed = reader.parsed();
  if (parsed.version) return ExitNow{.out = VersionText()};
  if (parsed.help) return ExitNow{.out = UsageText()};
  if (parsed.help_tls) return ExitNow{.out = TlsHelpText()};
  if (!reader.rest().empty()) return FollowWord(reader.rest()[0]);
  return reader.TakeInvocation();
}

std::vector<FlagInfo> AllFlags() {
  std::vector<FlagInfo> out;
  for (const Flag& flag : kFlags) {
    FlagInfo info{.names = {},
                  .group = kGroupTitles[static_cast<size_t>(flag.group)],
                  .help = flag.help,
                  .takes_value = !flag.is_bool(),
                  .supported = !std::holds_alternative<Later>(flag.set)};
    for (const std::string_view name : flag.names) {
      if (!name.empty()) info.names.push_back(name);
    }
    out.push_back(std::move(info));
  }
  return out;
}

std::string UsageText() {
  constexpr size_t kHelpColumn = 37;
  std::string out = "\nUsage: nats-server [options]\n";
  std::optional<Group> group;
  for (const Flag& flag : kFlags) {
    if (flag.group != group) {
      group = flag.group;
      out += '\n';
      out += kGroupTitles[static_cast<size_t>(flag.group)];
      out += ":\n";
    }
    const auto append_indented = [&out](std::string_view text, size_t indent) {
      for (const char c : text) {
        out += c;
        if (c == '\n') out.append(indent, ' ');
      }
    };
    out += "    ";
    append_indented(flag.synopsis, 4);
    const size_t column = out.size() - (out.rfind('\n') + 1);
    out.append(kHelpColumn - column, ' ');
    append_indented(flag.help, kHelpColumn);
    if (std::holds_alternative<Later>(flag.set)) out += " (not supported yet)";
    out += '\n';
  }
  return out + "\n";
}

std::string VersionText() {
#ifdef NDEBUG
  constexpr char kChecks[] = "release";
#else
  constexpr char kChecks[] = "debug checks";
#endif
#ifdef __clang__
  constexpr char kCompiler[] = "clang " __clang_version__;
#else
  constexpr char kCompiler[] = "gcc " __VERSION__;
#endif
  return "nats-server: v" + std::string(kReferenceVersion) + "\nmartlet-server: v" + kVersion +
         " (" + kCompiler + ", " + kChecks + ")\n";
}

}  // namespace martlet::ops
