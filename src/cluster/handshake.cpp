// From a new connection to a known peer: CONNECT, INFO, the choice of compression.
#include <optional>
#include <string>
#include <utility>

#include "base/go_text.h"
#include "cluster/mesh_state.h"
#include "cluster/own_info.h"

namespace martlet::cluster {
namespace {

using base::GoQuote;

constexpr char kReservedName[] = "_";
// Connections that nobody knows the peer of yet. A server introduces itself at once.
constexpr size_t kStrangersMax = 1024;

/// Takes as long wherever the difference is.
bool SameSecret(const std::string& a, const std::string& b) {
  if (a.size() != b.size()) return false;
  int difference = 0;
  for (size_t i = 0; i < a.size(); ++i) difference |= a[i] ^ b[i];
  return difference == 0;
}

bool IsAnyAddress(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

}  // namespace

void Mesh::State::On(const Accepted& event) {
  if (stopped_) return Do(Close{.link = event.link, .reason = CloseReason::kServerShutdown});
  Link& link = links_[event.link];
  link.id = event.link;
  link.remote = event.remote;
  link.began_ms = now_ms_;
  SendTo(link,
         OwnInfo(settings_, {.account = {}, .compression = Name(settings_.compression.mode)}));
  Say(LogLevel::kInfo, link, "Route connection created");
  strangers_.insert(link.id);
  LimitStrangers();
  if (settings_.user.empty()) return;
  const auto patience = static_cast<uint64_t>(settings_.auth_timeout.count());
  alarms_.Set({Due::kAuthentication, link.id}, now_ms_ + patience);
}

/// Whoever connects and says nothing must not keep out those who would. The reference has no such
/// limit but that of its file descriptors.
void Mesh::State::LimitStrangers() {
  if (strangers_.size() <= kStrangersMax) return;
  Link& oldest = links_.at(*strangers_.begin());
  Say(LogLevel::kDebug, oldest, "Authentication Timeout");
  SendError(oldest, "Authentication Timeout");
  CloseLink(oldest, CloseReason::kAuthenticationTimeout);
}

void Mesh::State::On(const Dialed& event) {
  std::optional<Dialer::Reached> reached = dialer_.OnDialed(event.dial);
  if (!reached || stopped_) return;
  Target& target = reached->target;
  if (target.configured && !dialer_.IsConfigured(target.url)) {
    return Do(Close{.link = event.link, .reason = CloseReason::kClientClosed});
  }
  Link& link = links_[event.link];
  link.id = event.link;
  link.remote = std::move(reached->remote);
  link.dialled = true;
  link.began_ms = now_ms_;
  link.solicited = true;
  link.configured = target.configured;
  link.url = std::move(target.url);
  link.has_url = true;
  if (!link.configured && link.url.has_user) {  // ours may have changed since it was chosen
    link.url.user = settings_.user;
    link.url.password = PasswordToSend();
  }
  link.early_ends = target.early_ends;
  link.sought = std::move(target.sought);
  link.told_by = std::move(target.told_by);
  link.gossip_mode = target.gossip_mode;
  // Of us it has told whom it knew. If it is gone, others have come since, its own successor first.
  const Peer* teller = peers_.Find(link.told_by);
  const bool teller_gone = !link.told_by.empty() && (teller == nullptr || !teller->known());
  if (teller_gone && link.gossip_mode == proto::kGossipDisabled) {
    link.gossip_mode = proto::kGossipDefault;
  }
  link.account = std::move(target.account);
  Greet(link);
}

/// Source: reference createRoute; spec route-protocol.md section 1.
void Mesh::State::Greet(Link& link) {
  Say(LogLevel::kDebug, link, "Route connect msg sent");
  SendTo(link, OwnConnect(settings_, link.url));
  link.owes_info = WantsCompression(settings_) || (link.account.empty() && pooled());
  if (!link.owes_info) {
    SendTo(link, OwnInfo(settings_, {.account = link.account,
                                     .compression = Name(settings_.compression.mode),
                                     .gossip_mode = link.gossip_mode}));
  }
  Say(LogLevel::kInfo, link, "Route connection created");
}

void Mesh::State::On(const ConnectCame& event) {
  Link* link = FindOpen(event.link);
  if (link == nullptr) return;
  if (link->dialled) return Do(Proceed{.link = link->id});
  alarms_.Clear({Due::kAuthentication, link->id});
  link->user = event.connect.user;
  link->password = event.connect.pass;
  link->connect = event.connect;
  Authorize(*link);
}

/// Source: reference isRouterAuthorized.
void Mesh::State::Authorize(Link& link) {
  if (settings_.user.empty()) return OnVerdict(link, true);
  const bool user_is_right = SameSecret(link.user, settings_.user);
  if (!settings_.password_is_hashed) {
    return OnVerdict(link, SameSecret(link.password, settings_.password) && user_is_right);
  }
  if (!user_is_right) return OnVerdict(link, false);
  link.check = ++checks_;
  Do(CheckPassword{
      .link = link.id, .check = link.check, .password = link.password, .hash = settings_.password});
}

void Mesh::State::On(const PasswordChecked& event) {
  Link* link = FindOpen(event.link);
  // A reload may have brought another password since.
  if (link != nullptr && link->check == event.check) OnVerdict(*link, event.right);
}

void Mesh::State::OnVerdict(Link& link, bool authorized) {
  link.check = 0;
  const std::optional<proto::RouteConnect> connect = std::exchange(link.connect, std::nullopt);
  if (!authorized) {
    if (!connect) link.no_redial = true;  // it is the reload that sends it away
    return ViolateAuthorization(link, link.user);
  }
  if (!connect || !MayConnect(link, *connect)) return;
  link.connect_came = true;
  Do(Proceed{.link = link.id});
}

/// To servers known by gossip, which have the same user. Of a hash the password is not known, but a
/// configured route may have it; else nobody lets us in, as in the reference.
const std::string& Mesh::State::PasswordToSend() const {
  if (settings_.password_is_hashed) {
    for (const base::Url& route : settings_.routes) {
      if (route.has_password && route.user == settings_.user) return route.password;
    }
  }
  return settings_.password;
}

void Mesh::State::ViolateAuthorization(Link& link, const std::string& user) {
  Say(LogLevel::kError, link,
      user.empty() ? "authentication error" : "authentication error - User " + GoQuote(user));
  SendError(link, "Authorization Violation");
  CloseLink(link, CloseReason::kAuthenticationFailure);
}

/// Source: reference processConnect, processRouteConnect.
bool Mesh::State::MayConnect(Link& link, const proto::RouteConnect& connect) {
  if (!connect.lang.empty()) {
    // The reference says it once when it notices and once when its parser gives up.
    const std::string text = "attempted to connect to route port";
    link.afterwards.push_back({.level = LogLevel::kError, .link = link.id, .text = text});
    Refuse(link, text, CloseReason::kIncorrectPort);
    return false;
  }
  if (!connect.gateway.empty()) {
    Refuse(link,
           "Rejecting connection from gateway " + GoQuote(connect.gateway) + " on the Route port",
           CloseReason::kWrongGateway);
    return false;
  }
  return AdoptOrReject(link, connect);
}

bool Mesh::State::AdoptOrReject(Link& link, const proto::RouteConnect& connect) {
  if (connect.cluster == settings_.name) return true;
  const std::string theirs = GoQuote(connect.cluster);
  if (connect.cluster == kReservedName) {
    Refuse(link, "Rejecting connection, cluster name " + theirs + " is reserved",
           CloseReason::kClusterNameConflict);
    return false;
  }
  if (!TakesName(connect.cluster, connect.cluster_dynamic)) {
    link.afterwards.push_back({.level = LogLevel::kError,
                               .link = link.id,
                               .text = "cluster name from remote server conflicts"});
    Refuse(link,
           "Rejecting connection, cluster name " + theirs + " does not match " +
               GoQuote(settings_.name),
           CloseReason::kClusterNameConflict);
    return false;
  }
  TakeName(connect.cluster, connect.cluster_dynamic, connect.name);
  return true;
}

void Mesh::State::On(const InfoCame& event) {
  Link* link = FindOpen(event.link);
  if (link == nullptr || link->phase == Link::Phase::kWaiting) return;
  if (!link->dialled && !link->connect_came) return ViolateAuthorization(*link, "");
  if (!link->up()) return OnFirstInfo(*link, event.info);
  OnUpdate(*link, event.info);
  if (FindOpen(event.link) != nullptr) Do(Proceed{.link = event.link});
}

/// Source: reference processRouteInfo.
void Mesh::State::OnFirstInfo(Link& link, proto::RouteInfo info) {
  // Two without one would be the same server.
  if (info.server_id.empty()) {
    return Refuse(link, "Rejecting connection, its INFO has no server_id",
                  CloseReason::kProtocolViolation);
  }
  // Another server lives at the address of the one that was looked for.
  if (info.server_id != link.sought && !link.sought.empty()) {
    lost_.Remove(link.sought);
    // Nobody has been told of this one and us.
    if (link.gossip_mode == proto::kGossipDisabled) link.gossip_mode = proto::kGossipOverride;
  }
  if (info.server_id == settings_.server_id) {
    link.peer_id = info.server_id;  // what follows the loss of it depends on this
    NoteReached(link.url, link.peer_id);
    return CloseLink(link, CloseReason::kDuplicateRoute);
  }
  if (info.cluster == kReservedName) return CloseLink(link, CloseReason::kClusterNameConflict);
  if (!info.cluster.empty() && info.cluster != settings_.name) {
    if (!TakesName(info.cluster, info.cluster_dynamic)) {
      return CloseLink(link, CloseReason::kClusterNameConflict);
    }
    TakeName(info.cluster, info.cluster_dynamic, info.server_id);
  }
  if (!link.dialled && info.server_name == settings_.server_name) {
    Say(LogLevel::kError, link, "Remote server has a duplicate name: " + GoQuote(info.server_name));
    return CloseLink(link, CloseReason::kDuplicateServerName);
  }
  if (!link.negotiated) {
    link.negotiated = true;
    switch (Negotiate(link, info)) {
      case Negotiated::kRefused:
        return;
      case Negotiated::kAnotherInfoComes:
        return Do(Proceed{.link = link.id});
      case Negotiated::kPlain:
        break;
    }
  }
  if (LearnPeer(link, std::move(info))) Admit(link);
}

/// Source: spec route-protocol.md section 7; reference negotiateRouteCompression.
Mesh::State::Negotiated Mesh::State::Negotiate(Link& link, const proto::RouteInfo& info) {
  const CompressionMode own = settings_.compression.mode;
  const std::optional<CompressionMode> theirs = ParseCompression(info.compression);
  if (!WantsCompression(settings_)) {
    const bool never =
        own == CompressionMode::kNotSupported || theirs == CompressionMode::kNotSupported;
    link.compression = never ? CompressionMode::kNotSupported : CompressionMode::kOff;
    return Negotiated::kPlain;
  }
  if (!theirs) {
    Refuse(link, "unsupported route compression mode " + GoQuote(info.compression),
           CloseReason::kProtocolViolation);
    return Negotiated::kRefused;
  }
  const CompressionMode chosen = ChooseCompression(own, *theirs);
  if (chosen == CompressionMode::kOff) {
    link.compression = *theirs == CompressionMode::kNotSupported ? CompressionMode::kNotSupported
                                                                 : CompressionMode::kOff;
    return Negotiated::kPlain;
  }
  SwitchToCompression(link, chosen);
  return Negotiated::kAnotherInfoComes;
}

/// The dialling side tells its choice in plain text, the other one behind the switch already.
void Mesh::State::SwitchToCompression(Link& link, CompressionMode chosen) {
  link.follows_round_trip = chosen == CompressionMode::kS2Auto;
  // Before there is a round trip, the age of the connection stands for it.
  link.compression = link.follows_round_trip
                         ? LevelAt(std::chrono::milliseconds(now_ms_ - link.began_ms))
                         : chosen;
  const std::string info =
      OwnInfo(settings_, {.account = link.account, .compression = AnnouncedCompression(link)});
  if (link.dialled) SendTo(link, info);
  if (link.follows_round_trip) Do(CompressOutput{.link = link.id, .mode = chosen});
  Do(CompressOutput{.link = link.id, .mode = link.compression});
  if (!link.dialled) SendTo(link, info);
  Do(DecompressInput{.link = link.id});
}

std::string_view Mesh::State::AnnouncedCompression(const Link& link) const {
  const CompressionMode own = settings_.compression.mode;
  return Name(own == CompressionMode::kS2Auto ? own : link.compression);
}

CompressionMode Mesh::State::LevelAt(std::chrono::nanoseconds round_trip) const {
  using std::chrono::milliseconds;
  const auto& thresholds = settings_.compression.rtt_thresholds;
  if (!thresholds.empty()) return AutoLevel(thresholds, round_trip);
  return AutoLevel({milliseconds(10), milliseconds(50), milliseconds(100)}, round_trip);
}

void Mesh::State::On(const RoundTrip& event) {
  Link* link = FindOpen(event.link);
  if (link == nullptr || !link->follows_round_trip) return;
  const CompressionMode level = LevelAt(event.time);
  if (level == link->compression) return;
  link->compression = level;
  Do(CompressOutput{.link = link->id, .mode = level});
}

/// False: it has been closed.
bool Mesh::State::LearnPeer(Link& link, proto::RouteInfo info) {
  link.peer_id = info.server_id;
  link.peer_name = info.server_name;
  if (info.ip.empty()) {
    info.ip = "nats-route://" + JoinHostPort(link.remote.ip, info.port) + "/";
  }
  if (!link.has_url) {
    // Nothing can be dialled at "any address".
    const std::string text = IsAnyAddress(info.host)
                                 ? info.ip
                                 : "nats-route://" + JoinHostPort(info.host, info.port) + "/";
    std::optional<base::Url> url = base::ParseUrl(text);
    if (!url) {
      Say(LogLevel::kError, link, "Error parsing URL from INFO: parse " + GoQuote(text));
      CloseLink(link, CloseReason::kParseError);
      return false;
    }
    link.url = WithOwnUser(*std::move(url), info);
    link.has_url = true;
  }
  if (link.dialled) {
    NoteReached(link.url, link.peer_id);
    // What a peer says of its own choice is another connection's matter; gossip tells ours.
    info.route_account = link.account;
  } else {
    link.account = info.route_account;
  }
  info.nonce.clear();
  link.info = std::move(info);
  return true;
}

}  // namespace martlet::cluster
