#include "control/reloader.h"

#include "base/go_text.h"
#include "config/config.h"
#include "config/validate.h"

namespace martlet::control {
namespace {

absl::Status Refused(const std::string& text) { return absl::FailedPreconditionError(text); }

}  // namespace

absl::StatusOr<Reloader::Next> Reloader::Read(const Options& running) const {
  if (invocation_.config_file.empty()) {
    return Refused("can only reload config when a file is provided using -c or --config");
  }
  absl::StatusOr<config::ReadResult> read =
      config::ReadConfig(invocation_.config_file, environment_);
  if (!read.ok()) return read.status();
  if (!read->problems.errors().empty()) return Refused(read->problems.lines());
  config::Config& config = read->config;
  if (!config.wishes.empty()) {
    const config::Wish& wish = config.wishes.front();
    return Refused(wish.where.text() + ": " + base::GoQuote(wish.key) + " asks for " +
                   wish.feature + ", which is not supported yet");
  }
  if (const std::string wrong = invocation_.Problem(config.options); !wrong.empty()) {
    return Refused(wrong);
  }
  config.options = invocation_.Over(std::move(config.options));
  if (const std::string wrong = config::Validate(config); !wrong.empty()) return Refused(wrong);
  Next next{.options = std::move(config.options),
            .plan = {},
            .digest = std::move(config.digest),
            .warnings = read->problems.lines()};
  next.plan = config::Compare(running, next.options);
  if (const std::string refusal = next.plan.Refusal(); !refusal.empty()) return Refused(refusal);
  return next;
}

}  // namespace martlet::control
