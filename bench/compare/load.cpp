// compare-load: drives one server hard and says what that cost on both sides.
//
//   compare-load --url 127.0.0.1:4222 --server-pid PID --subscribers 100 --payload 128
//   compare-load --url 127.0.0.1:4222 --server-pid PID --idle 10000
//
// Question: how many messages a second, at how much server CPU each, and how much memory does an
// idle connection take? Messages are counted, not checked (tests/integration/delivery-checker does
// that). Publishers send ready-made batches of 64 KiB within a window of bytes not yet read, the
// friendliest case for any broker. Prints one JSON object.

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "raw_client.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kBatchBytes = 64 << 10;
constexpr size_t kConnectsAtOnce = 64;
constexpr std::string_view kHello =
    R"("verbose":false,"pedantic":false,"protocol":0,"name":"compare-load","lang":"c++")";

struct Options {
  raw::Endpoint server;
  int server_pid = 0;
  size_t subscribers = 1;
  size_t payload_bytes = 128;
  double warmup_seconds = 0.5;
  double seconds = 2;
  size_t idle = 0;  // connections; 0: publish

  /// Published and unread, per subscriber: bounded in sum too, or only the caches are measured.
  uint64_t window_bytes() const {
    return (64 << 10) + (4 << 20) / std::max<size_t>(subscribers, 1);
  }
};

[[noreturn]] void Die(const std::string& why) {
  fprintf(stderr, "compare-load: %s\n", why.c_str());
  exit(1);
}

/// User and system time of a process so far, all its threads.
double CpuSeconds(int pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  FILE* const file = fopen(path.c_str(), "r");
  if (file == nullptr) Die("the server is gone");
  char text[1024] = {};
  const size_t bytes = fread(text, 1, sizeof(text) - 1, file);
  fclose(file);
  const std::string_view all(text, bytes);
  unsigned long user = 0;
  unsigned long system = 0;
  const char* const rest = text + all.rfind(')') + 2;
  if (sscanf(rest, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2) {
    Die("cannot read " + path);
  }
  return static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double OwnCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Resident bytes of a process.
uint64_t ResidentBytes(int pid) {
  FILE* const file = fopen(("/proc/" + std::to_string(pid) + "/statm").c_str(), "r");
  unsigned long total = 0;
  unsigned long resident = 0;
  if (file == nullptr || fscanf(file, "%lu %lu", &total, &resident) != 2) Die("no statm");
  fclose(file);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

/// Counts messages without reading them: all of one connection have the same line and size, so
/// after the first the counter only compares the line and jumps.
class Counter {
 public:
  /// Counts what begins in `in`; returns the bytes consumed. Anything but MSG and PING ends the
  /// program; `pings` counts those to be answered.
  size_t Count(std::string_view in, int& pings) {
    size_t at = 0;
    while (true) {
      const std::string_view rest = in.substr(at);
      if (!line_.empty() && rest.starts_with(line_)) {
        if (rest.size() < frame_bytes_) return at;
        at += frame_bytes_;
        ++messages_;
        continue;
      }
      raw::Frame frame;
      const size_t bytes = raw::NextFrame(rest, frame);
      if (bytes == 0) return at;
      if (bytes == raw::kMalformed || frame.verb == raw::Verb::kErr) {
        Die("unexpected: " + std::string(rest.substr(0, 100)));
      }
      if (frame.verb == raw::Verb::kPing) ++pings;
      if (frame.verb == raw::Verb::kMsg) {
        ++messages_;
        frame_bytes_ = bytes;
        line_ = rest.substr(0, bytes - frame.payload.size() - 2);
      }
      at += bytes;
    }
  }
  uint64_t messages() const { return messages_; }

 private:
  std::string line_;
  size_t frame_bytes_ = 0;
  uint64_t messages_ = 0;
};

struct Subscriber {
  raw::Connection connection;
  Counter counter;
  std::string rest;
};

/// One publisher, some subscribers, one thread.
class Load {
 public:
  explicit Load(const Options& options);
  void Run();

 private:
  void Turn(int wait_ms);
  void Receive(Subscriber& subscriber);
  bool WindowOpen() const;
  void Publish();
  void DrainPublisher();
  uint64_t Delivered() const;

  const Options& options_;
  int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  raw::Scratch scratch_;
  raw::Connection publisher_;
  std::vector<std::unique_ptr<Subscriber>> subscribers_;
  std::string batch_;
  uint64_t batch_messages_ = 0;
  size_t batch_at_ = 0;
  uint64_t published_ = 0;  // messages handed to the kernel in full, or in the batch under way
  bool blocked_ = false;
};

Load::Load(const Options& options) : options_(options) {
  for (size_t i = 0; i < options.subscribers; ++i) {
    auto subscriber = std::make_unique<Subscriber>();
    raw::Connection& connection = subscriber->connection;
    if (!connection.Open(options.server) || !connection.Handshake(kHello, scratch_) ||
        !connection.Send("SUB load.subject 1\r\n") || !connection.RoundTrip(scratch_)) {
      Die(std::string("subscriber cannot connect: ") + strerror(errno));
    }
    epoll_event event{.events = EPOLLIN, .data = {.ptr = subscriber.get()}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
    subscribers_.push_back(std::move(subscriber));
  }
  if (!publisher_.Open(options.server) || !publisher_.Handshake(kHello, scratch_)) {
    Die(std::string("publisher cannot connect: ") + strerror(errno));
  }
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, publisher_.fd(), &event);
  const std::string message = "PUB load.subject " + std::to_string(options.payload_bytes) + "\r\n" +
                              std::string(options.payload_bytes, 'x') + "\r\n";
  do {
    batch_ += message;
    ++batch_messages_;
  } while (batch_.size() + message.size() <= kBatchBytes);
}

void Load::Receive(Subscriber& subscriber) {
  for (int i = 0; i < 4; ++i) {
    char* const to = scratch_.data();
    const size_t kept = subscriber.rest.size();
    std::copy_n(subscriber.rest.data(), kept, to);
    const ssize_t got =
        recv(subscriber.connection.fd(), to + kept, raw::Scratch::kReadBytes, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) Die("a subscriber was disconnected");
    const std::string_view in(to, kept + static_cast<size_t>(got));
    int pings = 0;
    const size_t used = subscriber.counter.Count(in, pings);
    for (; pings > 0; --pings) subscriber.connection.Send("PONG\r\n");
    subscriber.rest.assign(in.substr(used));
    if (static_cast<size_t>(got) < raw::Scratch::kReadBytes) return;
  }
}

bool Load::WindowOpen() const {
  return std::all_of(subscribers_.begin(), subscribers_.end(), [this](const auto& subscriber) {
    const uint64_t unread = published_ - subscriber->counter.messages();
    return unread * options_.payload_bytes <= options_.window_bytes();
  });
}

void Load::Publish() {
  if (batch_at_ == 0) {
    if (!WindowOpen()) return;
    published_ += batch_messages_;
  }
  while (batch_at_ < batch_.size()) {
    const ssize_t sent =
        send(publisher_.fd(), batch_.data() + batch_at_, batch_.size() - batch_at_, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) Die(std::string("cannot publish: ") + strerror(errno));
    const bool now_blocked = sent < 0;
    if (now_blocked != blocked_) {
      blocked_ = now_blocked;
      epoll_event event{.events = blocked_ ? EPOLLIN | EPOLLOUT : EPOLLIN,
                        .data = {.ptr = nullptr}};
      epoll_ctl(epoll_, EPOLL_CTL_MOD, publisher_.fd(), &event);
    }
    if (blocked_) return;
    batch_at_ += static_cast<size_t>(sent);
  }
  batch_at_ = 0;
}

// The publisher's PINGs stay unanswered: a run is far shorter than the server's patience, and a
// PONG must not land inside a message.
void Load::DrainPublisher() {
  const auto on_frame = [](const raw::Frame& frame) { return frame.verb != raw::Verb::kErr; };
  if (!publisher_.Read(scratch_, 1, on_frame)) Die("the publisher was disconnected");
}

void Load::Turn(int wait_ms) {
  epoll_event events[256];
  const int count = epoll_wait(epoll_, events, 256, wait_ms);
  for (int i = 0; i < count; ++i) {
    if (events[i].data.ptr != nullptr) {
      Receive(*static_cast<Subscriber*>(events[i].data.ptr));
    } else if ((events[i].events & EPOLLIN) != 0) {
      DrainPublisher();
    }
  }
  Publish();
}

uint64_t Load::Delivered() const {
  uint64_t sum = 0;
  for (const auto& subscriber : subscribers_) sum += subscriber->counter.messages();
  return sum;
}

void Load::Run() {
  const auto run_until = [this](Clock::time_point end) {
    while (Clock::now() < end) Turn(!blocked_ && WindowOpen() ? 0 : 10);
  };
  const auto for_seconds = [](double seconds) {
    return Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  };
  run_until(for_seconds(options_.warmup_seconds));
  const Clock::time_point begin = Clock::now();
  const uint64_t messages_before = Delivered();
  const double server_before = CpuSeconds(options_.server_pid);
  const double own_before = OwnCpuSeconds();
  run_until(for_seconds(options_.seconds));
  const double seconds = raw::Seconds(begin, Clock::now());
  const auto messages = static_cast<double>(Delivered() - messages_before);
  const double server_cpu = CpuSeconds(options_.server_pid) - server_before;
  const double own_cpu = OwnCpuSeconds() - own_before;
  const double own_share = own_cpu / seconds;
  if (own_share > 0.95) {
    fprintf(stderr, "compare-load: warning: the load used %.2f of its core; it may be the limit\n",
            own_share);
  }
  printf(
      "{\"messages\": %.0f, \"seconds\": %.4f, \"messages_per_second\": %.0f, "
      "\"server_cpu_us_per_message\": %.5f, \"server_cores\": %.3f, \"load_cores\": %.3f, "
      "\"server_rss\": %" PRIu64 "}\n",
      messages, seconds, messages / seconds, messages > 0 ? server_cpu * 1e6 / messages : 0.0,
      server_cpu / seconds, own_share, ResidentBytes(options_.server_pid));
}

// Resident memory before, after all have connected and subscribed, and per connection.
void RunIdle(const Options& options) {
  raw::Scratch scratch;
  std::vector<std::unique_ptr<raw::Connection>> connections;
  const uint64_t before = ResidentBytes(options.server_pid);
  const double cpu_before = CpuSeconds(options.server_pid);
  const Clock::time_point begin = Clock::now();
  const std::string hello = "CONNECT {" + std::string(kHello) + "}\r\n";
  const auto die = [](size_t i, const raw::Connection& connection) {
    Die("connection " + std::to_string(i) + ": " + strerror(errno) + " " + connection.error());
  };
  // A few dozen at a time, so that wake-ups are shared and the server's own work is what counts.
  for (size_t first = 0; first < options.idle; first += kConnectsAtOnce) {
    const size_t end = std::min(options.idle, first + kConnectsAtOnce);
    for (size_t i = first; i < end; ++i) {
      connections.push_back(std::make_unique<raw::Connection>());
      raw::Connection& connection = *connections.back();
      const auto source = static_cast<uint32_t>(0x7f000002 + i / 4000);
      if (!connection.Open(options.server, source) ||
          !connection.Send(hello + "SUB idle." + std::to_string(i) + " 1\r\n")) {
        die(i, connection);
      }
    }
    for (size_t i = first; i < end; ++i) {
      if (!connections[i]->RoundTrip(scratch)) die(i, *connections[i]);
    }
  }
  const double seconds = raw::Seconds(begin, Clock::now());
  std::this_thread::sleep_for(std::chrono::duration<double>(options.seconds));
  const uint64_t after = ResidentBytes(options.server_pid);
  const double cpu = CpuSeconds(options.server_pid) - cpu_before;
  const auto count = static_cast<double>(options.idle);
  printf(
      "{\"connections\": %.0f, \"connects_per_second\": %.0f, \"bytes_per_connection\": %.0f, "
      "\"server_cpu_us_per_connection\": %.2f, \"server_rss\": %" PRIu64 "}\n",
      count, count / seconds, (static_cast<double>(after) - static_cast<double>(before)) / count,
      cpu * 1e6 / count, after);
}

Options ParseArguments(int argc, char** argv) {
  Options options;
  bool has_url = false;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* const value = argv[i + 1];
    if (flag == "--url") {
      has_url = raw::ParseEndpoint(value, options.server);
    } else if (flag == "--server-pid") {
      options.server_pid = atoi(value);
    } else if (flag == "--subscribers") {
      options.subscribers = strtoul(value, nullptr, 10);
    } else if (flag == "--payload") {
      options.payload_bytes = strtoul(value, nullptr, 10);
    } else if (flag == "--warmup") {
      options.warmup_seconds = atof(value);
    } else if (flag == "--seconds") {
      options.seconds = atof(value);
    } else if (flag == "--idle") {
      options.idle = strtoul(value, nullptr, 10);
    } else {
      Die("unknown option " + std::string(flag));
    }
  }
  if (!has_url || options.server_pid == 0) Die("--url and --server-pid are needed");
  if (options.payload_bytes > 1 << 20) Die("--payload is above the server's limit");
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  raw::RaiseFileLimit();
  const Options options = ParseArguments(argc, argv);
  if (options.idle != 0) {
    RunIdle(options);
  } else {
    Load(options).Run();
  }
  return 0;
}
