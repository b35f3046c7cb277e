#include "cluster/mesh_state.h"

#include <algorithm>

#include "cluster/own_info.h"

namespace martlet::cluster {
namespace {

constexpr uint64_t kAfterGivingUpMs = 1000;
// An attempt that took so long was not refused: the network failed.
constexpr uint64_t kTimedOutMs = 900;

}  // namespace

Mesh::State::State(Settings settings, uint64_t seed)
    : settings_(std::move(settings)),
      random_(seed),
      dialer_(settings_, dedicated_, random_),
      lost_(random_) {
  name_was_generated_ = settings_.name_dynamic;
  RefreshDedicated();
}

void Mesh::State::Start() {
  if (settings_.awaits_mesh) AwaitMesh();
  DialRoutes(settings_.routes, settings_.pinned_accounts, true);
}

void Mesh::State::DialRoutes(const std::vector<base::Url>& routes,
                             const std::vector<std::string>& accounts, bool pool) {
  for (const base::Url& route : routes) {
    if (pool) Dial(Target{.url = route, .configured = true, .account = {}, .sought = {}}, 0);
  }
  if (!pooled()) return;
  for (const std::string& account : accounts) {
    for (const base::Url& route : routes) {
      Dial(Target{.url = route, .configured = true, .account = account, .sought = {}}, 0);
    }
  }
}

void Mesh::State::Dial(Target target, uint64_t delay_ms) {
  if (stopped_) return;
  dialer_.Start(std::move(target), delay_ms, now_ms_, *out_);
}

void Mesh::State::OnTimer() {
  while (const auto due = alarms_.TakeDue(now_ms_)) {
    Link* link = FindOpen(due->second);
    if (link == nullptr) continue;
    if (due->first == Due::kProbe) {
      OnProbeFailed(*link);
    } else {
      Say(LogLevel::kDebug, *link, "Authentication Timeout");
      SendError(*link, "Authentication Timeout");
      CloseLink(*link, CloseReason::kAuthenticationTimeout);
    }
  }
  if (pin_until_ms_ <= now_ms_) OnPinTimer();
  while (const auto peer_id = mends_.TakeDue(now_ms_)) Mend(*peer_id);
  while (const auto peer_id = member_checks_.TakeDue(now_ms_)) SendMembersCheck(*peer_id);
  TryLost();
  dialer_.OnTimer(now_ms_, *out_);
  RememberGivenUp();
}

uint64_t Mesh::State::NextTimer() const {
  return std::min({dialer_.NextTimer(), lost_.NextTimer(), alarms_.next(), mends_.next(),
                   member_checks_.next(), pin_until_ms_});
}

void Mesh::State::TryLost() {
  while (const auto lost = lost_.TakeDue(now_ms_)) {
    const Peer* peer = peers_.Find(lost->id);
    if (peer != nullptr && peer->known()) {
      lost_.Remove(lost->id);
      continue;
    }
    Dial(SeekAgain(lost->url, lost->id), 0);
  }
}

void Mesh::State::RememberGivenUp() {
  for (const auto& [target, took_ms] : dialer_.TakeGivenUp()) {
    const uint64_t delay_ms = kAfterGivingUpMs - std::min(kAfterGivingUpMs, took_ms);
    Peer* peer = peers_.Find(target.sought);
    if (peer != nullptr && peer->known()) {
      if (took_ms >= kTimedOutMs) MendSoon(*peer);
    } else if (target.account.empty()) {
      lost_.Add(target.sought, target.url, !target.first, delay_ms, now_ms_);
    }
  }
}

void Mesh::State::On(const Resolved& event) {
  dialer_.OnResolved(event, now_ms_, *out_);
  RememberGivenUp();
}

void Mesh::State::On(const DialFailed& event) {
  dialer_.OnDialFailed(event, now_ms_, *out_);
  RememberGivenUp();
}

void Mesh::State::EnterLameDuck() {
  lame_duck_ = true;
  const std::string info = OwnInfo(settings_, {.account = {}, .lame_duck = true});
  for (const auto& [id, peer] : peers_.all()) {
    if (const Link* link = Find(peer.AnyLink())) SendTo(*link, info);
  }
}

void Mesh::State::Stop() {
  stopped_ = true;
  dialer_.Stop(*out_);
  lost_.Clear();
  mends_.ClearAll();
  member_checks_.ClearAll();
  pin_until_ms_ = UINT64_MAX;
  for (auto& [id, link] : links_) CloseLink(link, CloseReason::kServerShutdown);
}

void Mesh::State::End() {
  if (!awaited_.empty() && !stopped_) TellIfMeshStands();
  if (!std::exchange(client_urls_changed_, false) || stopped_) return;
  std::vector<std::string> own;
  if (!lame_duck_) own = settings_.client_urls;
  std::vector<std::string> urls = client_urls_.With(std::move(own));
  if (urls == told_urls_) return;
  told_urls_ = urls;
  Do(TellClients{.urls = std::move(urls)});
}

void Mesh::State::Say(LogLevel level, const Link& link, std::string text) {
  Do(LogLine{.level = level, .link = link.id, .text = std::move(text)});
}

void Mesh::State::Say(LogLevel level, std::string text) {
  Do(LogLine{.level = level, .link = 0, .text = std::move(text)});
}

void Mesh::State::SendError(const Link& link, std::string_view text) {
  SendTo(link, "-ERR '" + std::string(text) + "'\r\n");
}

Link* Mesh::State::Find(LinkId id) {
  const auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

Link* Mesh::State::FindOpen(LinkId id) {
  Link* link = Find(id);
  return link == nullptr || link->closing() ? nullptr : link;
}

std::vector<LinkView> Mesh::State::Registered() const {
  std::vector<LinkView> views;
  const auto add = [&](LinkId id) {
    const Link& link = links_.at(id);
    views.push_back({.link = id,
                     .peer_id = link.peer_id,
                     .peer_name = link.peer_name,
                     .solicited = link.solicited,
                     .configured = link.configured,
                     .account = link.account,
                     .compression = Name(link.compression),
                     .import = link.info.import,
                     .exports = link.info.exports});
  };
  for (const auto& [id, peer] : peers_.all()) {
    for (const auto& [slot, link] : peer.slots) add(link);
  }
  for (const auto& [id, peer] : peers_.all()) {
    for (const auto& [account, link] : peer.dedicated) add(link);
  }
  return views;
}

}  // namespace martlet::cluster
