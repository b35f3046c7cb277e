// What must hold between the settings of a configuration.
#pragma once

#include <string>

#include "config/config.h"

namespace martlet::config {

/// The first thing that is wrong with the settings together, in the reference's words; empty:
/// nothing. Checked when a server starts and at each reload, not by -t. Source: reference
/// validateOptions.
std::string Validate(const Config& config);

}  // namespace martlet::config
