// The index's core in the model checker: every interleaving of a few threads, within the limits of
// model.h, and random ones beyond them; and the same with mistakes planted, which must be found.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model.h"
#include "subject/index_core.h"

namespace martlet::subject::model {
namespace {

constexpr unsigned kModelShards = 3;

uint64_t Wish(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}
// More of the same, for a night: executions per random scenario, preemptions above the usual.
uint64_t RandomExecutions() { return Wish("MARTLET_MODEL_EXECUTIONS", 3000); }
Limits Deeper(Limits limits) {
  limits.preemptions += static_cast<unsigned>(Wish("MARTLET_MODEL_PREEMPTIONS", 0));
  limits.executions_max = UINT64_MAX;
  return limits;
}

struct Node : BasicListNode<Sync> {
  Node(uint32_t its_key, int its_id) : BasicListNode(its_key), id(its_id) {}

  const int id;
  std::array<Atomic<uint32_t>, kModelShards> members;
  std::array<uint64_t, kModelShards> since = {};  // each its shard's own
};

// Four entrances at most.
class Buckets {
 public:
  using Word = Atomic<uintptr_t>;
  Word& operator[](size_t i) { return words_[i]; }
  const Word& operator[](size_t i) const { return words_[i]; }
  size_t IndexOf(const Word* word) const { return static_cast<size_t>(word - words_.data()); }
  bool Commit(size_t count) { return count <= words_.size(); }

 private:
  alignas(16) std::array<Word, 4> words_;
};

using Core = IndexCore<Node, Sync, Buckets>;

// Two nodes of the lower half, neighbours in the list, and one of the upper.
constexpr uint32_t kLow = 0x10000001;
constexpr uint32_t kNext = 0x10000003;
constexpr uint32_t kHigh = 0x90000001;

struct Match {
  uint64_t as_of = 0;
  uint64_t generation = 0;
  std::vector<Node*> nodes;
};

// The core as SubjectIndex uses it, with one generation for all and one member per shard and node.
class World {
 public:
  explicit World(Execution& execution) : execution_(execution), core_(kModelShards, 1, this) {
    for (unsigned shard = 0; shard < kModelShards; ++shard) core_.reclaimer().Online(shard);
  }

  Core& core() { return core_; }
  Execution& execution() { return execution_; }

  Node& Add(unsigned shard, uint32_t key, int id = 0) {
    return Begin(
        shard, key, id, [](Node& node, unsigned of, uint64_t number) { node.since[of] = number; },
        [this] { Bump(); });
  }
  template <class Begun, class Bump>
  Node& Begin(unsigned shard, uint32_t key, int id, Begun begun, Bump bump) {
    return core_.Begin(
        shard, key, [&](const Node& node) { return node.id == id; },
        [&](const Node& node) { return node.members[shard].load(std::memory_order_relaxed) > 0; },
        [&] {
          auto made = std::make_shared<Node>(key, id);
          execution_.Keep(made);
          made->members[shard].store(1, std::memory_order_relaxed);
          return made.get();
        },
        [&](Node* made) { Free(this, shard, made); },
        [&](Node& node) { node.members[shard].store(1, std::memory_order_relaxed); },
        [&](Node& node, uint64_t number) { begun(node, shard, number); }, [&](Node&) { bump(); });
  }
  void Remove(unsigned shard, Node& node) {
    node.members[shard].store(0, std::memory_order_relaxed);
    core_.End(
        shard, node, [](Node&) {}, [this](Node&) { Bump(); }, &World::Free);
  }
  void Bump() { generation_.fetch_add(1, std::memory_order_release); }

  Match Find(uint32_t key) {
    Match match;
    match.as_of = core_.Beginnings();
    match.generation = generation_.load(std::memory_order_acquire);
    core_.nodes().ForEach(key, [&](Node& node) {
      if (Members(node) > 0) match.nodes.push_back(&node);
    });
    return match;
  }
  bool IsCurrent(const Match& match) {
    return generation_.load(std::memory_order_acquire) == match.generation;
  }
  static uint32_t Members(const Node& node) {
    uint32_t members = 0;
    for (const auto& of : node.members) members += of.load(std::memory_order_relaxed);
    return members;
  }
  void Expect(bool holds, const char* what) {
    if (!holds) execution_.Fail(what);
  }
  void ExpectOnly(uint32_t key, const Node& node) {
    const Match match = Find(key);
    Expect(match.nodes.size() == 1 && match.nodes[0] == &node, "not exactly the one that is in");
  }

  static void Free(void*, unsigned, void* object) {
    Node& node = *static_cast<Node*>(object);
    Execution& execution = Execution::Current();
    execution.FreeLocation(node.next.location());
    execution.FreeLocation(node.interest.location());
    for (const auto& of : node.members) execution.FreeLocation(of.location());
  }

 private:
  Execution& execution_;
  Core core_;
  Atomic<uint64_t> generation_;
};

using Bodies = std::vector<std::function<void()>>;

// SUB, then PONG; who has heard of the PONG must match, from memory or anew.
template <class Subscribe>
void PongAfterSub(Execution& execution, Subscribe subscribe) {
  World world(execution);
  Atomic<uint32_t> pong;
  execution.Run({[&] {
                   subscribe(world);
                   pong.store(1, std::memory_order_release);
                 },
                 [&] {
                   Match match = world.Find(kLow);
                   if (pong.load(std::memory_order_acquire) == 0) return;
                   if (!world.IsCurrent(match)) match = world.Find(kLow);
                   world.Expect(match.nodes.size() == 1, "a PUB after the PONG missed the SUB");
                 }});
}

// A match knows by its number whether it was made before the SUB.
template <class Subscribe>
void NothingFromBeforeTheSub(Execution& execution, Subscribe subscribe) {
  World world(execution);
  Node* node = nullptr;
  Match match;
  execution.Run({[&] { node = &subscribe(world); }, [&] { match = world.Find(kLow); }});
  if (match.as_of >= node->since[0]) {
    world.Expect(match.nodes.size() == 1, "a match from before the SUB passes for a later one");
  }
}

// The last member goes while others look, from memory or anew; then the node is freed.
template <class Unsubscribe>
void GoneWhileOthersLook(Execution& execution, Unsubscribe unsubscribe) {
  World world(execution);
  Node& node = world.Add(0, kLow);
  execution.Run({[&] {
                   unsubscribe(world, node);
                   world.core().reclaimer().Quiesce(0);
                   world.core().reclaimer().Quiesce(0);
                 },
                 [&] {
                   Match match = world.Find(kLow);
                   world.core().reclaimer().Quiesce(1);
                   if (!world.IsCurrent(match)) match = world.Find(kLow);
                   for (Node* at : match.nodes) World::Members(*at);
                   world.core().reclaimer().Quiesce(1);
                 },
                 [&] { world.core().reclaimer().Quiesce(2); }});
  for (unsigned shard = 0; shard < kModelShards; ++shard) world.core().reclaimer().Offline(shard);
  world.Expect(world.core().reclaimer().CollectAll() == 0, "something is never freed");
  world.Expect(world.Find(kLow).nodes.empty(), "still there");
}

void SleeperComesBack(Execution& execution) {
  World world(execution);
  Node& node = world.Add(0, kLow);
  world.core().reclaimer().Offline(1);
  world.core().reclaimer().Offline(2);
  execution.Run({[&] {
                   world.Remove(0, node);
                   world.core().reclaimer().Quiesce(0);
                 },
                 [&] {
                   world.core().reclaimer().Online(1);
                   world.Find(kLow);
                   world.core().reclaimer().Offline(1);
                 }});
}

// Three shards and one filter: in the end it is in for those who stayed, once.
void ComeAndGoTogether(Execution& execution) {
  World world(execution);
  Node& first = world.Add(0, kLow);
  Node* second = nullptr;
  execution.Run({[&] { world.Remove(0, first); },
                 [&] {
                   second = &world.Add(1, kLow);
                   const Match match = world.Find(kLow);
                   world.Expect(match.nodes.size() == 1 && match.nodes[0] == second,
                                "the own interest is not in sight");
                 },
                 [&] { world.Remove(2, world.Add(2, kLow)); }});
  world.ExpectOnly(kLow, *second);
  world.Expect(second->interest.load(std::memory_order_relaxed) == 1, "interest is lost or won");
}

// Two neighbours go at once, what stands behind them stays in sight.
void NeighboursGo(Execution& execution) {
  World world(execution);
  Node& a = world.Add(0, kLow, 1);
  Node& b = world.Add(0, kLow, 2);
  Node& stays = world.Add(0, kNext);
  // Each as if it were its shard's own.
  a.members[0].store(0, std::memory_order_relaxed);
  a.members[1].store(1, std::memory_order_relaxed);
  execution.Run({[&] { world.Remove(0, b); }, [&] { world.Remove(1, a); },
                 [&] { world.ExpectOnly(kNext, stays); }});
  world.ExpectOnly(kNext, stays);
  world.Expect(world.Find(kLow).nodes.empty(), "still there");
}

// The table doubles and links its new entrance while others insert on both sides of it.
void GrowsUnderAll(Execution& execution) {
  World world(execution);
  Node& low = world.Add(0, kLow);
  Node& high = world.Add(0, kHigh);
  execution.Run({[&] {
                   world.core().nodes().Grow();
                   world.Add(0, kHigh, 2);
                 },
                 [&] { world.Add(1, kHigh, 3); },
                 [&] {
                   world.ExpectOnly(kLow, low);
                   const Match match = world.Find(kHigh);
                   bool found = false;
                   for (const Node* node : match.nodes) found = found || node == &high;
                   world.Expect(found, "lost while the table grew");
                 }});
  world.Expect(world.Find(kHigh).nodes.size() == 3, "an insertion is lost");
}

// Whatever three shards do: each sees its own, and nothing is lost, leaked or met when freed.
void Anything(Execution& execution, std::mt19937_64& random) {
  World world(execution);
  struct Held {
    Node* node;
    uint32_t key;
    int id;
  };
  std::array<std::vector<Held>, kModelShards> held;
  const auto body = [&](unsigned shard, uint64_t seed) {
    return [&world, &held, shard, seed] {
      std::mt19937_64 own(seed);
      std::vector<Held>& mine = held[shard];
      for (int step = 0; step < 5; ++step) {
        const uint32_t key = std::array{kLow, kNext, kHigh}[own() % 3];
        const int id = static_cast<int>(own() % 2);
        const auto at = std::find_if(mine.begin(), mine.end(), [&](const Held& one) {
          return one.key == key && one.id == id;
        });
        if (at != mine.end()) {
          world.Remove(shard, *at->node);
          mine.erase(at);
        } else if (own() % 8 == 0) {
          world.core().nodes().Grow();
        } else {
          mine.push_back({&world.Add(shard, key, id), key, id});
        }
        for (const Held& one : mine) {
          bool found = false;
          for (const Node* node : world.Find(one.key).nodes) found = found || node == one.node;
          world.Expect(found, "the own interest is not in sight");
        }
        world.core().reclaimer().Quiesce(shard);
      }
    };
  };
  execution.Run({body(0, random()), body(1, random()), body(2, random())});
  for (unsigned shard = 0; shard < kModelShards; ++shard) {
    for (const Held& one : held[shard]) world.Remove(shard, *one.node);
  }
  for (unsigned shard = 0; shard < kModelShards; ++shard) world.core().reclaimer().Offline(shard);
  world.Expect(world.core().reclaimer().CollectAll() == 0, "something is never freed");
  world.core().nodes().ForEachNode(
      [&](Node&) { world.Expect(false, "something is never removed"); });
}

Node& Subscribe(World& world) { return world.Add(0, kLow); }
void Unsubscribe(World& world, Node& node) { world.Remove(0, node); }

void Pong(Execution& execution) { PongAfterSub(execution, Subscribe); }
void Before(Execution& execution) { NothingFromBeforeTheSub(execution, Subscribe); }
void Gone(Execution& execution) { GoneWhileOthersLook(execution, Unsubscribe); }

void ExpectSound(const Scenario& scenario, Limits limits) {
  const Outcome all = ExploreAll(scenario, Deeper(limits));
  EXPECT_EQ(all.error, "") << "execution " << all.executions;
  EXPECT_TRUE(all.complete) << "the limits are too wide for " << all.executions << " executions";
  const Outcome random = ExploreRandom(scenario, 1, RandomExecutions());
  EXPECT_EQ(random.error, "") << "seed 1, execution " << random.executions;
  testing::Test::RecordProperty("executions", std::to_string(all.executions));
}
void ExpectFound(const Scenario& scenario, Weakened weakened = {}) {
  Outcome found = ExploreAll(scenario, {}, weakened);
  if (found.error.empty()) found = ExploreRandom(scenario, 1, 100'000, weakened);
  EXPECT_NE(found.error, "") << "not found in " << found.executions << " executions";
}

class IndexCoreModel : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "threads of the model are stacks that take turns, which this sanitizer minds";
#endif
  }
};
class IndexCoreModelMutants : public IndexCoreModel {};

TEST_F(IndexCoreModel, PubAfterThePongFindsTheSubscriber) { ExpectSound(Pong, {3, 2}); }
TEST_F(IndexCoreModel, MatchFromBeforeTheSubCarriesASmallerNumber) { ExpectSound(Before, {3, 2}); }
TEST_F(IndexCoreModel, NobodyMeetsWhatIsFreed) { ExpectSound(Gone, {2, 1}); }
TEST_F(IndexCoreModel, SleeperMeetsNothingFreed) { ExpectSound(SleeperComesBack, {3, 2}); }
TEST_F(IndexCoreModel, InterestIsNeitherLostNorWon) { ExpectSound(ComeAndGoTogether, {2, 1}); }
TEST_F(IndexCoreModel, NeighboursGoAndTheRestStays) { ExpectSound(NeighboursGo, {2, 1}); }
TEST_F(IndexCoreModel, NothingIsLostWhileTheTableGrows) { ExpectSound(GrowsUnderAll, {2, 1}); }

TEST_F(IndexCoreModel, AnythingAtRandom) {
  std::mt19937_64 random(1);
  const auto scenario = [&](Execution& execution) { Anything(execution, random); };
  const Outcome outcome = ExploreRandom(scenario, 1, RandomExecutions());
  EXPECT_EQ(outcome.error, "") << "execution " << outcome.executions;
}

// The checker finds what must not be.

TEST_F(IndexCoreModelMutants, ReleasesThatAreNone) {
  for (const auto& scenario : {Pong, Gone, ComeAndGoTogether}) {
    ExpectFound(scenario, {.releases = true});
  }
}
TEST_F(IndexCoreModelMutants, AcquiresThatAreNone) {
  for (const auto& scenario : {Pong, Gone, ComeAndGoTogether}) {
    ExpectFound(scenario, {.acquires = true});
  }
}
TEST_F(IndexCoreModelMutants, FencesThatAreNone) {
  ExpectFound(SleeperComesBack, {.fences = true});
}

TEST_F(IndexCoreModelMutants, BumpBeforeLink) {
  ExpectFound([](Execution& execution) {
    PongAfterSub(execution, [](World& world) {
      world.Bump();
      world.Begin(
          0, kLow, 0, [](Node&, unsigned, uint64_t) {}, [] {});
    });
  });
}

TEST_F(IndexCoreModelMutants, NoBump) {
  ExpectFound([](Execution& execution) {
    PongAfterSub(execution, [](World& world) {
      world.Begin(
          0, kLow, 0, [](Node&, unsigned, uint64_t) {}, [] {});
    });
  });
}

TEST_F(IndexCoreModelMutants, NumberBeforeLink) {
  ExpectFound([](Execution& execution) {
    NothingFromBeforeTheSub(execution, [](World& world) -> Node& {
      // The number of some other beginning that came first.
      uint64_t early = 0;
      Node& other = world.Add(0, kHigh);
      early = other.since[0];
      return world.Begin(
          0, kLow, 0, [&](Node& node, unsigned of, uint64_t) { node.since[of] = early; },
          [&] { world.Bump(); });
    });
  });
}

TEST_F(IndexCoreModelMutants, RetireBeforeUnlink) {
  ExpectFound([](Execution& execution) {
    GoneWhileOthersLook(execution, [](World& world, Node& node) {
      node.members[0].store(0, std::memory_order_relaxed);
      Core::List::DropInterest(node);
      world.core().reclaimer().Retire(0, &node, &World::Free);
      world.core().reclaimer().Quiesce(0);
      Core::List::Freeze(node);
      world.core().nodes().Unlink(node);
      world.Bump();
    });
  });
}

TEST_F(IndexCoreModelMutants, FreeWithoutWaiting) {
  ExpectFound([](Execution& execution) {
    GoneWhileOthersLook(execution, [](World& world, Node& node) {
      node.members[0].store(0, std::memory_order_relaxed);
      world.core().nodes().Release(0, node);
      world.Bump();
      World::Free(&world, 0, &node);
    });
  });
}

TEST_F(IndexCoreModelMutants, FrozenButNotUnlinked) {
  ExpectFound([](Execution& execution) {
    GoneWhileOthersLook(execution, [](World& world, Node& node) {
      node.members[0].store(0, std::memory_order_relaxed);
      Core::List::DropInterest(node);
      Core::List::Freeze(node);
      world.Bump();
      world.core().reclaimer().Retire(0, &node, &World::Free);
    });
  });
}

TEST_F(IndexCoreModelMutants, NoBumpAtTheEnd) {
  ExpectFound([](Execution& execution) {
    GoneWhileOthersLook(execution, [](World& world, Node& node) {
      node.members[0].store(0, std::memory_order_relaxed);
      world.core().End(
          0, node, [](Node&) {}, [](Node&) {}, &World::Free);
    });
  });
}

// Interest that is taken in what is dead already: the winner is lost with it.
TEST_F(IndexCoreModelMutants, InterestInTheDead) {
  ExpectFound([](Execution& execution) {
    World world(execution);
    Node& node = world.Add(0, kLow);
    execution.Run({[&] { world.Remove(0, node); },
                   [&] {
                     Node* found = nullptr;
                     world.core().nodes().ForEach(kLow, [&](Node& at) { found = &at; });
                     if (found == nullptr) return;
                     found->interest.fetch_add(1, std::memory_order_acq_rel);
                     found->members[1].store(1, std::memory_order_relaxed);
                     world.ExpectOnly(kLow, *found);
                   }});
  });
}

}  // namespace
}  // namespace martlet::subject::model
