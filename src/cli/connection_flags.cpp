#include "cli/connection_flags.h"

#include <CLI/CLI.hpp>
#include <utility>

#include <martlet/version.h>

#include "cli/text.h"

namespace martlet::cli {

absl::StatusOr<std::vector<client::Target>> ConnectionFlags::Targets() const {
  std::vector<client::Target> targets;
  for (const std::string& url : SplitList(servers)) {
    absl::StatusOr<client::Target> parsed = client::ParseTarget(url);
    if (!parsed.ok()) return parsed.status();
    client::Target target = *std::move(parsed);
    if (target.user.empty() && target.token.empty()) {
      target.token = !token.empty() ? token : password.empty() ? user : "";
      if (target.token.empty()) {
        target.user = user;
        target.password = password;
      }
    }
    target.nkey_seed_file = nkey;
    target.creds_file = creds;
    target.tls.ca_file = tls_ca;
    target.tls.cert_file = tls_cert;
    target.tls.key_file = tls_key;
    target.tls.handshake_first = tls_first;
    // Files are there to be used: nats.go turns TLS on for them as well.
    target.tls.required |= tls_first || !tls_ca.empty() || !tls_cert.empty();
    target.name = name.empty() ? std::string("martlet ") + kVersion : name;
    targets.push_back(std::move(target));
  }
  if (targets.empty()) return absl::InvalidArgumentError("no server given; use -s host:4222");
  return targets;
}

IoBackend ConnectionFlags::backend() const {
  if (io_backend == "io_uring") return IoBackend::kUring;
  if (io_backend == "epoll") return IoBackend::kEpoll;
  return IoBackend::kAuto;
}

CLI::Option* AddDuration(CLI::App& app, const std::string& names, std::chrono::nanoseconds& value,
                         const std::string& help) {
  const auto read = [&value](std::string& text) -> std::string {
    const auto parsed = ParseDuration(text);
    if (!parsed.ok()) return std::string(parsed.status().message());
    value = *parsed;
    return {};
  };
  return app
      .add_option_function<std::string>(
          names, [](const std::string&) {}, help)
      ->transform(CLI::Validator(read, ""))
      ->type_name("DURATION");
}

void AddConnectionFlags(CLI::App& app, ConnectionFlags& flags) {
  const auto text = [&](const char* names, std::string& value, const char* type, const char* env,
                        const char* help) {
    CLI::Option* option = app.add_option(names, value, help)->type_name(type)->group("Connection");
    if (env != nullptr) option->envname(env);
    return option;
  };
  text("-s,--server", flags.servers, "URL", "NATS_URL", "Server URLs, with commas between");
  text("--user", flags.user, "USER", "NATS_USER", "User name; without a password a token");
  text("--password", flags.password, "PASSWORD", "NATS_PASSWORD", "Password");
  text("--token", flags.token, "TOKEN", "NATS_TOKEN", "Token");
  text("--creds", flags.creds, "FILE", "NATS_CREDS", "User credentials: JWT and seed");
  text("--nkey", flags.nkey, "FILE", "NATS_NKEY", "User nkey: a file with its seed");
  text("--tlscert", flags.tls_cert, "FILE", "NATS_CERT", "TLS certificate to show");
  text("--tlskey", flags.tls_key, "FILE", "NATS_KEY", "Private key of that certificate");
  text("--tlsca", flags.tls_ca, "FILE", "NATS_CA", "TLS authorities to trust, not the system's");
  app.add_flag("--tlsfirst", flags.tls_first, "TLS handshake before the server's greeting")
      ->group("Connection");
  text("--connection-name", flags.name, "NAME", nullptr, "Name of the connection");
  text("--inbox-prefix", flags.inbox_prefix, "PREFIX", nullptr, "What inboxes begin with");
  AddDuration(app, "--timeout", flags.timeout, "How long to wait for answers (5s)")
      ->envname("NATS_TIMEOUT")
      ->group("Connection");
  text("--io-backend", flags.io_backend, "NAME", nullptr, "auto, io_uring or epoll")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}));
  // `nats` knows contexts; without them this one has nothing to turn off.
  app.add_flag_callback(
         "--no-context", [] {}, "No effect: there are no contexts")
      ->group("");
}

}  // namespace martlet::cli
