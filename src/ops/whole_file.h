// Writing a small file in one go, for the files of this folder.
#pragma once

#include <cerrno>
#include <fcntl.h>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <unistd.h>

#include <absl/status/status.h>

#include "base/go_text.h"
#include "base/unique_fd.h"

namespace martlet::ops {

/// Makes `path` hold exactly `text`; `mode` (less the umask) is for a file that is new. Errors
/// read like those of Go's os.WriteFile: `open /x/y: permission denied`.
inline absl::Status WriteWholeFile(const std::string& path, std::string_view text, mode_t mode) {
  const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!fd) return absl::UnavailableError("open " + path + ": " + base::GoErrno(errno));
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return absl::UnavailableError("write " + path + ": " + base::GoErrno(errno));
    text.remove_prefix(static_cast<size_t>(written));
  }
  return absl::OkStatus();
}

}  // namespace martlet::ops
