#include "base/syslog_sink.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "base/go_text.h"

namespace martlet::base {
namespace {

constexpr std::chrono::seconds kFirstDialPatience{5};
constexpr std::chrono::seconds kRedialPatience{1};
// A connection that did not last so long counts as a failed attempt.
constexpr std::chrono::seconds kLasting{1};

// Severities by LogLevel; from syslog(3).
constexpr std::array kSeverities = {5, 7, 4, 3, 2, 5};
constexpr int kDaemonFacility = 3 << 3;

std::string HostName() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data()
                                                                             : "localhost";
}

// "Jan _2 15:04:05", Go's time.Stamp.
std::string Stamp(const tm& parts) {
  std::array<char, 64> text;
  return {text.data(), ::strftime(text.data(), text.size(), "%b %e %H:%M:%S", &parts)};
}

std::string Rfc3339(const tm& parts) {
  std::array<char, 64> text;
  const size_t bytes = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  std::string out(text.data(), bytes);
  const long minutes = parts.tm_gmtoff / 60;
  if (minutes == 0) return out + "Z";
  const long size = minutes < 0 ? -minutes : minutes;
  std::snprintf(text.data(), text.size(), "%c%02ld:%02ld", minutes < 0 ? '-' : '+', size / 60,
                size % 60);
  return out + text.data();
}

}  // namespace

SyslogFormatter::SyslogFormatter(SyslogNetwork network)
    : network_(network), pid_(std::to_string(::getpid())), host_(HostName()) {}

void SyslogFormatter::Adopt(const LogOptions& options) {
  tag_ = options.syslog_tag;
  json_.reset();
  if (options.format == LogFormat::kJson) json_.emplace();
}

void SyslogFormatter::Format(const LogLine& line, std::string& out) {
  const int facility = network_ == SyslogNetwork::kLocal ? kDaemonFacility : 0;
  const int priority = facility | kSeverities[static_cast<size_t>(line.level)];
  tm parts{};
  ::localtime_r(&line.at.tv_sec, &parts);

  out += "<" + std::to_string(priority) + ">";
  const bool over_the_net = network_ == SyslogNetwork::kUdp || network_ == SyslogNetwork::kTcp;
  out += over_the_net ? Rfc3339(parts) + " " + host_ : Stamp(parts);
  out += " " + tag_ + "[" + pid_ + "]: ";
  if (json_) return json_->Append(line, out);
  out += line.text;
  if (!line.text.ends_with('\n')) out += '\n';
}

absl::StatusOr<std::unique_ptr<LogSink>> SyslogSink::Open(SyslogTarget target) {
  absl::StatusOr<SyslogSocket> socket = DialSyslog(target, kFirstDialPatience);
  if (!socket.ok()) {
    return absl::UnavailableError("error connecting to syslog: " +
                                  GoQuote(std::string(socket.status().message())));
  }
  return std::unique_ptr<LogSink>(new SyslogSink(std::move(target), *std::move(socket)));
}

SyslogSink::SyslogSink(SyslogTarget target, SyslogSocket socket)
    : target_(std::move(target)),
      formatter_(target_.network),
      socket_(std::move(socket)),
      connected_at_(Clock::now()) {}

bool SyslogSink::Write(const LogLine& line) {
  if (message_.empty()) formatter_.Format(line, message_);
  while (socket_.fd || Connect()) {
    switch (Send()) {
      case Sent::kAll:
        Done();
        return true;
      case Sent::kNever:
        ++lost_;
        Done();
        return true;
      case Sent::kNotNow:
        return false;
      case Sent::kBroken:
        Break();
    }
  }
  return false;
}

void SyslogSink::Done() {
  message_.clear();
  sent_ = 0;
}

std::chrono::milliseconds SyslogSink::retry_in() const {
  if (socket_.fd) return {};
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(retry_at_ - Clock::now()),
                  std::chrono::milliseconds{0});
}

bool SyslogSink::Connect() {
  if (Clock::now() < retry_at_) return false;
  absl::StatusOr<SyslogSocket> socket = DialSyslog(target_, kRedialPatience);
  if (!socket.ok()) {
    PutOff();
    return false;
  }
  socket_ = *std::move(socket);
  connected_at_ = Clock::now();
  return true;
}

void SyslogSink::Break() {
  socket_.fd.Reset();
  sent_ = 0;
  if (Clock::now() - connected_at_ < kLasting) {
    PutOff();
  } else {
    pause_ = {};
    retry_at_ = {};
  }
}

void SyslogSink::PutOff() {
  pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
  retry_at_ = Clock::now() + pause_;
}

// A daemon that ended has closed its side. What is sent after that is taken by the kernel and
// refused by the other one too late to notice.
bool SyslogSink::PeerIsGone() const {
  std::array<char, 256> unwanted;
  while (true) {
    const ssize_t got = ::recv(socket_.fd.get(), unwanted.data(), unwanted.size(), MSG_DONTWAIT);
    if (got > 0) continue;
    return got == 0 || (errno != EAGAIN && errno != EINTR);
  }
}

SyslogSink::Sent SyslogSink::Send() {
  while (true) {
    if (socket_.stream && PeerIsGone()) return Sent::kBroken;
    const Sent sent = SendOnce();
    if (sent != Sent::kNotNow) return sent;
    pollfd waiting{.fd = socket_.fd.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(kPatience.count())) <= 0) return Sent::kNotNow;
  }
}

SyslogSink::Sent SyslogSink::SendOnce() {
  bool again = true;
  while (sent_ < message_.size()) {
    const ssize_t sent = ::send(socket_.fd.get(), message_.data() + sent_, message_.size() - sent_,
                                MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
      sent_ += static_cast<size_t>(sent);
    } else if (errno == EAGAIN) {
      return Sent::kNotNow;
    } else if (errno == EMSGSIZE) {
      return Sent::kNever;
    } else if (errno != EINTR && target_.network == SyslogNetwork::kUdp) {
      // What the network had against an earlier message; this one is not sent yet.
      if (!std::exchange(again, false)) return Sent::kNever;
    } else if (errno != EINTR) {
      return Sent::kBroken;
    }
  }
  return Sent::kAll;
}

}  // namespace martlet::base
