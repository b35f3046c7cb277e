// A model checker for lock-free code: it runs a few threads through every interleaving of their
// accesses to shared memory, and through what the memory model lets them read.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <ucontext.h>
#include <vector>

namespace martlet::subject::model {

/// The thread that sets up and judges is number 0.
inline constexpr unsigned kThreadsMax = 4;

/// What a thread has in sight: of each location the newest message, and of each thread how far it
/// had come. A message that is written with release carries its writer's.
struct View {
  std::vector<uint32_t> newest;                   // by location; 0: not even that it exists
  std::array<uint32_t, kThreadsMax> clocks = {};  // accesses by thread

  uint32_t of(uint32_t location) const { return location < newest.size() ? newest[location] : 0; }
  void See(uint32_t location, uint32_t message);
  void Join(const View& other);
};

/// How much of all there is to try. Threads are taken off the processor at most `preemptions` times
/// against their will, and read at most `stale_reads` times something that is not the newest: most
/// mistakes show with two of either (CHESS, Musuvathi and Qadeer).
struct Limits {
  unsigned preemptions = 2;
  unsigned stale_reads = 1;
  uint64_t executions_max = 400'000;
};

/// Memory orders made weaker than the code asks for, to see that the checker would tell.
struct Weakened {
  bool releases = false;
  bool acquires = false;
  bool fences = false;
};

struct Outcome {
  std::string error;  // empty: none found
  uint64_t executions = 0;
  bool complete = false;  // all of them within the limits
};

/// One run: threads in fibers, one at a time, which ask it before each access.
///
/// The memory is that of C++ without consume and without load buffering: each location has a
/// history of messages; a thread may read any that is not older than what it has in sight; an RMW
/// reads the newest, and hands on what it read with what it writes; a fence joins with all fences
/// before it. Reading or freeing what is not in sight is an error, as is any access to what was
/// freed.
class Execution {
 public:
  using Choose = std::function<size_t(size_t options)>;

  Execution(Limits limits, Weakened weakened, Choose choose);
  ~Execution();
  Execution(const Execution&) = delete;
  Execution& operator=(const Execution&) = delete;
  static Execution& Current();

  /// Runs the bodies to their end, as threads 1, 2, ...; then thread 0 has all in sight.
  void Run(const std::vector<std::function<void()>>& bodies);
  void Fail(const std::string& what);
  const std::string& error() const { return error_; }
  unsigned thread() const { return thread_; }

  // For Atomic.
  uint32_t NewLocation(uint64_t value);
  uint64_t Load(uint32_t location, std::memory_order order);
  void Store(uint32_t location, uint64_t value, std::memory_order order);
  /// `change(old, &fresh)` tells whether to write.
  uint64_t ReadModifyWrite(uint32_t location, std::memory_order order, std::memory_order failed,
                           const std::function<bool(uint64_t, uint64_t*)>& change);
  void Fence();
  /// Nobody may come after this, nor be there at the same time.
  void FreeLocation(uint32_t location);
  /// Kept until the execution ends, since what was freed by the rules is still looked at.
  void Keep(std::shared_ptr<void> object) { kept_.push_back(std::move(object)); }

 private:
  struct Message {
    uint64_t value;
    View view;  // what reading it with acquire brings into sight
  };
  struct Location {
    std::vector<Message> messages;
    std::array<uint32_t, kThreadsMax> last_access = {};
    bool freed = false;
  };
  struct Thread {
    View view;
    View acquired;  // what a fence will bring into sight
    View released;  // what the last fence had in sight
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    std::function<void()> body;
    bool done = true;
  };
  static constexpr size_t kStackBytes = size_t{96} << 10U;
  static constexpr uint64_t kStepsMax = 4000;

  static void Enter();
  void Step();
  void SwitchTo(unsigned next);
  std::vector<unsigned> Others() const;
  Location& Access(uint32_t location);
  void Write(uint32_t location, uint64_t value, std::memory_order order, const View* handed_on);
  void Read(const Message& message, std::memory_order order);
  bool Acquires(std::memory_order order) const;
  bool Releases(std::memory_order order) const;

  Limits limits_;
  const Weakened weakened_;
  const Choose choose_;
  std::array<Thread, kThreadsMax> threads_;
  unsigned threads_count_ = 1;
  unsigned thread_ = 0;
  uint64_t steps_ = 0;
  std::vector<Location> locations_;
  View fences_;
  std::string error_;
  std::vector<std::shared_ptr<void>> kept_;
};

/// Stands for std::atomic. Aligned as a word is: addresses of words carry marks in their low bits.
template <class T>
class alignas(8) Atomic {
 public:
  Atomic() : Atomic(T{}) {}
  explicit Atomic(T value)
      : location_(Execution::Current().NewLocation(static_cast<uint64_t>(value))) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order order) const {
    return static_cast<T>(Execution::Current().Load(location_, order));
  }
  void store(T value, std::memory_order order) {
    Execution::Current().Store(location_, static_cast<uint64_t>(value), order);
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order order,
                               std::memory_order failed) {
    const T wanted = expected;
    expected = Change(order, failed, [&](uint64_t old, uint64_t* fresh) {
      *fresh = static_cast<uint64_t>(desired);
      return static_cast<T>(old) == wanted;
    });
    return expected == wanted;
  }
  T fetch_add(T more, std::memory_order order) {
    return Change(order, order, [&](uint64_t old, uint64_t* fresh) {
      const T sum = static_cast<T>(old) + more;
      *fresh = static_cast<uint64_t>(sum);
      return true;
    });
  }
  T fetch_or(T bits, std::memory_order order) {
    return Change(order, order, [&](uint64_t old, uint64_t* fresh) {
      *fresh = static_cast<uint64_t>(static_cast<T>(old) | bits);
      return true;
    });
  }
  uint32_t location() const { return location_; }

 private:
  template <class F>
  T Change(std::memory_order order, std::memory_order failed, F&& change) {
    return static_cast<T>(Execution::Current().ReadModifyWrite(location_, order, failed, change));
  }

  const uint32_t location_;
};

/// Takes the place of StdSync.
struct Sync {
  template <class T>
  using Atomic = model::Atomic<T>;
  template <class T>
  using Tally = std::atomic<T>;
  static void FullFence() { Execution::Current().Fence(); }
};

/// A scenario builds its world, runs its threads in the execution, judges, and calls Fail.
using Scenario = std::function<void(Execution&)>;

/// Every execution within the limits, until one fails.
Outcome ExploreAll(const Scenario& scenario, Limits limits, Weakened weakened = {});
/// Random ones without these limits, `executions` from each seed on.
Outcome ExploreRandom(const Scenario& scenario, uint64_t seed, uint64_t executions,
                      Weakened weakened = {});

}  // namespace martlet::subject::model
