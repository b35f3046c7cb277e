#include "ops/command_line.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

#include "base/go_text.h"
#include "ops/cluster_flags.h"
#include "ops/flags.h"

namespace martlet::ops {
namespace {

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

Parsed Invocation::SetOver(Options options) const {
  Parsed parsed;
  parsed.options = std::move(options);
  for (const Given& given : given_) SetFlag(Flags()[given.flag], given.value, parsed);
  return parsed;
}

Options Invocation::Over(Options options) const { return Finish(SetOver(std::move(options))); }

std::string Invocation::Problem(const Options& options) const {
  Parsed parsed = SetOver(options);
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
  if (Complaint complaint = SetFlag(flag, value, parsed_)) {
    return Fail((flag.is_bool() ? "invalid boolean value " : "invalid value ") +
                base::GoQuote(value) + (flag.is_bool() ? " for -" : " for flag -") +
                std::string(name) + ": " + complaint);
  }
  if (parsed_.unsupported && invocation_.unsupported.empty()) invocation_.unsupported = name;
  invocation_.given_.push_back({static_cast<size_t>(&flag - Flags().data()), std::string(value)});
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

}  // namespace martlet::ops
