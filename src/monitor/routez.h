// /routez: the connections to other servers of the cluster.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "json/writer.h"
#include "monitor/connz.h"
#include "monitor/inquiry.h"
#include "monitor/query.h"

namespace martlet::monitor {

struct RoutezQuery {
  bool subs = false;
  bool subs_detail = false;
};
std::variant<RoutezQuery, BadQuery> ReadRoutez(Query& query);

/// Asks each shard for its routes and, where what the other servers want is to be told, one shard
/// for all of it. A route that came or went meanwhile is left out.
///
/// Memory: all that other servers want, where it is asked for: there are no pages.
/// Source: spec monitoring-and-logs.md section 2, /routez; reference Routez.
class RoutezInquiry final : public Inquiry {
 public:
  /// `links` in the order in which they are to be told.
  RoutezInquiry(RoutezQuery query, unsigned shards, std::vector<RouteLink> links);

  std::optional<unsigned> Next(Piece& piece) override;
  void Take(Piece& piece) override;
  Response Answer(const ServerSnapshot& server) override;

 private:
  struct Found {
    RouteLink link;
    std::optional<RouteInfo> info;
    std::vector<InterestInfo> interest;
  };

  bool ListsInterest() const;
  void TakeRoutes(Piece& piece);
  void TakeInterest(Piece& piece);
  void WriteRoute(const Found& route, int64_t now_ns, json::Writer& json) const;
  void WriteInterest(const Found& route, json::Writer& json) const;

  const RoutezQuery query_;
  const unsigned shards_;
  bool lists_ = false;  // the routes are known
  bool done_ = false;
  unsigned shard_ = 0;
  bool first_ = true;
  std::vector<Found> routes_;
  absl::flat_hash_map<uint64_t, size_t> by_rid_;
  absl::flat_hash_map<uint32_t, size_t> by_key_;
};

}  // namespace martlet::monitor
