#include "ops/pid_file.h"

#include "ops/whole_file.h"

namespace martlet::ops {

absl::Status WritePidFile(const std::string& path, pid_t pid) {
  return WriteWholeFile(path, std::to_string(pid), 0600);
}

}  // namespace martlet::ops
