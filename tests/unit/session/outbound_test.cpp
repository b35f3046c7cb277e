#include "session/outbound.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::session {
namespace {

// Takes up to `bytes` from the front, as a short write would.
std::string TakeSome(Outbound& out, size_t bytes) {
  std::array<iovec, 8> parts;
  const size_t count = out.Gather(parts, SIZE_MAX);
  std::string text;
  for (size_t i = 0; i < count && text.size() < bytes; ++i) {
    text.append(static_cast<const char*>(parts[i].iov_base),
                std::min(parts[i].iov_len, bytes - text.size()));
  }
  out.Consume(text.size());
  return text;
}

TEST(Outbound, BytesLeaveInTheOrderTheyCame) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append("one ");
  char* room = out.Reserve(10);
  std::copy_n("two ", 4, room);
  out.Commit(4);
  out.Append("three");
  EXPECT_EQ(out.pending_bytes(), 13u);
  EXPECT_EQ(TakeSome(out, SIZE_MAX), "one two three");
  EXPECT_TRUE(out.empty());
}

TEST(Outbound, EmptyGathersNothing) {
  ChunkPool pool;
  Outbound out(pool);
  std::array<iovec, 2> parts;
  EXPECT_EQ(out.Gather(parts, SIZE_MAX), 0u);
  out.Append("");
  EXPECT_EQ(out.Gather(parts, SIZE_MAX), 0u);
  out.Consume(0);
  EXPECT_TRUE(out.empty());
}

TEST(Outbound, LentBytesStayWhileMoreIsAppended) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append(std::string(3000, 'a'));
  std::array<iovec, 1> lent;
  ASSERT_EQ(out.Gather(lent, SIZE_MAX), 1u);
  const std::string before(static_cast<const char*>(lent[0].iov_base), lent[0].iov_len);
  for (int i = 0; i < 1000; ++i) out.Append(std::string(300, 'b'));
  EXPECT_EQ(std::memcmp(lent[0].iov_base, before.data(), before.size()), 0);
  out.Consume(before.size());
  std::string rest;
  while (!out.empty()) rest += TakeSome(out, 7777);
  EXPECT_TRUE(rest == std::string(300'000, 'b'));
}

TEST(Outbound, ReserveIsContiguousAndWhatIsNotWrittenDoesNotCount) {
  ChunkPool pool;
  Outbound out(pool);
  for (const size_t bytes : {size_t{1}, size_t{4096}, size_t{100'000}, size_t{1'000'000}}) {
    char* room = out.Reserve(bytes);
    std::memset(room, 'x', bytes);
    EXPECT_EQ(out.pending_bytes(), 0u);
    out.Commit(1);
    EXPECT_EQ(TakeSome(out, SIZE_MAX), "x");
  }
}

TEST(Outbound, GatherKeepsItsBounds) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append(std::string(2'000'000, 'x'));
  std::array<iovec, 64> parts;
  EXPECT_EQ(out.Gather(std::span(parts).first(2), SIZE_MAX), 2u);
  EXPECT_EQ(out.Gather(parts, 1), 1u);
  size_t bytes = 0;
  const size_t count = out.Gather(parts, 500'000);
  for (size_t i = 0; i < count; ++i) bytes += parts[i].iov_len;
  EXPECT_GE(bytes, 500'000u);
  EXPECT_LT(bytes, 500'000u + ChunkPool::kSizes.back());
}

TEST(Outbound, ClearDropsEverythingAndItMayBeUsedAgain) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append(std::string(100'000, 'x'));
  out.Consume(5000);
  out.Clear();
  EXPECT_TRUE(out.empty());
  out.Append("y");
  EXPECT_EQ(TakeSome(out, SIZE_MAX), "y");
}

TEST(Outbound, EmptyOwnsNoMemory) {
  ChunkPool pool;
  Chunk* only = pool.Get(1);
  pool.Put(only);
  Outbound out(pool);
  out.Append("hello");
  out.Consume(2);
  out.Append(" there");
  out.Consume(9);
  EXPECT_TRUE(out.empty());
  Chunk* again = pool.Get(1);  // handed out last in first out: it is back in the pool
  EXPECT_EQ(again, only);
  pool.Put(again);
}

TEST(Outbound, AgreesWithAString) {
  std::mt19937 random(4);
  ChunkPool pool;
  Outbound out(pool);
  std::string model;
  size_t at = 0;
  for (int i = 0; i < 20'000; ++i) {
    const size_t bytes = random() % (random() % 50 == 0 ? 60'000 : 300);
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>(random());
    switch (random() % 3) {
      case 0:
        out.Append(text);
        model += text;
        break;
      case 1: {
        char* room = out.Reserve(bytes + 100);
        std::memcpy(room, text.data(), bytes);
        out.Commit(bytes);
        model += text;
        break;
      }
      default: {
        const std::string got = TakeSome(out, random() % 3 == 0 ? SIZE_MAX : bytes * 2);
        ASSERT_TRUE(got == model.substr(at, got.size()));
        at += got.size();
        break;
      }
    }
    ASSERT_EQ(out.pending_bytes(), model.size() - at);
  }
}

TEST(ChunkPool, GivesAtLeastWhatIsAskedFor) {
  ChunkPool pool;
  std::vector<Chunk*> chunks;
  for (const size_t bytes : {1, 4096, 4097, 65536, 262144, 262145, 3'000'000}) {
    chunks.push_back(pool.Get(bytes));
    EXPECT_GE(chunks.back()->room(), bytes);
    EXPECT_EQ(chunks.back()->next, nullptr);
  }
  for (Chunk* chunk : chunks) pool.Put(chunk);
}

TEST(ChunkPool, HandsOutTheLastOneFirstAndCleanly) {
  ChunkPool pool;
  Chunk* first = pool.Get(100);
  Chunk* second = pool.Get(100);
  second->size = 50;
  second->sent = 50;
  pool.Put(first);
  pool.Put(second);
  Chunk* again = pool.Get(100);
  EXPECT_EQ(again, second);
  EXPECT_EQ(again->size, 0u);
  EXPECT_EQ(again->sent, 0u);
  EXPECT_EQ(again->next, nullptr);
  pool.Put(again);
}

TEST(ChunkPool, KeepsNoMoreThanItsBound) {
  ChunkPool pool;
  constexpr size_t kEach = ChunkPool::kSizes.back();
  constexpr size_t kFit = ChunkPool::kKeptBytesMax / kEach;
  std::vector<Chunk*> chunks;
  for (size_t i = 0; i < 2 * kFit; ++i) {
    chunks.push_back(pool.Get(kEach / 2));
    chunks.back()->data()[0] = 'k';
  }
  for (Chunk* chunk : chunks) pool.Put(chunk);
  // The first half was kept, the second went to the allocator: they come back last in first out.
  for (size_t i = kFit; i-- > 0;) {
    Chunk* chunk = pool.Get(kEach / 2);
    EXPECT_EQ(chunk, chunks[i]);
    chunks[i] = chunk;
  }
  for (size_t i = 0; i < kFit; ++i) pool.Put(chunks[i]);
}

}  // namespace
}  // namespace martlet::session
