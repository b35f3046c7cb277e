#include "subject/reclaim.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::subject {
namespace {

// Counts how many of it are alive.
struct Tracked {
  explicit Tracked(int* count) : alive(count) { ++*alive; }
  ~Tracked() { --*alive; }
  int* alive;
};

TEST(Reclaimer, FreesAtOnceWhileAllReadersAreOffline) {
  int alive = 0;
  Reclaimer reclaimer(3);
  reclaimer.Retire(0, new Tracked(&alive));
  EXPECT_EQ(reclaimer.Collect(0), 0u);
  EXPECT_EQ(alive, 0);
}

TEST(Reclaimer, WaitsForEveryReaderThatWasInside) {
  int alive = 0;
  Reclaimer reclaimer(2);
  reclaimer.Online(0);
  reclaimer.Online(1);
  reclaimer.Retire(0, new Tracked(&alive));
  EXPECT_EQ(reclaimer.Collect(0), 1u);
  reclaimer.Quiesce(0);
  EXPECT_EQ(reclaimer.Collect(0), 1u);
  reclaimer.Quiesce(0);
  EXPECT_EQ(reclaimer.Collect(0), 1u);
  reclaimer.Quiesce(1);
  EXPECT_EQ(reclaimer.Collect(0), 0u);
  EXPECT_EQ(alive, 0);
}

TEST(Reclaimer, SleepingReaderHoldsNothingBack) {
  int alive = 0;
  Reclaimer reclaimer(2);
  reclaimer.Online(0);
  reclaimer.Online(1);
  reclaimer.Offline(1);
  reclaimer.Retire(0, new Tracked(&alive));
  reclaimer.Quiesce(0);
  EXPECT_EQ(reclaimer.Collect(0), 0u);
}

TEST(Reclaimer, ReaderThatCameLaterHoldsNothingBack) {
  int alive = 0;
  Reclaimer reclaimer(2);
  reclaimer.Online(0);
  reclaimer.Online(1);
  reclaimer.Retire(0, new Tracked(&alive));
  reclaimer.Quiesce(0);
  EXPECT_EQ(alive, 1);
  reclaimer.Offline(1);
  reclaimer.Online(1);
  EXPECT_EQ(reclaimer.Collect(0), 0u);
}

TEST(Reclaimer, QuietPointFreesOnlyWhatWasRetiredBeforeIt) {
  int alive = 0;
  Reclaimer reclaimer(1);
  reclaimer.Online(0);
  reclaimer.Retire(0, new Tracked(&alive));
  reclaimer.Quiesce(0);
  reclaimer.Retire(0, new Tracked(&alive));
  EXPECT_EQ(reclaimer.Collect(0), 1u);
  EXPECT_EQ(alive, 1);
}

TEST(Reclaimer, QuietPointsFreeAFewAtATime) {
  constexpr int kObjects = 5000;
  int alive = 0;
  Reclaimer reclaimer(1);
  reclaimer.Online(0);
  for (int i = 0; i < kObjects; ++i) reclaimer.Retire(0, new Tracked(&alive));
  EXPECT_EQ(alive, kObjects);
  int turns = 0;
  for (int before = alive; alive > 0; before = alive, ++turns) {
    reclaimer.Quiesce(0);
    ASSERT_LT(alive, before);
  }
  EXPECT_GT(turns, 1);
}

TEST(Reclaimer, EachReaderFreesWhatItRetired) {
  int alive = 0;
  Reclaimer reclaimer(2);
  reclaimer.Online(0);
  reclaimer.Online(1);
  reclaimer.Retire(1, new Tracked(&alive));
  reclaimer.Quiesce(1);  // reader 0 may still look at it
  reclaimer.Quiesce(0);
  EXPECT_EQ(alive, 1);
  reclaimer.Quiesce(1);
  EXPECT_EQ(alive, 0);
}

TEST(Reclaimer, HandsOnItsOwnerAndTheShard) {
  struct Owner {
    unsigned shard = 0;
    void* object = nullptr;
  };
  Owner owner;
  int object = 0;
  Reclaimer reclaimer(2, &owner);
  reclaimer.Retire(1, &object, [](void* its_owner, unsigned shard, void* its_object) {
    *static_cast<Owner*>(its_owner) = {shard, its_object};
  });
  EXPECT_EQ(reclaimer.CollectAll(), 0u);
  EXPECT_EQ(owner.shard, 1u);
  EXPECT_EQ(owner.object, &object);
}

TEST(Reclaimer, FreesTheRestWhenItDies) {
  int alive = 0;
  {
    Reclaimer reclaimer(1);
    reclaimer.Online(0);
    for (int i = 0; i < 10; ++i) reclaimer.Retire(0, new Tracked(&alive));
    EXPECT_EQ(alive, 10);
  }
  EXPECT_EQ(alive, 0);
}

// A writer swaps an object that readers look at; address and thread sanitizers judge.
TEST(Reclaimer, ReadersNeverMeetAFreedObject) {
  constexpr unsigned kReaders = 3;
  constexpr unsigned kWriter = kReaders;
  Reclaimer reclaimer(kReaders + 1);
  std::atomic<std::vector<int>*> shared{new std::vector<int>(16, 0)};
  std::atomic<bool> stop{false};
  std::atomic<int> torn{0};

  std::vector<std::thread> readers;
  for (unsigned reader = 0; reader < kReaders; ++reader) {
    readers.emplace_back([&, reader] {
      reclaimer.Online(reader);
      for (int turn = 0; !stop.load(std::memory_order_relaxed); ++turn) {
        const std::vector<int>* seen = shared.load(std::memory_order_acquire);
        for (const int value : *seen) torn += value != seen->front() ? 1 : 0;
        if (turn % 7 == 0) {
          reclaimer.Offline(reader);
          reclaimer.Online(reader);
        } else {
          reclaimer.Quiesce(reader);
        }
      }
      reclaimer.Offline(reader);
    });
  }
  reclaimer.Online(kWriter);
  for (int i = 1; i <= 5000; ++i) {
    auto* fresh = new std::vector<int>(16, i);
    reclaimer.Retire(kWriter, shared.exchange(fresh, std::memory_order_acq_rel));
    reclaimer.Quiesce(kWriter);
  }
  reclaimer.Offline(kWriter);
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(torn, 0);
  EXPECT_EQ(reclaimer.Collect(kWriter), 0u);
  delete shared.load();
}

}  // namespace
}  // namespace martlet::subject
