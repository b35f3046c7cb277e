// The index under several threads: what is certainly there is found, and nothing is lost or leaked.
// Address and thread sanitizers judge the memory.
#include <algorithm>
#include <atomic>
#include <barrier>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "subject/match_cache.h"
#include "subject/subject.h"
#include "subject/subject_index.h"

namespace martlet::subject {
namespace {

constexpr unsigned kShards = 4;
constexpr int kPhases = 4;
constexpr int kTurnsPerPhase = 6000;
constexpr size_t kLiveMax = 40;

struct Live : Subscriber {
  std::string text;
  std::string queue;
};

// What the shards share, and tell each other at the barriers.
struct World {
  SubjectIndex index{kShards};
  std::barrier<> barrier{kShards};
  std::vector<std::vector<std::pair<std::string, std::string>>> live{kShards};
  std::atomic<int> missed{0};
  std::atomic<int> wrong{0};
};

class Worker {
 public:
  Worker(unsigned shard, World& world) : shard_(shard), world_(world), random_(shard + 1) {}

  void Run() {
    Reclaimer& reclaimer = world_.index.reclaimer();
    reclaimer.Online(shard_);
    for (int phase = 0; phase < kPhases; ++phase) {
      for (int turn = 0; turn < kTurnsPerPhase; ++turn) {
        Turn();
        if (Below(16) == 0) {
          reclaimer.Offline(shard_);
          reclaimer.Online(shard_);
        } else {
          reclaimer.Quiesce(shard_);
        }
      }
      Compare();
    }
    while (!live_.empty()) RemoveAt(live_.size() - 1);
    reclaimer.Offline(shard_);
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  // Few enough that the shards meet, many enough that tables grow.
  std::string RandomSubject(bool filter) {
    std::string text;
    const size_t depth = 1 + Below(3);
    for (size_t i = 0; i < depth; ++i) {
      if (i > 0) text += '.';
      if (filter && i + 1 == depth && Below(5) == 0) {
        text += '>';
      } else if (filter && Below(4) == 0) {
        text += '*';
      } else if (Below(8) == 0) {
        text += "n" + std::to_string(Below(500));
      } else {
        text += "abcd"[Below(4)];
      }
    }
    return text;
  }

  void Turn() {
    if (Below(2) == 0 && live_.size() < kLiveMax) {
      auto live = std::make_unique<Live>();
      live->text = RandomSubject(true);
      if (Below(3) == 0) live->queue = "q";
      world_.index.Add(shard_, kGlobalAccount, live->text, live->queue, *live);
      live_.push_back(std::move(live));
    } else if (!live_.empty()) {
      RemoveAt(Below(live_.size()));
    }
    for (int i = 0; i < 3; ++i) ExpectOwn(RandomSubject(false));
  }

  void RemoveAt(size_t i) {
    world_.index.Remove(shard_, *live_[i]);
    std::swap(live_[i], live_.back());
    live_.pop_back();
  }

  // Own subscribers are certainly there: each must be found once, in the list of this shard.
  void ExpectOwn(const std::string& subject) {
    const MatchResult& result = cache_.Match(kGlobalAccount, subject);
    size_t found = 0;
    const auto count = [&](const Filter* filter) {
      for (const Subscriber* subscriber : filter->local(shard_)) {
        const Live& live = static_cast<const Live&>(*subscriber);
        if (!Matches(live.text, subject)) world_.wrong++;
        ++found;
      }
    };
    for (const Filter* filter : result.plain) count(filter);
    for (const MatchResult::Group& group : result.groups) {
      for (const Filter* filter : group.filters) count(filter);
    }
    const auto expected = std::count_if(
        live_.begin(), live_.end(), [&](const auto& live) { return Matches(live->text, subject); });
    if (found != static_cast<size_t>(expected)) world_.missed++;
  }

  // Nobody changes anything between the barriers: all shards must see the same.
  void Compare() {
    auto& own = world_.live[shard_];
    own.clear();
    for (const auto& live : live_) own.emplace_back(live->text, live->queue);
    world_.barrier.arrive_and_wait();
    for (int i = 0; i < 200; ++i) {
      const std::string subject = RandomSubject(false);
      ShardSet plain = 0;
      size_t queued = 0;
      for (unsigned shard = 0; shard < kShards; ++shard) {
        for (const auto& [text, queue] : world_.live[shard]) {
          if (!Matches(text, subject)) continue;
          if (queue.empty()) {
            plain |= ShardSet{1} << shard;
          } else {
            ++queued;
          }
        }
      }
      const MatchResult& result = cache_.Match(kGlobalAccount, subject);
      size_t members = 0;
      for (const MatchResult::Group& group : result.groups) {
        for (const Filter* filter : group.filters) {
          for (unsigned shard = 0; shard < kShards; ++shard) members += filter->members(shard);
        }
      }
      if (result.plain_shards != plain || members != queued) world_.missed++;
    }
    world_.barrier.arrive_and_wait();
  }

  const unsigned shard_;
  World& world_;
  std::mt19937_64 random_;
  MatchCache cache_{world_.index, shard_};
  std::vector<std::unique_ptr<Live>> live_;
};

TEST(SubjectIndexStress, ShardsFindTheirOwnAtAnyTimeAndAllAfterABarrier) {
  World world;
  std::vector<std::thread> threads;
  for (unsigned shard = 0; shard < kShards; ++shard) {
    threads.emplace_back([&world, shard] { Worker(shard, world).Run(); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(world.missed, 0);
  EXPECT_EQ(world.wrong, 0);
  EXPECT_EQ(world.index.reclaimer().CollectAll(), 0u);
  MatchResult result;
  for (const char* subject : {"a", "a.b", "a.b.c"}) {
    world.index.Match(kGlobalAccount, subject, result);
    EXPECT_TRUE(result.empty()) << subject;
  }
}

}  // namespace
}  // namespace martlet::subject
