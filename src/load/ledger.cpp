#include "load/ledger.h"

#include <algorithm>
#include <bit>

namespace martlet::load {
namespace {

constexpr std::string_view kWords[] = {"lost", "duplicated", "out of order", "corrupted"};

}  // namespace

void FaultBook::Name(std::string text) {
  if (faults_.named.size() < kNamedMax) faults_.named.push_back(std::move(text));
}

void FaultBook::Add(Kind kind, const std::string& who, uint32_t stream, uint64_t sequence,
                    uint64_t count) {
  uint64_t* const totals[] = {&faults_.lost, &faults_.duplicated, &faults_.reordered,
                              &faults_.corrupted};
  *totals[static_cast<size_t>(kind)] += count;
  std::string text = who + ": stream " + std::to_string(stream) + " message ";
  text += std::to_string(sequence);
  if (count > 1) text += " to " + std::to_string(sequence + count - 1);
  Name(text + " " + std::string(kWords[static_cast<size_t>(kind)]));
}

void FaultBook::AddCorrupted(const std::string& who, std::string_view what) {
  ++faults_.corrupted;
  Name(who + ": " + std::string(what));
}

void FaultBook::MergeInto(Faults& faults) const {
  faults.lost += faults_.lost;
  faults.duplicated += faults_.duplicated;
  faults.reordered += faults_.reordered;
  faults.corrupted += faults_.corrupted;
  for (const std::string& text : faults_.named) {
    if (faults.named.size() < kNamedMax) faults.named.push_back(text);
  }
}

// Ordered.

bool OrderedLedger::TakeOdd(const Head& head) {
  const uint32_t index = head.stream - first_;
  if (index >= next_.size()) {
    book_.AddCorrupted(
        who_, "message of stream " + std::to_string(head.stream) + ", which it did not ask for");
    return false;
  }
  uint64_t& next = next_[index];
  if (head.sequence > next) {
    gaps_[index].emplace(next, head.sequence);
    next = head.sequence + 1;
    return true;
  }
  Gaps& gaps = gaps_[index];
  auto gap = gaps.upper_bound(head.sequence);
  if (gap == gaps.begin() || (--gap)->second <= head.sequence) {
    book_.Add(FaultBook::Kind::kDuplicated, who_, head.stream, head.sequence);
    return false;
  }
  book_.Add(FaultBook::Kind::kReordered, who_, head.stream, head.sequence);
  const auto [first, end] = *gap;
  gaps.erase(gap);
  if (first < head.sequence) gaps.emplace(first, head.sequence);
  if (head.sequence + 1 < end) gaps.emplace(head.sequence + 1, end);
  return true;
}

void OrderedLedger::Close(uint32_t stream, uint64_t sent) {
  const uint32_t index = stream - first_;
  if (const auto gaps = gaps_.find(index); gaps != gaps_.end()) {
    for (const auto& [first, end] : gaps->second) {
      book_.Add(FaultBook::Kind::kLost, who_, stream, first, end - first);
    }
    gaps_.erase(gaps);
  }
  if (next_[index] < sent) {
    book_.Add(FaultBook::Kind::kLost, who_, stream, next_[index], sent - next_[index]);
  }
}

// Shared.

bool SharedLedger::Take(const Head& head) {
  const uint32_t index = head.stream - first_;
  if (index >= streams_.size()) {
    book_.AddCorrupted(
        who_, "message of stream " + std::to_string(head.stream) + ", which it did not ask for");
    return false;
  }
  Seen& seen = streams_[index];
  const bool known = head.sequence < seen.base;
  const uint64_t offset = known ? 0 : head.sequence - seen.base;
  // A sequence from far ahead was never sent: the hash lets no random one through, a bug might.
  if (!known && offset / 64 > kWordsMax * 2) {
    book_.Add(FaultBook::Kind::kCorrupted, who_, head.stream, head.sequence);
    return false;
  }
  if (!known && offset / 64 >= seen.words.size()) seen.words.resize(offset / 64 + 1);
  const uint64_t bit = uint64_t{1} << (offset % 64);
  if (known || (seen.words[offset / 64] & bit) != 0) {
    book_.Add(FaultBook::Kind::kDuplicated, who_, head.stream, head.sequence);
    return false;
  }
  seen.words[offset / 64] |= bit;
  ++seen.count;
  seen.end = std::max(seen.end, head.sequence + 1);
  if (seen.words.front() == UINT64_MAX || seen.words.size() > kWordsMax) Slide(head.stream, seen);
  return true;
}

void SharedLedger::Slide(uint32_t stream, Seen& seen) {
  while (!seen.words.empty() &&
         (seen.words.front() == UINT64_MAX || seen.words.size() > kWordsMax)) {
    GiveUp(stream, seen.base, seen.words.front(), seen.base + 64);
    seen.words.pop_front();
    seen.base += 64;
  }
}

/// Reports as lost what did not come of 64 messages from `first` on, up to `limit`.
void SharedLedger::GiveUp(uint32_t stream, uint64_t first, uint64_t came, uint64_t limit) {
  const uint64_t wanted = limit >= first + 64 ? UINT64_MAX : (uint64_t{1} << (limit - first)) - 1;
  for (uint64_t missing = ~came & wanted; missing != 0; missing &= missing - 1) {
    book_.Add(FaultBook::Kind::kLost, who_, stream,
              first + static_cast<uint64_t>(std::countr_zero(missing)));
  }
}

void SharedLedger::Close(uint32_t stream, uint64_t sent) {
  Seen& seen = streams_[stream - first_];
  if (seen.count == sent && seen.end == sent) return;
  uint64_t first = seen.base;
  for (const uint64_t came : seen.words) {
    if (first >= sent) break;
    GiveUp(stream, first, came, std::min(first + 64, sent));
    first += 64;
  }
  if (first < sent) book_.Add(FaultBook::Kind::kLost, who_, stream, first, sent - first);
}

void RisingLedger::Take(const Head& head) {
  const uint32_t index = head.stream - first_;
  if (index >= next_.size()) return;  // the group's ledger has said so
  if (head.sequence < next_[index]) {
    book_.Add(FaultBook::Kind::kReordered, who_, head.stream, head.sequence);
  } else {
    next_[index] = head.sequence + 1;
  }
}

}  // namespace martlet::load
