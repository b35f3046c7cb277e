#include "shard/connection.h"

#include <algorithm>
#include <array>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "io/send_now.h"
#include "shard/shard.h"

namespace martlet::shard {

using session::CloseReason;

void Connection::Open() { shard_.loop().Receive(receive_, fd_.get()); }

void Connection::OnReceive(const io::Completion& done) {
  if (done.result > 0) {
    if (state_ == State::kOpen) session_.OnBytes(done.data, done.memory);
    return;
  }
  // The receive has ended: by the peer, by an error, or because we cancelled it for a pause.
  if (state_ == State::kOpen) {
    // Not the end yet: a paused session may still hold input from before it.
    if (done.result != -ECANCELED) {
      input_end_ = done.result == 0 ? CloseReason::kClientClosed : CloseReason::kReadError;
    }
    session_.Touch();
  } else if (state_ == State::kLingering) {
    Shut();
  }
  FinishIfAnswered();
}

void Connection::OnSend(const io::Completion& done) {
  session_.SendEnds(done.result > 0 ? static_cast<size_t>(done.result) : 0);
  if (done.result > 0) {
    session_.Touch();
  } else {
    OnSendFailed();
  }
  FinishIfAnswered();
}

void Connection::OnSendFailed() {
  if (state_ == State::kOpen) {
    session_.Close(CloseReason::kWriteError);
  } else if (state_ == State::kFlushing) {
    Shut();
  }
}

void Connection::Settle() {
  if (state_ == State::kOpen && session_.closing()) BeginClose();
  if (state_ == State::kOpen) SettleInput();
  if (state_ == State::kOpen || state_ == State::kFlushing) SettleOutput();
}

void Connection::SettleInput() {
  if (session_.paused()) {
    if (receive_.in_flight()) shard_.loop().Cancel(receive_);
    return;
  }
  // What came before the pause took hold is worked off first; only then there is room for more.
  if (session_.TakeResumeDue()) return shard_.ResumeLater(*this);
  if (input_end_) return session_.Close(*input_end_);
  if (!receive_.in_flight()) shard_.loop().Receive(receive_, fd_.get());
}

void Connection::Resume() {
  if (state_ != State::kOpen || session_.closing()) return;
  session_.OnResume();
  session_.Touch();
}

void Connection::SettleOutput() {
  if (send_.in_flight()) return;
  session_.PrepareOutput();
  if (!session_.outbound().empty()) {
    if (shard_.sends_itself()) {
      SendSome();
    } else {
      LeaveSendToLoop();
    }
  }
  if (state_ == State::kFlushing && session_.outbound().empty()) OnFlushed();
}

// Nearly always the socket takes all of it at once; an answer would only cost another turn.
void Connection::SendSome() {
  session::Outbound& outbound = session_.outbound();
  std::array<iovec, io::Loop::kSendPartsMax> parts;
  const size_t count = outbound.Gather(parts, shard_.tuning().send_bytes_max);
  const std::span<const iovec> gathered = std::span(parts).first(count);
  size_t wanted = 0;
  for (const iovec& part : gathered) wanted += part.iov_len;
  const ssize_t sent = io::SendNow(fd_.get(), gathered);
  if (sent < 0 && !io::IsForLater(sent)) return OnSendFailed();
  if (sent > 0) session_.Sent(static_cast<size_t>(sent));
  if (outbound.empty()) return;
  // The socket may take more, but the others come first; or it is full.
  if (sent > 0 && static_cast<size_t>(sent) == wanted) return shard_.SettleLater(*this);
  LeaveSendToLoop();
}

void Connection::LeaveSendToLoop() {
  std::array<iovec, io::Loop::kSendPartsMax> parts;
  sending_parts_ = session_.outbound().Gather(parts, shard_.tuning().send_bytes_max);
  session_.SendBegins();
  if (!timer_.armed()) shard_.context().timers.Arm(timer_, session_.write_limit().deadline_ms());
  shard_.loop().Send(send_, fd_.get(), std::span(parts).first(sending_parts_));
}

// The write deadline. It is armed with the first send and left alone while sends come and go: a
// timer for each send would cost more than looking at the clock here once in a while.
void Connection::OnTimer() {
  if (state_ == State::kLingering) return Shut();
  if (!send_.in_flight()) return;
  const uint64_t waited = session_.write_owed_ms();
  const uint64_t deadline = session_.write_limit().deadline_ms();
  if (waited < deadline) {
    shard_.context().timers.Arm(timer_, deadline - waited);
  } else if (state_ == State::kFlushing) {
    Shut();
  } else {
    session_.OnWriteDeadline(sending_parts_, session_.outbound().pending_bytes());
  }
}

void Connection::BeginClose() {
  LeaveBooks();
  const CloseReason reason = session_.close_reason();
  if (!proto::FlushesOutput(reason) ||
      (session_.outbound().empty() && reason == CloseReason::kClientClosed)) {
    return Shut();
  }
  state_ = State::kFlushing;  // SettleOutput goes on
}

void Connection::OnFlushed() {
  if (session_.close_reason() == CloseReason::kClientClosed || !receive_.in_flight()) return Shut();
  ::shutdown(fd_.get(), SHUT_WR);
  state_ = State::kLingering;
  const bool stopping = session_.close_reason() == CloseReason::kServerShutdown;
  shard_.context().timers.Arm(timer_, stopping ? kLingerAtShutdownMs : kLingerMs);
}

void Connection::Abort() {
  if (state_ == State::kOpen) {
    session_.Close(CloseReason::kServerShutdown);
    LeaveBooks();
  }
  if (state_ != State::kShut) Shut();
}

// From here on only the answers of the two operations are awaited.
void Connection::Shut() {
  DCHECK(state_ != State::kShut);
  state_ = State::kShut;
  timer_.Disarm();
  ::shutdown(fd_.get(), SHUT_RDWR);
  if (receive_.in_flight()) shard_.loop().Cancel(receive_);
  FinishIfAnswered();
}

void Connection::FinishIfAnswered() {
  if (state_ != State::kShut || gone_ || receive_.in_flight() || send_.in_flight()) return;
  gone_ = true;
  shard_.Gone(*this);
}

}  // namespace martlet::shard
