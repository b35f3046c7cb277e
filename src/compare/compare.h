// Measures servers in turn and says by how much they differ.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "client/target.h"
#include "compare/suite.h"
#include "load/result.h"
#include "load/run.h"
#include "report/comparison.h"

namespace martlet::compare {

/// One side of a comparison.
struct Server {
  std::string label;  // "a", "b", or a name; short
  /// Starts it, a fresh one for every run (ParseCommand's form, {port} is the port). Empty: it runs
  /// already, at `target`.
  std::string command;
  client::Target target;    // for a command only credentials and TLS count
  std::vector<int> cpus;    // to run on; only for a command; empty: wherever this process may
  bool append_port = true;  // to a command without {port}: -a 127.0.0.1 -p PORT
};

/// Takes "nats://...", "tls://..." (one word with "://") as a running server, all else as a
/// command. Credentials and CPUs are the caller's to add.
absl::StatusOr<Server> ParseServer(std::string_view label, std::string_view command_or_url);

/// load::Run, or what stands in for it.
using Runner =
    std::function<absl::StatusOr<load::Result>(const load::Plan&, const load::OnInterval&)>;

struct Options {
  std::vector<Server> servers;            // at least one; the others are compared with the first
  std::vector<SuiteEntry> scenarios;      // their servers, CPUs and seeds are filled in here
  size_t rounds = 5;                      // fewer than three leave wide intervals
  uint64_t seed = 1;                      // of the order of runs and the contents
  std::vector<int> load_cpus;             // the load runs on; empty: anywhere
  int tries_max = 4;                      // of a run that others disturb
  double disturbed_above_cores = 0;       // 0: DisturbedAbove this machine
  bool measure_limit = true;              // the client's own, once, half a second
  std::chrono::milliseconds settle{200};  // between a server's first INFO and the load
  report::Provenance provenance;          // goes into the comparison as it is
  std::vector<std::string> warnings;      // so do these, Placement's for example
};

/// Something that happened; everything borrowed until the callback returns.
struct Progress {
  enum class Kind : uint8_t {
    kLimit,           // `result` is the client's own limit
    kRunBegins,       // first try or another one
    kInterval,        // `interval` of the run has ended
    kRunEnds,         // `result`; counts
    kRunDisturbed,    // `result`; will be done again, `text` says why
    kScenarioFailed,  // `text`; its remaining runs are left out
  };
  Kind kind = Kind::kRunBegins;
  size_t run = 0;  // of `runs`, from 1; repeated tries keep the number
  size_t runs = 0;
  size_t round = 0;  // from 1
  int tries = 1;
  std::string_view scenario;  // SuiteEntry::id
  std::string_view server;    // label
  const load::Interval* interval = nullptr;
  const load::Result* result = nullptr;
  std::string_view text;
};
using OnProgress = std::function<void(const Progress&)>;

struct Outcome {
  report::Comparison comparison;
  std::optional<load::Result> limit;  // of this client, measured against nothing
  size_t runs_disturbed = 0;          // kept although others disturbed every try
};

/// Runs everything; blocks. Thread: the calling one starts the servers and gets the callbacks; it
/// and the runner's threads stay on `load_cpus` meanwhile.
///
/// Lost, duplicated, reordered or corrupted messages, a run that ends in an error and a server that
/// ends on its own end their scenario: what, where and when stands in its `faults`, figures are
/// those of the rounds that were complete, and the others go on.
///
/// Errors: options that cannot be, and a server that cannot be started for its first run.
absl::StatusOr<Outcome> RunComparison(const Options& options, const Runner& runner,
                                      const OnProgress& on_progress);

/// When the command shall fail beyond faults.
struct ExitRules {
  bool when_worse = false;      // a judged figure of another server is worse than the first's
  bool when_disturbed = false;  // runs were kept although disturbed
};
inline constexpr int kExitOk = 0;
inline constexpr int kExitFaults = 1;  // faults in any scenario; wins over the others
inline constexpr int kExitWorse = 3;   // 2 is for a wrong command line
inline constexpr int kExitDisturbed = 4;

int ExitStatus(const Outcome& outcome, const ExitRules& rules);

}  // namespace martlet::compare
