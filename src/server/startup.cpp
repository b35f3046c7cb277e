#include "server/startup.h"

#include <utility>

#include "base/go_text.h"
#include "config/validate.h"
#include "ops/process_signal.h"

namespace martlet::server {
namespace {

using ops::ExitNow;
using ops::Refuse;

constexpr std::string_view kNotYet = "is not supported yet by this release of martlet-server";

// -t: all that is wrong with the file, or its digest.
ExitNow CheckFile(const std::string& path, const absl::StatusOr<config::ReadResult>& read) {
  if (!read.ok()) return Refuse(std::string(read.status().message()));
  if (!read->problems.none()) return Refuse(read->problems.text());
  return ExitNow{.err = "nats-server: configuration file " + path + " is valid (" +
                        read->config.digest + ")\n"};
}

}  // namespace

std::variant<Start, ExitNow> Prepare(std::span<const std::string_view> arguments,
                                     config::Environment& environment) {
  ops::CommandLine command = ops::ParseCommandLine(arguments);
  if (auto* exit = std::get_if<ExitNow>(&command)) return std::move(*exit);
  Start start{.invocation = std::get<ops::Invocation>(std::move(command))};
  const ops::Invocation& invocation = start.invocation;
  if (!invocation.signal.empty()) {
    const absl::Status sent = ops::SendSignal(invocation.signal);
    return sent.ok() ? ExitNow{} : Refuse(std::string(sent.message()));
  }

  config::Config config;
  if (!invocation.config_file.empty()) {
    absl::StatusOr<config::ReadResult> read =
        config::ReadConfig(invocation.config_file, environment);
    if (invocation.check_config) return CheckFile(invocation.config_file, read);
    if (!read.ok()) return Refuse(std::string(read.status().message()));
    if (!read->problems.errors().empty()) return Refuse(read->problems.text());
    start.warnings = read->problems.text();
    start.digest = read->config.digest;
    config = std::move(read->config);
  } else if (invocation.check_config) {
    return Refuse("must specify [-c, --config] option to check configuration file syntax");
  }

  if (!invocation.unsupported.empty()) {
    return Refuse("flag -" + invocation.unsupported + " " + std::string(kNotYet));
  }
  if (!config.wishes.empty()) {
    const config::Wish& wish = config.wishes.front();
    return Refuse(wish.where.text() + ": " + base::GoQuote(wish.key) + " asks for " + wish.feature +
                  ", which " + std::string(kNotYet));
  }
  if (const std::string wrong = invocation.Problem(config.options); !wrong.empty()) {
    return Refuse(wrong);
  }
  config.options = invocation.Over(std::move(config.options));
  if (const std::string wrong = config::Validate(config); !wrong.empty()) return Refuse(wrong);
  start.options = std::move(config.options);
  return start;
}

}  // namespace martlet::server
