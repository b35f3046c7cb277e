#include "monitor/subsz.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/go_text.h"
#include "json/writer.h"
#include "monitor/subscription_json.h"
#include "subject/subject.h"

namespace martlet::monitor {

std::variant<SubszQuery, BadQuery> ReadSubsz(Query& query) {
  SubszQuery out;
  out.subs = query.Bool("subs");
  const int64_t offset = query.Int("offset");
  const int64_t limit = query.Int("limit");
  if (!query.error().empty()) return BadQuery{query.error(), true};
  out.test = query.Text("test");
  out.account = query.Text("acc");
  if (!out.test.empty() && !subject::IsValidLiteral(out.test)) {
    return BadQuery{"invalid test subject, must be valid publish subject: " + out.test, true};
  }
  if (offset > 0) out.offset = static_cast<uint64_t>(offset);
  if (limit > 0) out.limit = static_cast<uint64_t>(limit);
  return out;
}

SubszInquiry::SubszInquiry(SubszQuery query, unsigned shards)
    : query_(std::move(query)), shards_(KnowsAccount() ? shards : 0) {}

std::optional<unsigned> SubszInquiry::Next(Piece& piece) {
  if (shard_ == shards_) return std::nullopt;
  piece.kind = lists_ ? Piece::Kind::kSubscriptions : Piece::Kind::kCache;
  piece.first = first_;
  piece.cids.clear();
  piece.test = query_.test;
  // Of what this shard has left; those before the page count, those behind it, too.
  piece.skip = query_.offset > matched_ ? query_.offset - matched_ : 0;
  piece.take = query_.limit - page_.size();
  return shard_;
}

void SubszInquiry::Take(Piece& piece) {
  cache_hits_ += piece.cache_hits;
  cache_misses_ += piece.cache_misses;
  cache_entries_ += piece.cache_entries;
  matched_ += piece.matched;
  page_.insert(page_.end(), std::make_move_iterator(piece.subscriptions.begin()),
               std::make_move_iterator(piece.subscriptions.end()));
  first_ = piece.last;
  if (!piece.last || ++shard_ < shards_ || lists_ || !query_.subs) return;
  lists_ = true;
  shard_ = 0;
}

Response SubszInquiry::Answer(const ServerSnapshot& server) {
  const Totals& totals = server.totals;
  const uint64_t matches = cache_hits_ + cache_misses_;
  // What other servers want is counted, and not told.
  uint64_t there = totals.subscriptions + totals.remote_subscriptions;
  uint64_t made = totals.subscriptions_made + totals.remote_subscriptions_made;
  if (!KnowsAccount()) there = made = 0;
  std::string body;
  json::Writer json(body, json::Writer::Layout::kIndented);
  json.BeginObject();
  json.Member("server_id", server.info.server_id);
  json.Member("now", base::GoTime(server.now_ns));
  json.Member("num_subscriptions", there);
  json.Member("num_cache", cache_entries_);
  json.Member("num_inserts", made);
  // Counted by another thread a moment ago, so they need not agree.
  json.Member("num_removes", made > there ? made - there : 0);
  json.Member("num_matches", matches);
  const double hits = matches == 0 ? 0 : static_cast<double>(cache_hits_);
  json.Member("cache_hit_rate", matches == 0 ? 0.0 : hits / static_cast<double>(matches));
  json.Member("max_fanout", 0);
  json.Member("avg_fanout", 0);
  json.Member("total", matched_);
  json.Member("offset", query_.offset);
  json.Member("limit", query_.limit);
  if (!page_.empty()) {
    json.Key("subscriptions_list");
    json.BeginArray();
    for (const SubscriptionInfo& subscription : page_) WriteSubscription(subscription, "$G", json);
    json.EndArray();
  }
  json.EndObject();
  return JsonResponse(std::move(body));
}

}  // namespace martlet::monitor
