// Index and cache against a plain list and the rule itself, over a long random history.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "subject/match_cache.h"
#include "subject/subject.h"
#include "subject/subject_index.h"

namespace martlet::subject {
namespace {

constexpr unsigned kPropertyShards = 4;
constexpr size_t kPropertyLiveMax = 64;
constexpr size_t kCrowdMax = 3000;
constexpr AccountId kCrowdAccount = 2;
constexpr uint64_t kSeed = 7;

long OperationsWanted() {
  const char* text = std::getenv("MARTLET_INDEX_OPERATIONS");
  return text != nullptr ? std::atol(text) : 1'000'000;
}

struct PropertyLive : Subscriber {
  unsigned shard = 0;
  AccountId account = 0;
  std::string text;
  std::string queue;
};

class History {
 public:
  History() {
    for (unsigned shard = 0; shard < kPropertyShards; ++shard) {
      caches_.push_back(std::make_unique<MatchCache>(index_, shard));
      index_.reclaimer().Online(shard);
    }
  }
  ~History() {
    while (!live_.empty()) RemoveAt(live_.size() - 1);
    while (!crowd_.empty()) ShrinkCrowd();
    EXPECT_EQ(index_.filters(), 0u);
    for (unsigned shard = 0; shard < kPropertyShards; ++shard) index_.reclaimer().Offline(shard);
    EXPECT_EQ(index_.reclaimer().CollectAll(), 0u);
  }

  // Returns what is wrong, empty when nothing is.
  std::string Step() {
    switch (Below(8)) {
      case 0:
      case 1:
        if (live_.size() < kPropertyLiveMax) Add();
        return {};
      case 2:
        if (!live_.empty()) RemoveAt(Below(live_.size()));
        return {};
      case 3:
        // Churn of what is gone at once: the index grows and shrinks, the list stays.
        Add();
        RemoveAt(live_.size() - 1);
        return {};
      case 4:
        Rest(static_cast<unsigned>(Below(kPropertyShards)));
        MoveCrowd();
        return {};
      case 5:
        return Check(RandomSubject());
      case 6:
        return CheckAgain();
      default:
        return Check(subjects_[Below(subjects_.size())]);
    }
  }

 private:
  size_t Below(size_t bound) { return random_() % bound; }

  void Rest(unsigned shard) {
    if (Below(4) == 0) {
      index_.reclaimer().Offline(shard);
      index_.reclaimer().Online(shard);
    } else {
      index_.reclaimer().Quiesce(shard);
    }
  }

  size_t RandomDepth() {
    if (Below(50) == 0) return 1 + Below(128);
    return 1 + Below(5);
  }
  std::string Literal() { return std::string(1, "abc"[Below(3)]); }

  std::string RandomFilter() {
    const size_t depth = RandomDepth();
    const bool wild = Below(3) != 0;
    std::string text;
    for (size_t i = 0; i < depth; ++i) {
      if (i > 0) text += '.';
      if (wild && i + 1 == depth && Below(3) == 0) {
        text += '>';
      } else if (wild && Below(3) == 0) {
        text += '*';
      } else {
        text += Below(40) == 0 ? "a*" : Literal();
      }
    }
    return text;
  }

  // Mostly one that some filter matches.
  std::string RandomSubject() {
    std::string text;
    const auto put = [&](std::string_view token) {
      if (!text.empty()) text += '.';
      text += token;
    };
    if (!live_.empty() && Below(4) != 0) {
      ForEachToken(live_[Below(live_.size())]->text, [&](std::string_view token) {
        if (token == ">") {
          for (size_t i = Below(3) + 1; i > 0; --i) put(Literal());
        } else {
          put(token == "*" ? Literal() : std::string(token));
        }
        return true;
      });
    } else {
      for (size_t i = RandomDepth(); i > 0; --i) put(Literal());
    }
    switch (Below(30)) {
      case 0:
        text += '.';
        break;
      case 1:
        text.insert(Below(text.size()), ".");
        break;
      case 2:
        text[Below(text.size())] = Below(2) == 0 ? '*' : '>';
        break;
      default:
        break;
    }
    subjects_[Below(subjects_.size())] = text;
    return text;
  }

  void Add() {
    auto live = std::make_unique<PropertyLive>();
    live->shard = static_cast<unsigned>(Below(kPropertyShards));
    live->account = Below(4) == 0 ? 1 : kGlobalAccount;
    if (!live_.empty() && Below(3) == 0) {
      live->text = live_[Below(live_.size())]->text;  // further members of a filter
    } else {
      live->text = RandomFilter();
    }
    if (Below(3) == 0) live->queue = Below(2) == 0 ? "q" : "r";
    index_.Add(live->shard, live->account, live->text, live->queue, *live);
    live_.push_back(std::move(live));
  }

  void RemoveAt(size_t i) {
    index_.Remove(live_[i]->shard, *live_[i]);
    std::swap(live_[i], live_.back());
    live_.pop_back();
  }

  // Filters of another account, many enough that the tables grow under the others: for some hundred
  // thousand steps it gets larger, then smaller again.
  void MoveCrowd() {
    if (crowd_.size() >= kCrowdMax) crowd_grows_ = false;
    if (crowd_.empty()) crowd_grows_ = true;
    if (Below(4) == 0 ? crowd_grows_ : !crowd_grows_) {
      if (!crowd_.empty()) ShrinkCrowd();
      return;
    }
    auto live = std::make_unique<PropertyLive>();
    live->shard = static_cast<unsigned>(Below(kPropertyShards));
    live->text = RandomFilter() + "." + std::to_string(Below(1'000'000));
    if (live->text.find('>') != live->text.npos) return;
    index_.Add(live->shard, kCrowdAccount, live->text, {}, *live);
    crowd_.push_back(std::move(live));
  }
  void ShrinkCrowd() {
    const size_t i = Below(crowd_.size());
    index_.Remove(crowd_[i]->shard, *crowd_[i]);
    std::swap(crowd_[i], crowd_.back());
    crowd_.pop_back();
  }

  static void AppendMembers(const Filter& filter, std::vector<const Subscriber*>& to) {
    for (unsigned shard = 0; shard < kPropertyShards; ++shard) {
      const auto local = filter.local(shard);
      to.insert(to.end(), local.begin(), local.end());
    }
  }

  std::string Check(const std::string& subject) {
    const AccountId account = Below(4) == 0 ? 1 : kGlobalAccount;
    if (Below(4) == 0) {
      MatchResult direct;
      index_.Match(account, subject, direct);
      return Compare(account, subject, direct, 0);
    }
    const auto shard = static_cast<unsigned>(Below(kPropertyShards));
    return Compare(account, subject, caches_[shard]->Match(account, subject), shard);
  }

  // Like a publisher that says the same again and again, and now and then something else.
  std::string CheckAgain() {
    Asker& asker = askers_[Below(askers_.size())];
    MatchCache& cache = *caches_[asker.shard];
    if (asker.subject.empty() || Below(20) == 0) {
      asker.subject = subjects_[Below(subjects_.size())];
      return Compare(asker.account, asker.subject,
                     cache.Match(asker.account, asker.subject, asker.memo), asker.shard);
    }
    return Compare(asker.account, asker.subject,
                   cache.MatchAgain(asker.account, asker.subject, asker.memo), asker.shard);
  }

  // `asker` is the shard that asked.
  std::string Compare(AccountId account, const std::string& subject, const MatchResult& result,
                      unsigned asker) {
    // What is expected and what was found, by queue name; the empty one holds the plain ones.
    std::vector<const Subscriber*> expected[3], found[3];
    const auto list = [](std::string_view queue) {
      return queue.empty() ? 0 : queue == "q" ? 1 : 2;
    };
    ShardSet shards = 0;
    const bool sound = HasNoEmptyToken(subject);
    for (const auto& live : live_) {
      if (!sound || live->account != account || !Matches(live->text, subject)) continue;
      expected[list(live->queue)].push_back(live.get());
      if (live->queue.empty()) shards |= ShardSet{1} << live->shard;
    }
    for (const Filter* filter : result.plain) {
      if (!filter->queue().empty()) return "a queue filter among the plain ones: " + subject;
      AppendMembers(*filter, found[0]);
    }
    for (const MatchResult::Group& group : result.groups) {
      for (const Filter* filter : group.filters) {
        if (filter->queue() != group.queue) return "filter of another group: " + subject;
        AppendMembers(*filter, found[list(group.queue)]);
      }
    }
    if (result.plain_shards != shards) return "wrong shards for " + subject;
    size_t local = 0;
    for (const Filter* filter : result.plain) local += filter->members(asker) > 0 ? 1 : 0;
    if (local != result.local_filters) return "wrong number of local filters for " + subject;
    if (local > 0 && result.first_local->members().empty()) return "no members for " + subject;
    for (int i = 0; i < 3; ++i) {
      std::sort(expected[i].begin(), expected[i].end());
      std::sort(found[i].begin(), found[i].end());
      if (expected[i] != found[i]) {
        return std::to_string(found[i].size()) + " instead of " +
               std::to_string(expected[i].size()) + " members for " + subject;
      }
    }
    return {};
  }

  struct Asker {
    unsigned shard;
    AccountId account;
    std::string subject = {};
    MatchCache::Memo memo = {};
  };

  std::mt19937_64 random_{kSeed};
  SubjectIndex index_{kPropertyShards};
  std::vector<std::unique_ptr<MatchCache>> caches_;
  std::vector<std::unique_ptr<PropertyLive>> live_;
  std::vector<std::unique_ptr<PropertyLive>> crowd_;
  bool crowd_grows_ = true;
  std::vector<Asker> askers_ = {{0, 0}, {0, 1}, {1, 0}, {2, 0}, {3, 0}, {3, 1}};
  std::vector<std::string> subjects_ = std::vector<std::string>(32, "a");  // asked for again
};

TEST(SubjectIndexProperty, AgreesWithAPlainList) {
  const long operations = OperationsWanted();
  History history;
  for (long i = 0; i < operations; ++i) {
    const std::string wrong = history.Step();
    ASSERT_EQ(wrong, "") << "seed " << kSeed << ", operation " << i;
  }
}

}  // namespace
}  // namespace martlet::subject
