#include "subject/node_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::subject {
namespace {

struct Block {
  char* memory;
  size_t bytes;
  char mark;
};

TEST(NodePool, BlocksAreAlignedAndApart) {
  NodePool pool;
  std::mt19937_64 random(1);
  std::vector<Block> blocks;
  for (int round = 0; round < 100'000; ++round) {
    if (blocks.size() > 20'000 || (!blocks.empty() && random() % 3 == 0)) {
      std::swap(blocks[random() % blocks.size()], blocks.back());
      const Block gone = blocks.back();
      blocks.pop_back();
      ASSERT_EQ(std::count(gone.memory, gone.memory + gone.bytes, gone.mark),
                static_cast<ptrdiff_t>(gone.bytes));
      pool.Free(gone.memory, gone.bytes);
      continue;
    }
    // Now and then more than the pool itself holds.
    const size_t bytes = 8 + random() % (round % 100 == 0 ? 3000 : 150);
    const Block block = {static_cast<char*>(pool.Allocate(bytes)), bytes,
                         static_cast<char>(random())};
    ASSERT_EQ(reinterpret_cast<uintptr_t>(block.memory) % 8, 0u);
    std::memset(block.memory, block.mark, bytes);
    blocks.push_back(block);
  }
  for (const Block& block : blocks) pool.Free(block.memory, block.bytes);
}

TEST(NodePool, WhatCameBackIsUsedAgain) {
  NodePool pool;
  std::vector<void*> blocks;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 50'000; ++i) blocks.push_back(pool.Allocate(88));
    for (void* block : blocks) pool.Free(block, 88);
    blocks.clear();
  }
  EXPECT_LE(pool.reserved_bytes(), size_t{50'000} * 88 + (size_t{4} << 20U));
}

TEST(NodePool, TakesWhatAnotherPoolGaveOut) {
  NodePool from;
  NodePool to;
  void* const block = from.Allocate(64);
  to.Free(block, 64);
  void* const again = to.Allocate(64);
  std::memset(again, 1, 64);
  to.Free(again, 64);
}

}  // namespace
}  // namespace martlet::subject
