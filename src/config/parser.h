// A configuration file and what it includes, from text to values.
#pragma once

#include <cstddef>
#include <string>

#include <absl/status/statusor.h>

#include "config/environment.h"
#include "config/value.h"

namespace martlet::config {

/// What a configuration may take; the reference has no bounds.
struct ParseLimits {
  size_t bytes_max = size_t{32} << 20;  // of all files together
  size_t values_max = 1'000'000;        // each as often as it is referred to
  size_t include_depth_max = 32;
};

/// Reads `path` and the files that it includes; looks up its variables. The error is the first one,
/// in the reference's words: `Parse error on line 3: 'Unexpected EOF.'`.
///
/// Source: spec config-and-cli.md section 2; reference conf/parse.go.
absl::StatusOr<Map> ParseFile(const std::string& path, Environment& environment,
                              const ParseLimits& limits = {});

}  // namespace martlet::config
