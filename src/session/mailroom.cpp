#include "session/mailroom.h"

#include "base/check.h"

namespace martlet::session {

Mailroom::Mailroom(Interconnect& interconnect, unsigned self)
    : interconnect_(interconnect),
      self_(self),
      waiting_(interconnect.members()),
      shared_bytes_sent_(interconnect.members()) {}

Mailroom::~Mailroom() {
  // Nobody reads any more; records that were not read still refer to them.
  for (const Lent& lent : lent_) {
    lent.memory->LetGo();
    lent.payload->Release();
  }
  for (const std::deque<std::string>& queue : waiting_) {
    for (const std::string& record : queue) DiscardRecord(record);
  }
}

SharedPayload* Mailroom::Lend(std::string_view bytes, base::KeptMemory& memory) {
  memory.Keep();
  SharedPayload* const payload = SharedPayload::View(bytes);
  payload->Acquire();
  lent_.push_back({payload, &memory});
  return payload;
}

void Mailroom::TakeBackLent() {
  std::erase_if(lent_, [](const Lent& lent) {
    if (!lent.payload->is_last()) return false;
    lent.memory->LetGo();
    lent.payload->Release();
    return true;
  });
}

// Room in the ring, or null when the record has to wait. With room it counts as sent.
char* Mailroom::Prepare(unsigned to, size_t record_bytes, size_t shared_bytes) {
  if (shared_bytes != 0) {
    const uint64_t on_the_way = shared_bytes_sent_[to] - interconnect_.shared_bytes_done(self_, to);
    if (on_the_way >= kSharedBytesMax) return nullptr;
  }
  char* room = interconnect_.ring(self_, to).Prepare(record_bytes);
  if (room != nullptr) shared_bytes_sent_[to] += shared_bytes;
  return room;
}

void Mailroom::Send(unsigned to, const MessageRecord& record) {
  const size_t bytes = record.EncodedBytes();
  const size_t shared_bytes = record.shared == nullptr ? 0 : record.shared->bytes().size();
  if (waiting_[to].empty()) {
    if (char* room = Prepare(to, bytes, shared_bytes)) {
      record.Encode(room);
      interconnect_.ring(self_, to).Commit();
      return;
    }
  }
  std::string& copy = waiting_[to].emplace_back(bytes, '\0');
  record.Encode(copy.data());
  ++waiting_records_;
}

void Mailroom::SendBytes(unsigned to, std::span<const char> record) {
  if (waiting_[to].empty()) {
    if (char* room = Prepare(to, record.size(), 0)) {
      std::memcpy(room, record.data(), record.size());
      interconnect_.ring(self_, to).Commit();
      return;
    }
  }
  waiting_[to].emplace_back(record.data(), record.size());
  ++waiting_records_;
}

void Mailroom::FlushWaiting() {
  if (waiting_records_ == 0) return;
  for (unsigned to = 0; to < waiting_.size(); ++to) {
    std::deque<std::string>& queue = waiting_[to];
    while (!queue.empty()) {
      const std::string& record = queue.front();
      char* room = Prepare(to, record.size(), SharedBytesOf(record));
      if (room == nullptr) break;
      record.copy(room, record.size());
      interconnect_.ring(self_, to).Commit();
      queue.pop_front();
      --waiting_records_;
    }
  }
}

}  // namespace martlet::session
