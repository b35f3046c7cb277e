// The file that tells an operator's scripts the process id.
#pragma once

#include <string>
#include <sys/types.h>

#include <absl/status/status.h>

namespace martlet::ops {

/// Writes `pid` in decimal, without newline, over whatever `path` holds; a new file gets mode
/// 0600. The file stays when the process ends, as with the reference (Server.logPid).
/// Fails with the reference's words, to be put behind `Could not write pidfile: `:
/// `open /x/y: no such file or directory`.
absl::Status WritePidFile(const std::string& path, pid_t pid);

}  // namespace martlet::ops
