// /subsz: the subscriptions, counted or one by one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/connz.h"
#include "monitor/inquiry.h"
#include "monitor/query.h"

namespace martlet::monitor {

struct SubszQuery {
  bool subs = false;  // tells of each
  uint64_t offset = 0;
  uint64_t limit = 1024;
  std::string account;
  std::string test;  // a subject: only those that match it
};
std::variant<SubszQuery, BadQuery> ReadSubsz(Query& query);

/// Asks each shard what its memory of matches is worth and, where the subscriptions are wanted, for
/// those of the page: the shards' one behind the other, in the order of their connections.
///
/// Source: spec monitoring-and-logs.md section 2, /subsz; reference Subsz. How many subscribers
/// remembered subjects have, the largest number and the mean, is not kept here: both are 0.
class SubszInquiry final : public Inquiry {
 public:
  SubszInquiry(SubszQuery query, unsigned shards);

  std::optional<unsigned> Next(Piece& piece) override;
  void Take(Piece& piece) override;
  Response Answer(const ServerSnapshot& server) override;

 private:
  bool KnowsAccount() const { return query_.account.empty() || query_.account == "$G"; }

  const SubszQuery query_;
  const unsigned shards_;
  bool lists_ = false;  // the caches are known
  unsigned shard_ = 0;
  bool first_ = true;
  uint64_t matched_ = 0;  // subscriptions, told or not
  uint64_t cache_hits_ = 0;
  uint64_t cache_misses_ = 0;
  uint64_t cache_entries_ = 0;
  std::vector<SubscriptionInfo> page_;
};

}  // namespace martlet::monitor
