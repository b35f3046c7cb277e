// What a comparison of servers has found, and its text, Markdown, JSON and CSV. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "load/result.h"
#include "measure/statistics.h"
#include "report/input.h"

namespace martlet::report {

/// One of the servers that were measured in turn. The first is what the others are compared with.
struct ComparedServer {
  std::string label;     // "a", "b", or what the user called it; short
  std::string command;   // that started it; empty where a URL was given
  std::string url;       // empty where it was started
  std::string name;      // what it calls itself: server_name or the like; may be empty
  std::string version;   // "2.11.4"
  std::string language;  // "go1.24.3", "c++20"
};

/// One figure of one scenario. Every vector is indexed by server, in the order of
/// Comparison::servers; the inner one of `rounds` by round, the same round in all of them.
struct ComparedFigure {
  std::string id;  // load::Figure's
  std::string label;
  std::string unit;
  bool higher_is_better = true;
  bool judged = true;  // load::Figure::compared: ratios and verdicts mean something

  std::vector<std::vector<double>> rounds;
  std::vector<measure::Spread> spreads;
  std::vector<measure::Ratio> ratios;      // to the first server; [0] is 1, unused
  std::vector<measure::Verdict> verdicts;  // on the ratio; [0] is kNoDifference, unused
  std::vector<std::string> verdict_texts;  // measure::VerdictText; [0] is empty
};

/// One scenario, run in every round against every server.
struct ComparedScenario {
  std::string name;                                             // "fan-out 1:100"
  std::vector<std::pair<std::string, std::string>> parameters;  // load::PlanRows
  size_t rounds = 0;                                            // that count
  size_t repeated = 0;                  // runs that were disturbed and done again
  std::vector<ComparedFigure> figures;  // the first is the headline
  /// By server: the latencies of all rounds merged, for curves; empty where there are none.
  std::vector<std::vector<load::Latency>> latencies;
  std::vector<std::string> faults;    // "b, round 3: 2 messages lost": the comparison fails
  std::vector<std::string> warnings;  // "a, round 1: the client is the bottleneck"
};

struct Comparison {
  Provenance provenance;
  std::vector<ComparedServer> servers;
  std::vector<ComparedScenario> scenarios;
  uint64_t seed = 0;                              // of the order of runs
  double seconds = 0;                             // it took
  double confidence = measure::kRatioConfidence;  // of each interval
  std::vector<std::string> notes;     // on all of it: "the client's own limit: 100,000,000 /s"
  std::vector<std::string> warnings;  // on all of it: "the load shares a CPU with the server"

  bool any_fault() const {
    for (const ComparedScenario& scenario : scenarios) {
      if (!scenario.faults.empty()) return true;
    }
    return false;
  }
};

/// Fills spreads, ratios, verdicts and verdict_texts of `figure` from its `rounds`. Where a value
/// is not positive the ratio is the default and the text "not comparable". One that is not judged
/// gets spreads alone.
void FillFigure(ComparedFigure& figure, double confidence = measure::kRatioConfidence);

/// FillFigure for every figure, each with as much confidence as it takes for all verdicts together
/// to be right with 98 %: two servers that are the same are told apart in at most one comparison
/// of fifty, however many figures it has. Sets `confidence`.
void FillFigures(Comparison& comparison);

/// The table for a terminal, ending in a line feed; ANSI colours only when asked.
std::string ComparisonText(const Comparison& comparison, bool colour);

/// The table for a document: machine, servers, one row for each judged figure of each scenario.
std::string ComparisonMarkdown(const Comparison& comparison);

/// One JSON document, schema "martlet-compare/1", ending in a line feed.
std::string ComparisonJson(const Comparison& comparison);

/// One row per scenario, figure, server and round, and one per median; columns
/// scenario,figure,unit,server,round,value. Rounds count from 1; "median", "min", "max" stand in
/// the same column, as do "ratio", "ratio_low" and "ratio_high" for all servers but the first.
std::string ComparisonCsv(const Comparison& comparison);

}  // namespace martlet::report
