#include "load/sampler.h"

#include <algorithm>
#include <ctime>
#include <thread>

#include "base/clock.h"

namespace martlet::load {
namespace {

double Seconds(uint64_t ns) { return static_cast<double>(ns) * 1e-9; }

/// What the server has used between two samples; resident bytes are those at the end.
measure::ProcessUse Between(const measure::ProcessUse& a, const measure::ProcessUse& b) {
  const auto less = [](uint64_t from, uint64_t to) { return to > from ? to - from : 0; };
  measure::ProcessUse out = b;
  out.user_seconds = b.user_seconds - a.user_seconds;
  out.system_seconds = b.system_seconds - a.system_seconds;
  // Threads that ended in between take their counts with them.
  out.voluntary_switches = less(a.voluntary_switches, b.voluntary_switches);
  out.involuntary_switches = less(a.involuntary_switches, b.involuntary_switches);
  return out;
}

}  // namespace

double OwnCpuSeconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Sampler::Sample Sampler::Take() {
  Sample sample;
  sample.now_ns = base::MonotonicNanoseconds();
  sample.counts = read_();
  if (pid_ != 0) sample.server = measure::ReadProcess(pid_);
  sample.machine_seconds = measure::MachineBusySeconds();
  sample.own_seconds = OwnCpuSeconds();
  return sample;
}

void Sampler::Begin() { first_ = last_ = Take(); }

Interval Sampler::Lap() {
  Sample now = Take();
  Interval lap;
  lap.begin_seconds = Seconds(last_.now_ns - first_.now_ns);
  lap.seconds = Seconds(now.now_ns - last_.now_ns);
  const bool delivers = now.counts.delivered > 0;
  lap.messages = delivers ? now.counts.delivered - last_.counts.delivered
                          : now.counts.sent - last_.counts.sent;
  lap.bytes = lap.messages * bytes_each_;
  if (now.server && last_.server) {
    lap.server_cpu_seconds = now.server->cpu_seconds() - last_.server->cpu_seconds();
  }
  last_ = std::move(now);
  laps_.push_back(lap);
  return lap;
}

void Sampler::Finish(Result& result) const {
  result.seconds = Seconds(last_.now_ns - first_.now_ns);
  result.sent = last_.counts.sent - first_.counts.sent;
  result.delivered = last_.counts.delivered - first_.counts.delivered;
  result.intervals = laps_;
  const double own = last_.own_seconds - first_.own_seconds;
  double server = 0;
  if (first_.server && last_.server) {
    result.server_known = true;
    result.server_use = Between(*first_.server, *last_.server);
    server = result.server_use.cpu_seconds();
  }
  if (result.seconds <= 0) return;
  result.server_cpu_share = server / result.seconds;
  for (size_t i = 0; i < last_.counts.thread_cpu_seconds.size(); ++i) {
    const double used = last_.counts.thread_cpu_seconds[i] - first_.counts.thread_cpu_seconds[i];
    result.client_cpu_share = std::max(result.client_cpu_share, used / result.seconds);
  }
  const double busy = last_.machine_seconds - first_.machine_seconds;
  const double cpus = std::max(1U, std::thread::hardware_concurrency());
  result.other_cpu_share = std::max(0.0, busy - own - server) / result.seconds / cpus;
}

}  // namespace martlet::load
