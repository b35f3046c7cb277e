#include "sim/scenario.h"

#include <algorithm>

#include "sim/node.h"

namespace martlet::sim {
namespace {

using cluster::CompressionMode;
using cluster::Settings;

bool OneIn(base::Random& random, uint32_t n) { return random.Below(n) == 0; }

base::Url RouteTo(base::Random& random, const Settings& own, int server) {
  std::string text = "nats-route://";
  if (!own.user.empty()) text += own.user + ":" + own.password + "@";
  text += OneIn(random, 2) ? AddressOf(server) : "n" + std::to_string(server);
  return base::ParseUrl(text + ":" + std::to_string(kPort)).value();
}

void AddRoutes(std::vector<Settings>& servers, base::Random& random) {
  const auto count = static_cast<int>(servers.size());
  const bool everyone = OneIn(random, 8);
  const bool mutual = OneIn(random, 3);
  for (int i = 0; i < count; ++i) {
    Settings& own = servers[static_cast<size_t>(i)];
    if (everyone) {
      // As people do it: the same list everywhere, oneself among them.
      for (int j = 0; j < std::min(count, 5); ++j) own.routes.push_back(RouteTo(random, own, j));
      continue;
    }
    if (i > 0) {
      const int seed =
          OneIn(random, 2) ? 0 : static_cast<int>(random.Below(static_cast<uint32_t>(i)));
      own.routes.push_back(RouteTo(random, own, seed));
      if (mutual) {
        Settings& other = servers[static_cast<size_t>(seed)];
        other.routes.push_back(RouteTo(random, other, i));
      }
    }
    if (OneIn(random, 4)) {
      own.routes.push_back(
          RouteTo(random, own, static_cast<int>(random.Below(servers.size() & 0xff))));
    }
  }
}

int AnyCount(base::Random& random) {
  const uint32_t kind = random.Below(100);
  if (kind < 45) return 2 + static_cast<int>(random.Below(2));
  if (kind < 85) return 4 + static_cast<int>(random.Below(3));
  if (kind < 99) return 7 + static_cast<int>(random.Below(4));
  return 11 + static_cast<int>(random.Below(10));
}

void ChooseNames(std::vector<Settings>& servers, base::Random& random) {
  const uint32_t kind = random.Below(4);  // 0: all generated; 1: some; else none
  const size_t chosen = random.Below(static_cast<uint32_t>(servers.size()));
  for (size_t i = 0; i < servers.size(); ++i) {
    servers[i].name = "C1";
    const bool generated = kind == 0 || (kind == 1 && i != chosen && OneIn(random, 2));
    if (!generated) continue;
    servers[i].name_dynamic = true;
    servers[i].name.clear();
    for (int n = 0; n < 22; ++n) servers[i].name += static_cast<char>('A' + random.Below(26));
  }
}

void ChoosePools(std::vector<Settings>& servers, base::Random& random) {
  const uint32_t kind = random.Below(5);  // 0: none; 1: mixed; else all the same
  const int64_t size = 1 + random.Below(4);
  const bool account = OneIn(random, 2);
  for (Settings& own : servers) {
    own.pool_size = size;
    if (kind == 0) own.pool_size = -1;
    if (kind == 1)
      own.pool_size = OneIn(random, 3) ? -1 : 1 + static_cast<int64_t>(random.Below(4));
    if (own.pool_size < 1) continue;
    own.pinned_accounts = {"$SYS"};
    if (account) own.pinned_accounts.push_back("ACC");
  }
}

}  // namespace

CompressionMode AnyCompression(base::Random& random) {
  constexpr CompressionMode kModes[] = {CompressionMode::kNotSupported, CompressionMode::kOff,
                                        CompressionMode::kAccept,       CompressionMode::kS2Fast,
                                        CompressionMode::kS2Better,     CompressionMode::kS2Auto};
  return kModes[random.Below(6)];
}

Scenario MakeScenario(base::Random& random, int servers) {
  Scenario scenario;
  const int count = servers > 0 ? servers : AnyCount(random);
  const bool secret = OneIn(random, 4);
  const bool same_compression = OneIn(random, 2);
  const CompressionMode mode = AnyCompression(random);
  for (int i = 0; i < count; ++i) {
    Settings own;
    own.server_name = "s" + std::to_string(i);
    own.version = "2.15.1";
    own.go = "c++20";
    own.host = OneIn(random, 4) ? "0.0.0.0" : AddressOf(i);
    own.port = kPort;
    own.own_ips = {AddressOf(i)};
    own.client_urls = {AddressOf(i) + ":4222"};
    own.connect_backoff = OneIn(random, 8);
    own.connect_retries = OneIn(random, 4) ? 2 : 0;
    if (secret) {
      own.user = "u";
      own.password = "right";
    }
    own.compression.mode = same_compression ? mode : AnyCompression(random);
    scenario.servers.push_back(own);
  }
  ChooseNames(scenario.servers, random);
  ChoosePools(scenario.servers, random);
  AddRoutes(scenario.servers, random);
  scenario.at_start = scenario.servers;
  if (secret && OneIn(random, 2)) {
    // It may dial the others, and refuses all that dial it.
    scenario.at_start[random.Below(static_cast<uint32_t>(count))].password = "wrong";
  }
  scenario.one_sided = OneIn(random, 6);
  scenario.faults_ms = 5000 + random.Below(25'000);
  scenario.faults = 2 + static_cast<int>(random.Below(10));
  scenario.delay_max_ms = OneIn(random, 4) ? 60 : 1 + random.Below(5);
  if (scenario.one_sided) scenario.ping_ms = 30'000;
  return scenario;
}

}  // namespace martlet::sim
