#include "client/runtime.h"

#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "client/connection.h"

namespace martlet::client {

absl::StatusOr<std::unique_ptr<Runtime>> Runtime::Create(IoBackend backend) {
  std::string fallback_reason;
  auto loop = io::Loop::Create({.backend = backend}, &fallback_reason);
  if (!loop.ok()) return loop.status();
  return std::unique_ptr<Runtime>(new Runtime(*std::move(loop)));
}

Runtime::Runtime(std::unique_ptr<io::Loop> loop)
    : loop_(std::move(loop)), now_ns_(base::MonotonicNanoseconds()) {}

Runtime::~Runtime() { CHECK(open_ == 0); }

void Runtime::Turn(int64_t timeout_ns) {
  FlushWritten();
  loop_->SubmitAndWait(timeout_ns);
  now_ns_ = base::MonotonicNanoseconds();
  loop_->RunCompletions();
}

bool Runtime::TurnUntilGone(int64_t timeout_ns) {
  const uint64_t deadline = base::MonotonicNanoseconds() + static_cast<uint64_t>(timeout_ns);
  while (open_ > 0) {
    const uint64_t now = base::MonotonicNanoseconds();
    if (now >= deadline) return false;
    Turn(static_cast<int64_t>(deadline - now));
  }
  return true;
}

void Runtime::FlushWritten() {
  // A flush may end a connection, whose handler may write to others.
  while (!written_.empty()) {
    flushing_.swap(written_);
    for (Connection* connection : flushing_) connection->Flush();
    flushing_.clear();
  }
}

}  // namespace martlet::client
