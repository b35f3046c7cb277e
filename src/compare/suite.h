// The published set of scenarios, sized for the machine that it runs on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "load/plan.h"

namespace martlet::compare {

/// One scenario. `id` is stable ("fanout-100-128"): what users select and compare over time.
struct SuiteEntry {
  std::string id;
  std::string question;  // what it measures, one line for a list
  load::Plan plan;       // servers, CPUs and seed are the caller's to fill in
};

/// What the set is made for.
struct SuiteSize {
  unsigned load_cpus = 1;     // that the load may use
  uint64_t memory_bytes = 0;  // of the machine; 0: not known, taken as enough
  uint64_t open_files = 0;    // limit of this process and of the servers; 0: not known
  bool quick = false;         // shorter runs of the headline scenarios only
};

/// The size of this machine for `load_cpus` CPUs of load. Lifts this process's soft limit of open
/// files to the hard one, which the servers that it starts inherit.
SuiteSize ReadSuiteSize(unsigned load_cpus, bool quick);

/// The scenarios in the order of the published table. Pure.
///
/// An id says what is really run: where memory or descriptors are too few for "subs-1M" or
/// "idle-10000" the list has "subs-100k" or "idle-1000" in its place, and scenarios of a fixed size
/// that do not fit are left out. Quick runs last a third.
std::vector<SuiteEntry> Suite(const SuiteSize& size);

/// Those whose id matches any of the patterns (shell globs: "fanout-*", "pub-16"), in the order of
/// `entries`; a pattern that begins with '!' takes its matches out again. Only such patterns, or
/// none: from all. A pattern that matches nothing is an error that lists the ids.
absl::StatusOr<std::vector<SuiteEntry>> SelectEntries(std::vector<SuiteEntry> entries,
                                                      std::span<const std::string> patterns);

}  // namespace martlet::compare
