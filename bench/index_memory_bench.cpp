// Question: how much memory does a subscription take in the index?
//
// Compared: a million subscriptions to subjects of their own, literal and with a wildcard, for 1,
// 8 and 64 shards; and a further one to a subject that a million share. Counted by glibc's
// allocator, so with its headers and the room that tables keep for growth, but without the
// subscribers themselves, which are the session's. Minds change: if a distinct literal costs more
// than some 200 bytes with 8 shards, the slots of the shards must go out of the filter.
#include <malloc.h>
#include <memory>

#include <benchmark/benchmark.h>

#include "subject/subject_index.h"

namespace martlet::subject {
namespace {

constexpr size_t kSubscriptions = 1'000'000;

size_t AllocatedBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

template <class FilterOf>
void Measure(benchmark::State& state, unsigned shards, FilterOf filter_of) {
  for ([[maybe_unused]] auto _ : state) {
    const auto subscribers = std::make_unique<Subscriber[]>(kSubscriptions);
    SubjectIndex index(shards);
    for (unsigned shard = 0; shard < shards; ++shard) index.reclaimer().Online(shard);
    const auto quiesce = [&] {
      for (unsigned shard = 0; shard < shards; ++shard) index.reclaimer().Quiesce(shard);
      index.reclaimer().CollectAll();
    };
    const size_t before = AllocatedBytes();
    for (size_t i = 0; i < kSubscriptions; ++i) {
      index.Add(0, kGlobalAccount, filter_of(i), {}, subscribers[i]);
      if (i % 4096 == 0) quiesce();
    }
    quiesce();
    const auto bytes = static_cast<double>(AllocatedBytes() - before);
    state.counters["bytes_each"] = bytes / static_cast<double>(kSubscriptions);
    for (unsigned shard = 0; shard < shards; ++shard) index.reclaimer().Offline(shard);
    for (size_t i = 0; i < kSubscriptions; ++i) index.Remove(0, subscribers[i]);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSubscriptions));
}

void DistinctLiteral(benchmark::State& state) {
  Measure(state, static_cast<unsigned>(state.range(0)),
          [](size_t i) { return "devices.eu-west." + std::to_string(i) + ".state"; });
}
BENCHMARK(DistinctLiteral)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void DistinctWildcard(benchmark::State& state) {
  Measure(state, static_cast<unsigned>(state.range(0)),
          [](size_t i) { return "devices.eu-west." + std::to_string(i) + ".*"; });
}
BENCHMARK(DistinctWildcard)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void SharedSubject(benchmark::State& state) {
  Measure(state, static_cast<unsigned>(state.range(0)),
          [](size_t) { return std::string_view("devices.eu-west.all.state"); });
}
BENCHMARK(SharedSubject)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace martlet::subject

BENCHMARK_MAIN();
