// Question: what does it cost to find who wants a subject, and to come and go?
//
// Compared: a hot subject in the match cache; literals that are looked up each time, among 1,000,
// among 1,000,000, and beside 10,000 wildcard filters; a wildcard match; a subscription that comes
// and goes among 1,000,000; and the hot subject while another shard adds and removes 50,000
// subscriptions a second each, as inboxes of old clients do. Minds change: if a cached match costs
// more than some 30 ns, the cache is no gain over the index; if a walk among a million costs more
// than some 1 us, the table's layout must change; if the churn takes away more than a tenth of the
// hits, generations need more counters.
#include "index_bench.h"

#include <atomic>
#include <thread>

#include <benchmark/benchmark.h>

#include "base/clock.h"
#include "base/random.h"
#include "subject/match_cache.h"

namespace martlet::subject {
namespace {

constexpr size_t kMillion = 1'000'000;
constexpr size_t kWildcards = 10'000;

// Built once: it takes a second or two, and all that use it leave it as it was.
FilledIndex& Million() {
  static FilledIndex* const filled = [] {
    auto* index = new FilledIndex;
    for (size_t i = 0; i < kMillion; ++i) index->Add(DeviceSubject(i));
    return index;
  }();
  return *filled;
}

// Subjects to ask for, in an order that no prefetcher guesses.
std::vector<std::string> Sample(size_t below) {
  base::Random random(1);
  std::vector<std::string> subjects;
  for (size_t i = 0; i < size_t{1} << 16; ++i) {
    subjects.push_back(DeviceSubject(random.Below(static_cast<uint32_t>(below))));
  }
  return subjects;
}

void MatchAll(benchmark::State& state, FilledIndex& filled,
              const std::vector<std::string>& subjects, size_t wanted) {
  MatchResult match;
  size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    filled.index().Match(kGlobalAccount, subjects[next++ % subjects.size()], match);
    benchmark::DoNotOptimize(match);
    if (match.plain.size() != wanted) return state.SkipWithError("wrong match");
  }
  state.SetItemsProcessed(state.iterations());
}

void CachedSubject(benchmark::State& state) {
  FilledIndex filled;
  std::vector<std::string> subjects;
  for (size_t i = 0; i < static_cast<size_t>(state.range(0)); ++i) {
    subjects.push_back(DeviceSubject(i));
    filled.Add(subjects.back());
  }
  MatchCache cache(filled.index(), 0);
  size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    const MatchResult& match = cache.Match(kGlobalAccount, subjects[next++ % subjects.size()]);
    benchmark::DoNotOptimize(&match);
  }
  const auto hits = static_cast<double>(cache.stats().hits);
  state.counters["hit_ratio"] = hits / (hits + static_cast<double>(cache.stats().misses));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(CachedSubject)->ArgName("subjects")->Arg(1)->Arg(1000);

void LiteralAmongThousand(benchmark::State& state) {
  FilledIndex filled;
  for (size_t i = 0; i < 1000; ++i) filled.Add(DeviceSubject(i));
  MatchAll(state, filled, Sample(1000), 1);
}
BENCHMARK(LiteralAmongThousand);

void LiteralAmongMillion(benchmark::State& state) {
  MatchAll(state, Million(), Sample(kMillion), 1);
}
BENCHMARK(LiteralAmongMillion);

void NothingAmongMillion(benchmark::State& state) {
  std::vector<std::string> subjects = Sample(kMillion);
  for (std::string& subject : subjects) subject += ".x";
  MatchAll(state, Million(), subjects, 0);
}
BENCHMARK(NothingAmongMillion);

// A third of the filters each: `*` at the end, `>` at the end, `*` in the middle.
void AddWildcards(FilledIndex& filled) {
  for (size_t i = 0; i < kWildcards; ++i) {
    const std::string number = std::to_string(i);
    if (i % 3 == 0) filled.Add("devices.eu-west." + number + ".*");
    if (i % 3 == 1) filled.Add("devices.eu-west." + number + ".>");
    if (i % 3 == 2) filled.Add("devices.*." + number + ".state");
  }
}

void WildcardAmongTenThousand(benchmark::State& state) {
  FilledIndex filled;
  AddWildcards(filled);
  MatchAll(state, filled, Sample(kWildcards), 1);
}
BENCHMARK(WildcardAmongTenThousand);

void LiteralBesideWildcards(benchmark::State& state) {
  FilledIndex filled;
  AddWildcards(filled);
  for (size_t i = 0; i < kWildcards; ++i) filled.Add(DeviceSubject(i));
  MatchAll(state, filled, Sample(kWildcards), 2);
}
BENCHMARK(LiteralBesideWildcards);

void ComeAndGoAmongMillion(benchmark::State& state) {
  FilledIndex& filled = Million();
  constexpr size_t kInboxes = 4096;
  std::vector<std::string> inboxes;
  for (size_t i = 0; i < kInboxes; ++i) inboxes.push_back("_INBOX.Kq3x9." + std::to_string(i));
  size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    Subscriber subscriber;
    filled.index().Add(0, kGlobalAccount, inboxes[next++ % kInboxes], {}, subscriber);
    filled.index().Remove(0, subscriber);
    if (next % 64 == 0) filled.Quiesce();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(ComeAndGoAmongMillion);

enum class Churn { kNone, kLiteral, kWildcard };

// Adds and removes a distinct filter every 20 us, which makes 100,000 changes a second.
void ChurnUntil(const std::atomic<bool>& stop, SubjectIndex& index, Churn kind,
                std::atomic<uint64_t>& changes) {
  constexpr uint64_t kPeriodNs = 20'000;
  uint64_t due = base::MonotonicNanoseconds();
  for (uint64_t number = 0; !stop.load(std::memory_order_relaxed); ++number) {
    Subscriber subscriber;
    const std::string inbox = "_INBOX." + std::to_string(number);
    index.Add(1, kGlobalAccount, kind == Churn::kWildcard ? inbox + ".*" : inbox, {}, subscriber);
    index.Remove(1, subscriber);
    index.reclaimer().Quiesce(1);
    changes.fetch_add(2, std::memory_order_relaxed);
    due += kPeriodNs;
    while (base::MonotonicNanoseconds() < due) {
    }
  }
}

void HotSubjectUnderChurn(benchmark::State& state, Churn churn) {
  constexpr size_t kHot = 16;
  constexpr size_t kMatchesPerTurn = 256;
  FilledIndex filled(2);
  std::vector<std::string> subjects;
  for (size_t i = 0; i < kHot; ++i) {
    subjects.push_back(DeviceSubject(i));
    filled.Add(subjects.back());
  }
  MatchCache cache(filled.index(), 0);
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> changes{0};
  std::thread other;
  const uint64_t begin = base::MonotonicNanoseconds();
  if (churn != Churn::kNone) {
    other = std::thread([&] { ChurnUntil(stop, filled.index(), churn, changes); });
  }
  size_t next = 0;
  for ([[maybe_unused]] auto _ : state) {
    const MatchResult& match = cache.Match(kGlobalAccount, subjects[next++ % kHot]);
    benchmark::DoNotOptimize(&match);
    if (next % kMatchesPerTurn == 0) filled.index().reclaimer().Quiesce(0);
  }
  const auto elapsed = static_cast<double>(base::MonotonicNanoseconds() - begin);
  stop.store(true);
  if (other.joinable()) other.join();
  const auto hits = static_cast<double>(cache.stats().hits);
  state.counters["hit_ratio"] = hits / (hits + static_cast<double>(cache.stats().misses));
  state.counters["changes_per_s"] = static_cast<double>(changes.load()) * 1e9 / elapsed;
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(HotSubjectUnderChurn, None, Churn::kNone)->UseRealTime();
BENCHMARK_CAPTURE(HotSubjectUnderChurn, Literals, Churn::kLiteral)->UseRealTime();
BENCHMARK_CAPTURE(HotSubjectUnderChurn, Wildcards, Churn::kWildcard)->UseRealTime();

}  // namespace
}  // namespace martlet::subject

BENCHMARK_MAIN();
