#include "proto/pending_input.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace martlet::proto {

void PendingInput::Push(std::string_view bytes) {
  DCHECK(chunk_.empty());
  chunk_ = bytes;
  pushed_bytes_ = bytes.size();
}

int PendingInput::first_byte() const {
  const size_t next = held_start_ + held_used_;
  if (held_.size() > next) return static_cast<unsigned char>(held_[next]);
  return chunk_.empty() ? -1 : static_cast<unsigned char>(chunk_.front());
}

size_t PendingInput::OffsetOf(const char* at) const {
  const bool in_chunk = at >= chunk_.data() && at <= chunk_.data() + chunk_.size();
  return in_chunk ? pushed_bytes_ - chunk_.size() + static_cast<size_t>(at - chunk_.data()) : 0;
}

void PendingInput::DropUsed() {
  held_start_ += held_used_;
  held_used_ = 0;
  if (held_start_ == held_.size() && held_start_ != 0) {
    held_ = std::string();  // gives the memory back, too
    held_start_ = 0;
  }
}

std::string PendingInput::TakeHeld() {
  // Short texts lie in the string itself, and would move with it.
  constexpr size_t kWorthwhileBytes = 4096;
  if (held_start_ != 0 || held_used_ != held_.size() || held_used_ < kWorthwhileBytes) return {};
  held_used_ = 0;
  return std::exchange(held_, {});
}

// Moves bytes of the chunk behind the held ones, no more than the operation can use. False when
// the chunk is used up.
bool PendingInput::Refill(size_t need, size_t line_bytes_max) {
  if (chunk_.empty()) return false;
  if (held_start_ != 0) {
    held_.erase(0, held_start_);
    held_start_ = 0;
  }
  size_t take = chunk_.size();
  if (need > held_.size()) {
    take = std::min(take, need - held_.size());
    if (held_.capacity() < held_.size() + take) {
      held_.reserve(std::min(need, std::max(2 * held_.size(), held_.size() + take)));
    }
  } else {
    const size_t newline = chunk_.find('\n');
    if (newline != chunk_.npos) {
      take = newline + 1;
    } else if (held_.size() > line_bytes_max) {
      held_ = std::string(compact_(held_));  // junk and blanks do not pile up
    }
  }
  held_.append(chunk_.substr(0, take));
  chunk_.remove_prefix(take);
  return true;
}

void PendingInput::Save() {
  DropUsed();
  if (held_.empty()) {
    held_ = chunk_.empty() ? std::string() : std::string(compact_(chunk_));
  } else {
    held_.append(chunk_);
  }
  chunk_ = {};
}

std::string_view PendingInput::TakeRest() {
  DropUsed();
  return std::exchange(chunk_, {});
}

}  // namespace martlet::proto
