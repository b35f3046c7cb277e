// The scenarios of `martlet bench`, by name.
#pragma once

#include <span>

#include "load/plan.h"

namespace martlet::cli {

/// A scenario: what it is called, what it asks, and the plan that it begins with. Flags change the
/// plan further.
struct Preset {
  const char* name;
  const char* help;
  void (*apply)(load::Plan& plan);
};

/// In the order in which help lists them.
std::span<const Preset> BenchPresets();

}  // namespace martlet::cli
