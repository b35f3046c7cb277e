#include "load/limit_run.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "client/out_buffer.h"
#include "load/contents.h"
#include "load/message_run.h"
#include "load/schedule.h"

namespace martlet::load {
namespace {

constexpr std::string_view kInfo =
    R"(INFO {"server_id":"sink","server_name":"sink","version":"0.0.0","proto":1,"go":"c++20",)"
    R"("host":"127.0.0.1","port":0,"headers":true,"max_payload":1073741824})"
    "\r\n";
constexpr size_t kReadBytes = size_t{1} << 20;
constexpr int kPollMs = 10;

bool SendAll(int fd, std::string_view bytes, const std::atomic<bool>& stop) {
  while (!bytes.empty() && !stop.load(std::memory_order_relaxed)) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
    } else if (errno == EAGAIN) {
      pollfd waits = {.fd = fd, .events = POLLOUT, .revents = 0};
      poll(&waits, 1, kPollMs);
    } else {
      return false;
    }
  }
  return bytes.empty();
}

/// The other side of the limit: a server that knows no subjects. As a sink it throws away all that
/// it gets; as a source it sends one endless stream of messages that the client will find correct.
///
/// Thread: its own; stopped by the destructor.
class OtherSide {
 public:
  OtherSide(const Plan& plan, bool is_source) : plan_(plan), is_source_(is_source) {
    listener_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (!listener_ || bind(listener_.get(), generic, length) != 0 ||
        listen(listener_.get(), 8) != 0 || getsockname(listener_.get(), generic, &length) != 0) {
      return;
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Main(); });
  }
  ~OtherSide() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  OtherSide(const OtherSide&) = delete;
  OtherSide& operator=(const OtherSide&) = delete;

  uint16_t port() const { return port_; }  // 0: it could not listen

 private:
  void Main();
  void Serve(base::UniqueFd fd);
  bool Greet(int fd);
  void Sink(int fd);
  void Source(int fd);

  const Plan& plan_;
  bool is_source_;
  base::UniqueFd listener_;
  uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

void OtherSide::Main() {
  std::vector<std::thread> clients;
  while (!stop_) {
    pollfd waits = {.fd = listener_.get(), .events = POLLIN, .revents = 0};
    if (poll(&waits, 1, kPollMs) <= 0) continue;
    base::UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (fd)
      clients.emplace_back([this, moved = std::move(fd)]() mutable { Serve(std::move(moved)); });
  }
  for (std::thread& client : clients) client.join();
}

void OtherSide::Serve(base::UniqueFd fd) {
  const int one = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  const timeval patience = {.tv_sec = 0, .tv_usec = kPollMs * 1000L};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (Greet(fd.get())) is_source_ ? Source(fd.get()) : Sink(fd.get());
}

/// INFO, and a PONG for every PING until the client has subscribed, or begins to publish.
bool OtherSide::Greet(int fd) {
  if (!SendAll(fd, kInfo, stop_)) return false;
  std::string seen;
  const size_t pings_wanted = 2;  // of the greeting, of the role
  size_t pings = 0;
  char chunk[4096];
  while (!stop_ && pings < pings_wanted) {
    const ssize_t bytes = recv(fd, chunk, sizeof chunk, 0);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) return false;
    if (bytes > 0) seen.append(chunk, static_cast<size_t>(bytes));
    for (size_t at = seen.find("PING\r\n"); at != std::string::npos; at = seen.find("PING\r\n")) {
      seen.erase(0, at + 6);
      ++pings;
      if (!SendAll(fd, "PONG\r\n", stop_)) return false;
    }
  }
  return !stop_;
}

void OtherSide::Sink(int fd) {
  // MSG_TRUNC: the kernel drops the bytes, nothing is copied.
  while (!stop_) {
    const ssize_t bytes = recv(fd, nullptr, kReadBytes, MSG_TRUNC);
    if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) return;
  }
}

void OtherSide::Source(int fd) {
  constexpr size_t kBatchBytes = size_t{64} << 10;
  const Contents contents(plan_.seed, plan_.size_bytes);
  const std::string line =
      "MSG " + plan_.subject + " 1 " + std::to_string(plan_.size_bytes) + "\r\n";
  client::OutBuffer out;
  for (uint64_t sequence = 0; !stop_;) {
    out.Clear();
    while (out.size() < kBatchBytes) {
      char* at = out.Reserve(line.size() + plan_.size_bytes + Contents::kSlackBytes + 2);
      at = std::copy(line.begin(), line.end(), at);
      at = contents.Write({.stream = 0, .sequence = sequence++}, at);
      *at++ = '\r';
      *at++ = '\n';
      out.Commit(at);
    }
    if (!SendAll(fd, out.view(), stop_)) return;
  }
}

absl::StatusOr<Result> RunOne(const Plan& plan, bool is_source, const OnInterval& on_interval) {
  Plan one = plan;
  one.scenario = is_source ? Scenario::kReceive : Scenario::kBlast;
  one.publishers = one.subscribers = one.threads = 1;
  one.subjects = 1;
  one.wildcard = false;
  one.rate = 0;
  one.messages = 0;
  one.header_count = 0;
  one.queue.clear();
  OtherSide other(one, is_source);
  if (other.port() == 0) return absl::UnavailableError("no port to listen on");
  one.server = one.publish_server = {};
  one.server.port = one.publish_server.port = other.port();
  one.server_pid = 0;
  const auto peer = client::Peer::Make(one.server);
  if (!peer.ok()) return peer.status();
  return RunMessages(one, *peer, *peer, on_interval);
}

}  // namespace

absl::StatusOr<Result> RunLimit(const Plan& plan, const OnInterval& on_interval) {
  auto sent = RunOne(plan, false, on_interval);
  if (!sent.ok()) return sent.status();
  auto received = RunOne(plan, true, on_interval);
  if (!received.ok()) return received.status();
  Result result = *std::move(sent);
  result.plan = plan;
  if (result.plan.name.empty()) result.plan.name = DescribePlan(plan);
  result.figures.clear();
  const auto add = [&](const char* id, const char* label, double value, const char* unit) {
    result.figures.push_back({.id = id, .label = label, .value = value, .unit = unit});
  };
  const double out_seconds = std::max(result.seconds, 1e-9);
  const double in_seconds = std::max(received->seconds, 1e-9);
  add("limit_sent_per_second", "messages sent per second, to a sink",
      static_cast<double>(result.sent) / out_seconds, "1/s");
  add("limit_received_per_second", "messages received per second, from a source",
      static_cast<double>(received->delivered) / in_seconds, "1/s");
  add("limit_sender_cpu_percent", "CPU of the sending thread", result.client_cpu_share * 100, "%");
  add("limit_receiver_cpu_percent", "CPU of the receiving thread", received->client_cpu_share * 100,
      "%");
  result.delivered = received->delivered;
  result.faults = received->faults;
  result.warnings.clear();
  result.server = {.name = "sink", .version = {}, .language = {}, .url = {}};
  return result;
}

}  // namespace martlet::load
