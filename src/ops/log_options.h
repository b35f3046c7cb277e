// What of the server's options is the log's.
#pragma once

#include <string_view>

#include <martlet/options.h>

#include "base/log_options.h"

namespace martlet::ops {

/// For base::Log::Open() and, at a reload, Reconfigure(). `argv0` is what the program was started
/// by: the last part of that path is its name in syslog.
base::LogOptions LogOptionsOf(const Options& options, std::string_view argv0);

}  // namespace martlet::ops
