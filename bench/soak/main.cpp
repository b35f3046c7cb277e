// soak: mixed load with churn on one server for a long time; does everything come back? See
// README.md.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/cpus.h"
#include "compare/placement.h"
#include "compare/server_process.h"
#include "measure/process.h"
#include "round.h"
#include "watch.h"

namespace martlet::soak {
namespace {

constexpr int kExitNotBack = 1;
constexpr int kExitError = 2;
constexpr size_t kCalmSeconds = 8;
constexpr double kLineSeconds = 10;
constexpr size_t kMappingsShown = 8;

struct Options {
  std::string server = "martlet-server";
  std::string url;  // of one that runs already, instead
  int pid = 0;      // its process; 0: found by its port
  double minutes = 30;
  double warmup_seconds = 0;  // 0: a tenth of the time, at least 5 seconds and at most a minute
  double settle_seconds = 30;
  double subscriptions = 10e6;
  double connects = 1e6;
  double load = 1;
  double patience_seconds = 15;
  double tolerance_percent = 1;
  std::string csv;
};

double Mebibytes(uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

/// One soak; Run() calls the steps in their order.
class Soak {
 public:
  explicit Soak(const Options& options) : options_(options) {}

  int Run();

 private:
  absl::Status Start();
  absl::Status StartServer();
  absl::StatusOr<RoundDone> Play(const char* name, const RoundPlan& plan);
  absl::StatusOr<Reading> Settle(const char* name);
  absl::Status Sample();
  void Line(const char* name) const;
  bool Report(const RoundDone& done, const RoundPlan& plan, const Reading& start,
              const Reading& end) const;
  double Now() const {
    return static_cast<double>(base::MonotonicNanoseconds() - began_ns_) * 1e-9;
  }

  const Options& options_;
  compare::Placement placement_ = compare::Place(compare::ReadCpus());
  uint64_t began_ns_ = base::MonotonicNanoseconds();
  std::unique_ptr<compare::ServerProcess> server_;
  client::Peer peer_;
  int pid_ = 0;
  std::vector<Reading> readings_;
  std::vector<Mapping> start_mappings_;
};

absl::Status Soak::Start() {
  client::Target target;
  if (options_.url.empty()) {
    if (absl::Status started = StartServer(); !started.ok()) return started;
    target.port = server_->port();
  } else {
    auto parsed = client::ParseTarget(options_.url);
    if (!parsed.ok()) return parsed.status();
    target = *std::move(parsed);
  }
  // The listener, where a command is a wrapper that started it.
  const int started = server_ != nullptr ? server_->pid() : 0;
  pid_ = options_.pid > 0 ? options_.pid : measure::FindListener(target.port).value_or(started);
  auto peer = client::Peer::Make(target);
  if (!peer.ok()) return peer.status();
  peer_ = *std::move(peer);
  return Sample();
}

absl::Status Soak::StartServer() {
  compare::StartOptions start;
  start.command = options_.server;
  start.cpus = placement_.server_cpus;
  auto server = compare::ServerProcess::Start(start);
  if (!server.ok()) return server.status();
  server_ = *std::move(server);
  return absl::OkStatus();
}

absl::Status Soak::Sample() {
  const auto reading = Read(pid_, Now());
  if (!reading) return absl::AbortedError("the server is gone");
  readings_.push_back(*reading);
  return absl::OkStatus();
}

void Soak::Line(const char* name) const {
  const Reading& now = readings_.back();
  const Reading& before = readings_.size() > 1 ? readings_[readings_.size() - 2] : now;
  const double seconds = std::max(now.seconds - before.seconds, 1e-9);
  std::fprintf(stderr, "%8.1f s  %-8s %8.2f MiB  %5llu files  %3u threads  %5.1f %% CPU\n",
               now.seconds, name, Mebibytes(now.resident_bytes),
               static_cast<unsigned long long>(now.files), now.threads,
               (now.cpu_seconds - before.cpu_seconds) / seconds * 100);
}

absl::StatusOr<RoundDone> Soak::Play(const char* name, const RoundPlan& plan) {
  absl::Status sampled;
  double next_line = Now() + kLineSeconds;
  auto done = RunRound(peer_, plan, [&] {
    const double now = Now();
    if (now < readings_.back().seconds + 1 || !sampled.ok()) return;
    sampled = Sample();
    if (now < next_line) return;
    next_line += kLineSeconds;
    Line(name);
  });
  if (!sampled.ok()) return sampled;
  if (server_ != nullptr && !server_->Running()) {
    return absl::AbortedError("the server ended: " + server_->Ending() + "; " +
                              server_->OutputTail());
  }
  return done;
}

/// Waits until memory does not change any more.
absl::StatusOr<Reading> Soak::Settle(const char* name) {
  const double until = Now() + options_.settle_seconds;
  std::vector<Reading> here;
  while (!Calm(here, kCalmSeconds + 1) && Now() < until) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (absl::Status sampled = Sample(); !sampled.ok()) return sampled;
    here.push_back(readings_.back());
  }
  Line(name);
  return readings_.back();
}

bool Soak::Report(const RoundDone& done, const RoundPlan& plan, const Reading& start,
                  const Reading& end) const {
  const auto count = [](uint64_t number) { return static_cast<unsigned long long>(number); };
  const auto larger = [](const Reading& a, const Reading& b) {
    return a.resident_bytes < b.resident_bytes;
  };
  const Reading& peak = *std::max_element(readings_.begin(), readings_.end(), larger);
  const Verdict verdict = Judge(start, end, options_.tolerance_percent);
  const load::Faults& faults = done.faults;
  const bool complete = done.subscriptions >= plan.subscriptions && done.connects >= plan.connects;
  std::printf("%llu messages, %llu SUB/UNSUB, %llu connects in %.1f s (%.1f planned)%s\n",
              count(done.messages), count(done.subscriptions), count(done.connects), done.seconds,
              plan.seconds, complete ? "" : ": NOT ALL THAT WAS PLANNED");
  std::printf("lost %llu, duplicated %llu, out of order %llu, changed %llu\n", count(faults.lost),
              count(faults.duplicated), count(faults.reordered), count(faults.corrupted));
  for (const std::string& text : faults.named) std::printf("  %s\n", text.c_str());
  std::printf("memory: start %.2f MiB, peak %.2f MiB, end %.2f MiB: %+.2f %%%s\n",
              Mebibytes(start.resident_bytes), Mebibytes(peak.resident_bytes),
              Mebibytes(end.resident_bytes), verdict.memory_percent,
              verdict.memory_back ? "" : ": NOT BACK");
  if (!verdict.memory_back) {
    for (const std::string& line : Growth(start_mappings_, ReadMappings(pid_), kMappingsShown)) {
      std::printf("  %s\n", line.c_str());
    }
  }
  std::printf("files: start %llu, end %llu%s; threads: start %u, end %u%s\n", count(start.files),
              count(end.files), verdict.files_back ? "" : ": NOT BACK", start.threads, end.threads,
              verdict.threads_back ? "" : ": NOT BACK");
  std::printf("server CPU: %.1f %% of one core\n",
              (end.cpu_seconds - start.cpu_seconds) / std::max(done.seconds, 1e-9) * 100);
  return complete && verdict.back() && !faults.any();
}

int Soak::Run() {
  base::RaiseFileLimit();
  const auto failed = [](const absl::Status& why) {
    std::fprintf(stderr, "soak: %s\n", std::string(why.message()).c_str());
    return kExitError;
  };
  if (absl::Status started = Start(); !started.ok()) return failed(started);
  const compare::ScopedAffinity affinity(placement_.load_cpus);

  RoundPlan plan;
  plan.seconds = options_.minutes * 60;
  plan.subscriptions = static_cast<uint64_t>(options_.subscriptions);
  plan.connects = static_cast<uint64_t>(options_.connects);
  plan.load = options_.load;
  plan.patience_seconds = options_.patience_seconds;
  RoundPlan warmup = plan;
  warmup.seed = plan.seed + 1;
  warmup.seconds = options_.warmup_seconds > 0 ? options_.warmup_seconds
                                               : std::clamp(plan.seconds / 10, 5.0, 60.0);
  const double share = warmup.seconds / plan.seconds;
  warmup.subscriptions = static_cast<uint64_t>(options_.subscriptions * share);
  warmup.connects = static_cast<uint64_t>(options_.connects * share);

  Line("fresh");
  const auto warmed = Play("warm-up", warmup);
  if (!warmed.ok()) return failed(warmed.status());
  const auto start = Settle("start");
  if (!start.ok()) return failed(start.status());
  start_mappings_ = ReadMappings(pid_);
  auto done = Play("soak", plan);
  if (!done.ok()) return failed(done.status());
  const auto end = Settle("end");
  if (!end.ok()) return failed(end.status());
  if (!options_.csv.empty() && !(std::ofstream(options_.csv) << ReadingsCsv(readings_))) {
    return failed(absl::UnavailableError(options_.csv + ": cannot be written"));
  }
  done->faults.lost += warmed->faults.lost;
  done->faults.duplicated += warmed->faults.duplicated;
  done->faults.reordered += warmed->faults.reordered;
  done->faults.corrupted += warmed->faults.corrupted;
  done->faults.named.insert(done->faults.named.end(), warmed->faults.named.begin(),
                            warmed->faults.named.end());
  return Report(*done, plan, *start, *end) ? 0 : kExitNotBack;
}

int Run(int argc, char** argv) {
  Options options;
  CLI::App app("Mixed load with churn for a long time: are memory, files and messages all there?");
  app.add_option("--server", options.server,
                 "Command that starts it; {port}, or -a and -p are added")
      ->capture_default_str();
  app.add_option("--url", options.url, "One that runs already, on this machine, instead");
  app.add_option("--pid", options.pid, "Its process, where --url leads elsewhere (a relay)");
  app.add_option("--minutes", options.minutes, "Of the soak itself")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--warmup", options.warmup_seconds,
                 "Seconds of the same before (a tenth, 5 to 60)");
  app.add_option("--settle", options.settle_seconds, "Seconds at most until memory is calm again")
      ->capture_default_str();
  app.add_option("--subs", options.subscriptions, "SUB/UNSUB pairs in all")->capture_default_str();
  app.add_option("--connects", options.connects, "Clients that come and go")->capture_default_str();
  app.add_option("--load", options.load, "Times the usual rates of messages")
      ->capture_default_str();
  app.add_option("--patience", options.patience_seconds, "Seconds until what is missing is lost")
      ->capture_default_str();
  app.add_option("--tolerance", options.tolerance_percent, "Percent that memory may have grown")
      ->capture_default_str();
  app.add_option("--csv", options.csv, "A reading each second goes here");
  CLI11_PARSE(app, argc, argv);
  return Soak(options).Run();
}

}  // namespace
}  // namespace martlet::soak

int main(int argc, char** argv) {
  try {
    return martlet::soak::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "soak: %s\n", error.what());
    return 2;
  }
}
