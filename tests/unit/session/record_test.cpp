#include "session/record.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::session {
namespace {

// A payload with the CR LF that stands behind it in memory.
struct Payload {
  explicit Payload(size_t bytes) : line(bytes, 'p') { line += "\r\n"; }
  std::string_view text() const { return std::string_view(line).substr(0, line.size() - 2); }
  std::string line;
};

MessageRecord Example(const Payload& payload) {
  MessageRecord record;
  record.kind = RecordKind::kQueuePick;
  record.publisher = 0x123456789abcdefULL;
  record.tried = 0x8000000000000001ULL;
  record.origin = 63;
  record.queue = "queue";
  record.message = {.account = 77,
                    .subject = "a.subject",
                    .reply = "reply",
                    .header_size_text = "004",
                    .size_text = "000000009",
                    .header_bytes = 4,
                    .payload = payload.text()};
  return record;
}

void ExpectEqual(const MessageRecord& a, const MessageRecord& b) {
  EXPECT_EQ(a.kind, b.kind);
  EXPECT_EQ(a.publisher, b.publisher);
  EXPECT_EQ(a.tried, b.tried);
  EXPECT_EQ(a.origin, b.origin);
  EXPECT_EQ(a.queue, b.queue);
  EXPECT_EQ(a.message.account, b.message.account);
  EXPECT_EQ(a.message.subject, b.message.subject);
  EXPECT_EQ(a.message.reply, b.message.reply);
  EXPECT_EQ(a.message.header_size_text, b.message.header_size_text);
  EXPECT_EQ(a.message.size_text, b.message.size_text);
  EXPECT_EQ(a.message.header_bytes, b.message.header_bytes);
  EXPECT_EQ(a.message.payload, b.message.payload);
  EXPECT_EQ(a.message.payload_line(0), b.message.payload_line(0));
  EXPECT_EQ(a.shared, b.shared);
}

TEST(MessageRecord, ComesBackAsItWas) {
  for (const size_t bytes : {size_t{0}, size_t{1}, size_t{9}, MessageRecord::kInlineBytesMax}) {
    const Payload payload(bytes);
    MessageRecord record = Example(payload);
    for (const RecordKind kind :
         {RecordKind::kMessage, RecordKind::kQueuePick, RecordKind::kBounce}) {
      record.kind = kind;
      std::vector<char> memory(record.EncodedBytes());
      record.Encode(memory.data());
      EXPECT_EQ(KindOf(memory), kind);
      ExpectEqual(MessageRecord::Decode(memory), record);
      EXPECT_EQ(SharedBytesOf(memory), 0u);
    }
  }
}

TEST(MessageRecord, EmptyTextsStayEmpty) {
  const Payload payload(0);
  MessageRecord record;
  record.message.subject = "s";
  record.message.size_text = "0";
  record.message.payload = payload.text();
  std::vector<char> memory(record.EncodedBytes());
  record.Encode(memory.data());
  ExpectEqual(MessageRecord::Decode(memory), record);
}

TEST(MessageRecord, LargePayloadTravelsByReference) {
  const Payload payload(100'000);
  MessageRecord record = Example(payload);
  record.shared = SharedPayload::Copy(record.message.payload_line(0));
  std::vector<char> memory(record.EncodedBytes());
  EXPECT_LT(memory.size(), 200u);
  record.Encode(memory.data());
  const MessageRecord decoded = MessageRecord::Decode(memory);
  ExpectEqual(decoded, record);
  EXPECT_EQ(decoded.message.payload.data(), record.shared->bytes().data());
  EXPECT_EQ(SharedBytesOf(memory), 100'002u);
  DiscardRecord(memory);  // the last one to let go frees it; the sanitizer tells
}

TEST(SharedPayload, LastOneToLetGoFreesItOnWhateverThread) {
  SharedPayload* shared = SharedPayload::Copy("hello\r\n");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    shared->Acquire();
    threads.emplace_back([shared] {
      EXPECT_EQ(shared->bytes(), "hello\r\n");
      shared->Release();
    });
  }
  shared->Release();
  for (std::thread& thread : threads) thread.join();
}

TEST(PlainRecords, ComeBackAsTheyWere) {
  const StallRecord stall{RecordKind::kStall, 2, 99};
  const std::span<const char> bytes(reinterpret_cast<const char*>(&stall), sizeof stall);
  EXPECT_EQ(KindOf(bytes), RecordKind::kStall);
  const auto decoded = DecodePlain<StallRecord>(bytes);
  EXPECT_EQ(decoded.milliseconds, 2u);
  EXPECT_EQ(decoded.publisher, 99u);
  EXPECT_EQ(SharedBytesOf(bytes), 0u);
  DiscardRecord(bytes);
}

}  // namespace
}  // namespace martlet::session
