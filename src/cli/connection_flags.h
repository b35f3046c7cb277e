// The flags that every verb takes: where to connect, and as whom.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include <martlet/options.h>

#include "cli/cli11.h"
#include "client/target.h"

namespace martlet::cli {

/// The global flags of the `nats` command, with the same names, short forms and environment; less
/// its contexts.
struct ConnectionFlags {
  std::string servers = "nats://127.0.0.1:4222";  // a list with commas
  std::string user;                               // without a password: a token
  std::string password;
  std::string token;
  std::string nkey;
  std::string creds;
  std::string tls_cert;
  std::string tls_key;
  std::string tls_ca;
  bool tls_first = false;
  std::string name;
  std::string inbox_prefix = "_INBOX";
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  std::string io_backend = "auto";

  /// The servers in the order given, with the rest filled in. What a URL says of its user wins.
  absl::StatusOr<std::vector<client::Target>> Targets() const;
  IoBackend backend() const;
};

/// Adds them to `app`; subcommands that fall through take them as well. `flags` is borrowed until
/// the parsing is done.
void AddConnectionFlags(CLI::App& app, ConnectionFlags& flags);

/// An option with a duration (ParseDuration); `value` is borrowed until the parsing is done.
CLI::Option* AddDuration(CLI::App& app, const std::string& names, std::chrono::nanoseconds& value,
                         const std::string& help);

}  // namespace martlet::cli
