// What other servers are told about the wishes of this server's clients.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "session/accounts.h"
#include "session/interest_sum.h"
#include "session/record.h"
#include "subject/subject_index.h"

namespace martlet::session {

class RouteSession;
struct ShardContext;

/// One shard's part in telling the cluster what is wanted here.
///
/// Every change of the index is announced to the shards with routes as a filter to look at, not as
/// an event: whoever looks sees what is true by then, on all shards, and tells its routes if that
/// is not what they were told last. So however changes on many shards overtake each other, the last
/// look is right; there is one writer for each route, and a filter that a million clients want is
/// one line. A change is on its way before the message that its client sends next, through the same
/// ring, so that a request never arrives before the interest in its reply.
///
/// A route that joins gets all that stands on the board, in pieces between turns, and every change
/// at once.
///
/// Thread: its shard's, always.
/// Memory: 12 to 30 bytes for each filter of an account that some route of the shard carries; the
///         filters stay pinned in the index while they stand here.
class InterestBoard {
 public:
  explicit InterestBoard(ShardContext& context) : context_(context) {}
  ~InterestBoard();
  InterestBoard(const InterestBoard&) = delete;
  InterestBoard& operator=(const InterestBoard&) = delete;

  // Changes that clients of this shard make.

  /// After SubjectIndex::Add. Only what others can notice is announced.
  void OnAdded(subject::Filter& filter) {
    if (filter.queued() || filter.members(shard_id()) == 1) Announce(filter);
  }
  /// After SubjectIndex::RemoveAndPin; takes over the pin.
  void OnRemoved(subject::Filter* pinned) {
    if (pinned == nullptr) return;
    Announce(*pinned);
    Unpin(*pinned);
  }
  /// While held, this shard's own routes are told nothing: many changes of one client become one.
  void Hold() { held_ = true; }
  void LetGo();

  /// A change on another shard.
  void OnRecord(const InterestRecord& record) { Look(*record.filter); }

  /// Calls `each(filter, weight)` for all that stands on the board.
  template <class Each>
  void ForEach(Each&& each) const {
    for (const Table& table : tables_) {
      for (const Entry& entry : table.entries) each(*entry.filter, entry.weight);
    }
  }

  /// Of what a route that carries the account has been told, once it has been told all.
  const InterestSum& sum(subject::AccountId account) const { return tables_[account].sum; }

  // Routes of this shard.

  /// It is registered, or carries other accounts from now on. Tells it all, by and by.
  void Join(RouteSession& route);
  void Leave(RouteSession& route);
  /// Goes on telling; true while there is more to do.
  bool Continue();

 private:
  struct Entry {
    subject::Filter* filter;  // pinned
    uint32_t weight;          // as it was told last
  };
  struct Table {
    bool carried = false;  // by some route of this shard
    InterestSum sum;
    std::vector<Entry> entries;
    absl::flat_hash_map<const subject::Filter*, uint32_t> places;
  };
  // A route that has not been told everything. Entries below the number are still missing; a hole
  // is filled with the last entry, so what moves down was told already.
  struct Newcomer {
    RouteSession* route;
    std::array<size_t, std::size(kAccountNames)> missing;
  };
  static constexpr size_t kPieceFilters = 1024;

  unsigned shard_id() const;
  void Announce(subject::Filter& filter);
  void Look(subject::Filter& pinned);
  void Tell(const subject::Filter& filter, uint32_t weight);
  void Erase(Table& table, uint32_t place);
  void Unpin(subject::Filter& filter);
  void CarryWhatRoutesCarry();
  bool ContinueWalk();
  bool ContinueNewcomers();
  bool ContinueDropping();

  ShardContext& context_;
  std::array<Table, std::size(kAccountNames)> tables_;  // by account
  std::vector<RouteSession*> routes_;
  std::vector<Newcomer> newcomers_;
  std::vector<Entry> dropped_;  // of tables that nobody needs any more, still pinned
  bool walking_ = false;
  uint32_t walk_from_ = 0;  // a place in the index
  bool held_ = false;
  std::vector<subject::Filter*> held_back_;  // pinned
};

}  // namespace martlet::session
