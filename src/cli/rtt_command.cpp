// `martlet rtt`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/go_text.h"
#include "cli/interrupt.h"
#include "cli/log.h"
#include "cli/session.h"
#include "cli/verbs.h"
#include "json/writer.h"

namespace martlet::cli {
namespace {

struct RttFlags {
  int64_t iterations = 5;
  bool json = false;
};

struct RttResult {
  std::string time;  // RFC 3339, UTC
  std::string address;
  std::chrono::nanoseconds rtt{0};  // mean; 0: failed
};

struct RttServer {
  std::string url;
  std::vector<RttResult> results;  // one for each address of its name
};

/// As the `nats` command shows a duration: to the microsecond below a millisecond, else to the
/// millisecond.
std::string Shown(std::chrono::nanoseconds rtt) {
  using std::chrono::round;
  if (rtt < std::chrono::milliseconds(1)) {
    return base::GoDuration(round<std::chrono::microseconds>(rtt));
  }
  return base::GoDuration(round<std::chrono::milliseconds>(rtt));
}

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc)};
}

absl::StatusOr<std::chrono::nanoseconds> MeanRtt(const client::Peer& peer, const RttFlags& flags,
                                                 const ConnectionFlags& connection) {
  const auto session = Session::OpenTo(connection, peer, Session::WhenLost::kFail);
  if (!session.ok()) return session.status();
  // What a server does for a new connection is not to be measured; `nats` waits as long.
  (*session)->WaitUntil(DeadlineIn(std::chrono::milliseconds(25)));
  uint64_t total_ns = 0;
  for (int64_t i = 0; i < flags.iterations; ++i) {
    const uint64_t began_ns = base::MonotonicNanoseconds();
    if (absl::Status flushed = (*session)->Flush(); !flushed.ok()) return flushed;
    total_ns += base::MonotonicNanoseconds() - began_ns;
  }
  return std::chrono::nanoseconds(total_ns / static_cast<uint64_t>(flags.iterations));
}

absl::StatusOr<RttServer> Measure(const client::Target& target, const RttFlags& flags,
                                  const ConnectionFlags& connection) {
  RttServer server{.url = target.url(), .results = {}};
  absl::StatusOr<client::Peer> peer = client::Peer::Make(target);
  if (!peer.ok()) return peer.status();
  const auto addresses = client::ResolveAll(target);
  if (!addresses.ok()) return addresses.status();
  const std::string scheme = server.url.substr(0, server.url.find("://") + 3);
  for (const base::SocketAddress& address : *addresses) {
    peer->address = address;
    RttResult& result = server.results.emplace_back();
    result.time = UtcNow();
    result.address = scheme + address.text();
    const auto rtt = MeanRtt(*peer, flags, connection);
    if (Interrupted()) return absl::CancelledError("interrupted");
    if (rtt.ok()) {
      result.rtt = *rtt;
    } else {
      Log("Failed to compute rtt for " + result.address + ": " +
          std::string(rtt.status().message()));
    }
  }
  return server;
}

void PrintText(const std::vector<RttServer>& servers) {
  constexpr size_t kIndent = 3;
  size_t width = 0;
  for (const RttServer& server : servers) {
    for (const RttResult& result : server.results) width = std::max(width, result.address.size());
  }
  for (const RttServer& server : servers) {
    Print(server.url + ":\n\n");
    for (const RttResult& result : server.results) {
      const size_t blanks = kIndent + width - result.address.size();
      Print(std::string(blanks, ' ') + result.address + ": " +
            (result.rtt.count() > 0 ? Shown(result.rtt) : "failed") + "\n");
    }
    Print("\n");
  }
}

std::string Quoted(const std::string& text) {
  std::string out;
  json::AppendQuoted(text, out);
  return out;
}

/// Indented, as the `nats` command does it.
void PrintJson(const std::vector<RttServer>& servers) {
  std::string out = "[";
  for (const RttServer& server : servers) {
    out += (out.size() > 1 ? ",\n" : "\n");
    out += "  {\n    \"url\": " + Quoted(server.url) + ",\n    \"results\": [";
    bool first = true;
    for (const RttResult& result : server.results) {
      out += first ? "\n" : ",\n";
      first = false;
      out += "      {\n        \"time\": " + Quoted(result.time) +
             ",\n        \"address\": " + Quoted(result.address) +
             ",\n        \"rtt\": " + std::to_string(result.rtt.count()) +
             ",\n        \"url\": " + Quoted(result.rtt.count() > 0 ? result.address : "") +
             "\n      }";
    }
    out += "\n    ]\n  }";
  }
  Print(out + "\n]\n");
}

absl::StatusOr<int> Rtt(const RttFlags& flags, const ConnectionFlags& connection) {
  if (flags.iterations < 1) return absl::InvalidArgumentError("iterations must be at least 1");
  const auto targets = connection.Targets();
  if (!targets.ok()) return targets.status();
  std::vector<RttServer> servers;
  for (const client::Target& target : *targets) {
    absl::StatusOr<RttServer> server = Measure(target, flags, connection);
    if (!server.ok()) return server.status();
    servers.push_back(*std::move(server));
  }
  flags.json ? PrintJson(servers) : PrintText(servers);
  return 0;
}

}  // namespace

void AddRttCommand(CLI::App& app, Program& program) {
  const auto flags = std::make_shared<RttFlags>();
  CLI::App* const verb = app.add_subcommand("rtt", "Measure round trips to each server");
  verb->add_option("iterations", flags->iterations, "Round trips to take the mean of (5)");
  verb->add_flag("-j,--json", flags->json, "Print JSON");
  verb->footer("  martlet rtt -s nats://localhost:4222 20");
  verb->callback([&program, flags] {
    program.run = [&program, flags] { return Rtt(*flags, program.connection); };
  });
}

}  // namespace martlet::cli
