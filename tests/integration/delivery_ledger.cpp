#include "delivery_ledger.h"

#include <cstring>
#include <iterator>

namespace delivery {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr uint64_t kSeed0 = 0xa0761d6478bd642full;
constexpr uint64_t kSeed1 = 0xe7037ed1a0b428dbull;

uint64_t Mix(uint64_t a, uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

uint64_t Load(const char* at) {
  uint64_t word;
  memcpy(&word, at, sizeof(word));
  return word;
}

// A multiply-and-fold hash in the manner of wyhash: 16 bytes per step, every byte counts.
uint64_t Hash(const char* at, size_t bytes, uint64_t seed) {
  uint64_t hash = Mix(seed ^ kSeed0, bytes ^ kSeed1);
  for (; bytes >= 16; at += 16, bytes -= 16) {
    hash = Mix(Load(at) ^ kSeed1 ^ hash, Load(at + 8) ^ kSeed0);
  }
  char tail[16] = {};
  memcpy(tail, at, bytes);
  return Mix(Load(tail) ^ kSeed0 ^ hash, Load(tail + 8) ^ kSeed1 ^ (hash >> 1));
}

void AppendRange(std::string& text, uint64_t from, uint64_t to) {
  if (!text.empty()) text += ", ";
  text += std::to_string(from);
  if (to - from > 1) text += ".." + std::to_string(to - 1);
}

}  // namespace

uint64_t HashPayload(std::string_view payload) {
  constexpr size_t kBefore = offsetof(Stamp, hash);
  const uint64_t front = Hash(payload.data(), kBefore, payload.size());
  return Hash(payload.data() + sizeof(Stamp), payload.size() - sizeof(Stamp), front);
}

std::string Where(const Stamp& stamp, std::string_view where) {
  return "publisher " + std::to_string(stamp.publisher) + " stream " +
         std::to_string(stamp.stream) + " sequence " + std::to_string(stamp.stream_seq) + " at " +
         std::string(where);
}

Verdict StreamTrack::Take(uint64_t seq) {
  if (seq == next_) [[likely]] {
    ++next_;
    return Verdict::kInOrder;
  }
  if (seq > next_) {
    missing_.emplace(next_, seq);
    next_ = seq + 1;
    return Verdict::kGap;
  }
  auto gap = missing_.upper_bound(seq);
  if (gap == missing_.begin()) return Verdict::kDuplicate;
  --gap;
  const auto [from, to] = *gap;
  if (seq >= to) return Verdict::kDuplicate;
  missing_.erase(gap);
  if (from < seq) missing_.emplace(from, seq);
  if (seq + 1 < to) missing_.emplace(seq + 1, to);
  return Verdict::kLate;
}

uint64_t StreamTrack::missing() const {
  uint64_t sum = 0;
  for (const auto& [from, to] : missing_) sum += to - from;
  return sum;
}

std::string StreamTrack::Describe(uint64_t end) const {
  std::string text;
  for (const auto& [from, to] : missing_) {
    AppendRange(text, from, to);
    if (text.size() > 100) return text + "...";
  }
  if (next_ < end) AppendRange(text, next_, end);
  return text;
}

bool GroupTrack::Take(uint64_t seq) {
  if (seq / 64 >= seen_.size()) return false;
  const uint64_t bit = 1ull << (seq % 64);
  if ((seen_[seq / 64] & bit) != 0) return false;
  seen_[seq / 64] |= bit;
  ++count_;
  return true;
}

std::string GroupTrack::Describe(uint64_t end) const {
  std::string text;
  const auto seen = [this](uint64_t seq) { return (seen_[seq / 64] >> (seq % 64) & 1) != 0; };
  for (uint64_t seq = 0; seq < end; ++seq) {
    if (seen(seq)) continue;
    const uint64_t from = seq;
    while (seq < end && !seen(seq)) ++seq;
    AppendRange(text, from, seq);
    if (text.size() > 100) return text + "...";
  }
  return text;
}

bool Matches(std::string_view filter, std::string_view subject) {
  while (true) {
    const size_t filter_dot = filter.find('.');
    const size_t subject_dot = subject.find('.');
    const std::string_view want = filter.substr(0, filter_dot);
    if (want == ">") return true;
    if (want != "*" && want != subject.substr(0, subject_dot)) return false;
    const bool filter_ends = filter_dot == filter.npos;
    const bool subject_ends = subject_dot == subject.npos;
    if (filter_ends || subject_ends) return filter_ends && subject_ends;
    filter.remove_prefix(filter_dot + 1);
    subject.remove_prefix(subject_dot + 1);
  }
}

}  // namespace delivery
