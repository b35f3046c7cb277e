#include "cluster/dialer.h"

#include <algorithm>
#include <arpa/inet.h>
#include <utility>

#include "base/go_text.h"
#include "cluster/own_info.h"

namespace martlet::cluster {
namespace {

using base::GoQuote;
using base::LogLevel;

constexpr uint64_t kRetryDelayMaxMs = 30'000;
// Gossip may not make us dial without end.
constexpr size_t kLoopsMax = 1024;

void Say(LogLevel level, std::string text, Dialer::Actions& out) {
  out.emplace_back(LogLine{.level = level, .link = 0, .text = std::move(text)});
}

std::string InSmallLetters(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

bool IsNumeric(const std::string& host) {
  unsigned char bytes[16];
  return ::inet_pton(AF_INET, host.c_str(), bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes) == 1;
}

std::optional<uint16_t> PortOf(const base::Url& url) {
  const std::string text = url.port();
  if (text.empty() || text.size() > 5) return std::nullopt;
  uint32_t port = 0;
  for (const char c : text) port = port * 10 + static_cast<uint32_t>(c - '0');
  if (port > UINT16_MAX) return std::nullopt;
  return static_cast<uint16_t>(port);
}

}  // namespace

std::string Dialer::Key(const base::Url& url, const std::string& account) {
  return InSmallLetters(url.host) + ' ' + account;
}

bool Dialer::Start(Target target, uint64_t delay_ms, uint64_t now_ms, Actions& out) {
  const std::string key = Key(target.url, target.account);
  if (!target.configured && loops_.size() >= kLoopsMax && !loops_.contains(key)) return false;
  const auto [at, fresh] = loops_.try_emplace(key);
  Loop& loop = at->second;
  if (fresh || (target.configured && !loop.target.configured)) {
    loop.target = std::move(target);
  } else {
    if (target.gossip_mode == proto::kGossipOverride) loop.target.gossip_mode = target.gossip_mode;
    if (!target.sought.empty()) loop.target.sought = target.sought;
    loop.target.left &= target.left;
  }
  if (loop.dial != 0) return false;
  if (!fresh && loop.due_ms <= now_ms + delay_ms) return false;
  if (delay_ms == 0) {
    Try(at, now_ms, out);
  } else {
    Wait(at, delay_ms, now_ms);
  }
  return fresh;
}

void Dialer::Try(Loops::iterator at, uint64_t now_ms, Actions& out) {
  waiting_.Clear(at->first);
  Loop& loop = at->second;
  if (!IsAllowed(loop.target, out)) return End(at);
  loop.dial = ++last_dial_;
  loop.began_ms = now_ms;
  dials_.emplace(loop.dial, at->first);
  const std::optional<uint16_t> port = PortOf(loop.target.url);
  if (!port) {
    return Fail(at, "address " + loop.target.url.host + ": missing port in address", now_ms, out);
  }
  const std::string host = loop.target.url.hostname();
  // An address is dialled as it stands; what is behind it shows in the INFO.
  if (IsNumeric(host)) return ConnectTo(at, Endpoint{.ip = host, .port = *port}, out);
  out.emplace_back(Resolve{.dial = loop.dial, .host = host, .port = *port});
}

bool Dialer::IsAllowed(const Target& target, Actions& out) const {
  if (!target.configured) return true;
  const std::string url = GoQuote(target.url.Redacted());
  if (!IsConfigured(target.url)) {
    Say(LogLevel::kDebug,
        "Not attempting to connect to explicit route " + url +
            ", no longer part of configured routes",
        out);
    return false;
  }
  if (!target.account.empty() && !dedicated_.contains(target.account)) {
    Say(LogLevel::kDebug,
        "Not attempting to connect to route " + url + " for account " + GoQuote(target.account) +
            ", no longer a per-account route",
        out);
    return false;
  }
  return true;
}

void Dialer::ConnectTo(Loops::iterator at, Endpoint to, Actions& out) {
  Loop& loop = at->second;
  loop.to = std::move(to);
  Say(LogLevel::kDebug,
      "Trying to connect to route on " + loop.target.url.host + " (" +
          JoinHostPort(loop.to.ip, loop.to.port) + ")",
      out);
  out.emplace_back(Connect{.dial = loop.dial, .to = loop.to});
}

void Dialer::OnResolved(const Resolved& event, uint64_t now_ms, Actions& out) {
  const auto at = Find(event.dial);
  if (at == loops_.end()) return;
  if (!event.error.empty() || event.addresses.empty()) {
    const std::string why = event.error.empty() ? "no addresses" : event.error;
    return Fail(at, "lookup for host " + GoQuote(at->second.target.url.hostname()) + ": " + why,
                now_ms, out);
  }
  std::vector<Endpoint> others;
  for (const Endpoint& address : event.addresses) {
    if (!IsOwn(address)) others.push_back(address);
  }
  if (others.empty()) return End(at);  // a route to ourselves, and nothing to say about
  const size_t chosen =
      others.size() == 1 ? 0 : random_.Below(static_cast<uint32_t>(others.size()));
  ConnectTo(at, std::move(others[chosen]), out);
}

bool Dialer::IsOwn(const Endpoint& address) const {
  const bool own_port = address.port == settings_.port ||
                        (settings_.advertise_port != 0 && address.port == settings_.advertise_port);
  return own_port && std::find(settings_.own_ips.begin(), settings_.own_ips.end(), address.ip) !=
                         settings_.own_ips.end();
}

std::optional<Dialer::Reached> Dialer::OnDialed(DialId dial) {
  const auto at = Find(dial);
  if (at == loops_.end()) return std::nullopt;
  Reached reached{.target = std::move(at->second.target), .remote = std::move(at->second.to)};
  End(at);
  return reached;
}

void Dialer::OnDialFailed(const DialFailed& event, uint64_t now_ms, Actions& out) {
  const auto at = Find(event.dial);
  if (at != loops_.end()) Fail(at, event.error, now_ms, out);
}

void Dialer::Fail(Loops::iterator at, const std::string& error, uint64_t now_ms, Actions& out) {
  Loop& loop = at->second;
  dials_.erase(loop.dial);
  loop.dial = 0;
  ++loop.failures;
  Say(ToBeReported(loop) ? LogLevel::kError : LogLevel::kDebug,
      "Error trying to connect to route (attempt " + std::to_string(loop.failures) + "): " + error,
      out);
  const uint64_t took_ms = now_ms - loop.began_ms;
  const auto retries = static_cast<uint64_t>(std::max<int64_t>(0, settings_.connect_retries));
  if (!loop.target.configured && loop.failures > retries) {
    // Nobody listens where the peer had said goodbye: it is gone for good.
    const bool gone = loop.target.left && error.find("refused") != error.npos;
    if (!gone) given_up_.push_back({loop.target, took_ms});
    return End(at);
  }
  // What the attempt took counts: a network that is back must not wait for us longer than one
  // delay, and an attempt that times out took a second (the reference waits another one then).
  Wait(at, loop.delay_ms - std::min(loop.delay_ms, took_ms), now_ms);
  if (settings_.connect_backoff) loop.delay_ms = std::min(loop.delay_ms * 2, kRetryDelayMaxMs);
}

bool Dialer::ToBeReported(const Loop& loop) const {
  if (loop.target.quiet) return false;
  if (loop.failures == 1) return true;
  const int64_t every =
      loop.target.first ? settings_.connect_error_reports : settings_.reconnect_error_reports;
  return every > 0 && loop.failures % static_cast<uint64_t>(every) == 0;
}

void Dialer::Wait(Loops::iterator at, uint64_t delay_ms, uint64_t now_ms) {
  at->second.due_ms = now_ms + delay_ms;
  waiting_.Set(at->first, at->second.due_ms);
}

void Dialer::OnTimer(uint64_t now_ms, Actions& out) {
  while (const std::optional<std::string> key = waiting_.TakeDue(now_ms)) {
    const auto at = loops_.find(*key);
    if (at != loops_.end()) Try(at, now_ms, out);
  }
}

void Dialer::Stop(Actions& out) {
  for (const auto& [dial, key] : dials_) out.emplace_back(Abandon{.dial = dial});
  loops_.clear();
  dials_.clear();
  waiting_.ClearAll();
  given_up_.clear();
}

bool Dialer::IsConfigured(const base::Url& url) const {
  return std::any_of(settings_.routes.begin(), settings_.routes.end(),
                     [&](const base::Url& route) { return SameUrl(route, url); });
}

void Dialer::End(Loops::iterator at) {
  dials_.erase(at->second.dial);
  waiting_.Clear(at->first);
  loops_.erase(at);
}

Dialer::Loops::iterator Dialer::Find(DialId dial) {
  const auto found = dials_.find(dial);
  return found == dials_.end() ? loops_.end() : loops_.find(found->second);
}

}  // namespace martlet::cluster
