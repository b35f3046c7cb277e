#include "io/refusal.h"

#include <cerrno>
#include <system_error>

namespace martlet::io {
namespace {

std::string Hint(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "; forbidden by a container's seccomp profile (allow io_uring_setup, io_uring_enter "
             "and io_uring_register in it) or by sysctl kernel.io_uring_disabled (set it to 0)";
    case ENOMEM:
      return "; the locked-memory limit may be too low (raise ulimit -l)";
    case ENOSYS:
      return "; this kernel has no io_uring (it takes Linux 5.19, or CONFIG_IO_URING)";
    case EINVAL:
    case ENOTSUP:
      return "; this kernel's io_uring is too old (it takes Linux 5.19)";
    case EMFILE:
    case ENFILE:
      return "; too many open files (raise ulimit -n)";
    default:
      return "";
  }
}

}  // namespace

absl::Status UringRefused(const std::string& what, int error) {
  return absl::UnavailableError(what + ": " + std::system_category().message(error) + Hint(error));
}

absl::Status SystemRefused(const std::string& what, int error) {
  return absl::UnavailableError(what + ": " + std::system_category().message(error));
}

}  // namespace martlet::io
