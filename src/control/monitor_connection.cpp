#include "control/monitor_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <sys/socket.h>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "control/monitor_port.h"

namespace martlet::control {

MonitorConnection::MonitorConnection(MonitorPort& port, base::UniqueFd fd)
    : port_(port), fd_(std::move(fd)) {}

void MonitorConnection::Start() { BeginReading(); }

void MonitorConnection::Refuse(const monitor::HttpError& error) {
  state_ = State::kWorking;
  keeps_alive_ = false;
  Send(monitor::AnswerTo(error), {});
}

void MonitorConnection::BeginReading() {
  state_ = State::kReading;
  reads_since_ms_ = port_.timers().now();
  in_request_ = false;
  port_.timers().Arm(timer_, kIdleMs);
  Read();
}

void MonitorConnection::Read() {
  switch (parser_.Next(request_)) {
    case monitor::HttpParser::Result::kRequest:
      state_ = State::kWorking;
      timer_.Disarm();
      keeps_alive_ = request_.keep_alive;
      return port_.Handle(*this, request_);
    case monitor::HttpParser::Result::kNeedMore:
      return WaitForMore();
    case monitor::HttpParser::Result::kError:
      return Refuse(parser_.error());
  }
}

void MonitorConnection::WaitForMore() {
  if (input_ended_) return Shut();
  // From its first byte on: whoever sends the head byte by byte gets no more time for it.
  if (parser_.in_request() && !std::exchange(in_request_, true)) {
    port_.timers().Arm(timer_, kHeadMs);
  }
  if (!receive_.in_flight()) port_.loop().Receive(receive_, fd_.get());
}

void MonitorConnection::OnReceive(const io::Completion& done) {
  if (done.result > 0) {
    if (state_ == State::kLingering || state_ == State::kShut) return;
    parser_.Push(done.data);
    if (state_ == State::kReading) {
      Read();
    } else if (parser_.held_bytes() > kInputBytesMax) {
      port_.loop().Cancel(receive_);
    }
    return;
  }
  if (done.result == 0) input_ended_ = true;
  const bool broken = done.result < 0 && done.result != -ECANCELED;
  if (state_ == State::kShut) return FinishIfAnswered();
  if (broken || state_ == State::kLingering) return Shut();
  if (state_ == State::kReading) Read();
}

void MonitorConnection::Respond(monitor::Response response) {
  DCHECK(state_ == State::kWorking);
  std::string head = monitor::HeadOf(response, request_, base::UnixNanoseconds() / 1'000'000'000);
  if (!monitor::SendsBody(request_)) response.body.clear();
  Send(std::move(head), std::move(response.body));
}

void MonitorConnection::Send(std::string head, std::string body) {
  head_ = std::move(head);
  body_ = std::move(body);
  sent_bytes_ = 0;
  state_ = State::kSending;
  port_.AnswerBegins(head_.size() + body_.size());
  SendMore();
}

void MonitorConnection::SendMore() {
  std::array<iovec, 2> parts;
  size_t count = 0;
  size_t skip = sent_bytes_;
  for (std::string* text : {&head_, &body_}) {
    const size_t skipped = std::min(skip, text->size());
    skip -= skipped;
    if (skipped == text->size()) continue;
    parts[count++] = {text->data() + skipped, std::min(text->size() - skipped, kPartBytesMax)};
    if (parts[count - 1].iov_len == kPartBytesMax) break;
  }
  port_.timers().Arm(timer_, kSendMs);
  port_.loop().Send(send_, fd_.get(), std::span(parts).first(count));
}

void MonitorConnection::OnSend(const io::Completion& done) {
  if (state_ == State::kShut) return FinishIfAnswered();
  if (done.result <= 0) return Shut();
  sent_bytes_ += static_cast<size_t>(done.result);
  if (sent_bytes_ < head_.size() + body_.size()) return SendMore();
  OnSent();
}

void MonitorConnection::OnSent() {
  port_.AnswerEnds(head_.size() + body_.size());
  head_ = {};
  body_ = {};
  sent_bytes_ = 0;
  if (!keeps_alive_) return Linger();
  BeginReading();
}

// Closing with input unread would reset the connection, and could take the answer with it.
void MonitorConnection::Linger() {
  if (input_ended_) return Shut();
  state_ = State::kLingering;
  ::shutdown(fd_.get(), SHUT_WR);
  port_.timers().Arm(timer_, kLingerMs);
  if (!receive_.in_flight()) port_.loop().Receive(receive_, fd_.get());
}

void MonitorConnection::Shut() {
  if (state_ == State::kShut) return;
  if (state_ == State::kSending) port_.AnswerEnds(head_.size() + body_.size());
  state_ = State::kShut;
  timer_.Disarm();
  ::shutdown(fd_.get(), SHUT_RDWR);
  if (receive_.in_flight()) port_.loop().Cancel(receive_);
  port_.Leaves(*this);
  FinishIfAnswered();
}

void MonitorConnection::FinishIfAnswered() {
  if (gone_ || receive_.in_flight() || send_.in_flight()) return;
  gone_ = true;
  port_.Gone(*this);
}

}  // namespace martlet::control
