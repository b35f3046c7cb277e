#include "cli/bench_flags.h"

#include <CLI/CLI.hpp>
#include <limits>
#include <string_view>

#include "cli/text.h"
#include "cli/units.h"

namespace martlet::cli {
namespace {

using load::Plan;

absl::Status InFlag(const char* flag, const absl::Status& why) {
  return absl::InvalidArgumentError(std::string(flag) + ": " + std::string(why.message()));
}

/// Sets `out` to the count in `text`, where there is one; a fraction only where `out` has one.
template <typename T>
absl::Status SetCount(const char* flag, const std::string& text, T& out) {
  if (text.empty()) return absl::OkStatus();
  const auto count = ParseCount(text);
  if (!count.ok()) return InFlag(flag, count.status());
  if (*count > static_cast<double>(std::numeric_limits<T>::max())) {
    return InFlag(flag, absl::InvalidArgumentError("\"" + text + "\" is too large"));
  }
  out = static_cast<T>(*count);
  return absl::OkStatus();
}

absl::Status SetDuration(const char* flag, const std::string& text, std::chrono::nanoseconds& out) {
  if (text.empty()) return absl::OkStatus();
  const auto duration = ParseDuration(text);
  if (!duration.ok()) return InFlag(flag, duration.status());
  out = *duration;
  return absl::OkStatus();
}

/// The first of some steps that failed, or OK.
absl::Status FirstError(std::initializer_list<absl::Status> steps) {
  for (const absl::Status& step : steps) {
    if (!step.ok()) return step;
  }
  return absl::OkStatus();
}

}  // namespace

void PlanFlags::AddTo(CLI::App& app) {
  CLI::Option_group& load = *app.add_option_group("Load");
  load.add_option("--pubs,--requesters", pubs_, "Publishers (requesters)")->type_name("N");
  load.add_option("--subs,--responders,--connections", subs_,
                  "Subscribers (responders, connections)")
      ->type_name("N");
  load.add_option("--size", size_, "Payload: 128, 16KiB")->type_name("BYTES");
  load.add_option("--headers", headers_, "Headers of each message")->type_name("N");
  load.add_option("--rate", rate_, "Open loop: messages a second, all publishers together")
      ->type_name("N");
  load.add_flag("--poisson", poisson_, "With --rate: random gaps instead of even ones");
  load.add_option("--depth", depth_, "Requests outstanding of each requester")->type_name("N");
  load.add_option("--subject", subject_, "Root of the subjects")->type_name("SUBJECT");
  load.add_option("--subjects", subjects_, "Subjects of each publisher")->type_name("N");
  load.add_option("--order", order_, "Of the subjects: rotate, uniform, zipf")
      ->check(CLI::IsMember({"rotate", "uniform", "zipf"}))
      ->type_name("ORDER");
  load.add_option("--zipf", zipf_, "Exponent of zipf (1.0)")->type_name("X");
  load.add_flag("--wildcard", wildcard_, "Subscribe to ROOT.* instead of each subject");
  load.add_option("--queue", queue_, "Queue group of all subscribers")->type_name("NAME");
  load.add_flag("--pairs", pairs_, "Publisher and subscriber in pairs");
  load.add_flag("--distinct-sids", distinct_sids_, "Every subscriber another sid");
  load.add_option("--stuck", stuck_, "Subscribers besides that never read")->type_name("N");
  load.add_option("--stuck-for", stuck_for_, "They come back after so long: stay")
      ->type_name("TIME");
  load.add_option("--churn", churn_, "SUB/UNSUB pairs a second besides")->type_name("N");
  load.add_option("--flood", flood_, "Large messages a second one to one besides")->type_name("N");
  load.add_option("--flood-size", flood_size_, "Their payload: 64KiB")->type_name("BYTES");
  load.add_option("--subscriptions", subscriptions_, "Subscriptions (of each connection)")
      ->type_name("N");
  load.add_option("--at-once", at_once_, "Connects in progress at the same time")->type_name("N");

  CLI::Option_group& run = *app.add_option_group("Run");
  run.add_option("--duration", duration_, "Measured time: 3s")->type_name("TIME");
  run.add_option("--warmup", warmup_, "Before it: 500ms")->type_name("TIME");
  run.add_option("--interval", interval_, "Of progress and time series: 1s")->type_name("TIME");
  run.add_option("--patience", patience_,
                 "Missing messages are lost when nothing has moved for so long: 15s")
      ->type_name("TIME");
  run.add_option("--msgs", messages_, "Stop after so many messages instead")->type_name("N");
  run.add_option("--seed", seed_, "Of schedule and contents")->type_name("N");
  run.add_option("--threads", threads_, "Of this client")->type_name("N");
  run.add_flag("--no-spin", no_spin_, "Open loop: sleep between messages (adds wake-up time)");
}

absl::Status PlanFlags::ApplyCounts(Plan& plan) const {
  return FirstError({
      SetCount("--pubs", pubs_, plan.publishers),
      SetCount("--subs", subs_, plan.subscribers),
      SetCount("--headers", headers_, plan.header_count),
      SetCount("--rate", rate_, plan.rate),
      SetCount("--depth", depth_, plan.depth),
      SetCount("--subjects", subjects_, plan.subjects),
      SetCount("--zipf", zipf_, plan.zipf_exponent),
      SetCount("--stuck", stuck_, plan.stuck_subscribers),
      SetCount("--churn", churn_, plan.churn_per_second),
      SetCount("--flood", flood_, plan.flood_per_second),
      SetCount("--subscriptions", subscriptions_, plan.subscriptions),
      SetCount("--at-once", at_once_, plan.connects_at_once),
      SetCount("--threads", threads_, plan.threads),
      SetCount("--seed", seed_, plan.seed),
      SetCount("--msgs", messages_, plan.messages),
  });
}

absl::Status PlanFlags::ApplyTimes(Plan& plan) const {
  return FirstError({
      SetDuration("--duration", duration_, plan.duration),
      SetDuration("--warmup", warmup_, plan.warmup),
      SetDuration("--interval", interval_, plan.interval),
      SetDuration("--patience", patience_, plan.patience),
      SetDuration("--stuck-for", stuck_for_, plan.stuck_for),
  });
}

absl::Status PlanFlags::ApplyShape(Plan& plan) const {
  if (!size_.empty()) {
    const auto size = ParseSize(size_);
    if (!size.ok()) return InFlag("--size", size.status());
    plan.size_bytes = *size;
  }
  if (!flood_size_.empty()) {
    const auto size = ParseSize(flood_size_);
    if (!size.ok()) return InFlag("--flood-size", size.status());
    plan.flood_bytes = *size;
  }
  if (pairs_) plan.topology = load::Topology::kPairs;
  if (poisson_) plan.arrival = load::Arrival::kPoisson;
  if (wildcard_) plan.wildcard = true;
  if (distinct_sids_) plan.distinct_sids = true;
  if (no_spin_) plan.spin = false;
  if (!subject_.empty()) plan.subject = subject_;
  if (!queue_.empty()) plan.queue = queue_;
  if (order_ == "uniform") plan.subject_order = load::SubjectOrder::kUniform;
  if (order_ == "zipf") plan.subject_order = load::SubjectOrder::kZipf;
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanFlags::Make(const Preset& preset) const {
  Plan plan;
  preset.apply(plan);
  absl::Status applied = FirstError({ApplyCounts(plan), ApplyTimes(plan), ApplyShape(plan)});
  if (!applied.ok()) return applied;
  // Pairs and one-to-one shapes follow the one count that was given.
  if (plan.topology == load::Topology::kPairs && subs_.empty()) plan.subscribers = plan.publishers;
  if (plan.topology == load::Topology::kPairs && pubs_.empty()) plan.publishers = plan.subscribers;
  return plan;
}

absl::StatusOr<Plan> ParseScenario(const std::string& text) {
  CLI::App app;
  app.set_help_flag();
  PlanFlags flags;
  const Preset* chosen = nullptr;
  for (const Preset& preset : BenchPresets()) {
    app.add_subcommand(preset.name)
        ->callback([&chosen, &preset] { chosen = &preset; })
        ->fallthrough();
  }
  flags.AddTo(app);
  try {
    app.parse(text);
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError("\"" + text + "\": " + error.what());
  }
  if (chosen == nullptr) {
    return absl::InvalidArgumentError("\"" + text +
                                      "\" names no scenario, see martlet bench --help");
  }
  auto plan = flags.Make(*chosen);
  if (!plan.ok()) {
    return absl::InvalidArgumentError("\"" + text + "\": " + std::string(plan.status().message()));
  }
  return plan;
}

}  // namespace martlet::cli
