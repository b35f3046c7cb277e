#include "model.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/check.h"

namespace martlet::subject::model {
namespace {

Execution* current = nullptr;

}  // namespace

void View::See(uint32_t location, uint32_t message) {
  if (newest.size() <= location) newest.resize(location + 1);
  newest[location] = std::max(newest[location], message);
}

void View::Join(const View& other) {
  if (newest.size() < other.newest.size()) newest.resize(other.newest.size());
  for (size_t i = 0; i < other.newest.size(); ++i) newest[i] = std::max(newest[i], other.newest[i]);
  for (size_t i = 0; i < kThreadsMax; ++i) clocks[i] = std::max(clocks[i], other.clocks[i]);
}

Execution::Execution(Limits limits, Weakened weakened, Choose choose)
    : limits_(limits), weakened_(weakened), choose_(std::move(choose)) {
  CHECK(current == nullptr);
  current = this;
}

Execution::~Execution() {
  kept_.clear();
  current = nullptr;
}

Execution& Execution::Current() { return *current; }

void Execution::Fail(const std::string& what) {
  if (error_.empty()) error_ = what;
}

void Execution::Enter() {
  Execution& self = *current;
  Thread& own = self.threads_[self.thread_];
  own.body();
  own.done = true;
  const std::vector<unsigned> others = self.Others();
  self.SwitchTo(others.empty() ? 0 : others[others.size() == 1 ? 0 : self.choose_(others.size())]);
}

void Execution::Run(const std::vector<std::function<void()>>& bodies) {
  CHECK(bodies.size() < kThreadsMax);
  threads_count_ = static_cast<unsigned>(bodies.size()) + 1;
  for (unsigned i = 1; i < threads_count_; ++i) {
    Thread& thread = threads_[i];
    thread.view = threads_[0].view;
    thread.acquired = threads_[0].view;
    thread.released = threads_[0].view;
    thread.body = bodies[i - 1];
    thread.done = false;
    thread.stack = std::make_unique_for_overwrite<char[]>(kStackBytes);
    CHECK(::getcontext(&thread.context) == 0);
    thread.context.uc_stack.ss_sp = thread.stack.get();
    thread.context.uc_stack.ss_size = kStackBytes;
    thread.context.uc_link = nullptr;
    ::makecontext(&thread.context, &Execution::Enter, 0);
  }
  SwitchTo(1 + static_cast<unsigned>(choose_(bodies.size())));
  for (unsigned i = 1; i < threads_count_; ++i) threads_[0].view.Join(threads_[i].view);
  threads_count_ = 1;
}

std::vector<unsigned> Execution::Others() const {
  std::vector<unsigned> others;
  for (unsigned i = 1; i < threads_count_; ++i) {
    if (i != thread_ && !threads_[i].done) others.push_back(i);
  }
  return others;
}

void Execution::SwitchTo(unsigned next) {
  ucontext_t& from = threads_[std::exchange(thread_, next)].context;
  CHECK(::swapcontext(&from, &threads_[next].context) == 0);
}

// Before each access: does this thread go on, or is it another's turn?
void Execution::Step() {
  ++threads_[thread_].view.clocks[thread_];
  if (thread_ == 0) return;
  if (++steps_ > kStepsMax) {
    Fail("no end in sight");
    return SwitchTo(0);  // for good; the others are left where they stand
  }
  if (limits_.preemptions == 0) return;
  const std::vector<unsigned> others = Others();
  if (others.empty()) return;
  const size_t choice = choose_(others.size() + 1);
  if (choice == 0) return;
  --limits_.preemptions;
  SwitchTo(others[choice - 1]);
}

Execution::Location& Execution::Access(uint32_t location) {
  Location& at = locations_[location];
  const Thread& own = threads_[thread_];
  if (at.freed) Fail("access to what was freed");
  if (own.view.of(location) == 0) Fail("access to what may not be built yet");
  at.last_access[thread_] = own.view.clocks[thread_];
  return at;
}

bool Execution::Acquires(std::memory_order order) const {
  return !weakened_.acquires &&
         (order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
          order == std::memory_order_seq_cst);
}
bool Execution::Releases(std::memory_order order) const {
  return !weakened_.releases &&
         (order == std::memory_order_release || order == std::memory_order_acq_rel ||
          order == std::memory_order_seq_cst);
}

uint32_t Execution::NewLocation(uint64_t value) {
  const auto location = static_cast<uint32_t>(locations_.size());
  Location& fresh = locations_.emplace_back();
  fresh.messages.push_back({0, {}});  // none: it does not exist
  fresh.messages.push_back({value, {}});
  threads_[thread_].view.See(location, 1);
  return location;
}

void Execution::Read(const Message& message, std::memory_order order) {
  Thread& own = threads_[thread_];
  own.acquired.Join(message.view);
  if (Acquires(order)) own.view.Join(message.view);
}

uint64_t Execution::Load(uint32_t location, std::memory_order order) {
  Step();
  Location& at = Access(location);
  Thread& own = threads_[thread_];
  const auto newest = static_cast<uint32_t>(at.messages.size() - 1);
  const uint32_t oldest = std::max<uint32_t>(own.view.of(location), 1);
  uint32_t chosen = newest;
  if (oldest < newest && limits_.stale_reads > 0) {
    chosen = newest - static_cast<uint32_t>(choose_(newest - oldest + 1));
    if (chosen != newest) --limits_.stale_reads;
  }
  own.view.See(location, chosen);
  Read(at.messages[chosen], order);
  return at.messages[chosen].value;
}

void Execution::Write(uint32_t location, uint64_t value, std::memory_order order,
                      const View* handed_on) {
  Location& at = locations_[location];
  Thread& own = threads_[thread_];
  const auto message = static_cast<uint32_t>(at.messages.size());
  own.view.See(location, message);
  View view = Releases(order) ? own.view : own.released;
  view.See(location, message);
  if (handed_on != nullptr) view.Join(*handed_on);
  at.messages.push_back({value, std::move(view)});
}

void Execution::Store(uint32_t location, uint64_t value, std::memory_order order) {
  Step();
  Access(location);
  Write(location, value, order, nullptr);
}

uint64_t Execution::ReadModifyWrite(uint32_t location, std::memory_order order,
                                    std::memory_order failed,
                                    const std::function<bool(uint64_t, uint64_t*)>& change) {
  Step();
  Location& at = Access(location);
  const auto newest = static_cast<uint32_t>(at.messages.size() - 1);
  const Message old = at.messages[newest];
  threads_[thread_].view.See(location, newest);
  uint64_t fresh = 0;
  const bool writes = change(old.value, &fresh);
  Read(old, writes ? order : failed);
  if (writes) Write(location, fresh, order, &old.view);
  return old.value;
}

void Execution::Fence() {
  Step();
  if (weakened_.fences) return;
  Thread& own = threads_[thread_];
  own.view.Join(own.acquired);
  own.view.Join(fences_);
  fences_ = own.view;
  own.released = own.view;
}

void Execution::FreeLocation(uint32_t location) {
  Location& at = locations_[location];
  if (at.freed) Fail("freed twice");
  const View& view = threads_[thread_].view;
  for (unsigned i = 0; i < kThreadsMax; ++i) {
    if (at.last_access[i] > view.clocks[i]) Fail("freed while somebody may look at it");
  }
  at.freed = true;
}

Outcome ExploreAll(const Scenario& scenario, Limits limits, Weakened weakened) {
  struct Choice {
    size_t chosen;
    size_t options;
  };
  // Depth first: the same choices as before but for the last that had another option left.
  std::vector<Choice> trail;
  Outcome outcome;
  while (outcome.executions < limits.executions_max) {
    size_t depth = 0;
    Execution execution(limits, weakened, [&](size_t options) {
      if (depth == trail.size()) trail.push_back({0, options});
      CHECK(trail[depth].options == options);
      return trail[depth++].chosen;
    });
    scenario(execution);
    ++outcome.executions;
    outcome.error = execution.error();
    if (!outcome.error.empty()) return outcome;
    trail.resize(depth);
    while (!trail.empty() && trail.back().chosen + 1 == trail.back().options) trail.pop_back();
    if (trail.empty()) {
      outcome.complete = true;
      return outcome;
    }
    ++trail.back().chosen;
  }
  return outcome;
}

Outcome ExploreRandom(const Scenario& scenario, uint64_t seed, uint64_t executions,
                      Weakened weakened) {
  std::mt19937_64 random(seed);
  Outcome outcome;
  while (outcome.executions < executions && outcome.error.empty()) {
    // Mostly the thread goes on and reads the newest, as it would be.
    const Limits limits = {.preemptions = 12, .stale_reads = 8};
    Execution execution(limits, weakened, [&](size_t options) {
      return random() % 4 == 0 ? static_cast<size_t>(random() % options) : 0;
    });
    scenario(execution);
    ++outcome.executions;
    outcome.error = execution.error();
  }
  return outcome;
}

}  // namespace martlet::subject::model
