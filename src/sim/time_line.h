// What happens next: events in the order of simulated time.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace martlet::sim {

/// Milliseconds. Events of the same time run in the order in which they were set.
class TimeLine {
 public:
  uint64_t now_ms() const { return now_ms_; }
  uint64_t events() const { return count_; }

  void At(uint64_t at_ms, std::function<void()> run) {
    queue_.push({at_ms < now_ms_ ? now_ms_ : at_ms, ++count_, std::move(run)});
  }
  void In(uint64_t delay_ms, std::function<void()> run) { At(now_ms_ + delay_ms, std::move(run)); }

  /// Nothing happens any more.
  void Stop() { stopped_ = true; }

  void RunUntil(uint64_t until_ms) {
    while (!stopped_ && !queue_.empty() && queue_.top().at_ms <= until_ms) {
      const std::function<void()> run = std::move(queue_.top().run);
      now_ms_ = queue_.top().at_ms;
      queue_.pop();
      run();
    }
    now_ms_ = until_ms;
  }

 private:
  struct Event {
    uint64_t at_ms;
    uint64_t order;
    mutable std::function<void()> run;  // taken from the top of the queue
    bool operator<(const Event& other) const {
      return std::pair(other.at_ms, other.order) < std::pair(at_ms, order);
    }
  };

  std::priority_queue<Event> queue_;
  uint64_t now_ms_ = 0;
  uint64_t count_ = 0;
  bool stopped_ = false;
};

}  // namespace martlet::sim
