#include "brokers.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <unistd.h>

#include "compare/command.h"

namespace martlet::peers {
namespace {

/// The path of a program, as a shell would find it; empty when there is none.
std::string FindProgram(const std::string& name) {
  if (name.empty()) return {};
  if (name.find('/') != std::string::npos) return ::access(name.c_str(), X_OK) == 0 ? name : "";
  // Nobody changes the environment of this process. Debian keeps servers out of users' PATH.
  const char* const path = std::getenv("PATH");  // NOLINT(concurrency-mt-unsafe)
  std::string left = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/local/sbin";
  while (!left.empty()) {
    const size_t end = std::min(left.find(':'), left.size());
    const std::string file = left.substr(0, end) + "/" + name;
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
  Broker broker;  // its command continues behind the program
  std::string program;
  const char* version_flag;
};

std::vector<Entry> Entries(const Programs& programs, const std::string& mosquitto_file) {
  constexpr const char* kNatsFlags = " -a 127.0.0.1 -p {port}";
  // No snapshots: nothing is stored here, and a fork would be measured by chance.
  const std::string redis_flags =
      " --bind 127.0.0.1 --port {port} --save '' --appendonly no --daemonize no";
  const std::string mosquitto_flags = " -c " + compare::QuoteWord(mosquitto_file) + " -p {port}";
  return {
      {{"nats-server", Protocol::kNats, kNatsFlags, ""}, programs.nats, "--version"},
      {{"older nats-server", Protocol::kNats, kNatsFlags, ""}, programs.older_nats, "--version"},
      {{"Martlet", Protocol::kNats, kNatsFlags, ""}, programs.martlet, "--version"},
      {{"Redis", Protocol::kResp, redis_flags, ""}, programs.redis, "--version"},
      {{"Redis, no replies", Protocol::kRespQuiet, redis_flags, ""}, programs.redis, "--version"},
      {{"Mosquitto", Protocol::kMqtt, mosquitto_flags, ""}, programs.mosquitto, "-h"},
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
  const std::string mosquitto_file = folder + "/mosquitto.conf";
  std::vector<Broker> out;
  for (Entry& entry : Entries(programs, mosquitto_file)) {
    if (entry.program.empty()) continue;
    const std::string path = FindProgram(entry.program);
    if (path.empty()) {
      missing.push_back(entry.broker.name);
      continue;
    }
    entry.broker.command.insert(0, compare::QuoteWord(path));
    entry.broker.version = VersionOf(path, entry.version_flag);
    if (entry.broker.protocol == Protocol::kMqtt)
      std::ofstream(mosquitto_file) << MosquittoSettings();
    out.push_back(std::move(entry.broker));
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
