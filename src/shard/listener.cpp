#include "shard/listener.h"

#include <algorithm>
#include <string>

#include "base/go_text.h"
#include "base/unique_fd.h"
#include "shard/shard.h"

namespace martlet::shard {

void Listener::Open(int fd) {
  fd_ = fd;
  shard_.loop().Accept(accept_, fd_);
}

void Listener::Close() {
  fd_ = -1;
  retry_.Disarm();
  if (accept_.in_flight()) {
    shard_.loop().Cancel(accept_);
  } else {
    shard_.OnListenerClosed();
  }
}

void Listener::OnAccept(const io::Completion& done) {
  if (done.result >= 0) {
    pause_ms_ = kFirstPauseMs;
    shard_.OnAccepted(base::UniqueFd(done.result));
  }
  if (done.more) return;
  if (fd_ < 0) return shard_.OnListenerClosed();
  if (done.result >= 0 || done.result == -ECONNABORTED) {
    shard_.loop().Accept(accept_, fd_);
    return;
  }
  if (shard_.MayReportAcceptError(pause_ms_)) {
    LOG_ERROR(shard_.context().log, "Temporary Client Accept Error(accept tcp: %s), sleeping %dms",
              base::GoErrno(-done.result).c_str(), static_cast<int>(pause_ms_));
  }
  shard_.context().timers.Arm(retry_, pause_ms_);
  pause_ms_ = std::min(pause_ms_ * 2, kPauseMaxMs);
}

void Listener::OnRetry() { shard_.loop().Accept(accept_, fd_); }

}  // namespace martlet::shard
