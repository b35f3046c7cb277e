#include "client/connection.h"

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/go_text.h"
#include "client/connect_line.h"
#include "client/runtime.h"

namespace martlet::client {
namespace {

#ifndef IP_BIND_ADDRESS_NO_PORT
constexpr int IP_BIND_ADDRESS_NO_PORT = 24;
#endif

absl::Status SystemError(std::string_view what, int error) {
  return absl::UnavailableError(std::string(what) + ": " + base::GoErrno(error));
}

bool IsLoopback4(const base::SocketAddress& address) {
  if (address.family() != AF_INET) return false;
  const auto* in = reinterpret_cast<const sockaddr_in*>(address.get());
  return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
}

/// A loopback address has some 28,000 ports to connect from; this picks another address.
int BindToSource(int fd, uint32_t source) {
  const int one = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
  return bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from);
}

char* AppendNumber(char* at, uint64_t number) {
  constexpr size_t kDigitsMax = 20;
  return std::to_chars(at, at + kDigitsMax, number).ptr;
}

char* AppendText(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

}  // namespace

absl::StatusOr<Peer> Peer::Make(const Target& target) {
  Peer peer{.target = target, .address = {}, .credentials = {}, .tls = nullptr};
  auto address = Resolve(target);
  if (!address.ok()) return address.status();
  peer.address = *address;
  auto credentials = Credentials::Load(target);
  if (!credentials.ok()) return credentials.status();
  peer.credentials = *std::move(credentials);
  auto tls = TlsContext::Create(target.tls, target.host);
  if (!tls.ok()) return tls.status();
  peer.tls = *std::move(tls);
  return peer;
}

Connection::Connection(Runtime& runtime, const Peer& peer, const ConnectionOptions& options,
                       Handler& handler)
    : runtime_(runtime), peer_(peer), options_(options), handler_(handler) {}

Connection::~Connection() {
  CHECK(gone());
  if (written_) std::erase(runtime_.written_, this);
}

void Connection::Open() {
  CHECK(gone());
  ++runtime_.open_;
  why_ = absl::OkStatus();
  server_error_.clear();
  info_ = {};
  greeted_ = false;
  reading_ = true;
  pings_sent_ = pongs_ = 0;
  state_ = State::kConnecting;
  opened_ns_ = base::MonotonicNanoseconds();
  if (absl::Status opened = OpenSocket(); !opened.ok()) return Fail(std::move(opened));
  runtime_.loop().Connect(connect_, fd_.get(), peer_.address.get(), peer_.address.length);
}

absl::Status Connection::OpenSocket() {
  fd_.Reset(socket(peer_.address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd_) return SystemError("socket", errno);
  const int one = 1;
  setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (options_.source == 0 || !IsLoopback4(peer_.address)) return absl::OkStatus();
  if (BindToSource(fd_.get(), options_.source) < 0) return SystemError("bind", errno);
  return absl::OkStatus();
}

void Connection::OnConnect(const io::Completion& done) {
  if (state_ == State::kClosing) return FinishIfAnswered();
  if (done.result < 0) {
    return Fail(SystemError("connect to " + peer_.address.text(), -done.result));
  }
  state_ = State::kGreeting;
  runtime_.loop().Receive(receive_, fd_.get());
  if (peer_.target.tls.handshake_first) {
    tls_ = std::make_unique<TlsChannel>(*peer_.tls);
    if (absl::Status started = tls_->Start(cipher_); !started.ok()) return Fail(started);
    Written();
  }
}

// Input.

void Connection::OnReceive(const io::Completion& done) {
  if (state_ == State::kClosing) return FinishIfAnswered();
  if (done.result > 0) {
    tls_ ? Decrypt(done.data) : Input(done.data);
    return;
  }
  if (!reading_) return;
  if (!server_error_.empty()) return Fail(absl::UnavailableError(server_error_));
  if (done.result == 0) return Fail(absl::UnavailableError("the server closed the connection"));
  Fail(SystemError("receive", -done.result));
}

void Connection::Decrypt(std::string_view bytes) {
  plain_.clear();
  absl::Status received = tls_->Receive(bytes, plain_, cipher_);
  if (!cipher_.empty()) Written();
  if (!plain_.empty()) Input(plain_);
  if (!received.ok() && state_ != State::kClosing) Fail(std::move(received));
}

void Connection::Input(std::string_view bytes) {
  parser_.Push(bytes);
  proto::Message message;
  while (state_ == State::kGreeting && Next(message)) {
  }
  if (state_ == State::kReady) handler_.OnInput(*this);
  parser_.Save();
  if (!parser_.error().empty() && state_ != State::kClosing && state_ != State::kGone) {
    Fail(absl::InvalidArgumentError("bad input from the server: " + parser_.error()));
  }
}

/// Everything but messages; false stops the reading of this chunk for now.
bool Connection::OnControl(const proto::Message& message) {
  switch (message.op) {
    case proto::ServerOp::kPing:
      filling_.Append("PONG\r\n");
      Written();
      break;
    case proto::ServerOp::kPong:
      if (state_ == State::kGreeting) {
        state_ = State::kReady;
        ready_ns_ = base::MonotonicNanoseconds();
        handler_.OnReady(*this);
        return false;
      }
      handler_.OnPong(*this, ++pongs_);
      break;
    case proto::ServerOp::kInfo:
      return OnInfo(message.text);
    case proto::ServerOp::kErr:
      server_error_ = "the server says: " + std::string(message.text);
      handler_.OnError(*this, message.text);
      break;
    default:
      break;
  }
  return state_ == State::kReady || state_ == State::kGreeting;
}

bool Connection::OnInfo(std::string_view text) {
  auto info = proto::ReadInfo(text);
  if (!info.ok()) {
    Fail(absl::InvalidArgumentError("bad INFO: " + std::string(info.status().message())));
    return false;
  }
  info_ = *std::move(info);
  // Servers may send another one before the PONG: it answers our CONNECT and wants no second one.
  if (std::exchange(greeted_, true)) return true;
  Greet();
  return state_ == State::kGreeting;
}

void Connection::Greet() {
  const bool wants_tls = peer_.target.tls.required || info_.tls_required;
  if (wants_tls && !tls_) {
    // What came in plain text behind the INFO was not said by the one whom TLS is about to verify.
    parser_ = {};
    tls_ = std::make_unique<TlsChannel>(*peer_.tls);
    if (absl::Status started = tls_->Start(cipher_); !started.ok()) return Fail(started);
  }
  filling_.Append(ConnectLine(peer_.target, peer_.credentials, info_, options_));
  filling_.Append("PING\r\n");
  Written();
}

// Output.

void Connection::Written() {
  if (written_) return;
  written_ = true;
  runtime_.written_.push_back(this);
}

void Connection::Flush() {
  written_ = false;
  if (state_ != State::kGreeting && state_ != State::kReady) return;
  if (!send_.in_flight()) StartSend();
}

void Connection::StartSend() {
  if (tls_) {
    if (!filling_.empty()) {
      absl::Status encrypted = tls_->Send(filling_.view(), cipher_);
      filling_.Clear();
      if (!encrypted.ok()) return Fail(std::move(encrypted));
    }
    std::swap(cipher_, sending_);
  } else {
    std::swap(filling_, sending_);
  }
  if (sending_.empty()) return;
  const iovec part = {.iov_base = const_cast<char*>(sending_.data()), .iov_len = sending_.size()};
  runtime_.loop().Send(send_, fd_.get(), std::span(&part, 1));
}

void Connection::OnSend(const io::Completion& done) {
  if (state_ == State::kClosing) return FinishIfAnswered();
  if (done.result < 0 || static_cast<size_t>(done.result) < sending_.size()) {
    // What the server said before it closed is more telling than our broken pipe: the receive
    // brings it, and ends the connection.
    sending_.Clear();
    return;
  }
  sending_.Clear();
  if (!filling_.empty() || !cipher_.empty()) Written();
  if (state_ == State::kReady) handler_.OnSent(*this);
}

void Connection::Publish(std::string_view subject, std::string_view reply, std::string_view headers,
                         std::string_view payload) {
  constexpr size_t kOverhead = 64;  // verb, two sizes, blanks, line ends
  char* at =
      filling_.Reserve(subject.size() + reply.size() + headers.size() + payload.size() + kOverhead);
  at = AppendText(at, headers.empty() ? "PUB " : "HPUB ");
  at = AppendText(at, subject);
  *at++ = ' ';
  if (!reply.empty()) {
    at = AppendText(at, reply);
    *at++ = ' ';
  }
  if (!headers.empty()) {
    at = AppendNumber(at, headers.size());
    *at++ = ' ';
  }
  at = AppendNumber(at, headers.size() + payload.size());
  at = AppendText(at, "\r\n");
  at = AppendText(at, headers);
  at = AppendText(at, payload);
  filling_.Commit(AppendText(at, "\r\n"));
  Written();
}

void Connection::Subscribe(std::string_view subject, std::string_view queue, uint64_t sid) {
  constexpr size_t kOverhead = 32;
  char* at = filling_.Reserve(subject.size() + queue.size() + kOverhead);
  at = AppendText(at, "SUB ");
  at = AppendText(at, subject);
  *at++ = ' ';
  if (!queue.empty()) {
    at = AppendText(at, queue);
    *at++ = ' ';
  }
  at = AppendNumber(at, sid);
  filling_.Commit(AppendText(at, "\r\n"));
  Written();
}

void Connection::Unsubscribe(uint64_t sid, uint64_t max) {
  constexpr size_t kBytesMax = 64;
  char* at = AppendNumber(AppendText(filling_.Reserve(kBytesMax), "UNSUB "), sid);
  if (max > 0) {
    *at++ = ' ';
    at = AppendNumber(at, max);
  }
  filling_.Commit(AppendText(at, "\r\n"));
  Written();
}

uint64_t Connection::Ping() {
  filling_.Append("PING\r\n");
  Written();
  return ++pings_sent_;
}

// The end.

void Connection::Close() {
  if (gone() || state_ == State::kClosing) return;
  Fail(absl::OkStatus());
}

void Connection::StopReading() {
  reading_ = false;
  if (receive_.in_flight()) runtime_.loop().Cancel(receive_);
}

void Connection::Fail(absl::Status why) {
  if (state_ == State::kClosing || state_ == State::kGone) return;
  state_ = State::kClosing;
  why_ = std::move(why);
  parser_.Push({});  // Next() has nothing more
  if (fd_) ::shutdown(fd_.get(), SHUT_RDWR);
  if (connect_.in_flight()) runtime_.loop().Cancel(connect_);
  if (receive_.in_flight()) runtime_.loop().Cancel(receive_);
  if (send_.in_flight()) runtime_.loop().Cancel(send_);
  FinishIfAnswered();
}

void Connection::FinishIfAnswered() {
  if (state_ != State::kClosing) return;
  if (connect_.in_flight() || receive_.in_flight() || send_.in_flight()) return;
  state_ = State::kGone;
  fd_.Reset();
  filling_.Release();
  sending_.Release();
  cipher_.Release();
  tls_.reset();
  parser_ = {};
  --runtime_.open_;
  handler_.OnClosed(*this, why_);
}

}  // namespace martlet::client
