// The phases of a run: publish, flush both sides, settle.
#include "delivery_run.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <sys/epoll.h>
#include <utility>

#include "delivery_churners.h"
#include "delivery_messages.h"
#include "delivery_publishers.h"
#include "delivery_sockets.h"
#include "delivery_subscribers.h"
#include "delivery_tracker.h"
#include "raw_client.h"

namespace delivery {
namespace {

using Clock = std::chrono::steady_clock;

class Run {
 public:
  Run(const Plan& plan, const RunOptions& options);
  Report Finish();

 private:
  enum class Phase : uint8_t { kPublish, kFlushPublishers, kFlushSubscribers, kSettle, kDone };

  bool done() const { return report_.broken || phase_ == Phase::kDone; }
  void Loop();
  void OnEvent(const epoll_event& event);
  void Step(Clock::time_point now);

  const RunOptions options_;
  Report report_;
  Messages messages_;
  Tracker tracker_;
  Sockets sockets_;
  Publishers publishers_;
  Subscribers subscribers_;
  Churners churners_;
  Phase phase_ = Phase::kPublish;
  Clock::time_point settle_until_;
};

Run::Run(const Plan& plan, const RunOptions& options)
    : options_(options),
      messages_(plan, options.seed),
      tracker_(plan, messages_, report_),
      sockets_(options.server, report_),
      publishers_(plan, options.window_bytes, messages_, tracker_, sockets_),
      subscribers_(plan, tracker_, sockets_, report_),
      churners_(plan, options.seed, tracker_, sockets_, report_) {}

void Run::OnEvent(const epoll_event& event) {
  const Socket& socket = *static_cast<const Socket*>(event.data.ptr);
  switch (socket.side) {
    case Side::kPublisher:
      return publishers_.OnEvent(socket.index, event.events);
    case Side::kSubscriber:
      return subscribers_.OnEvent(socket.index);
    case Side::kChurner:
      return churners_.OnEvent(socket.index);
  }
}

void Run::Step(Clock::time_point now) {
  if (phase_ == Phase::kPublish && publishers_.Publish()) {
    phase_ = Phase::kFlushPublishers;
    publishers_.Flush();
  }
  if (phase_ == Phase::kFlushPublishers && publishers_.flushed()) {
    phase_ = Phase::kFlushSubscribers;
    subscribers_.Flush();
  }
  if (phase_ == Phase::kFlushSubscribers && subscribers_.flushed()) {
    phase_ = Phase::kSettle;
    settle_until_ = now + std::chrono::seconds(1);
  }
  // What is missing now is late or lost; a churner's share of a group ends with its own PONG. Even
  // with everything here, listen a moment longer: a second copy may follow.
  if (phase_ == Phase::kSettle && report_.delivered >= tracker_.expected()) {
    settle_until_ = std::min(settle_until_, now + std::chrono::milliseconds(20));
  }
  if (phase_ == Phase::kSettle && now > settle_until_) phase_ = Phase::kDone;
}

void Run::Loop() {
  uint64_t last_progress = 0;
  Clock::time_point last_moved = Clock::now();
  while (!done()) {
    const bool busy = phase_ == Phase::kPublish && publishers_.CanPublish();
    for (const epoll_event& event : sockets_.Wait(busy ? 0 : 5)) {
      if (!done()) OnEvent(event);
    }
    if (done()) return;
    const Clock::time_point now = Clock::now();
    churners_.Tick(now);
    Step(now);
    // Churners come and go even when nothing else moves, so they do not count as progress.
    const uint64_t progress = report_.published + report_.delivered + static_cast<uint64_t>(phase_);
    if (progress != last_progress || phase_ == Phase::kSettle) {
      last_progress = progress;
      last_moved = now;
    } else if (raw::Seconds(last_moved, now) > options_.stall_seconds) {
      report_.Break("stalled: nothing moved for " + std::to_string(options_.stall_seconds) +
                    " s, " + std::to_string(tracker_.expected() - report_.delivered) +
                    " deliveries open");
    }
  }
}

Report Run::Finish() {
  Clock::time_point started = Clock::now();
  if (subscribers_.Connect() && publishers_.Connect()) {
    churners_.Connect();
    started = Clock::now();
    Loop();
  }
  report_.seconds = raw::Seconds(started, Clock::now());
  tracker_.CountLost();
  if (options_.late_ok) report_.late = 0;
  return std::move(report_);
}

}  // namespace

Report Execute(const Plan& plan, const RunOptions& options) { return Run(plan, options).Finish(); }

}  // namespace delivery
