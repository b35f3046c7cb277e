// A thread for questions whose answers take long.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/cpus.h"
#include "base/unique_fd.h"

namespace martlet::control {

/// Answers one question after the other on a thread of its own, which there is from the first
/// question on.
///
/// Who writes: the owner asks; the thread answers, and makes ready_fd() readable.
/// Bound:      the owner's: as many as it has questions open.
/// Lifetime:   the end waits for the question that is under way; the others get no answer.
template <typename Question, typename Answer>
class Worker {
 public:
  using Find = Answer (*)(const Question& question);

  /// `name`: of the thread, for ps and top; at most 15 bytes. `find`: what blocks.
  Worker(const char* name, Find find)
      : name_(name), find_(find), ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  ~Worker() {
    {
      const std::lock_guard lock(mutex_);
      ends_ = true;
    }
    asked_.notify_one();
    if (thread_.joinable()) thread_.join();
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void Ask(Question question) {
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back(std::move(question));
    }
    if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
    asked_.notify_one();
  }
  /// Readable when there are answers.
  int ready_fd() const { return ready_.get(); }
  std::vector<Answer> TakeAnswers() {
    uint64_t count;
    (void)!::read(ready_.get(), &count, sizeof count);
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
  }

 private:
  void Work() {
    base::NameThisThread(name_);
    std::unique_lock lock(mutex_);
    for (;;) {
      asked_.wait(lock, [this] { return ends_ || !questions_.empty(); });
      if (ends_) return;
      const Question question = std::move(questions_.front());
      questions_.pop_front();
      lock.unlock();
      Answer answer = find_(question);
      lock.lock();
      answers_.push_back(std::move(answer));
      const uint64_t one = 1;
      (void)!::write(ready_.get(), &one, sizeof one);
    }
  }

  const char* const name_;
  const Find find_;
  base::UniqueFd ready_;
  std::mutex mutex_;
  std::condition_variable asked_;
  std::deque<Question> questions_;
  std::vector<Answer> answers_;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace martlet::control
