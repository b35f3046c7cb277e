// Built twice: with the system's allocator, and with mimalloc where there is one.
#include "base/heap_trim.h"

#include <cstdio>
#include <memory>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

#include "base/fence.h"  // tells of the thread sanitizer

namespace martlet::base {
namespace {

size_t ResidentBytes() {
  size_t all = 0;
  size_t resident = 0;
  FILE* const file = std::fopen("/proc/self/statm", "r");
  EXPECT_EQ(std::fscanf(file, "%zu %zu", &all, &resident), 2);
  std::fclose(file);
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

TEST(HeapTrim, WhatWasFreedGoesBackToTheSystem) {
#if defined(__SANITIZE_ADDRESS__) || defined(MARTLET_THREAD_SANITIZER)
  GTEST_SKIP() << "a sanitizer's allocator keeps what it likes";
#endif
  constexpr size_t kBlocks = 64 << 10;
  constexpr size_t kBytes = size_t{kBlocks} << 10;
  std::vector<std::unique_ptr<char[]>> blocks;
  // One that stays for each 4 MiB, so that no part of the heap is empty as a whole.
  std::vector<std::unique_ptr<char[]>> stay;
  for (size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(std::make_unique<char[]>(1024));
    if (i % 4096 == 0) stay.push_back(std::make_unique<char[]>(1024));
  }
  const size_t full = ResidentBytes();
  blocks.clear();
  TrimHeap();
  EXPECT_LT(ResidentBytes() + kBytes * 3 / 4, full);
}

}  // namespace
}  // namespace martlet::base
