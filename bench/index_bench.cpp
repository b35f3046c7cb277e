// Question: what does it cost to find who wants a subject, and to come and go?
//
// Compared: a hot subject, by the memo of a connection and by the match cache of a shard; literals
// that are looked up each time, among 1,000, beside 10,000 wildcard filters, and among 1,000,000
// subscriptions of which a fifth have wildcards; a subscription that comes and goes among those;
// and the hot subject while another shard adds and removes 50,000 subscriptions a second each, as
// inboxes of old clients do. Subjects lie one after the other, as in a receive buffer. Minds
// change: if a cached match costs as much as a walk, the cache must go; if a walk among a million
// misses its bound, the table's layout must change; if the churn takes away more than a tenth,
// generations need more counters. Times are CPU time, since the machine may have others to serve.
#include "index_bench.h"

#include <array>
#include <atomic>
#include <thread>
#include <time.h>

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
    for (size_t i = 0; i < kMillion; ++i) index->Add(FilterOfMix(i));
    return index;
  }();
  return *filled;
}

/// Subjects to ask for, in an order that no prefetcher guesses, and dense in that order.
class Subjects {
 public:
  /// Of literals of the mix.
  static Subjects Random(size_t below, std::string_view suffix = {}) {
    Subjects subjects;
    base::Random random(1);
    while (subjects.size() < size_t{1} << 16U) {
      const size_t number = random.Below(static_cast<uint32_t>(below));
      if (IsLiteralOfMix(number)) subjects.Push(DeviceSubject(number) + std::string(suffix));
    }
    return subjects;
  }
  static Subjects First(size_t count) {
    Subjects subjects;
    for (size_t i = 0; i < count; ++i) subjects.Push(DeviceSubject(i));
    return subjects;
  }

  size_t size() const { return ends_.size(); }
  std::string_view Next() {
    if (next_ == ends_.size()) next_ = begin_ = 0;
    const uint32_t begin = begin_;
    begin_ = ends_[next_++];
    return {bytes_.data() + begin, begin_ - begin};
  }

 private:
  void Push(const std::string& subject) {
    bytes_ += subject;
    ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  }
  std::string bytes_;
  std::vector<uint32_t> ends_;
  size_t next_ = 0;
  uint32_t begin_ = 0;
};

void MatchAll(benchmark::State& state, FilledIndex& filled, Subjects subjects, size_t wanted) {
  MatchResult match;
  for ([[maybe_unused]] auto _ : state) {
    filled.index().Match(kGlobalAccount, subjects.Next(), match);
    benchmark::DoNotOptimize(match);
    if (match.plain.size() != wanted) return state.SkipWithError("wrong match");
  }
  state.SetItemsProcessed(state.iterations());
}

void RepeatedSubject(benchmark::State& state) {
  FilledIndex filled;
  const std::string subject = DeviceSubject(1);
  filled.Add(subject);
  MatchCache cache(filled.index(), 0);
  MatchCache::Memo memo;
  for (int i = 0; i < 2; ++i) cache.Match(kGlobalAccount, subject, memo);
  for ([[maybe_unused]] auto _ : state) {
    const MatchResult& match = cache.MatchAgain(kGlobalAccount, subject, memo);
    benchmark::DoNotOptimize(&match);
  }
  state.SetItemsProcessed(state.iterations());
  Bound(state, 10, 5);
}
BENCHMARK(RepeatedSubject);

void CachedSubject(benchmark::State& state, bool hashed) {
  const auto count = static_cast<size_t>(state.range(0));
  FilledIndex filled;
  Subjects subjects = Subjects::First(count);
  std::vector<uint64_t> hashes;
  for (size_t i = 0; i < count; ++i) {
    const std::string_view subject = subjects.Next();
    filled.Add(subject);
    hashes.push_back(SubjectIndex::HashOf(kGlobalAccount, subject));
  }
  MatchCache cache(filled.index(), 0);
  for (size_t i = 0; i < 2 * count; ++i) cache.Match(kGlobalAccount, subjects.Next());
  const MatchCacheStats before = cache.stats();
  size_t next = 0;
  MatchCache::Memo memo;
  for ([[maybe_unused]] auto _ : state) {
    const std::string_view subject = subjects.Next();
    if (next == count) next = 0;
    const MatchResult& match = hashed ? cache.Match(kGlobalAccount, subject, hashes[next++], memo)
                                      : cache.Match(kGlobalAccount, subject);
    benchmark::DoNotOptimize(&match);
  }
  const auto hits = static_cast<double>(cache.stats().hits - before.hits);
  const auto misses = static_cast<double>(cache.stats().misses - before.misses);
  state.counters["hit_ratio"] = hits / (hits + misses);
  state.SetItemsProcessed(state.iterations());
  Bound(state, 10, 5);
}
BENCHMARK_CAPTURE(CachedSubject, HashAtHand, true)->ArgName("subjects")->Arg(1)->Arg(1000);
BENCHMARK_CAPTURE(CachedSubject, Hashing, false)->ArgName("subjects")->Arg(1)->Arg(1000)->Arg(6000);

void LiteralAmongThousand(benchmark::State& state) {
  FilledIndex filled;
  for (size_t i = 0; i < 1000; ++i) filled.Add(DeviceSubject(i));
  MatchAll(state, filled, Subjects::Random(1000), 1);
  Bound(state, 80, 40);
}
BENCHMARK(LiteralAmongThousand);

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
  MatchAll(state, filled, Subjects::Random(kWildcards), 1);
  Bound(state, 150, 80);
}
BENCHMARK(WildcardAmongTenThousand);

void LiteralBesideWildcards(benchmark::State& state) {
  FilledIndex filled;
  AddWildcards(filled);
  for (size_t i = 0; i < kWildcards; ++i) filled.Add(DeviceSubject(i));
  MatchAll(state, filled, Subjects::Random(kWildcards), 2);
  Bound(state, 150, 80);
}
BENCHMARK(LiteralBesideWildcards);

void LiteralAmongMillion(benchmark::State& state) {
  MatchAll(state, Million(), Subjects::Random(kMillion), 1);
  Bound(state, 300, 200);
}
BENCHMARK(LiteralAmongMillion);

void NothingAmongMillion(benchmark::State& state) {
  MatchAll(state, Million(), Subjects::Random(kMillion, ".x"), 0);
  Bound(state, 300, 200);
}
BENCHMARK(NothingAmongMillion);

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
  Bound(state, 500, 250);
}
BENCHMARK(ComeAndGoAmongMillion);

// A connection with a million subscriptions closes: all go in one turn, then memory bit by bit.
void MillionGo(benchmark::State& state) {
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    SubjectIndex index(1);
    index.reclaimer().Online(0);
    std::vector<Subscriber> subscribers(kMillion);
    for (size_t i = 0; i < kMillion; ++i) {
      index.Add(0, kGlobalAccount, FilterOfMix(i), {}, subscribers[i]);
    }
    state.ResumeTiming();
    // Not as they came: the session's table of sids knows no order.
    for (size_t i = 0; i < kMillion; ++i) index.Remove(0, subscribers[i * 387'420'489 % kMillion]);
    while (index.reclaimer().Collect(0) != 0) index.reclaimer().Quiesce(0);
    index.reclaimer().Offline(0);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kMillion));
}
BENCHMARK(MillionGo)->Iterations(2)->Unit(benchmark::kMillisecond);

enum class Churn { kLiteral, kWildcard };

// While it is wanted, adds and removes a distinct filter every 20 us: 100,000 changes a second.
class Churner {
 public:
  Churner(SubjectIndex& index, Churn kind) : index_(index), kind_(kind) {}
  ~Churner() {
    stop_ = true;
    thread_.join();
  }
  Churner(const Churner&) = delete;
  Churner& operator=(const Churner&) = delete;

  void Want(bool active) { active_ = active; }
  uint64_t changes() const { return changes_; }

 private:
  void Run() {
    constexpr uint64_t kPeriodNs = 20'000;
    uint64_t due = base::MonotonicNanoseconds();
    for (uint64_t number = 0; !stop_; ++number) {
      if (active_) {
        Subscriber subscriber;
        const std::string inbox = "_INBOX." + std::to_string(number);
        index_.Add(1, kGlobalAccount, kind_ == Churn::kWildcard ? inbox + ".*" : inbox, {},
                   subscriber);
        index_.Remove(1, subscriber);
        index_.reclaimer().Quiesce(1);
        changes_ += 2;
      }
      due += kPeriodNs;
      while (base::MonotonicNanoseconds() < due) {
      }
    }
  }

  SubjectIndex& index_;
  const Churn kind_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> active_{false};
  std::atomic<uint64_t> changes_{0};
  std::thread thread_{[this] { Run(); }};
};

double ThreadNanoseconds() {
  struct timespec now = {};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Slices with and without the churn in turns; the figure is the ratio of their costs.
void HotSubjectUnderChurn(benchmark::State& state, Churn kind) {
  constexpr size_t kHot = 16;
  constexpr int kMatchesPerSlice = 1'000'000;
  FilledIndex filled(2);
  Subjects subjects = Subjects::First(kHot);
  for (size_t i = 0; i < kHot; ++i) filled.Add(subjects.Next());
  MatchCache cache(filled.index(), 0);
  std::array<double, 2> spent = {};
  Churner churner(filled.index(), kind);
  uint64_t changes_ns = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (const bool churn : {false, true}) {
      churner.Want(churn);
      const uint64_t begin = base::MonotonicNanoseconds();
      const double before = ThreadNanoseconds();
      for (int i = 0; i < kMatchesPerSlice; ++i) {
        const MatchResult& match = cache.Match(kGlobalAccount, subjects.Next());
        benchmark::DoNotOptimize(&match);
        if (i % 256 == 0) filled.index().reclaimer().Quiesce(0);
      }
      spent[churn ? 1 : 0] += ThreadNanoseconds() - before;
      if (churn) changes_ns += base::MonotonicNanoseconds() - begin;
    }
  }
  churner.Want(false);
  const auto hits = static_cast<double>(cache.stats().hits);
  state.counters["hit_ratio"] = hits / (hits + static_cast<double>(cache.stats().misses));
  state.counters["changes_per_s"] =
      static_cast<double>(churner.changes()) * 1e9 / static_cast<double>(changes_ns);
  state.counters["quiet_ns"] =
      spent[0] / static_cast<double>(state.iterations()) / kMatchesPerSlice;
  Measured(state, spent[1] / spent[0]);
  Bound(state, 1.1, 1.02);
}
BENCHMARK_CAPTURE(HotSubjectUnderChurn, Literals, Churn::kLiteral)
    ->Iterations(30)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(HotSubjectUnderChurn, Wildcards, Churn::kWildcard)
    ->Iterations(30)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace martlet::subject

int main(int argc, char** argv) { return martlet::subject::RunBounded(argc, argv); }
