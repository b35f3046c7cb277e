// The flags of `martlet bench`, and the plan that they make.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "cli/bench_presets.h"
#include "cli/cli11.h"
#include "load/plan.h"

namespace martlet::cli {

/// Changes of a preset's plan, as typed. Empty means: as the preset has it.
class PlanFlags {
 public:
  /// Adds the flags to `app`, which then writes into this object; it must outlive the parsing.
  void AddTo(CLI::App& app);

  /// The preset's plan with these changes; errors name the flag. Server, CPUs and I/O backend are
  /// the caller's.
  absl::StatusOr<load::Plan> Make(const Preset& preset) const;

 private:
  absl::Status ApplyCounts(load::Plan& plan) const;
  absl::Status ApplyTimes(load::Plan& plan) const;
  absl::Status ApplyShape(load::Plan& plan) const;

  std::string pubs_, subs_, size_, messages_, rate_, depth_, subjects_, headers_, stuck_, churn_;
  std::string flood_, flood_size_;
  std::string subscriptions_, at_once_, threads_, seed_, zipf_;
  std::string duration_, warmup_, interval_, patience_, stuck_for_;
  std::string subject_, queue_, order_;
  bool pairs_ = false;
  bool poisson_ = false;
  bool wildcard_ = false;
  bool distinct_sids_ = false;
  bool no_spin_ = false;
};

/// A whole scenario in one text, as `bench compare --run` takes it: "fanout --subs 100 --size 1K".
absl::StatusOr<load::Plan> ParseScenario(const std::string& text);

}  // namespace martlet::cli
