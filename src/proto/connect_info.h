// The CONNECT of a client: its members, how they are read, and how they are shown in a trace.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace martlet::proto {

/// What a client said about itself. The defaults hold until its CONNECT, and for what that leaves
/// out (spec client-protocol.md section 4). Members of routes and leaf nodes are not kept.
struct ConnectInfo {
  bool verbose = true;
  bool pedantic = true;
  bool echo = true;
  bool headers = false;
  bool no_responders = false;
  bool tls_required = false;  // accepted, without effect
  int64_t protocol = 0;       // any integer; who reads it checks that it is 0 or 1

  std::string lang;
  std::string version;
  std::string name;

  std::string user;
  std::string pass;
  std::string auth_token;
  std::string nkey;
  std::string sig;
  std::string jwt;
  std::string proxy_sig;

  std::string account;
  bool new_account = false;

  friend bool operator==(const ConnectInfo&, const ConnectInfo&) = default;
};

/// Reads the argument of a CONNECT over what `merge_into` holds: the defaults the first time, the
/// present values for a second CONNECT. Names match without case, unknown ones are skipped, a
/// later duplicate wins, and null, as a value or as the whole text, changes nothing.
///
/// An error reads like Go's, for the log, and leaves `merge_into` as it was: `json: cannot
/// unmarshal string into Go struct field ClientOpts.verbose of type bool`. Bad JSON is reported
/// before a wrong type in front of it. What stands inside `import` and `export` is not looked at.
absl::Status ParseConnect(std::string_view text, ConnectInfo& merge_into);

/// `text` for the trace: the values of every auth_token*, pass*, nkey, sig and proxy_sig member
/// are replaced by [REDACTED], in bad JSON too. User and jwt stay, as in the reference
/// (removeSecretsFromTrace).
std::string RedactConnect(std::string_view text);

}  // namespace martlet::proto
