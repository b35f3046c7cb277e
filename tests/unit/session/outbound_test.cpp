#include "session/outbound.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
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

// Writes `text` into the pool's block, as message_writer does.
SharedBytes Write(ChunkPool& pool, std::string_view text) {
  SharedBlock& block = pool.BlockFor(text.size());
  std::copy(text.begin(), text.end(), block.data() + block.size);
  const SharedBytes written = {&block, block.size, static_cast<uint32_t>(text.size())};
  block.size += written.bytes;
  return written;
}

TEST(Outbound, SharedBytesThatFollowOnMakeOnePiece) {
  ChunkPool pool;
  Outbound a(pool);
  Outbound b(pool);
  for (const char* text : {"one ", "two ", "three"}) {
    const SharedBytes written = Write(pool, text);
    a.AppendShared(written);
    b.AppendShared(written);
  }
  std::array<iovec, 4> parts_a;
  std::array<iovec, 4> parts_b;
  ASSERT_EQ(a.Gather(parts_a, SIZE_MAX), 1u);
  ASSERT_EQ(b.Gather(parts_b, SIZE_MAX), 1u);
  EXPECT_EQ(parts_a[0].iov_base, parts_b[0].iov_base);
  EXPECT_EQ(TakeSome(a, SIZE_MAX), "one two three");
  EXPECT_EQ(TakeSome(b, SIZE_MAX), "one two three");
}

TEST(Outbound, SmallSharedBytesHereAndThereAreCopied) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append("own ");
  std::string expected = "own ";
  for (int i = 0; i < 1000; ++i) {
    Write(pool, "for others");
    out.AppendShared(Write(pool, "x"));
    expected += 'x';
  }
  std::array<iovec, 64> parts;
  EXPECT_LE(out.Gather(parts, SIZE_MAX), 2u);
  EXPECT_EQ(TakeSome(out, SIZE_MAX), expected);
}

TEST(Outbound, OneSharedBlockAfterTheOther) {
  ChunkPool pool;
  Outbound out(pool);
  std::string expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string text = "message " + std::to_string(i) + std::string(100, '.');
    out.AppendShared(Write(pool, text));
    expected += text;
  }
  std::array<iovec, 64> parts;
  EXPECT_LE(out.Gather(parts, SIZE_MAX), expected.size() / (ChunkPool::kBlockBytes / 2));
  std::string sent;
  while (!out.empty()) sent += TakeSome(out, 12'345);
  EXPECT_TRUE(sent == expected);
}

TEST(Outbound, ManySharedBytesAreNotCopied) {
  ChunkPool pool;
  Outbound out(pool);
  out.Append("own");
  const std::string large(300'000, 'x');
  const SharedBytes written = Write(pool, large);
  out.AppendShared(written);
  std::array<iovec, 4> parts;
  ASSERT_EQ(out.Gather(parts, SIZE_MAX), 2u);
  EXPECT_EQ(parts[1].iov_base, written.block->data() + written.begin);
  EXPECT_TRUE(TakeSome(out, SIZE_MAX) == "own" + large);
}

// Several connections, shared and own bytes in any order, sent in any portions.
TEST(Outbound, ConnectionsThatShareAgreeWithStrings) {
  std::mt19937 random(5);
  ChunkPool pool;
  constexpr size_t kCount = 5;
  std::vector<std::unique_ptr<Outbound>> outs;
  for (size_t i = 0; i < kCount; ++i) outs.push_back(std::make_unique<Outbound>(pool));
  std::vector<std::string> models(kCount);
  std::vector<size_t> at(kCount);
  for (int round = 0; round < 20'000; ++round) {
    const size_t bytes = 1 + random() % (random() % 100 == 0 ? 90'000 : 200);
    std::string text(bytes, '\0');
    for (char& c : text) c = static_cast<char>(random());
    const SharedBytes written = Write(pool, text);
    written.block->Keep();
    for (size_t i = 0; i < kCount; ++i) {
      const unsigned what = random() % 16;
      if (what == 0) continue;
      what == 1 ? outs[i]->Append(text) : outs[i]->AppendShared(written);
      models[i] += text;
    }
    written.block->LetGo();
    const size_t i = random() % kCount;
    const std::string sent = TakeSome(*outs[i], random() % 3000);
    ASSERT_TRUE(models[i].compare(at[i], sent.size(), sent) == 0);
    at[i] += sent.size();
    if (random() % 500 != 0) continue;
    outs[i]->Clear();
    at[i] = models[i].size();
  }
  for (size_t i = 0; i < kCount; ++i) {
    std::string rest;
    while (!outs[i]->empty()) rest += TakeSome(*outs[i], 100'000);
    EXPECT_TRUE(models[i].compare(at[i], std::string::npos, rest) == 0);
  }
}

}  // namespace
}  // namespace martlet::session
