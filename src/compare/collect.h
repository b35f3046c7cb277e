// From the results of runs to figures side by side. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "load/result.h"
#include "report/comparison.h"

namespace martlet::compare {

/// Parts of a run's result that a comparison keeps.
struct Measured {
  load::Result result;
  double other_cores = 0;  // used by neither client nor server
  int tries = 1;
  bool disturbed = false;  // kept nevertheless
  bool client_bound = false;
};

/// Takes results in as they come and puts one scenario together.
class Collector {
 public:
  /// `labels` of the servers, in their order; `rounds` that are planned.
  Collector(std::string id, std::vector<std::string> labels, size_t rounds);

  /// Histograms and intervals are not kept per run: they would fill the memory of a long suite.
  void Add(size_t server, size_t round, Measured measured);

  /// The scenario failed; no more results are expected. `what` reads "2 messages lost".
  void Fail(size_t server, size_t round, std::string_view what);
  bool failed() const { return !faults_.empty(); }

  /// Figures and warnings from the rounds that all servers completed, latencies of all runs. `plan`
  /// is for the name and the parameters. Figures that some run lacks are left out, with a warning.
  /// Figures have their rounds only; report::FillFigures judges them all together.
  report::ComparedScenario Finish(const load::Plan& plan) const;

  /// Adds to the verdict texts of throughput figures, where the client was the limit of a run with
  /// either server, that they say less than they seem to.
  void MarkClientBound(report::ComparedScenario& scenario) const;

 private:
  std::vector<size_t> CompleteRounds() const;
  std::string Where(size_t server, size_t round) const;
  std::optional<report::ComparedFigure> SideBySide(const load::Figure& first,
                                                   const std::vector<size_t>& rounds) const;
  bool EverClientBound(size_t server) const;
  void AddFigures(const std::vector<size_t>& rounds, report::ComparedScenario& out) const;
  void AddWarnings(const std::vector<size_t>& rounds, report::ComparedScenario& out) const;

  std::string id_;
  std::vector<std::string> labels_;
  std::vector<std::vector<std::optional<Measured>>> runs_;  // by server, by round
  std::vector<std::vector<load::Latency>> latencies_;       // by server, of all its runs
  std::vector<std::string> faults_;
};

/// Whether the client was the limit of a run "as fast as it goes": its busiest thread above 90 %
/// of a CPU while the server used less than 90 % of what it has. `server_cpus` 0: not pinned, taken
/// as one. False where the server could not be watched.
bool ClientBound(const load::Result& result, size_t server_cpus);

/// "2 messages lost, 1 corrupted: subscriber 2: publisher 0 message 4711 lost"; empty: no faults.
std::string FaultText(const load::Faults& faults);

}  // namespace martlet::compare
