// The brokers that are compared, and what they are asked.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "load.h"
#include "wire.h"

namespace martlet::peers {

/// One broker. `{port}` in its command stands for the port.
struct Broker {
  std::string name;  // column heading; short
  Protocol protocol = Protocol::kNats;
  std::string command;
  std::string shown;    // the same without the folders of this machine
  std::string version;  // its own words; filled in by FindBrokers
};

/// Programs, as paths or names to be looked for on PATH; empty: not compared.
struct Programs {
  std::string nats = "nats-server";
  std::string older_nats;
  std::string martlet = "martlet-server";
  std::string redis = "redis-server";
  std::string mosquitto = "mosquitto";
};

/// The brokers whose programs are there; `missing` gets the names of the others. `folder` is where
/// a configuration file may be written, which Mosquitto needs.
std::vector<Broker> FindBrokers(const Programs& programs, const std::string& folder,
                                std::vector<std::string>& missing);

/// What all of them can do, with the names of `martlet bench suite`.
std::vector<Scenario> Scenarios();

/// The settings that Mosquitto gets, one a line.
std::string MosquittoSettings();

}  // namespace martlet::peers
