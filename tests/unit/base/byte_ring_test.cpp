#include "base/byte_ring.h"

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <thread>

#include <gtest/gtest.h>

namespace martlet::base {
namespace {

bool Put(ByteRing& ring, const std::string& record) {
  char* room = ring.Prepare(record.size());
  if (room == nullptr) return false;
  record.copy(room, record.size());
  ring.Commit();
  return true;
}

// The next record, or nothing; what it took is given back at once.
bool Take(ByteRing& ring, std::string* record) {
  const std::span<const char> front = ring.Front();
  if (front.data() == nullptr) return false;
  record->assign(front.begin(), front.end());
  ring.Pop(front);
  ring.Release();
  return true;
}

TEST(ByteRing, IsEmptyAtFirst) {
  ByteRing ring(64);
  EXPECT_EQ(ring.Front().data(), nullptr);
  EXPECT_FALSE(ring.HasWork());
  EXPECT_FALSE(ring.Publish());
}

TEST(ByteRing, RecordsShowOnlyWhenPublished) {
  ByteRing ring(256);
  ASSERT_TRUE(Put(ring, "one"));
  ASSERT_TRUE(Put(ring, "two"));
  EXPECT_FALSE(ring.HasWork());
  EXPECT_EQ(ring.Front().data(), nullptr);
  EXPECT_TRUE(ring.Publish());
  EXPECT_FALSE(ring.Publish());
  EXPECT_TRUE(ring.HasWork());
  std::string record;
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_EQ(record, "one");
  EXPECT_TRUE(ring.HasWork());
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_EQ(record, "two");
  EXPECT_FALSE(Take(ring, &record));
  EXPECT_FALSE(ring.HasWork());
}

TEST(ByteRing, EmptyRecordIsARecord) {
  ByteRing ring(64);
  ASSERT_TRUE(Put(ring, ""));
  ring.Publish();
  const auto front = ring.Front();
  EXPECT_NE(front.data(), nullptr);
  EXPECT_EQ(front.size(), 0u);
  ring.Pop(front);
  EXPECT_EQ(ring.Front().data(), nullptr);
}

TEST(ByteRing, PreparedButNotCommittedLeavesNoTrace) {
  ByteRing ring(64);
  ASSERT_NE(ring.Prepare(8), nullptr);
  EXPECT_FALSE(ring.Publish());
  ASSERT_TRUE(Put(ring, "x"));
  ring.Publish();
  std::string record;
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_EQ(record, "x");
}

TEST(ByteRing, FullRingRefusesAndOverwritesNothing) {
  ByteRing ring(128);
  int put = 0;
  while (Put(ring, "record" + std::to_string(put % 10) + "!")) ++put;  // 16 bytes each
  EXPECT_EQ(put, 8);
  ring.Publish();
  std::string record;
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_TRUE(Put(ring, "record8!"));
  EXPECT_FALSE(Put(ring, "record9!"));
  ring.Publish();
  for (int i = 1; i <= 8; ++i) {
    ASSERT_TRUE(Take(ring, &record));
    EXPECT_EQ(record, "record" + std::to_string(i) + "!");
  }
}

TEST(ByteRing, SpaceComesBackOnlyWithRelease) {
  ByteRing ring(64);
  while (Put(ring, "12345678")) {
  }
  ring.Publish();
  ring.Pop(ring.Front());
  EXPECT_FALSE(Put(ring, "12345678"));
  ring.Release();
  EXPECT_TRUE(Put(ring, "12345678"));
}

TEST(ByteRing, RecordThatDoesNotFitBeforeTheEndGoesToTheStart) {
  ByteRing ring(128);
  std::string record;
  for (int i = 0; i < 6; ++i) {  // 96 of 128
    ASSERT_TRUE(Put(ring, "12345678"));
    ring.Publish();
    ASSERT_TRUE(Take(ring, &record));
  }
  const std::string large(40, 'L');  // 48 with its size; 32 are left until the end
  ASSERT_TRUE(Put(ring, large));
  ASSERT_TRUE(Put(ring, "next"));
  ring.Publish();
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_EQ(record, large);
  ASSERT_TRUE(Take(ring, &record));
  EXPECT_EQ(record, "next");
  EXPECT_FALSE(ring.HasWork());
}

TEST(ByteRing, LargestRecordFitsAtEveryOffset) {
  for (size_t ahead = 0; ahead < 32; ++ahead) {
    ByteRing ring(256);
    std::string record;
    for (size_t i = 0; i < ahead; ++i) {
      ASSERT_TRUE(Put(ring, ""));  // eight bytes on
      ring.Publish();
      ASSERT_TRUE(Take(ring, &record));
    }
    const std::string largest(ring.record_bytes_max(), 'x');
    ASSERT_TRUE(Put(ring, largest)) << ahead;
    ring.Publish();
    ASSERT_TRUE(Take(ring, &record));
    EXPECT_EQ(record, largest);
  }
}

TEST(ByteRing, AgreesWithAQueueOverRandomOperations) {
  std::mt19937 random(5);
  ByteRing ring(512);
  std::deque<std::string> committed, visible;
  for (int i = 0; i < 200'000; ++i) {
    switch (random() % 4) {
      case 0:
      case 1: {
        const std::string record(random() % 120, static_cast<char>('a' + random() % 26));
        if (Put(ring, record)) committed.push_back(record);
        break;
      }
      case 2:
        ASSERT_EQ(ring.Publish(), !committed.empty());
        visible.insert(visible.end(), committed.begin(), committed.end());
        committed.clear();
        break;
      default: {
        std::string record;
        ASSERT_EQ(Take(ring, &record), !visible.empty());
        if (visible.empty()) break;
        ASSERT_EQ(record, visible.front());
        visible.pop_front();
        break;
      }
    }
  }
}

TEST(ByteRing, CarriesRecordsBetweenTwoThreads) {
  constexpr int kRecords = 100'000;
  ByteRing ring(4096);
  std::thread producer([&] {
    std::mt19937 random(9);
    for (int i = 0; i < kRecords; ++i) {
      const size_t bytes = 8 + random() % 200;
      char* room = ring.Prepare(bytes);
      while (room == nullptr) {
        ring.Publish();
        std::this_thread::yield();
        room = ring.Prepare(bytes);
      }
      std::memcpy(room, &i, sizeof i);
      std::memset(room + 8, static_cast<char>(i), bytes - 8);
      ring.Commit();
      if (random() % 8 == 0) ring.Publish();
    }
    ring.Publish();
  });
  std::mt19937 random(9);
  int broken = 0;
  for (int expected = 0; expected < kRecords;) {
    const auto front = ring.Front();
    if (front.data() == nullptr) {
      ring.Release();
      std::this_thread::yield();
      continue;
    }
    const size_t bytes = 8 + random() % 200;
    random();
    int number = -1;
    std::memcpy(&number, front.data(), sizeof number);
    broken += number != expected || front.size() != bytes ? 1 : 0;
    for (size_t i = 8; i < front.size(); ++i) {
      broken += front[i] != static_cast<char>(expected) ? 1 : 0;
    }
    ring.Pop(front);
    if (expected % 5 == 0) ring.Release();
    ++expected;
  }
  producer.join();
  EXPECT_EQ(broken, 0);
  EXPECT_FALSE(ring.HasWork());
}

}  // namespace
}  // namespace martlet::base
