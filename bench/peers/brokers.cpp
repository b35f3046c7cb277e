#include "brokers.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <unistd.h>

#include "compare/command.h"

namespace martlet::peers {
namespace {

constexpr const char* kMosquittoFile = "mosquitto.conf";

/// The path of a program, as a shell would find it; empty when there is none.
std::string FindProgram(const std::string& name) {
  if (name.empty()) return {};
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  // Nobody changes the environment of this process. Debian keeps servers out of users' PATH.
  const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string left = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/local/sbin";
  while (!left.empty()) {
    const size_t end = std::min(left.find(':'), left.size());
    std::string file = left.substr(0, end) + "/" + name;
    if (::access(file.c_str(), X_OK) == 0) return file;
    left.erase(0, end + 1);
  }
  return {};
}

/// The first line that a program prints when it is asked for its version.
std::string VersionOf(const std::string& program, const char* flag) {
  const std::string command = compare::QuoteWord(program) + " " + flag + " 2>&1";
  FILE* const output = ::popen(command.c_str(), "r");  // NOLINT(cert-env33-c): our own words
  if (output == nullptr) return {};
  std::array<char, 256> line{};
  std::string out;
  if (std::fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) out = line.data();
  while (std::fgets(line.data(), static_cast<int>(line.size()), output) != nullptr) {
  }
  ::pclose(output);
  return out.substr(0, out.find('\n'));
}

struct Entry {
  const char* name;
  Protocol protocol;
  std::string program;
  std::string flags;
  const char* version_flag = "--version";
};

std::vector<Entry> Entries(const Programs& programs) {
  const std::string nats = " -a 127.0.0.1 -p {port}";
  // No snapshots: nothing is stored here, and a fork would be measured by chance.
  const std::string redis =
      " --bind 127.0.0.1 --port {port} --save '' --appendonly no --daemonize no";
  return {
      {"nats-server", Protocol::kNats, programs.nats, nats},
      {"older nats-server", Protocol::kNats, programs.older_nats, nats},
      {"Martlet", Protocol::kNats, programs.martlet, nats + " --io_backend io_uring"},
      {"Martlet, epoll", Protocol::kNats, programs.martlet, nats + " --io_backend epoll"},
      {"Redis", Protocol::kResp, programs.redis, redis},
      {"Redis, no replies", Protocol::kRespQuiet, programs.redis, redis},
      {"Mosquitto", Protocol::kMqtt, programs.mosquitto, " -c mosquitto.conf -p {port}", "-h"},
  };
}

}  // namespace

std::string MosquittoSettings() {
  // By default it keeps 1,000 messages for a slow client and drops the others; without Nagle's
  // algorithm it is as prompt as the others, which switch it off by themselves.
  return "allow_anonymous true\n"
         "max_queued_messages 0\n"
         "set_tcp_nodelay true\n"
         "log_type error\n";
}

std::vector<Broker> FindBrokers(const Programs& programs, const std::string& folder,
                                std::vector<std::string>& missing) {
  std::vector<Broker> out;
  for (const Entry& entry : Entries(programs)) {
    if (entry.program.empty()) continue;
    const std::string path = FindProgram(entry.program);
    if (path.empty()) {
      missing.emplace_back(entry.name);
      continue;
    }
    Broker& broker = out.emplace_back();
    broker.name = entry.name;
    broker.protocol = entry.protocol;
    broker.command = compare::QuoteWord(path) + entry.flags;
    broker.shown = path.substr(path.rfind('/') + 1) + entry.flags;
    broker.version = VersionOf(path, entry.version_flag);
    const size_t file = broker.command.find(kMosquittoFile);
    if (file == std::string::npos) continue;
    const std::string written = folder + "/" + kMosquittoFile;
    std::ofstream(written) << MosquittoSettings();
    broker.command.replace(file, std::strlen(kMosquittoFile), compare::QuoteWord(written));
  }
  return out;
}

std::vector<Scenario> Scenarios() {
  std::vector<Scenario> out;
  const auto add = [&out](std::string id, std::string title, int publishers, int subscribers,
                          uint32_t size) -> Scenario& {
    return out.emplace_back(
        Scenario{std::move(id), std::move(title), publishers, subscribers, false, size, 0});
  };
  const std::pair<uint32_t, const char*> sizes[] = {
      {16, "16 B"}, {128, "128 B"}, {1024, "1 KiB"}, {16384, "16 KiB"}, {262144, "256 KiB"}};
  for (const auto& [size, text] : sizes) {
    if (size > 1024) break;
    add("pub-" + std::to_string(size), std::string("publish only, ") + text, 1, 0, size);
  }
  for (const auto& [size, text] : sizes) {
    add("pubsub-1to1-" + std::to_string(size), std::string("1:1, ") + text, 1, 1, size);
  }
  for (const int subscribers : {10, 100, 1000}) {
    const std::string count = std::to_string(subscribers);
    add("fanout-" + count + "-128", "fan-out 1:" + count + ", 128 B", 1, subscribers, 128);
  }
  add("pairs-10-128", "10 pairs, 128 B", 10, 10, 128).pairs = true;
  add("open-10k", "1:1, 128 B, 10,000/s", 1, 1, 128).rate = 1e4;
  return out;
}

}  // namespace martlet::peers
