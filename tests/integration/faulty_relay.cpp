// faulty-relay: a TCP relay in front of a NATS server that does one thing wrong, on purpose.
//
//   faulty-relay --to 127.0.0.1:4222 --drop 1000        the 1000th message to any client is gone
//   faulty-relay --to 127.0.0.1:4222 --duplicate 1000   ... comes twice
//   faulty-relay --to 127.0.0.1:4222 --swap 1000        ... comes after the 1001st
//   faulty-relay --to 127.0.0.1:4222 --flip 1000        ... has one bit of its payload changed
//   faulty-relay --to 127.0.0.1:4222 --stall-ms 100 --every-ms 1000
//                                                       nothing moves for 100 ms, once a second
//
// Question: does martlet bench see what it must see? Prints its port, serves until it is killed.
// Message numbers count over all connections, in the order in which the relay reads them.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "raw_client.h"

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

enum class Fault : uint8_t { kNone, kDrop, kDuplicate, kSwap, kFlip };

struct Options {
  raw::Endpoint to;
  Fault fault = Fault::kNone;
  uint64_t message = 0;  // the one that it happens to, from 1
  milliseconds stall{0};
  milliseconds every{1000};
};

Options options;
std::atomic<uint64_t> messages{0};
const Clock::time_point kBegun = Clock::now();

[[noreturn]] void Die(const char* what) {
  perror(what);
  exit(1);
}

/// Waits while a stall lasts: the last `stall` of each `every`.
void WaitOutStall() {
  if (options.stall.count() == 0) return;
  const auto at = (Clock::now() - kBegun) % options.every;
  if (at >= options.every - options.stall) std::this_thread::sleep_for(options.every - at);
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

/// The frame at the front of `in` with what happens to it, appended to `out`; `held` is one that
/// waits to change places with the next message.
void Pass(std::string_view frame, const raw::Frame& parsed, std::string& out, std::string& held) {
  const bool is_message = parsed.verb == raw::Verb::kMsg || parsed.verb == raw::Verb::kHmsg;
  const bool chosen = is_message && ++messages == options.message;
  if (!chosen || options.fault == Fault::kNone) {
    out.append(frame);
    if (is_message) out.append(std::exchange(held, {}));
    return;
  }
  switch (options.fault) {
    case Fault::kDrop:
      return;
    case Fault::kSwap:
      held = frame;
      return;
    case Fault::kDuplicate:
      out.append(frame).append(frame);
      return;
    default: {
      const size_t at = out.size() + static_cast<size_t>(parsed.payload.data() - frame.data());
      out.append(frame);
      out[at + parsed.payload.size() / 2] ^= 1;
    }
  }
}

void ToClient(int server, int client) {
  std::string in;
  std::string out;
  std::string held;
  char chunk[64 << 10];
  while (true) {
    const ssize_t bytes = recv(server, chunk, sizeof chunk, 0);
    if (bytes <= 0) break;
    WaitOutStall();
    if (options.fault == Fault::kNone) {
      if (!WriteAll(client, {chunk, static_cast<size_t>(bytes)})) break;
      continue;
    }
    in.append(chunk, static_cast<size_t>(bytes));
    size_t used = 0;
    raw::Frame frame;
    for (size_t n = 0; (n = raw::NextFrame(std::string_view(in).substr(used), frame)) != 0;) {
      if (n == raw::kMalformed) Die("malformed input");
      Pass(std::string_view(in).substr(used, n), frame, out, held);
      used += n;
    }
    in.erase(0, used);
    if (!WriteAll(client, out)) break;
    out.clear();
  }
  shutdown(client, SHUT_RDWR);
}

void ToServer(int client, int server) {
  char chunk[64 << 10];
  while (true) {
    const ssize_t bytes = recv(client, chunk, sizeof chunk, 0);
    if (bytes <= 0) break;
    WaitOutStall();
    if (!WriteAll(server, {chunk, static_cast<size_t>(bytes)})) break;
  }
  shutdown(server, SHUT_RDWR);
}

void Serve(int client) {
  const int one = 1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(options.to.port);
  inet_pton(AF_INET, options.to.host.c_str(), &address.sin_addr);
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(server, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    std::thread other(ToServer, client, server);
    ToClient(server, client);
    other.join();
  }
  close(server);
  close(client);
}

int Listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, length) != 0 || listen(fd, 128) != 0 ||
      getsockname(fd, generic, &length) != 0) {
    Die("listen");
  }
  printf("%u\n", ntohs(address.sin_port));
  fflush(stdout);
  return fd;
}

bool ReadOptions(int argc, char** argv) {
  static constexpr struct {
    std::string_view flag;
    Fault fault;
  } kFaults[] = {{"--drop", Fault::kDrop},
                 {"--duplicate", Fault::kDuplicate},
                 {"--swap", Fault::kSwap},
                 {"--flip", Fault::kFlip}};
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const char* const value = argv[i + 1];
    const auto* fault = std::find_if(std::begin(kFaults), std::end(kFaults),
                                     [&](const auto& known) { return known.flag == flag; });
    if (fault != std::end(kFaults)) {
      options.fault = fault->fault;
      options.message = strtoull(value, nullptr, 10);
    } else if (flag == "--to") {
      if (!raw::ParseEndpoint(value, options.to)) return false;
    } else if (flag == "--stall-ms") {
      options.stall = milliseconds(atoi(value));
    } else if (flag == "--every-ms") {
      options.every = milliseconds(atoi(value));
    } else {
      return false;
    }
  }
  return argc > 1 && argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (!ReadOptions(argc, argv)) {
    fprintf(stderr,
            "usage: faulty-relay --to HOST:PORT [--drop N | --duplicate N | --swap N | --flip N] "
            "[--stall-ms MS --every-ms MS]\n");
    return 2;
  }
  const int listener = Listen();
  while (true) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) Die("accept");
    std::thread(Serve, client).detach();
  }
}
