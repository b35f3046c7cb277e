// The table of a comparison of brokers, as Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "brokers.h"
#include "load.h"

namespace martlet::peers {

/// What was measured: by scenario and broker, one for each round; none where it failed.
struct Results {
  std::vector<Broker> brokers;
  std::vector<Scenario> scenarios;
  std::vector<std::vector<std::vector<Measured>>> runs;  // [scenario][broker][round]
  std::vector<std::string> failures;                     // "Redis, fanout-1000-128: ..."
};

/// How it was measured, for the lines in front of the tables. All texts are ready to be printed.
struct Circumstances {
  std::string date;
  std::string command;
  std::vector<std::pair<std::string, std::string>> machine;
  std::vector<int> server_cpus;
  std::vector<int> load_cpus;
  size_t rounds = 0;
  Timing timing;
  size_t disturbed = 0;  // runs that were kept although others used the machine
  std::vector<std::string> missing;
};

/// Versions, commands and the tables: messages a second, server CPU per message, latency, and what
/// was lost. Every figure is the median of its rounds. Pure.
std::string TableText(const Results& results, const Circumstances& circumstances);

/// `document` with `text` in the place of what stands between the lines `<!-- NAME -->` and
/// `<!-- /NAME -->`, which stay. Fails when they are not there, once each and in that order.
absl::StatusOr<std::string> Replaced(std::string_view document, std::string_view name,
                                     std::string_view text);

}  // namespace martlet::peers
