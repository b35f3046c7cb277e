#include "compare/suite.h"

#include <algorithm>
#include <fnmatch.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace martlet::compare {
namespace {

using load::Arrival;
using load::Plan;
using load::Scenario;
using load::SubjectOrder;
using load::Topology;
using std::chrono::milliseconds;

constexpr milliseconds kWarmup{500};
constexpr milliseconds kDuration{3000};
constexpr milliseconds kQuickWarmup{300};
constexpr milliseconds kQuickDuration{1000};

// The reference holds a connection with 33 to 39 KB and a subscription with 720 B; with what the
// client and the kernel keep for each, and half of the machine left alone, so much is asked for.
constexpr uint64_t kBytesPerConnection = uint64_t{128} << 10;
constexpr uint64_t kBytesPerSubscription = uint64_t{2} << 10;
// Beside the connections that are measured: logs, rings, libraries, what the shell passed on.
constexpr uint64_t kOtherFiles = 128;
constexpr int kThreadsMax = 8;

enum class Part : uint8_t { kHeadline, kFull };

/// Puts the entries together. Each family of scenarios is one function below.
class Builder {
 public:
  explicit Builder(const SuiteSize& size) : size_(size) {}

  void Add(Part part, std::string id, std::string question, Plan plan) {
    if (size_.quick && part != Part::kHeadline) return;
    const auto clients = static_cast<unsigned>(plan.publishers + plan.subscribers);
    if (size_.open_files != 0 && clients + kOtherFiles > size_.open_files) return;
    plan.warmup = size_.quick ? kQuickWarmup : kWarmup;
    plan.duration = size_.quick ? kQuickDuration : kDuration;
    const unsigned threads = std::min({clients, size_.load_cpus, unsigned{kThreadsMax}});
    plan.threads = static_cast<int>(std::max(1U, threads));
    entries_.push_back({std::move(id), std::move(question), std::move(plan)});
  }

  /// The first of `counts`, which fall, that descriptors and memory allow; else the last.
  uint32_t Affordable(std::span<const uint32_t> counts, uint64_t bytes_each, uint64_t files_each) {
    for (const uint32_t count : counts) {
      const bool memory = size_.memory_bytes == 0 || count * bytes_each <= size_.memory_bytes / 2;
      const bool files =
          size_.open_files == 0 || count * files_each + kOtherFiles <= size_.open_files;
      if (memory && files) return count;
    }
    return counts.back();
  }

  std::vector<SuiteEntry> Take() { return std::move(entries_); }

 private:
  SuiteSize size_;
  std::vector<SuiteEntry> entries_;
};

std::string Id(std::string_view name, uint64_t number) {
  return std::string(name) + "-" + std::to_string(number);
}

Plan PubSub(int publishers, int subscribers, uint32_t size_bytes) {
  Plan plan;
  plan.scenario = Scenario::kPubSub;
  plan.publishers = publishers;
  plan.subscribers = subscribers;
  plan.size_bytes = size_bytes;
  return plan;
}

void AddPublish(Builder& builder) {
  for (const uint32_t size : {16U, 128U, 1024U, 65536U}) {
    Plan plan = PubSub(1, 0, size);
    plan.scenario = Scenario::kPublish;
    builder.Add(size <= 128 ? Part::kHeadline : Part::kFull, Id("pub", size),
                "one publisher, nobody listens", plan);
  }
  for (const int publishers : {4, 16}) {
    Plan plan = PubSub(publishers, 0, 128);
    plan.scenario = Scenario::kPublish;
    plan.name = "publish only, " + std::to_string(publishers) + " publishers, 128 B";
    builder.Add(Part::kFull, "pub-" + std::to_string(publishers) + "x128",
                "several publishers, nobody listens", plan);
  }
}

void AddOneToOne(Builder& builder) {
  for (const uint32_t size : {16U, 128U, 1024U, 16384U, 262144U}) {
    builder.Add(size == 16 || size == 128 || size == 16384 ? Part::kHeadline : Part::kFull,
                Id("pubsub-1to1", size), "one publisher, one subscriber", PubSub(1, 1, size));
  }
  Plan headers = PubSub(1, 1, 128);
  headers.header_count = 3;
  headers.name = "1:1, 128 B, 3 headers";
  builder.Add(Part::kFull, "headers-3-128", "one to one with headers", headers);
}

void AddSubjects(Builder& builder) {
  Plan plan = PubSub(1, 1, 128);
  plan.subjects = 1000;
  builder.Add(Part::kFull, "subjects-1000-literal", "1,000 subjects in turn, each subscribed",
              plan);
  plan.wildcard = true;
  plan.name = "1:1, 128 B, 1000 rotating subjects, one wildcard";
  builder.Add(Part::kHeadline, "subjects-1000-wildcard", "1,000 subjects in turn, one wildcard",
              plan);
  plan.subjects = 100'000;
  plan.subject_order = SubjectOrder::kUniform;
  plan.name = "1:1, 128 B, 100000 uniform subjects, one wildcard";
  builder.Add(Part::kFull, "subjects-100k-uniform", "more subjects than caches remember", plan);
  plan.subject_order = SubjectOrder::kZipf;
  plan.name = "1:1, 128 B, 100000 Zipf subjects, one wildcard";
  builder.Add(Part::kFull, "subjects-100k-zipf", "as many subjects, few of them hot", plan);
}

void AddFanOut(Builder& builder) {
  for (const int subscribers : {10, 100, 1000}) {
    builder.Add(subscribers == 100 ? Part::kHeadline : Part::kFull,
                "fanout-" + std::to_string(subscribers) + "-128", "one message to many, equal sids",
                PubSub(1, subscribers, 128));
  }
  for (const int subscribers : {100, 1000}) {
    Plan plan = PubSub(1, subscribers, 128);
    plan.distinct_sids = true;
    plan.name = "fan-out 1:" + std::to_string(subscribers) + ", 128 B, all sids different";
    builder.Add(Part::kFull, "fanout-" + std::to_string(subscribers) + "-128-sids",
                "one message to many, every one another sid", plan);
  }
  for (const uint32_t size : {1024U, 16384U}) {
    builder.Add(Part::kFull, Id("fanout-100", size), "one larger message to many",
                PubSub(1, 100, size));
  }
}

void AddManyToMany(Builder& builder) {
  for (const int pairs : {10, 64, 512}) {
    Plan plan = PubSub(pairs, pairs, 128);
    plan.topology = Topology::kPairs;
    builder.Add(pairs == 10 ? Part::kHeadline : Part::kFull,
                "pairs-" + std::to_string(pairs) + "-128", "independent pairs", plan);
  }
  builder.Add(Part::kFull, "mesh-10x10-128", "everybody hears everybody", PubSub(10, 10, 128));
  for (const int publishers : {64, 1000}) {
    builder.Add(Part::kFull, "fanin-" + std::to_string(publishers) + "-128",
                "many publishers, one subscriber", PubSub(publishers, 1, 128));
  }
}

void AddQueues(Builder& builder) {
  for (const int members : {4, 100}) {
    Plan plan = PubSub(1, members, 128);
    plan.queue = "workers";
    builder.Add(members == 4 ? Part::kHeadline : Part::kFull, "queue-" + std::to_string(members),
                "a queue group, each message to one member", plan);
  }
}

void AddRequests(Builder& builder) {
  const auto add = [&](Part part, std::string id, std::string question, int requesters, int depth,
                       int responders) {
    Plan plan = PubSub(requesters, responders, 128);
    plan.scenario = Scenario::kRequest;
    plan.depth = depth;
    builder.Add(part, std::move(id), std::move(question), plan);
  };
  add(Part::kHeadline, "request-10x10", "10 requesters, 10 requests open each", 10, 10, 2);
  add(Part::kFull, "request-200x1", "200 requesters, one request open each", 200, 1, 2);
  add(Part::kHeadline, "request-1", "one request at a time", 1, 1, 1);
}

void AddOpenLoop(Builder& builder) {
  const std::pair<const char*, double> rates[] = {
      {"open-1k", 1e3}, {"open-10k", 1e4}, {"open-100k", 1e5}, {"open-1M", 1e6}};
  for (const auto& [id, rate] : rates) {
    Plan plan = PubSub(1, 1, 128);
    plan.rate = rate;
    builder.Add(rate == 1e4 || rate == 1e5 ? Part::kHeadline : Part::kFull, id,
                "latency at a fixed rate, from the intended send time", plan);
  }
  Plan poisson = PubSub(1, 1, 128);
  poisson.rate = 1e4;
  poisson.arrival = Arrival::kPoisson;
  poisson.name = "1:1, 128 B, 10000/s Poisson";
  builder.Add(Part::kFull, "open-10k-poisson", "latency at random arrivals", poisson);
}

/// Load at a rate that each server can hold, beside something that must not show.
void AddDisturbed(Builder& builder) {
  const std::pair<const char*, double> churns[] = {{"churn-10k", 1e4}, {"churn-100k", 1e5}};
  for (const auto& [id, churn] : churns) {
    Plan plan = PubSub(1, 1, 128);
    plan.rate = 1e5;
    plan.churn_per_second = churn;
    plan.name = std::string("1:1, 128 B, 100000/s beside ") +
                std::to_string(static_cast<int>(churn)) + "/s SUB and UNSUB";
    builder.Add(Part::kFull, id, "one to one beside changing interest", plan);
  }
  Plan mixed = PubSub(1, 1, 128);
  mixed.rate = 1e4;
  mixed.flood_per_second = 5e3;
  mixed.name = "1:1, 128 B, 10000/s beside 5000/s of 64 KiB";
  builder.Add(Part::kFull, "mixed-10k", "small messages beside a flood of large ones", mixed);
}

/// What subscribers that never read do to those that do, and to the publisher. The rate fills what
/// kernels buffer within the warm-up, and no server's limit within the run; as fast as it goes
/// every server's limit is reached in a second, so that the stuck ones have to come back.
void AddStuck(Builder& builder) {
  for (const int stuck : {0, 1, 10}) {
    const std::string beside = " beside " + std::to_string(stuck) + " stuck";
    Plan plan = PubSub(1, 20, 1024);
    plan.rate = 1e4;
    plan.stuck_subscribers = stuck;
    plan.name = "fan-out 1:20, 1 KiB, 10000/s" + beside;
    builder.Add(Part::kFull, Id("stuck", static_cast<uint64_t>(stuck)),
                "latency of healthy subscribers beside stuck ones", plan);
    plan = PubSub(1, 10, 128);
    plan.stuck_subscribers = stuck;
    plan.stuck_for = std::chrono::seconds(1);
    plan.name = "fan-out 1:10, 128 B," + beside + ", back each second";
    builder.Add(Part::kFull, Id("stuck-rate", static_cast<uint64_t>(stuck)),
                "what a publisher can do beside stuck subscribers", plan);
  }
}

void AddConnections(Builder& builder) {
  static constexpr uint32_t kCounts[] = {10'000, 5'000, 1'000, 500, 100};
  const uint32_t count = builder.Affordable(kCounts, kBytesPerConnection, 1);
  Plan plan;
  plan.publishers = 0;
  plan.subscribers = static_cast<int>(count);
  plan.scenario = Scenario::kConnect;
  plan.subscriptions = 1;
  builder.Add(Part::kHeadline, Id("connect", count), "connect, CONNECT, PING, one SUB", plan);
  plan.scenario = Scenario::kIdle;
  builder.Add(Part::kHeadline, Id("idle", count), "memory of connections that do nothing", plan);

  static constexpr uint32_t kHerds[] = {1'000, 500, 100};
  const uint32_t herd = builder.Affordable(kHerds, kBytesPerConnection * 3, 1);
  plan.scenario = Scenario::kHerd;
  plan.subscribers = static_cast<int>(herd);
  plan.subscriptions = 100;
  builder.Add(Part::kFull, Id("herd", herd), "all drop and come back with 100 subscriptions", plan);
}

void AddSubscriptions(Builder& builder, bool quick) {
  static constexpr uint32_t kCounts[] = {1'000'000, 100'000, 10'000};
  static constexpr std::string_view kNames[] = {"subs-1M", "subs-100k", "subs-10k"};
  const size_t from = quick ? 1 : 0;
  const uint32_t count =
      builder.Affordable(std::span(kCounts).subspan(from), kBytesPerSubscription, 0);
  const auto at = std::find(std::begin(kCounts), std::end(kCounts), count) - std::begin(kCounts);
  Plan plan = PubSub(1, 1, 128);
  plan.scenario = Scenario::kSubscriptions;
  plan.subscriptions = count;
  builder.Add(Part::kHeadline, std::string(kNames[at]),
              "many subscriptions: speed, memory, publishing over them", plan);
}

bool Matches(const SuiteEntry& entry, const std::string& pattern) {
  return ::fnmatch(pattern.c_str(), entry.id.c_str(), 0) == 0;
}

absl::Status NothingMatches(const std::string& pattern, const std::vector<SuiteEntry>& entries) {
  std::string text = "no scenario matches \"" + pattern + "\"; there are";
  for (const SuiteEntry& entry : entries) text += (&entry == &entries[0] ? " " : ", ") + entry.id;
  return absl::NotFoundError(text);
}

}  // namespace

SuiteSize ReadSuiteSize(unsigned load_cpus, bool quick) {
  SuiteSize size;
  size.load_cpus = std::max(1U, load_cpus);
  size.quick = quick;
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page_bytes = ::sysconf(_SC_PAGE_SIZE);
  if (pages > 0 && page_bytes > 0) {
    size.memory_bytes = static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
  }
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return size;
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  size.open_files = ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : before;
  return size;
}

std::vector<SuiteEntry> Suite(const SuiteSize& size) {
  Builder builder(size);
  AddPublish(builder);
  AddOneToOne(builder);
  AddSubjects(builder);
  AddFanOut(builder);
  AddManyToMany(builder);
  AddQueues(builder);
  AddRequests(builder);
  AddOpenLoop(builder);
  AddDisturbed(builder);
  AddStuck(builder);
  AddConnections(builder);
  AddSubscriptions(builder, size.quick);
  return builder.Take();
}

absl::StatusOr<std::vector<SuiteEntry>> SelectEntries(std::vector<SuiteEntry> entries,
                                                      std::span<const std::string> patterns) {
  const bool from_all = std::all_of(patterns.begin(), patterns.end(),
                                    [](const std::string& text) { return text.starts_with('!'); });
  std::vector<bool> chosen(entries.size(), from_all);
  for (const std::string& text : patterns) {
    const bool wanted = !text.starts_with('!');
    const std::string pattern = wanted ? text : text.substr(1);
    bool found = false;
    for (size_t i = 0; i < entries.size(); ++i) {
      if (!Matches(entries[i], pattern)) continue;
      chosen[i] = wanted;
      found = true;
    }
    if (!found) return NothingMatches(pattern, entries);
  }
  std::vector<SuiteEntry> out;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (chosen[i]) out.push_back(std::move(entries[i]));
  }
  return out;
}

}  // namespace martlet::compare
