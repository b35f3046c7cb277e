// `martlet config`: looks at configuration files of a server.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

#include <absl/status/statusor.h>

#include "base/go_parse.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "base/unique_fd.h"
#include "cli/log.h"
#include "cli/verbs.h"
#include "config/config.h"
#include "config/plan.h"
#include "config/system_environment.h"
#include "config/validate.h"
#include "ops/command_line.h"
#include "ops/published_state.h"

namespace martlet::cli {
namespace {

struct ConfigFlags {
  std::string file;
  std::string other;
  std::string running;  // a pid, or a file with one
};

struct Loaded {
  config::ReadResult read;
  Options options;
};

// Prints what is wrong; nothing when it cannot be used.
absl::StatusOr<Loaded> Load(const std::string& path, const ops::Invocation& invocation) {
  config::SystemEnvironment environment;
  absl::StatusOr<config::ReadResult> read = config::ReadConfig(path, environment);
  if (!read.ok()) return read.status();
  Print(read->problems.text());
  if (!read->problems.errors().empty()) {
    return absl::InvalidArgumentError(path + " cannot be used");
  }
  Loaded loaded{*std::move(read), {}};
  loaded.options = invocation.Over(loaded.read.config.options);
  return loaded;
}

// Whether somebody could listen there now.
absl::Status CheckPort(const std::string& what, const std::string& host, int port) {
  if (port <= 0) return absl::OkStatus();
  const absl::StatusOr<base::SocketAddress> address = base::ResolveListen(host, port);
  if (!address.ok()) return address.status();
  const base::UniqueFd fd(::socket(address->family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), address->get(), address->length) == 0) return absl::OkStatus();
  return absl::UnavailableError(what + " " + base::JoinHostPort(host, port) + ": " +
                                base::GoErrno(errno));
}

// Each connection takes a descriptor, and the server some besides.
absl::Status CheckFileLimit(const Options& options) {
  constexpr rlim_t kBesides = 128;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) {
    return absl::OkStatus();
  }
  const auto wanted = static_cast<rlim_t>(std::max<int64_t>(0, options.max_connections)) + kBesides;
  if (wanted <= limit.rlim_max) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      "max_connections " + std::to_string(options.max_connections) + " needs " +
      std::to_string(wanted) + " file descriptors, and the limit is " +
      std::to_string(limit.rlim_max) + ": raise it (ulimit -n, LimitNOFILE=)");
}

absl::StatusOr<int> Check(const ConfigFlags& flags) {
  const absl::StatusOr<Loaded> loaded = Load(flags.file, {});
  if (!loaded.ok()) return loaded.status();
  std::vector<std::string> wrong;
  const config::Config& config = loaded->read.config;
  if (std::string text = config::Validate(config); !text.empty()) wrong.push_back(std::move(text));
  for (const config::Wish& wish : config.wishes) {
    wrong.push_back(wish.where.text() + ": " + base::GoQuote(wish.key) + " asks for " +
                    wish.feature + ", which this release of martlet-server does not support");
  }
  const Options& options = loaded->options;
  const std::string& http_host = options.http_host.empty() ? options.host : options.http_host;
  for (const absl::Status& status :
       {CheckPort("port for clients", options.host, options.port),
        CheckPort("monitoring port", http_host, options.http_port), CheckFileLimit(options)}) {
    if (!status.ok()) wrong.emplace_back(status.message());
  }
  for (const std::string& text : wrong) Print(text + "\n");
  if (!wrong.empty()) return 1;
  Print(flags.file + " can be used (" + config.digest + ")\n");
  return loaded->read.problems.warnings().empty() ? 0 : 2;
}

void PrintPlan(const config::Plan& plan) {
  if (plan.changes.empty()) return Print("no change\n");
  for (const config::Change& change : plan.changes) {
    const bool hot = change.reload == config::Reload::kHot;
    Print(std::string(hot ? "now      " : "restart  ") + std::string(change.key) + ": " +
          base::GoQuote(change.before) + " -> " + base::GoQuote(change.after) + "\n");
  }
  const std::string refusal = plan.Refusal();
  Print(refusal.empty() ? "a reload does all of it\n"
                        : "a reload does nothing of it: " + refusal + "\n");
}

absl::StatusOr<pid_t> PidOf(const std::string& text) {
  std::string digits = text;
  if (std::ifstream file(text); file) std::getline(file, digits);
  const std::optional<int64_t> pid = base::ParseGoInt(digits);
  if (!pid) return absl::InvalidArgumentError(text + " is neither a pid nor a file with one");
  return static_cast<pid_t>(*pid);
}

// The arguments that the process was started with, and the directory that paths are from.
absl::StatusOr<ops::Invocation> InvocationOf(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream file(process + "/cmdline", std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<std::string_view> arguments;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find('\0', start), text.size());
    if (start > 0) arguments.push_back(std::string_view(text).substr(start, end - start));
    start = end + 1;
  }
  ops::CommandLine command = ops::ParseCommandLine(arguments);
  auto* invocation = std::get_if<ops::Invocation>(&command);
  if (invocation == nullptr) return absl::InvalidArgumentError("its command line is not ours");
  if (!invocation->config_file.empty()) {
    const std::filesystem::path path = invocation->config_file;
    if (path.is_relative()) {
      std::error_code ignored;
      const auto directory = std::filesystem::read_symlink(process + "/cwd", ignored);
      invocation->config_file = (directory / path).string();
    }
  }
  return std::move(*invocation);
}

absl::StatusOr<int> DiffWithRunning(const ConfigFlags& flags) {
  const absl::StatusOr<pid_t> pid = PidOf(flags.running);
  if (!pid.ok()) return pid.status();
  const absl::StatusOr<ops::PublishedState::Values> state = ops::PublishedState::Of(*pid);
  if (!state.ok()) return state.status();
  absl::StatusOr<ops::Invocation> invocation = InvocationOf(*pid);
  if (!invocation.ok()) return invocation.status();
  const std::string file = flags.file.empty() ? invocation->config_file : flags.file;
  if (file.empty()) return absl::InvalidArgumentError("the server was started without a file");
  const absl::StatusOr<Loaded> loaded = Load(file, *invocation);
  if (!loaded.ok()) return loaded.status();
  config::Described running;
  constexpr std::string_view kPrefix = "config.";
  for (const auto& [name, value] : *state) {
    if (name.starts_with(kPrefix)) running.emplace(name.substr(kPrefix.size()), value);
  }
  const config::Plan plan = config::Compare(running, loaded->options);
  PrintPlan(plan);
  return plan.changes.empty() ? 0 : 1;
}

absl::StatusOr<int> Diff(const ConfigFlags& flags) {
  if (!flags.running.empty()) return DiffWithRunning(flags);
  if (flags.file.empty() || flags.other.empty()) {
    return absl::InvalidArgumentError("two files are needed, or --running; see --help");
  }
  const absl::StatusOr<Loaded> before = Load(flags.file, {});
  if (!before.ok()) return before.status();
  const absl::StatusOr<Loaded> after = Load(flags.other, {});
  if (!after.ok()) return after.status();
  const config::Plan plan = config::CompareFiles(before->read, after->read);
  PrintPlan(plan);
  return plan.changes.empty() ? 0 : 1;
}

absl::StatusOr<int> Explain(const ConfigFlags& flags) {
  const absl::StatusOr<Loaded> loaded = Load(flags.file, {});
  if (!loaded.ok()) return loaded.status();
  const config::Described values = config::Describe(loaded->options);
  const config::Described defaults = config::Describe(Options());
  const std::vector<config::KeyInfo> keys = config::AllKeys();
  for (const auto& [key, value] : values) {
    std::string line = key + " = " + base::GoQuote(value) + "  # ";
    std::string from = "default";
    for (const config::Map::Entry& entry : loaded->read.values.entries()) {
      const config::KeyInfo* info = config::FindTopKey(keys, entry.key);
      if (info != nullptr && info->names.front() == key) from = entry.value.where.text();
    }
    // Also what another key has set: listen sets host and port.
    if (from == "default" && defaults.find(key)->second != value) from = flags.file;
    Print(line.append(from).append("\n"));
  }
  // Blocks, and keys that no server of this release works by.
  for (const config::Map::Entry& entry : loaded->read.values.entries()) {
    const config::KeyInfo* info = config::FindTopKey(keys, entry.key);
    if (info == nullptr || info->names.front() == "listen" ||
        values.contains(info->names.front())) {
      continue;
    }
    const bool plain = entry.value.map() == nullptr && entry.value.array() == nullptr;
    Print(info->names.front() + " = " + (plain ? "(given)" : entry.value.text()) + "  # " +
          entry.value.where.text() + "\n");
  }
  return 0;
}

absl::StatusOr<int> PrintKeys() {
  std::string block = "-";
  for (const config::KeyInfo& key : config::AllKeys()) {
    if (key.block != block) {
      block = key.block;
      Print("\n## " + (block.empty() ? std::string("Top level") : block) + "\n\n" +
            "| Key | Also | Type | Default | Reload | Meaning |\n|---|---|---|---|---|---|\n");
    }
    std::string also;
    for (size_t i = 1; i < key.names.size(); ++i) also += (i > 1 ? ", " : "") + key.names[i];
    Print("| " + key.names.front() + " | " + also + " | " + key.type + " | " + key.standard +
          " | " + (key.hot ? "yes" : "no") + " | " + key.help + " |\n");
  }
  return 0;
}

}  // namespace

void AddConfigCommand(CLI::App& app, Program& program) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* config = app.add_subcommand("config", "Look at a server's configuration files");
  config->require_subcommand(1);

  CLI::App* check = config->add_subcommand(
      "check", "Everything that would keep a server from starting: exit 0, 1, or 2 for warnings");
  check->add_option("FILE", flags->file, "Configuration file")->required();
  check->callback([&program, flags] { program.run = [flags] { return Check(*flags); }; });

  CLI::App* diff = config->add_subcommand(
      "diff", "What a reload would change, and what needs a restart: exit 1 when anything");
  diff->add_option("OLD", flags->file, "Configuration file");
  diff->add_option("NEW", flags->other, "Another one");
  diff->add_option("--running", flags->running, "A server, by its pid or pid file, and its file")
      ->type_name("PID|FILE");
  diff->callback([&program, flags] { program.run = [flags] { return Diff(*flags); }; });

  CLI::App* explain =
      config->add_subcommand("explain", "The value of every key, and where it comes from");
  explain->add_option("FILE", flags->file, "Configuration file")->required();
  explain->callback([&program, flags] { program.run = [flags] { return Explain(*flags); }; });

  CLI::App* keys = config->add_subcommand("keys", "All keys, as tables for a document");
  keys->callback([&program] { program.run = [] { return PrintKeys(); }; });
}

}  // namespace martlet::cli
