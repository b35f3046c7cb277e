#include "monitor/routez.h"

#include <algorithm>
#include <utility>

#include "base/go_text.h"
#include "json/writer.h"
#include "monitor/go_values.h"
#include "monitor/subscription_json.h"

namespace martlet::monitor {
namespace {

template <class Rules>
void WriteRules(std::string_view name, const Rules& rules, json::Writer& json) {
  if (!rules.given) return;
  json.Key(name);
  json.BeginObject();
  json.OptionalList("allow", rules.allow);
  json.OptionalList("deny", rules.deny);
  json.EndObject();
}

// As the line is known by in which the peer told it.
std::string SidOf(const InterestInfo& interest, bool dedicated) {
  std::string sid = "R ";
  if (!dedicated) sid.append(interest.account).append(" ");
  sid += interest.subject;
  if (!interest.queue.empty()) sid.append(" ").append(interest.queue);
  return sid;
}

}  // namespace

std::variant<RoutezQuery, BadQuery> ReadRoutez(Query& query) {
  RoutezQuery out;
  out.subs_detail = Lower(query.Text("subs")) == "detail";
  if (!out.subs_detail) out.subs = query.Bool("subs");
  if (!query.error().empty()) return BadQuery{query.error(), false};
  return out;
}

RoutezInquiry::RoutezInquiry(RoutezQuery query, unsigned shards, std::vector<RouteLink> links)
    : query_(query), shards_(shards), done_(links.empty()) {
  for (RouteLink& link : links) {
    by_rid_.emplace(link.rid, routes_.size());
    routes_.push_back({.link = std::move(link), .info = std::nullopt, .interest = {}});
  }
}

std::optional<unsigned> RoutezInquiry::Next(Piece& piece) {
  if (done_) return std::nullopt;
  piece.kind = lists_ ? Piece::Kind::kInterest : Piece::Kind::kRoutes;
  piece.first = first_;
  return shard_;
}

void RoutezInquiry::Take(Piece& piece) {
  if (lists_) {
    TakeInterest(piece);
  } else {
    TakeRoutes(piece);
  }
  first_ = piece.last;
  if (!piece.last) return;
  if (!lists_ && ++shard_ < shards_) return;
  done_ = lists_ || !ListsInterest();
  lists_ = true;
  shard_ = 0;  // any of them can walk through what all routes have brought
}

bool RoutezInquiry::ListsInterest() const {
  if (!query_.subs && !query_.subs_detail) return false;
  return std::any_of(routes_.begin(), routes_.end(), [](const Found& route) {
    return route.info && route.info->subscriptions > 0;
  });
}

void RoutezInquiry::TakeRoutes(Piece& piece) {
  for (RouteInfo& info : piece.routes) {
    const auto known = by_rid_.find(info.rid);
    if (known == by_rid_.end()) continue;
    by_key_.emplace(info.key, known->second);
    routes_[known->second].info = std::move(info);
  }
}

void RoutezInquiry::TakeInterest(Piece& piece) {
  for (InterestInfo& interest : piece.interest) {
    const auto known = by_key_.find(interest.key);
    if (known == by_key_.end()) continue;
    routes_[known->second].interest.push_back(std::move(interest));
  }
}

Response RoutezInquiry::Answer(const ServerSnapshot& server) {
  std::erase_if(routes_, [](const Found& route) { return !route.info; });
  std::string body;
  json::Writer json(body, json::Writer::Layout::kIndented);
  json.BeginObject();
  json.Member("server_id", server.info.server_id);
  json.Member("server_name", server.info.server_name);
  json.Member("now", base::GoTime(server.now_ns));
  if (server.cluster) {
    WriteRules("import", server.options.cluster.import, json);
    WriteRules("export", server.options.cluster.exports, json);
  }
  json.Member("num_routes", routes_.size());
  json.Key("routes");
  json.BeginArray();
  for (const Found& route : routes_) WriteRoute(route, server.now_ns, json);
  json.EndArray();
  json.EndObject();
  return JsonResponse(std::move(body));
}

void RoutezInquiry::WriteRoute(const Found& route, int64_t now_ns, json::Writer& json) const {
  const RouteLink& link = route.link;
  const RouteInfo& info = *route.info;
  json.BeginObject();
  json.Member("rid", link.rid);
  json.Member("remote_id", link.remote_id);
  json.Member("remote_name", link.remote_name);
  json.Member("did_solicit", link.did_solicit);
  json.Member("is_configured", link.is_configured);
  json.Member("ip", info.ip);
  json.Member("port", info.port);
  json.Member("start", base::GoTime(info.start_ns, false));
  json.Member("last_activity", base::GoTime(info.last_activity_ns, false));
  json.Member("rtt", RttText(info.rtt_ns));
  json.Member("uptime", UptimeText(std::max<int64_t>(0, now_ns - info.start_ns)));
  json.Member("idle", UptimeText(std::max<int64_t>(0, now_ns - info.last_activity_ns)));
  WriteRules("import", link.import, json);
  WriteRules("export", link.exports, json);
  json.Member("pending_size", info.pending_bytes);
  json.Member("in_msgs", info.in_msgs);
  json.Member("out_msgs", info.out_msgs);
  json.Member("in_bytes", info.in_bytes);
  json.Member("out_bytes", info.out_bytes);
  json.Member("subscriptions", info.subscriptions);
  WriteInterest(route, json);
  json.OptionalMember("account", link.account);
  json.OptionalMember("compression", link.compression);
  json.EndObject();
}

void RoutezInquiry::WriteInterest(const Found& route, json::Writer& json) const {
  if (route.interest.empty()) return;
  json.Key(query_.subs_detail ? "subscriptions_list_detail" : "subscriptions_list");
  json.BeginArray();
  for (const InterestInfo& interest : route.interest) {
    if (query_.subs_detail) {
      WriteSubscription({.subject = interest.subject,
                         .queue = interest.queue,
                         .sid = SidOf(interest, !route.link.account.empty()),
                         .cid = route.link.rid},
                        {}, json);
    } else {
      json.Value(std::string_view(interest.subject));
    }
  }
  json.EndArray();
}

}  // namespace martlet::monitor
