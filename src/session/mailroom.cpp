#include "session/mailroom.h"

#include "base/check.h"

namespace martlet::session {

Mailroom::Mailroom(Interconnect& interconnect, unsigned self)
    : interconnect_(interconnect), self_(self), waiting_(interconnect.members()) {}

Mailroom::~Mailroom() {
  for (const std::deque<std::string>& queue : waiting_) {
    for (const std::string& record : queue) DiscardRecord(record);
  }
}

void Mailroom::Send(unsigned to, const MessageRecord& record) {
  base::ByteRing& ring = interconnect_.ring(self_, to);
  const size_t bytes = record.EncodedBytes();
  if (waiting_[to].empty()) {
    if (char* room = ring.Prepare(bytes)) {
      record.Encode(room);
      ring.Commit();
      return;
    }
  }
  std::string& copy = waiting_[to].emplace_back(bytes, '\0');
  record.Encode(copy.data());
  ++waiting_records_;
}

void Mailroom::SendBytes(unsigned to, std::span<const char> record) {
  base::ByteRing& ring = interconnect_.ring(self_, to);
  if (waiting_[to].empty()) {
    if (char* room = ring.Prepare(record.size())) {
      std::memcpy(room, record.data(), record.size());
      ring.Commit();
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
      char* room = interconnect_.ring(self_, to).Prepare(queue.front().size());
      if (room == nullptr) break;
      std::memcpy(room, queue.front().data(), queue.front().size());
      interconnect_.ring(self_, to).Commit();
      queue.pop_front();
      --waiting_records_;
    }
  }
}

}  // namespace martlet::session
