#include "session/outbound.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace martlet::session {

void Outbound::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    if (back_ == nullptr || back_->room() == 0) Grow(1);
    const size_t part = std::min<size_t>(bytes.size(), back_->room());
    std::memcpy(back_->data() + back_->size, bytes.data(), part);
    Commit(part);
    bytes.remove_prefix(part);
  }
}

// The more waits, the larger the next chunk: small answers take a page, streams few large pieces.
void Outbound::Grow(size_t bytes) {
  Link(pool_.Get(std::max(bytes, std::min<size_t>(pending_bytes_, 200'000))));
}

void Outbound::Link(Chunk* chunk) {
  if (back_ == nullptr) {
    front_ = chunk;
  } else {
    back_->next = chunk;
  }
  back_ = chunk;
}

void Outbound::AppendSharedElsewhere(const SharedBytes& shared) {
  constexpr uint32_t kManyBytes = 16384;
  const bool goes_on = back_ != nullptr && back_->shown != nullptr && shared.begin == 0;
  if (empty() || goes_on || shared.bytes >= kManyBytes) {
    AppendShown(shared.view(), *shared.block);
  } else {
    Append(shared.view());
  }
}

size_t Outbound::Gather(std::span<iovec> parts, size_t bytes_max) const {
  size_t count = 0;
  size_t gathered = 0;
  for (Chunk* chunk = front_; chunk != nullptr && count < parts.size() && gathered < bytes_max;
       chunk = chunk->next) {
    const size_t bytes = chunk->size - chunk->sent;
    if (bytes == 0) continue;
    parts[count++] = {chunk->data() + chunk->sent, bytes};
    gathered += bytes;
  }
  return count;
}

void Outbound::Consume(size_t bytes) {
  DCHECK(bytes <= pending_bytes_);
  pending_bytes_ -= bytes;
  while (front_ != nullptr) {
    const size_t part = std::min<size_t>(bytes, front_->size - front_->sent);
    front_->sent += static_cast<uint32_t>(part);
    bytes -= part;
    // A used-up chunk goes; the last one too, so that an idle connection owns no memory.
    if (front_->sent < front_->size || (front_ == back_ && pending_bytes_ != 0)) break;
    Chunk* next = front_->next;
    pool_.Put(front_);
    front_ = next;
    if (front_ == nullptr) back_ = nullptr;
  }
}

void Outbound::Clear() {
  while (front_ != nullptr) {
    Chunk* next = front_->next;
    pool_.Put(front_);
    front_ = next;
  }
  back_ = nullptr;
  pending_bytes_ = 0;
}

}  // namespace martlet::session
