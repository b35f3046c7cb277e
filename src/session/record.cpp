#include "session/record.h"

#include <new>

#include "base/check.h"

namespace martlet::session {
namespace {

// The fixed part of a message in a ring; the texts follow in this order: subject, shown subject,
// reply, queue, header size, size, and the payloads when they are inline.
struct Header {
  RecordKind kind;
  uint8_t origin;
  uint8_t header_size_bytes;
  uint8_t size_bytes;
  bool routed;
  subject::AccountId account;
  subject::RouteKey route;
  uint32_t subject_bytes;
  uint32_t shown_bytes;
  uint32_t reply_bytes;
  uint32_t queue_bytes;
  uint32_t header_bytes;
  uint32_t count;
  uint64_t stride;
  uint64_t payload_bytes;
  uint64_t publisher;
  uint64_t as_of;
  subject::ShardSet tried;
  SharedPayload* shared;
};

char* PutBytes(char* to, std::string_view text) {
  if (!text.empty()) std::memcpy(to, text.data(), text.size());  // an empty view may be null
  return to + text.size();
}

// A run goes with all that stands between its payloads, picked messages one behind the other.
size_t PayloadsBytes(const Message& message) {
  return message.picks == nullptr ? message.span().size()
                                  : message.count * (message.payload.size() + 2);
}

std::string_view Take(const char*& from, size_t bytes) {
  const std::string_view text(from, bytes);
  from += bytes;
  return text;
}

}  // namespace

SharedPayload* SharedPayload::Copy(std::string_view bytes) {
  void* memory = ::operator new(sizeof(SharedPayload) + bytes.size());
  char* const copy = static_cast<char*>(memory) + sizeof(SharedPayload);
  std::memcpy(copy, bytes.data(), bytes.size());
  return new (memory) SharedPayload({copy, bytes.size()});
}

SharedPayload* SharedPayload::View(std::string_view bytes) {
  return new (::operator new(sizeof(SharedPayload))) SharedPayload(bytes);
}

base::KeptMemory* KeptHere(SharedPayload& payload) {
  struct Kept : base::KeptMemory {
    explicit Kept(SharedPayload& p) : payload(p) {
      unused = [](base::KeptMemory& self) {
        auto* kept = static_cast<Kept*>(&self);
        kept->payload.Release();
        delete kept;
      };
    }
    SharedPayload& payload;
  };
  return new Kept(payload);
}

void SharedPayload::Release() {
  if (references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  this->~SharedPayload();
  ::operator delete(this);
}

size_t MessageRecord::EncodedBytes() const {
  return sizeof(Header) + message.subject.size() + message.shown_subject.size() +
         message.reply.size() + queue.size() + message.header_size_text.size() +
         message.size_text.size() + (shared == nullptr ? PayloadsBytes(message) : 0);
}

void MessageRecord::Encode(char* to) const {
  const Header header = {
      .kind = kind,
      .origin = origin,
      .header_size_bytes = static_cast<uint8_t>(message.header_size_text.size()),
      .size_bytes = static_cast<uint8_t>(message.size_text.size()),
      .routed = routed,
      .account = message.account,
      .route = route,
      .subject_bytes = static_cast<uint32_t>(message.subject.size()),
      .shown_bytes = static_cast<uint32_t>(message.shown_subject.size()),
      .reply_bytes = static_cast<uint32_t>(message.reply.size()),
      .queue_bytes = static_cast<uint32_t>(queue.size()),
      .header_bytes = message.header_bytes,
      .count = message.count,
      .stride = message.picks == nullptr ? message.stride : message.payload.size() + 2,
      .payload_bytes = message.payload.size(),
      .publisher = publisher,
      .as_of = as_of,
      .tried = tried,
      .shared = shared,
  };
  std::memcpy(to, &header, sizeof header);
  to = PutBytes(to + sizeof header, message.subject);
  to = PutBytes(to, message.shown_subject);
  to = PutBytes(to, message.reply);
  to = PutBytes(to, queue);
  to = PutBytes(to, message.header_size_text);
  to = PutBytes(to, message.size_text);
  if (shared != nullptr) return;
  if (message.picks == nullptr) {
    PutBytes(to, message.span());
  } else {
    for (uint32_t i = 0; i < message.count; ++i) to = PutBytes(to, message.payload_line(i));
  }
}

MessageRecord MessageRecord::Decode(std::span<const char> from) {
  DCHECK(from.size() >= sizeof(Header));
  Header header;
  std::memcpy(&header, from.data(), sizeof header);
  const char* at = from.data() + sizeof header;
  MessageRecord record;
  record.kind = header.kind;
  record.publisher = header.publisher;
  record.as_of = header.as_of;
  record.tried = header.tried;
  record.origin = header.origin;
  record.route = header.route;
  record.routed = header.routed;
  record.message.account = header.account;
  record.message.subject = Take(at, header.subject_bytes);
  record.message.shown_subject = Take(at, header.shown_bytes);
  record.message.reply = Take(at, header.reply_bytes);
  record.queue = Take(at, header.queue_bytes);
  record.message.header_size_text = Take(at, header.header_size_bytes);
  record.message.size_text = Take(at, header.size_bytes);
  record.message.header_bytes = header.header_bytes;
  record.shared = header.shared;
  record.message.count = header.count;
  record.message.stride = header.stride;
  record.message.payload = {header.shared == nullptr ? at : header.shared->bytes().data(),
                            header.payload_bytes};
  return record;
}

namespace {

SharedPayload* SharedOf(std::span<const char> record) {
  switch (KindOf(record)) {
    case RecordKind::kMessage:
    case RecordKind::kQueuePick:
    case RecordKind::kBounce:
    case RecordKind::kRouted:
      return MessageRecord::Decode(record).shared;
    default:
      return nullptr;
  }
}

}  // namespace

size_t SharedBytesOf(std::span<const char> record) {
  const SharedPayload* shared = SharedOf(record);
  return shared == nullptr ? 0 : shared->bytes().size();
}

void DiscardRecord(std::span<const char> record) {
  if (SharedPayload* shared = SharedOf(record)) shared->Release();
}

}  // namespace martlet::session
