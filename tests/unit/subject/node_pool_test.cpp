#include "subject/node_pool.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <thread>
#include <utility>
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

TEST(NodePool, OtherThreadsGiveBackWhatItGaveOut) {
  constexpr int kBlocks = 20'000;
  constexpr size_t kSizes[] = {64, 88, 500, 2000};
  NodePool pool;
  size_t reserved = 0;
  for (int round = 0; round < 10; ++round) {
    std::vector<std::vector<std::pair<void*, size_t>>> shares(3);
    for (int i = 0; i < kBlocks; ++i) {
      const size_t bytes = kSizes[i % 4];
      void* const block = pool.Allocate(bytes);
      std::memset(block, i, bytes);
      shares[static_cast<size_t>(i) % shares.size()].emplace_back(block, bytes);
    }
    // The owner goes on meanwhile.
    std::vector<std::thread> threads;
    for (const auto& share : shares) {
      threads.emplace_back([&pool, &share] {
        for (const auto& [block, bytes] : share) pool.GiveBack(block, bytes);
      });
    }
    for (int i = 0; i < kBlocks; ++i) pool.Free(pool.Allocate(88), 88);
    for (std::thread& thread : threads) thread.join();
    if (round == 0) reserved = pool.reserved_bytes();
  }
  EXPECT_LE(pool.reserved_bytes(), reserved + (size_t{4} << 20U));
}

}  // namespace
}  // namespace martlet::subject
