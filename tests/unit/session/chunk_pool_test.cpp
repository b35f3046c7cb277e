#include "session/chunk_pool.h"

#include <cstring>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::session {
namespace {

TEST(ChunkPool, TrimLetsGoOfAllThatWaitsForUse) {
  ChunkPool pool;
  std::vector<Chunk*> chunks;
  for (const size_t bytes : {100U, 5000U, 60'000U, 200'000U}) {
    for (int i = 0; i < 3; ++i) chunks.push_back(pool.Get(bytes));
  }
  for (Chunk* chunk : chunks) pool.Put(chunk);
  pool.BlockFor(100).size += 100;
  pool.BlockFor(ChunkPool::kBlockBytes / 2 + 20'000).size += 50'000;
  pool.BlockFor(30'000).size += 30'000;  // the one before has no room: it waits now
  EXPECT_GT(pool.kept_bytes(), size_t{500} << 10);
  pool.Trim();
  EXPECT_EQ(pool.kept_bytes(), 0u);
  pool.Trim();  // nothing to do
  Chunk* const again = pool.Get(5000);
  EXPECT_GE(again->room(), 5000u);
  pool.Put(again);
}

TEST(ChunkPool, TrimLeavesABlockThatIsShown) {
  ChunkPool pool;
  SharedBlock& block = pool.BlockFor(1000);
  std::memcpy(block.data(), "hello", 5);
  block.size += 5;
  Chunk* const shows = pool.Show({block.data(), 5}, block);
  pool.Trim();
  EXPECT_EQ(std::string_view(shows->data(), shows->size), "hello");
  EXPECT_EQ(&pool.BlockFor(1000), &block);  // and is filled on
  pool.Put(shows);
  pool.Trim();
  EXPECT_EQ(pool.kept_bytes(), 0u);
}

}  // namespace
}  // namespace martlet::session
