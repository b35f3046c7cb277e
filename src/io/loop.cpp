#include "io/loop.h"

#include <utility>

#include "io/epoll_loop.h"
#include "io/uring_loop.h"

namespace martlet::io {

absl::StatusOr<std::unique_ptr<Loop>> Loop::Create(const LoopOptions& options,
                                                   std::string* fallback_reason) {
  fallback_reason->clear();
  if (options.backend == IoBackend::kEpoll) return EpollLoop::Create(options);
  // By doing it, not by asking: seccomp, sysctl and limits refuse where version and probe agree.
  absl::StatusOr<std::unique_ptr<Loop>> loop = UringLoop::Create(options);
  if (loop.ok() || options.backend == IoBackend::kUring) return loop;
  *fallback_reason = std::string(loop.status().message());
  return EpollLoop::Create(options);
}

}  // namespace martlet::io
