// Question: what does a record cost on its way from one shard to another?
//
// Compared: one thread on both ends (the bare bookkeeping) against two threads, streaming, with
// records of 64 bytes to 4 KiB and the tail published after each record or after 32 of them, as a
// busy turn does; and a record there and back, which is the shortest way across shards. Minds
// change: if streaming 64-byte records in batches costs more than some 50 ns each, records should
// be packed per turn; if batches gain nothing, Publish() may move into Commit().
#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>

#include "base/byte_ring.h"

namespace martlet::base {
namespace {

constexpr size_t kRingBytes = size_t{1} << 20;

bool Put(ByteRing& ring, const std::vector<char>& record) {
  char* const room = ring.Prepare(record.size());
  if (room == nullptr) return false;
  std::memcpy(room, record.data(), record.size());
  ring.Commit();
  return true;
}

// Takes what is there, up to a number of records; returns how many.
int64_t Take(ByteRing& ring, int64_t at_most = INT64_MAX) {
  int64_t taken = 0;
  while (taken < at_most) {
    const std::span<const char> record = ring.Front();
    if (record.data() == nullptr) break;
    benchmark::DoNotOptimize(record.front());
    ring.Pop(record);
    ++taken;
  }
  if (taken != 0) ring.Release();
  return taken;
}

void OneThread(benchmark::State& state) {
  const std::vector<char> record(static_cast<size_t>(state.range(0)), 'x');
  const auto batch = state.range(1);
  ByteRing ring(kRingBytes);
  int64_t records = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (int64_t i = 0; i < batch; ++i) Put(ring, record);
    ring.Publish();
    records += Take(ring);
  }
  state.SetItemsProcessed(records);
}
BENCHMARK(OneThread)->ArgNames({"bytes", "batch"})->ArgsProduct({{64, 1024, 4096}, {1, 32}});

// The producer's thread runs beside the measured one, which takes 1024 records per iteration.
void TwoThreads(benchmark::State& state) {
  constexpr int64_t kPerIteration = 1024;
  const std::vector<char> record(static_cast<size_t>(state.range(0)), 'x');
  const auto batch = state.range(1);
  ByteRing ring(kRingBytes);
  std::atomic<bool> stop{false};
  std::thread producer([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      for (int64_t i = 0; i < batch && Put(ring, record); ++i) {
      }
      ring.Publish();
    }
  });
  for ([[maybe_unused]] auto _ : state) {
    for (int64_t left = kPerIteration; left > 0;) left -= Take(ring, left);
  }
  stop.store(true);
  producer.join();
  state.SetItemsProcessed(state.iterations() * kPerIteration);
}
BENCHMARK(TwoThreads)
    ->ArgNames({"bytes", "batch"})
    ->ArgsProduct({{64, 1024, 4096}, {1, 32}})
    ->UseRealTime();

void ThereAndBack(benchmark::State& state) {
  const std::vector<char> record(64, 'x');
  ByteRing there(kRingBytes);
  ByteRing back(kRingBytes);
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop.load(std::memory_order_relaxed)) {
      for (int64_t taken = Take(there); taken != 0; --taken) Put(back, record);
      back.Publish();
    }
  });
  for ([[maybe_unused]] auto _ : state) {
    Put(there, record);
    there.Publish();
    while (Take(back) == 0) {
    }
  }
  stop.store(true);
  other.join();
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ThereAndBack)->UseRealTime();

}  // namespace
}  // namespace martlet::base

BENCHMARK_MAIN();
