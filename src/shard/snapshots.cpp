#include "shard/snapshots.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "session/accounts.h"
#include "session/subscription.h"
#include "subject/subject.h"

namespace martlet::shard {

using monitor::Piece;
using session::ClientSession;
using session::Subscription;

void Snapshots::Answer(Piece& piece) {
  piece.ClearAnswer();
  switch (piece.kind) {
    case Piece::Kind::kConnections:
      return TellConnections(piece);
    case Piece::Kind::kClosed:
      return TellClosed(piece);
    case Piece::Kind::kSubscriptions:
      return TellSubscriptions(piece);
    case Piece::Kind::kCache:
      return TellCache(piece);
    case Piece::Kind::kRoutes:
      return TellRoutes(piece);
    case Piece::Kind::kInterest:
      return TellInterest(piece);
  }
}

void Snapshots::TellCache(Piece& piece) const {
  piece.cache_hits = context_.cache.stats().hits;
  piece.cache_misses = context_.cache.stats().misses;
  piece.cache_entries = context_.cache.size();
}

// The next connection of the walk, which stands behind it then. At the end the marker is taken
// away.
const ClientSession* Snapshots::Next() {
  base::ListNode* const node = context_.roster.Next(marker_);
  if (node != nullptr) {
    const auto* client = static_cast<const ClientSession*>(node);
    if (client->start_ns() <= began_ns_) {
      context_.roster.MoveBehind(*node, marker_);
      return client;
    }
  }
  marker_.Unlink();
  return nullptr;
}

const ClientSession* Snapshots::Find(uint64_t cid) const {
  const auto found = context_.clients.find(cid);
  return found == context_.clients.end() ? nullptr : found->second;
}

void Snapshots::TellConnections(Piece& piece) {
  piece.held = context_.clients.size();
  if (piece.cid != 0) {
    if (const ClientSession* client = Find(piece.cid)) {
      piece.connections.push_back(Describe(*client));
    }
    return;
  }
  if (piece.first) {
    marker_.Unlink();
    context_.roster.PushFront(marker_);
    began_ns_ = context_.now_ns;
  }
  while (marker_.linked() && piece.connections.size() < kConnectionsMax) {
    if (const ClientSession* client = Next()) piece.connections.push_back(Describe(*client));
  }
  piece.last = !marker_.linked();
}

monitor::ConnectionInfo Snapshots::Describe(const ClientSession& client) const {
  const session::Traffic& traffic = client.traffic();
  monitor::ConnectionInfo info = {
      .cid = client.id(),
      .ip = client.peer().ip,
      .port = client.peer().port,
      .start_ns = UnixTime(client.start_ns()),
      .last_activity_ns = UnixTime(client.last_activity_ns()),
      .rtt_ns = static_cast<int64_t>(client.round_trip_ns()),
      .pending_bytes = client.outbound().pending_bytes(),
      .in_msgs = traffic.in_msgs,
      .in_bytes = traffic.in_bytes,
      .out_msgs = traffic.out_msgs,
      .out_bytes = traffic.out_bytes,
      .stalls = client.stalls(),
      .subscriptions = static_cast<uint32_t>(client.subscriptions()),
  };
  if (const ClientSession::Identity* identity = client.identity()) {
    info.name = identity->name;
    info.lang = identity->lang;
    info.version = identity->version;
    info.user = identity->user;
  }
  return info;
}

void Snapshots::Remember(const ClientSession& client) {
  if (closed_max_ == 0) return;
  monitor::ConnectionInfo info = Describe(client);
  info.stop_ns = UnixTime(context_.now_ns);
  info.reason = proto::Name(client.close_reason());
  if (closed_.size() < closed_max_) {
    closed_.push_back(std::move(info));
  } else {
    closed_[closed_count_ % closed_max_] = std::move(info);
  }
  ++closed_count_;
}

void Snapshots::TellClosed(Piece& piece) {
  piece.held = closed_.size();
  const uint64_t oldest = closed_count_ - closed_.size();
  if (piece.first) {
    closed_next_ = oldest;
    closed_end_ = closed_count_;
  }
  closed_next_ = std::max(closed_next_, oldest);  // what lay before it has been overwritten
  const uint64_t end = std::min(closed_next_ + kConnectionsMax, closed_end_);
  for (; closed_next_ < end; ++closed_next_) {
    const monitor::ConnectionInfo& info = closed_[closed_next_ % closed_max_];
    if (piece.cid == 0 || info.cid == piece.cid) piece.connections.push_back(info);
  }
  piece.last = closed_next_ >= closed_end_;
}

void Snapshots::TellSubscriptions(Piece& piece) {
  size_t budget = kSubscriptionsMax;
  if (piece.first) {
    cid_ = 0;
    next_cid_ = 0;
    marker_.Unlink();
    if (piece.cids.empty()) context_.roster.PushFront(marker_);
    began_ns_ = context_.now_ns;
  }
  piece.last = false;
  for (size_t connections = 0; connections < kConnectionsMax; ++connections) {
    if (cid_ == 0) {
      cid_ = NextSubscriber(piece);
      told_ = 0;
    }
    if (cid_ == 0) break;
    const ClientSession* const client = Find(cid_);
    if (client != nullptr && !TellSubscriptionsOf(*client, budget, piece)) return;
    cid_ = 0;
  }
  piece.last = !marker_.linked() && next_cid_ >= piece.cids.size();
}

// Whose subscriptions come next; 0: nobody's.
uint64_t Snapshots::NextSubscriber(const Piece& piece) {
  if (!piece.cids.empty()) {
    return next_cid_ < piece.cids.size() ? piece.cids[next_cid_++] : 0;
  }
  const ClientSession* const next = marker_.linked() ? Next() : nullptr;
  return next == nullptr ? 0 : next->id();
}

// False when the budget is used up before the end.
bool Snapshots::TellSubscriptionsOf(const ClientSession& client, size_t& budget, Piece& piece) {
  const ClientSession::Subscriptions& set = client.subscription_set();
  // Nobody asks which ones: counting is enough.
  const bool all_match = piece.test.empty() && told_ == 0;
  if (all_match && (set.size() <= piece.skip || piece.take == 0)) {
    piece.matched += set.size();
    piece.skip -= std::min<uint64_t>(piece.skip, set.size());
    return true;
  }
  auto place = Place(client);
  for (; place != set.end() && budget > 0; ++place, ++told_, --budget) {
    TellSubscription(**place, piece);
  }
  if (place == set.end()) return true;
  place_ = place;
  changes_ = client.subscription_changes();
  return false;
}

// Where telling goes on.
Snapshots::SubscriptionPlace Snapshots::Place(const ClientSession& client) {
  const ClientSession::Subscriptions& set = client.subscription_set();
  if (told_ == 0) return set.begin();
  if (changes_ == client.subscription_changes()) return place_;
  told_ = std::min(told_, set.size());
  return std::next(set.begin(), static_cast<ptrdiff_t>(told_));
}

void Snapshots::TellSubscription(const Subscription& subscription, Piece& piece) const {
  const subject::Filter& filter = *subscription.filter;
  if (!piece.test.empty() && !subject::Matches(filter.text(), piece.test)) return;
  ++piece.matched;
  if (piece.skip > 0) {
    --piece.skip;
    return;
  }
  if (piece.take == 0) return;
  --piece.take;
  piece.subscriptions.push_back({.subject = std::string(filter.text()),
                                 .queue = std::string(filter.queue()),
                                 .sid = std::string(subscription.sid()),
                                 .msgs = static_cast<uint64_t>(subscription.delivered),
                                 .max = static_cast<uint64_t>(subscription.max),
                                 .cid = subscription.client().id()});
}

void Snapshots::TellRoutes(Piece& piece) {
  if (piece.first) {
    route_keys_.clear();
    for (const auto& [key, route] : context_.routes) route_keys_.push_back(key);
    next_route_ = 0;
  }
  const size_t end = std::min(next_route_ + kConnectionsMax, route_keys_.size());
  for (; next_route_ < end; ++next_route_) {
    const auto found = context_.routes.find(route_keys_[next_route_]);
    if (found != context_.routes.end()) piece.routes.push_back(Describe(*found->second));
  }
  piece.last = next_route_ == route_keys_.size();
}

monitor::RouteInfo Snapshots::Describe(const session::RouteSession& route) const {
  const session::Traffic& traffic = route.traffic();
  return {
      .rid = route.id(),
      .key = route.key(),
      .ip = route.peer().ip,
      .port = route.peer().port,
      .start_ns = UnixTime(route.start_ns()),
      .last_activity_ns = UnixTime(route.last_activity_ns()),
      .rtt_ns = static_cast<int64_t>(route.round_trip_ns()),
      .pending_bytes = route.pending_bytes(),
      .in_msgs = traffic.in_msgs,
      .in_bytes = traffic.in_bytes,
      .out_msgs = traffic.out_msgs,
      .out_bytes = traffic.out_bytes,
      .subscriptions = route.remote_interest(),
  };
}

void Snapshots::TellInterest(Piece& piece) {
  const uint32_t from = piece.first ? 0 : interest_from_;
  interest_from_ = context_.index.Walk(from, kSubscriptionsMax, [&](const subject::Filter& filter) {
    if (!filter.remote()) return;
    piece.interest.push_back({.key = filter.route(),
                              .account = session::AccountName(filter.account()),
                              .subject = std::string(filter.text()),
                              .queue = std::string(filter.queue())});
  });
  piece.last = interest_from_ == 0;
}

}  // namespace martlet::shard
