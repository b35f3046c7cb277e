// /connz: the connections, sorted and in pages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "monitor/http_response.h"
#include "monitor/inquiry.h"
#include "monitor/query.h"
#include "monitor/snapshot.h"

namespace martlet::monitor {

enum class ConnzSort : uint8_t {
  kCid,
  kStart,
  kSubs,
  kPending,
  kMsgsTo,
  kMsgsFrom,
  kBytesTo,
  kBytesFrom,
  kLast,
  kIdle,
  kUptime,
  kStop,
  kReason,
  kRtt,
};

struct ConnzQuery {
  ConnzSort sort = ConnzSort::kCid;
  bool auth = false;
  bool subs = false;
  bool subs_detail = false;
  bool open = true;     // tells about open connections
  bool closed = false;  // ... and about closed ones
  uint64_t offset = 0;
  uint64_t limit = 1024;
  uint64_t cid = 0;  // only this one; 0: all
  std::string user;
  std::string account;
  std::string mqtt_client;
};

/// What is wrong with a request's parameters.
struct BadQuery {
  std::string text;
  bool counts = false;  // it is one of the endpoint's requests all the same
};
std::variant<ConnzQuery, BadQuery> ReadConnz(Query& query);

/// Gathers connections of all shards, keeps the page, and then asks for its subscriptions where
/// they are wanted.
///
/// Bound:  keeps at most twice as many connections as the end of the page has before it, so a page
///         near the front costs little, however many connections there are.
/// Source: spec monitoring-and-logs.md section 2, /connz; reference Connz.
class ConnzInquiry final : public Inquiry {
 public:
  /// `now_ns`: since 1970; how long a connection has lasted is counted to then.
  ConnzInquiry(ConnzQuery query, unsigned shards, int64_t now_ns);

  std::optional<unsigned> Next(Piece& piece) override;
  void Take(Piece& piece) override;
  Response Answer(const ServerSnapshot& server) override;

 private:
  enum class Step : uint8_t { kOpen, kClosed, kSubscriptions, kDone };

  // Where a connection was found, to ask there for its subscriptions.
  struct Found {
    ConnectionInfo info;
    unsigned shard;
  };

  bool Wants(const ConnectionInfo& info) const;
  bool KnowsAccount() const { return query_.account.empty() || query_.account == "$G"; }
  uint64_t End() const;
  void TakeConnections(Piece& piece);
  void TakeSubscriptions(Piece& piece);
  void KeepBest();
  void EndStep();
  void CutPage();
  bool SeekSubscriptions();
  int Compare(const ConnectionInfo& a, const ConnectionInfo& b) const;
  bool Before(const Found& a, const Found& b) const;

  const ConnzQuery query_;
  const unsigned shards_;
  const int64_t now_ns_;
  Step step_ = Step::kOpen;
  unsigned shard_ = 0;
  bool first_ = true;           // the next piece begins a walk
  std::vector<size_t> wanted_;  // kSubscriptions: in found_, those of this shard
  size_t at_ = 0;               // ... and the one whose subscriptions are coming
  uint64_t total_ = 0;          // before paging, whatever the filter
  std::vector<Found> found_;
};

}  // namespace martlet::monitor
