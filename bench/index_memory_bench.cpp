// Question: how much memory does a subscription take?
//
// Compared: a million subscriptions to filters of their own, in the mix of index_bench.h and
// literal alone, for 1, 8 and 64 shards; and a further one to a subject that a million share.
// Counted: what the index reserved, and what glibc's allocator gave out with its headers: the
// shards' lists, the session's Subscription, and its table of sids. `index_bytes` is the part that
// is not the session's. Minds change: if a distinct subscription costs more than some 200 bytes,
// something must leave the filter.
#include <cstddef>
#include <malloc.h>
#include <memory>
#include <string>

#include <absl/container/flat_hash_set.h>
#include <benchmark/benchmark.h>

#include "index_bench.h"
#include "session/subscription.h"
#include "subject/subject_index.h"

namespace martlet::subject {
namespace {

using session::Subscription;

constexpr size_t kSubscriptions = 1'000'000;

size_t AllocatedBytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

template <class FilterOf>
void Measure(benchmark::State& state, double must, double aim, FilterOf filter_of) {
  const auto shards = static_cast<unsigned>(state.range(0));
  // Never looked at; subscriptions only know where it is.
  alignas(std::max_align_t) char client[1] = {};
  auto& session = reinterpret_cast<session::ClientSession&>(client);
  for ([[maybe_unused]] auto _ : state) {
    SubjectIndex index(shards);
    for (unsigned shard = 0; shard < shards; ++shard) index.reclaimer().Online(shard);
    const size_t heap_before = AllocatedBytes();
    absl::flat_hash_set<Subscription*, session::SidHash, session::SidEqual> subscriptions;
    for (size_t i = 0; i < kSubscriptions; ++i) {
      subscriptions.insert(Subscription::Create(session, std::to_string(i)));
    }
    const size_t session_bytes = AllocatedBytes() - heap_before;
    size_t number = 0;
    for (Subscription* subscription : subscriptions) {
      index.Add(0, kGlobalAccount, filter_of(number++), {}, *subscription);
    }
    const size_t bytes = AllocatedBytes() - heap_before + index.reserved_bytes();
    state.counters["index_bytes"] =
        static_cast<double>(bytes - session_bytes) / static_cast<double>(kSubscriptions);
    Measured(state, static_cast<double>(bytes) / static_cast<double>(kSubscriptions));
    for (unsigned shard = 0; shard < shards; ++shard) index.reclaimer().Offline(shard);
    for (Subscription* subscription : subscriptions) {
      index.Remove(0, *subscription);
      Subscription::Destroy(subscription);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kSubscriptions));
  Bound(state, must, aim);
}

void DistinctOfMix(benchmark::State& state) { Measure(state, 200, 150, FilterOfMix); }
BENCHMARK(DistinctOfMix)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Arg(64)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void DistinctLiteral(benchmark::State& state) { Measure(state, 200, 150, DeviceSubject); }
BENCHMARK(DistinctLiteral)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void SharedSubject(benchmark::State& state) {
  Measure(state, 60, 48, [](size_t) { return std::string_view("devices.eu-west.all.state"); });
}
BENCHMARK(SharedSubject)
    ->ArgName("shards")
    ->Arg(1)
    ->Arg(8)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace martlet::subject

int main(int argc, char** argv) { return martlet::subject::RunBounded(argc, argv); }
