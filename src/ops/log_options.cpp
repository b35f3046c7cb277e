#include "ops/log_options.h"

#include <string>

namespace martlet::ops {
namespace {

std::string NameOf(std::string_view argv0) {
  while (argv0.ends_with('/')) argv0.remove_suffix(1);
  const size_t slash = argv0.rfind('/');
  return std::string(slash == argv0.npos ? argv0 : argv0.substr(slash + 1));
}

}  // namespace

base::LogOptions LogOptionsOf(const Options& options, std::string_view argv0) {
  return {.file = options.log_file,
          .remote_syslog = options.remote_syslog,
          .syslog = options.syslog,
          .debug = options.debug,
          .trace = options.trace,
          .timestamps = options.log_timestamps,
          .utc = options.log_utc,
          .format = options.log_format,
          .size_limit_bytes = options.log_size_limit_bytes,
          .files_max = options.log_files_max,
          .syslog_tag = NameOf(argv0)};
}

}  // namespace martlet::ops
