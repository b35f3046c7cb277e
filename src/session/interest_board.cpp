#include "session/interest_board.h"

#include <algorithm>
#include <utility>

#include "base/fence.h"
#include "session/route_session.h"
#include "session/shard_context.h"

namespace martlet::session {

using subject::Filter;
using subject::ShardSet;

namespace {

// What peers are told: of a plain filter whether it is wanted, of a group how many want it.
uint32_t WeightOf(const Filter& filter) {
  return filter.queued() ? filter.TotalMembers() : uint32_t{filter.Shards() != 0};
}

}  // namespace

unsigned InterestBoard::shard_id() const { return context_.shard; }

InterestBoard::~InterestBoard() {
  for (Table& table : tables_) {
    for (const Entry& entry : table.entries) Unpin(*entry.filter);
  }
  for (const Entry& entry : dropped_) Unpin(*entry.filter);
  for (Filter* filter : held_back_) Unpin(*filter);
}

void InterestBoard::Unpin(Filter& filter) { context_.index.Unpin(context_.shard, filter); }

void InterestBoard::Announce(Filter& filter) {
  base::FullFence();
  const ShardSet listeners =
      context_.mailroom.interconnect().interest_listeners().load(std::memory_order_relaxed);
  for (ShardSet left = listeners; left != 0; left &= left - 1) {
    const auto to = static_cast<unsigned>(__builtin_ctzll(left));
    subject::SubjectIndex::Pin(filter);
    if (to != context_.shard) {
      context_.mailroom.SendPlain(to, InterestRecord{RecordKind::kInterest, &filter});
    } else if (held_) {
      held_back_.push_back(&filter);
    } else {
      Look(filter);
    }
  }
}

void InterestBoard::LetGo() {
  held_ = false;
  for (Filter* filter : std::exchange(held_back_, {})) Look(*filter);
}

// Compares what is true now with what was told last. Takes over the pin.
void InterestBoard::Look(Filter& pinned) {
  Table& table = tables_[pinned.account()];
  if (!table.carried) return Unpin(pinned);
  const uint32_t weight = WeightOf(pinned);
  const auto found = table.places.find(&pinned);
  if (found == table.places.end()) {
    if (weight == 0) return Unpin(pinned);
    table.places.emplace(&pinned, static_cast<uint32_t>(table.entries.size()));
    table.entries.push_back({&pinned, weight});
    table.sum.Add(pinned.text(), pinned.queue(), weight);
    // nats-server, where it remembers who matches a subject, adds a new group there as one member,
    // whatever its weight; only another weight makes it count. Its own servers tell every step.
    if (weight > 1 && !walking_) Tell(pinned, 1);
    return Tell(pinned, weight);
  }
  Entry& entry = table.entries[found->second];
  if (entry.weight != weight) {
    Tell(pinned, weight);
    table.sum.Remove(pinned.text(), pinned.queue(), entry.weight);
    entry.weight = weight;
    if (weight == 0) {
      Erase(table, found->second);
    } else {
      table.sum.Add(pinned.text(), pinned.queue(), weight);
    }
  }
  Unpin(pinned);
}

void InterestBoard::Tell(const Filter& filter, uint32_t weight) {
  for (RouteSession* route : routes_) {
    if (route->Carries(filter.account())) route->TellInterest(filter, weight);
  }
}

void InterestBoard::Erase(Table& table, uint32_t place) {
  Filter& gone = *table.entries[place].filter;
  table.places.erase(&gone);
  const Entry last = table.entries.back();
  table.entries.pop_back();
  if (last.filter != &gone) {
    table.entries[place] = last;
    table.places[last.filter] = place;
  }
  const auto account = static_cast<size_t>(&table - tables_.data());
  for (Newcomer& newcomer : newcomers_) {
    newcomer.missing[account] = std::min(newcomer.missing[account], table.entries.size());
  }
  Unpin(gone);
}

void InterestBoard::Join(RouteSession& route) {
  if (std::find(routes_.begin(), routes_.end(), &route) == routes_.end()) {
    routes_.push_back(&route);
  }
  std::erase_if(newcomers_, [&](const Newcomer& known) { return known.route == &route; });
  CarryWhatRoutesCarry();
  Newcomer newcomer{&route, {}};
  for (size_t account = 0; account < tables_.size(); ++account) {
    const bool carries = route.Carries(static_cast<subject::AccountId>(account));
    newcomer.missing[account] = carries ? tables_[account].entries.size() : 0;
  }
  newcomers_.push_back(newcomer);
}

void InterestBoard::Leave(RouteSession& route) {
  std::erase(routes_, &route);
  std::erase_if(newcomers_, [&](const Newcomer& known) { return known.route == &route; });
  CarryWhatRoutesCarry();
}

void InterestBoard::CarryWhatRoutesCarry() {
  bool new_account = false;
  for (size_t account = 0; account < tables_.size(); ++account) {
    Table& table = tables_[account];
    const bool carried = std::any_of(routes_.begin(), routes_.end(), [&](RouteSession* route) {
      return route->Carries(static_cast<subject::AccountId>(account));
    });
    if (std::exchange(table.carried, carried) == carried) continue;
    if (carried) {
      new_account = true;
    } else {
      dropped_.insert(dropped_.end(), table.entries.begin(), table.entries.end());
      table.sum = {};
      table.entries.clear();
      table.places.clear();
    }
  }
  const ShardSet self = ShardSet{1} << context_.shard;
  if (routes_.empty()) {
    context_.mailroom.interconnect().interest_listeners().fetch_and(~self,
                                                                    std::memory_order_relaxed);
    walking_ = false;
    return;
  }
  if (!new_account) return;
  context_.mailroom.interconnect().interest_listeners().fetch_or(self, std::memory_order_relaxed);
  base::FullFence();  // the walk sees whatever was changed by those who did not see the bit
  walking_ = true;
  walk_from_ = 0;
}

bool InterestBoard::Continue() {
  if (!walking_ && newcomers_.empty() && dropped_.empty()) [[likely]]
    return false;
  const bool drops = ContinueDropping();
  const bool walks = ContinueWalk();
  return ContinueNewcomers() || walks || drops;
}

bool InterestBoard::ContinueDropping() {
  for (size_t i = 0; i < kPieceFilters && !dropped_.empty(); ++i) {
    Unpin(*dropped_.back().filter);
    dropped_.pop_back();
  }
  return !dropped_.empty();
}

bool InterestBoard::ContinueWalk() {
  if (!walking_) return false;
  walk_from_ = context_.index.Walk(walk_from_, kPieceFilters, [&](Filter& filter) {
    if (filter.remote() || !tables_[filter.account()].carried || WeightOf(filter) == 0) return;
    if (context_.index.TryPin(filter)) Look(filter);
  });
  walking_ = walk_from_ != 0;
  return walking_;
}

bool InterestBoard::ContinueNewcomers() {
  std::erase_if(newcomers_, [&](Newcomer& newcomer) {
    size_t left = kPieceFilters;
    bool done = true;
    for (size_t account = 0; account < tables_.size(); ++account) {
      size_t& missing = newcomer.missing[account];
      for (; missing > 0 && left > 0; --left) {
        const Entry& entry = tables_[account].entries[--missing];
        newcomer.route->TellInterest(*entry.filter, entry.weight);
      }
      done = done && missing == 0;
    }
    if (!done || walking_) return false;
    newcomer.route->OnToldAll();
    return true;
  });
  return !newcomers_.empty();
}

}  // namespace martlet::session
