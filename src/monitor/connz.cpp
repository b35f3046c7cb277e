#include "monitor/connz.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/go_text.h"
#include "json/writer.h"
#include "monitor/go_values.h"
#include "monitor/subscription_json.h"

namespace martlet::monitor {
namespace {

struct SortName {
  std::string_view name;
  ConnzSort sort;
};
constexpr std::array<SortName, 15> kSorts = {{
    {"", ConnzSort::kCid},
    {"cid", ConnzSort::kCid},
    {"start", ConnzSort::kStart},
    {"subs", ConnzSort::kSubs},
    {"pending", ConnzSort::kPending},
    {"msgs_to", ConnzSort::kMsgsTo},
    {"msgs_from", ConnzSort::kMsgsFrom},
    {"bytes_to", ConnzSort::kBytesTo},
    {"bytes_from", ConnzSort::kBytesFrom},
    {"last", ConnzSort::kLast},
    {"idle", ConnzSort::kIdle},
    {"uptime", ConnzSort::kUptime},
    {"stop", ConnzSort::kStop},
    {"reason", ConnzSort::kReason},
    {"rtt", ConnzSort::kRtt},
}};

void ReadSubs(Query& query, ConnzQuery& out) {
  out.subs_detail = Lower(query.Text("subs")) == "detail";
  if (!out.subs_detail) out.subs = query.Bool("subs");
}

void ReadState(Query& query, ConnzQuery& out) {
  const std::string state = Lower(query.Text("state"));
  if (state.empty() || state == "open") return;
  out.closed = true;
  out.open = state != "closed";
  if (state == "closed" || state == "any" || state == "all") return;
  query.Refuse("Error decoding state for " + std::string(query.Text("state")));
}

template <typename T>
int Order(const T& a, const T& b) {
  if (a == b) return 0;
  return a < b ? -1 : 1;
}

void WriteConnection(const ConnectionInfo& info, const ConnzQuery& query, int64_t now_ns,
                     json::Writer& json) {
  const bool is_open = info.stop_ns == 0;
  if (!is_open) now_ns = info.stop_ns;
  json.BeginObject();
  json.Member("cid", info.cid);
  json.Member("kind", "Client");
  json.Member("type", "nats");
  json.Member("ip", info.ip);
  json.Member("port", info.port);
  json.Member("start", base::GoTime(info.start_ns, false));
  json.Member("last_activity", base::GoTime(info.last_activity_ns, false));
  if (!is_open) {
    json.Member("stop", base::GoTime(info.stop_ns, false));
    json.Member("reason", info.reason);
  }
  json.Member("rtt", RttText(info.rtt_ns));
  json.Member("uptime", UptimeText(std::max<int64_t>(0, now_ns - info.start_ns)));
  json.Member("idle", UptimeText(std::max<int64_t>(0, now_ns - info.last_activity_ns)));
  json.Member("pending_bytes", info.pending_bytes);
  json.Member("in_msgs", info.in_msgs);
  json.Member("out_msgs", info.out_msgs);
  json.Member("in_bytes", info.in_bytes);
  json.Member("out_bytes", info.out_bytes);
  json.OptionalMember("stalls", info.stalls);
  json.Member("subscriptions", info.subscriptions);
  json.OptionalMember("name", info.name);
  json.OptionalMember("lang", info.lang);
  json.OptionalMember("version", info.version);
  if (query.auth) json.OptionalMember("authorized_user", info.user);
  if (!info.subscription_list.empty()) {
    json.Key(query.subs_detail ? "subscriptions_list_detail" : "subscriptions_list");
    json.BeginArray();
    for (const SubscriptionInfo& subscription : info.subscription_list) {
      if (query.subs_detail) {
        WriteSubscription(subscription, {}, json);
      } else {
        json.Value(std::string_view(subscription.subject));
      }
    }
    json.EndArray();
  }
  if (query.auth && is_open) json.Member("name_tag", "$G");
  json.EndObject();
}

}  // namespace

std::variant<ConnzQuery, BadQuery> ReadConnz(Query& query) {
  ConnzQuery out;
  const std::string_view sort = query.Text("sort");
  out.auth = query.Bool("auth");
  ReadSubs(query, out);
  const int64_t offset = query.Int("offset");
  const int64_t limit = query.Int("limit");
  out.cid = query.Uint64("cid");
  ReadState(query, out);
  if (!query.error().empty()) return BadQuery{query.error(), false};
  out.user = query.Text("user");
  out.account = query.Text("acc");
  out.mqtt_client = query.Text("mqtt_client");

  const auto* const known = std::find_if(kSorts.begin(), kSorts.end(),
                                         [&](const SortName& name) { return name.name == sort; });
  if (known == kSorts.end()) {
    return BadQuery{"invalid sorting option: " + std::string(sort), true};
  }
  out.sort = known->sort;
  if ((out.sort == ConnzSort::kStop || out.sort == ConnzSort::kReason) &&
      (out.open || !out.closed)) {
    return BadQuery{"sort by " + std::string(sort) + " only valid on closed connections", true};
  }
  if (offset > 0) out.offset = static_cast<uint64_t>(offset);
  if (limit > 0) out.limit = static_cast<uint64_t>(limit);
  if (out.cid > 0) out.limit = 1;
  return out;
}

ConnzInquiry::ConnzInquiry(ConnzQuery query, unsigned shards, int64_t now_ns)
    : query_(std::move(query)), shards_(shards), now_ns_(now_ns) {
  if (!query_.open) step_ = Step::kClosed;
  if (!KnowsAccount()) step_ = Step::kDone;
}

std::optional<unsigned> ConnzInquiry::Next(Piece& piece) {
  switch (step_) {
    case Step::kOpen:
    case Step::kClosed:
      piece.kind = step_ == Step::kOpen ? Piece::Kind::kConnections : Piece::Kind::kClosed;
      piece.first = first_;
      piece.cid = query_.cid;
      return shard_;
    case Step::kSubscriptions:
      piece.kind = Piece::Kind::kSubscriptions;
      piece.first = first_;
      if (first_) {
        piece.cids.clear();
        for (const size_t i : wanted_) piece.cids.push_back(found_[i].info.cid);
      }
      piece.test.clear();
      piece.skip = 0;
      piece.take = UINT64_MAX;
      return shard_;
    case Step::kDone:
      break;
  }
  return std::nullopt;
}

void ConnzInquiry::Take(Piece& piece) {
  if (step_ == Step::kSubscriptions) {
    TakeSubscriptions(piece);
  } else {
    TakeConnections(piece);
  }
  first_ = piece.last;
  if (piece.last) EndStep();
}

void ConnzInquiry::TakeConnections(Piece& piece) {
  if (first_) total_ += piece.held;
  // Whoever is looked for by number is in one place only.
  const bool found = query_.cid != 0 && !found_.empty();
  for (ConnectionInfo& info : piece.connections) {
    if (!found && Wants(info)) found_.push_back({std::move(info), shard_});
  }
  KeepBest();
}

// They come in the order in which they were asked for; a connection that has gone has none.
void ConnzInquiry::TakeSubscriptions(Piece& piece) {
  for (SubscriptionInfo& subscription : piece.subscriptions) {
    while (at_ < wanted_.size() && found_[wanted_[at_]].info.cid != subscription.cid) ++at_;
    if (at_ == wanted_.size()) return;
    found_[wanted_[at_]].info.subscription_list.push_back(std::move(subscription));
  }
}

bool ConnzInquiry::Wants(const ConnectionInfo& info) const {
  return query_.mqtt_client.empty() && (query_.user.empty() || info.user == query_.user);
}

// The connection behind the page, counted from the front.
uint64_t ConnzInquiry::End() const {
  return query_.offset > UINT64_MAX - query_.limit ? UINT64_MAX : query_.offset + query_.limit;
}

void ConnzInquiry::KeepBest() {
  const uint64_t end = End();
  if (found_.size() / 2 <= end) return;
  const auto behind = found_.begin() + static_cast<ptrdiff_t>(end);
  std::nth_element(found_.begin(), behind, found_.end(),
                   [this](const Found& a, const Found& b) { return Before(a, b); });
  found_.erase(behind, found_.end());
}

// What was asked of one shard is known.
void ConnzInquiry::EndStep() {
  ++shard_;
  if (step_ != Step::kSubscriptions) {
    if (shard_ < shards_) return;
    shard_ = 0;
    if (step_ == Step::kOpen && query_.closed) {
      step_ = Step::kClosed;
      return;
    }
    CutPage();
    step_ = Step::kSubscriptions;
  }
  if (!SeekSubscriptions()) step_ = Step::kDone;
}

void ConnzInquiry::CutPage() {
  std::sort(found_.begin(), found_.end(),
            [this](const Found& a, const Found& b) { return Before(a, b); });
  const uint64_t size = found_.size();
  const auto begin = static_cast<ptrdiff_t>(std::min(query_.offset, size));
  const auto end = static_cast<ptrdiff_t>(std::min(End(), size));
  found_.erase(found_.begin() + end, found_.end());
  found_.erase(found_.begin(), found_.begin() + begin);
}

// The next shard with connections of the page that have subscriptions. Closed ones kept none.
bool ConnzInquiry::SeekSubscriptions() {
  if (!query_.subs && !query_.subs_detail) return false;
  for (; shard_ < shards_; ++shard_) {
    wanted_.clear();
    at_ = 0;
    for (size_t i = 0; i < found_.size(); ++i) {
      const ConnectionInfo& info = found_[i].info;
      const bool tells = info.stop_ns == 0 && info.subscriptions > 0;
      if (tells && found_[i].shard == shard_) wanted_.push_back(i);
    }
    if (!wanted_.empty()) return true;
  }
  return false;
}

/// Negative: `a` comes first.
int ConnzInquiry::Compare(const ConnectionInfo& a, const ConnectionInfo& b) const {
  const auto lasted = [this](const ConnectionInfo& info) {
    return (info.stop_ns == 0 ? now_ns_ : info.stop_ns) - info.start_ns;
  };
  switch (query_.sort) {
    case ConnzSort::kCid:
    case ConnzSort::kStart:
      return 0;  // the number decides
    case ConnzSort::kSubs:
      return Order(b.subscriptions, a.subscriptions);
    case ConnzSort::kPending:
      return Order(b.pending_bytes, a.pending_bytes);
    case ConnzSort::kMsgsTo:
      return Order(b.out_msgs, a.out_msgs);
    case ConnzSort::kMsgsFrom:
      return Order(b.in_msgs, a.in_msgs);
    case ConnzSort::kBytesTo:
      return Order(b.out_bytes, a.out_bytes);
    case ConnzSort::kBytesFrom:
      return Order(b.in_bytes, a.in_bytes);
    case ConnzSort::kLast:
      return Order(b.last_activity_ns, a.last_activity_ns);
    case ConnzSort::kIdle:
      return Order(a.last_activity_ns, b.last_activity_ns);
    case ConnzSort::kUptime:
      return Order(lasted(a), lasted(b));
    case ConnzSort::kStop:
      return Order(b.stop_ns, a.stop_ns);
    case ConnzSort::kReason:
      return Order(a.reason, b.reason);
    case ConnzSort::kRtt:
      return Order(b.rtt_ns, a.rtt_ns);
  }
  return 0;
}

bool ConnzInquiry::Before(const Found& a, const Found& b) const {
  const int order = Compare(a.info, b.info);
  return order != 0 ? order < 0 : a.info.cid < b.info.cid;
}

Response ConnzInquiry::Answer(const ServerSnapshot& server) {
  std::string body;
  json::Writer json(body, json::Writer::Layout::kIndented);
  json.BeginObject();
  // For an account that nobody knows the reference leaves empty what it did not come to.
  json.Member("server_id", KnowsAccount() ? std::string_view(server.info.server_id) : "");
  json.Member("now", base::GoTime(server.now_ns));
  json.Member("num_connections", found_.size());
  json.Member("total", total_);
  json.Member("offset", query_.offset);
  json.Member("limit", query_.limit);
  json.Key("connections");
  if (KnowsAccount()) {
    json.BeginArray();
    for (const Found& found : found_) WriteConnection(found.info, query_, server.now_ns, json);
    json.EndArray();
  } else {
    json.Null();
  }
  json.EndObject();
  return JsonResponse(std::move(body));
}

}  // namespace martlet::monitor
