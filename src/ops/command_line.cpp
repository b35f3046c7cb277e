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
  int64_t monitor_port = 0;
  std::optional<bool> debug_and_trace;  // -DV, which beats -D and -V wherever it stands
  bool version = false;
  bool help = false;
  std::string_view unsupported;  // the first such flag, as typed, without dashes
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

Complaint SetPort(Parsed& parsed, int64_t value) {
  // Wrong ports are found when listening; what an int cannot hold is as wrong as its extremes.
  using Limits = std::numeric_limits<int>;
  parsed.options.port = static_cast<int>(std::clamp<int64_t>(value, Limits::min(), Limits::max()));
  return nullptr;
}

Complaint SetMonitorPort(Parsed& parsed, int64_t value) {
  parsed.monitor_port = value;
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

Complaint ParseInt(std::string_view text, int64_t& out);

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
    if (parsed.unsupported.empty()) parsed.unsupported = "profile";
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
     "Use port for clients (default: 4222)", &SetPort},
    {{"n", "name", "server_name"}, Group::kServer, "-n, --name\n    --server_name <server_name>",
     "Server name (default: auto)", &SetString<&Options::server_name>},
    {{"P", "pid"}, Group::kServer, "-P, --pid <file>",
     "File to store PID", &SetString<&Options::pid_file>},
    {{"m", "http_port"}, Group::kServer, "-m, --http_port <port>",
     "Use port for http monitoring", &SetMonitorPort},
    {{"ms", "https_port"}, Group::kServer, "-ms,--https_port <port>",
     "Use port for https monitoring", Later::kInt},
    {{"c", "config"}, Group::kServer, "-c, --config <file>",
     "Configuration file", Later::kText},
    {{"t"}, Group::kServer, "-t",
     "Test configuration and exit", Later::kBool},
    {{"sl", "signal"}, Group::kServer, "-sl,--signal <signal>[=<pid>]",
     "Send signal to nats-server process (ldm, stop, quit, term, reopen, reload)\n"
     "<pid> can be either a PID (e.g. 1) or the path to a PID file (e.g. /var/run/nats-server.pid)",
     Later::kText},
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
     "Log to syslog or windows event log", Later::kBool},
    {{"r", "remote_syslog"}, Group::kLogging, "-r, --remote_syslog <addr>",
     "Syslog server addr (udp://localhost:514)", Later::kText},
    {{"D", "debug"}, Group::kLogging, "-D, --debug",
     "Enable debugging output", &SetSwitch<&Options::debug>},
    {{"V", "trace"}, Group::kLogging, "-V, --trace",
     "Trace the raw protocol", &SetSwitch<&Options::trace>},
    {{"VV"}, Group::kLogging, "-VV",
     "Verbose trace (traces system account as well)", Later::kBool},
    {{"DV"}, Group::kLogging, "-DV",
     "Debug and trace", [](Parsed& parsed, bool value) { parsed.debug_and_trace = value; }},
    {{"DVV"}, Group::kLogging, "-DVV",
     "Debug and verbose trace (traces system account as well)", Later::kBool},
    {{"log_size_limit"}, Group::kLogging, "    --log_size_limit <limit>",
     "Logfile size limit (default: auto)", Later::kInt},
    {{"max_traced_msg_len"}, Group::kLogging, "    --max_traced_msg_len <len>",
     "Maximum printable length for traced messages (default: unlimited)", Later::kInt},

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
     "Routes to solicit and connect", Later::kText},
    {{"cluster"}, Group::kCluster, "    --cluster <cluster-url>",
     "Cluster URL for solicited routes", Later::kText},
    {{"cluster_name"}, Group::kCluster, "    --cluster_name <string>",
     "Cluster Name, if not set one will be dynamically generated", Later::kText},
    {{"no_advertise"}, Group::kCluster, "    --no_advertise <bool>",
     "Do not advertise known cluster information to clients", Later::kBool},
    {{"cluster_advertise"}, Group::kCluster, "    --cluster_advertise <string>",
     "Cluster URL to advertise to other servers", Later::kText},
    {{"connect_retries"}, Group::kCluster, "    --connect_retries <number>",
     "For implicit routes, number of connect retries", Later::kInt},
    {{"cluster_listen"}, Group::kCluster, "    --cluster_listen <url>",
     "Cluster url from which members can solicit routes", Later::kText},

    {{"profile"}, Group::kProfiling, "    --profile <port>",
     "Profiling HTTP port (not supported yet)", &SetProfile},

    {{"profile"}, Group::kEngine, "    --profile <name>",
     "What to tune for: balanced, latency, throughput (default: balanced)", &SetProfile},
    {{"shards"}, Group::kEngine, "    --shards <number>",
     "Threads that serve clients (default: one per CPU)", &SetShards},
    {{"io_backend"}, Group::kEngine, "    --io_backend <name>",
     "Kernel interface: auto, io_uring or epoll (default: auto)", &SetIoBackend},

    {{"h", "help"}, Group::kCommon, "-h, --help",
     "Show this message", [](Parsed& parsed, bool value) { parsed.help = value; }},
    {{"v", "version"}, Group::kCommon, "-v, --version",
     "Show version", [](Parsed& parsed, bool value) { parsed.version = value; }},
    {{"help_tls"}, Group::kCommon, "    --help_tls",
     "TLS help", Later::kBool},
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
  Complaint operator()(Later type) const {
    int64_t unused = 0;
    if (type == Later::kInt) return ParseInt(text, unused);
    return type == Later::kBool && !ParseBool(text) ? "parse error" : nullptr;
  }
};

/// Walks the arguments by the rules of Go's FlagSet.Parse.
class Reader {
 public:
  explicit Reader(std::span<const std::string_view> arguments) : rest_(arguments) {}

  /// False after the last flag, and at a mistake, which error() then tells.
  bool Next();

  const Parsed& parsed() const { return parsed_; }
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
  std::string error_;
};

bool Reader::Next() {
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

bool Reader::Apply(const Flag& flag, std::string_view name, std::string_view value) {
  if (Complaint complaint = std::visit(Set{parsed_, value}, flag.set)) {
    return Fail((flag.is_bool() ? "invalid boolean value " : "invalid value ") +
                base::GoQuote(value) + (flag.is_bool() ? " for -" : " for flag -") +
                std::string(name) + ": " + complaint);
  }
  if (std::holds_alternative<Later>(flag.set) && parsed_.unsupported.empty()) {
    parsed_.unsupported = name;
  }
  return true;
}

ExitNow Refuse(const std::string& why) { return {.err = "nats-server: " + why + "\n", .code = 1}; }

// `help` and `version` in any case, as words.
ExitNow FollowWord(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "version") return {.out = VersionText()};
  if (lower == "help") return {.out = UsageText()};
  return Refuse("unrecognized command: " + base::GoQuote(word));
}

// What the reference does after its flags are read: empty and zero mean the default.
Options Finish(const Parsed& parsed) {
  const Options defaults;
  Options options = parsed.options;
  if (parsed.debug_and_trace) options.debug = options.trace = *parsed.debug_and_trace;
  if (options.host.empty()) options.host = defaults.host;
  if (options.port == 0) options.port = defaults.port;
  return options;
}

}  // namespace

CommandLine ParseCommandLine(std::span<const std::string_view> arguments) {
  Reader reader(arguments);
  while (reader.Next()) {
  }
  if (!reader.error().empty()) return ExitNow{.out = UsageText(), .err = reader.error() + "\n"};

  const Parsed& parsed = reader.parsed();
  if (parsed.version) return ExitNow{.out = VersionText()};
  if (parsed.help) return ExitNow{.out = UsageText()};
  if (!reader.rest().empty()) return FollowWord(reader.rest()[0]);

  std::string_view unsupported = parsed.unsupported;
  if (unsupported.empty() && parsed.monitor_port != 0) unsupported = "m";
  if (!unsupported.empty()) {
    return Refuse("flag -" + std::string(unsupported) +
                  " is not supported yet by this release of martlet-server");
  }
  Options options = Finish(parsed);
  if (options.server_name.find(' ') != std::string::npos) {
    return Refuse("server name cannot contain spaces");
  }
  return options;
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
