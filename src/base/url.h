// URLs, as Go's net/url reads them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace martlet::base {

/// The parts that servers' addresses are made of. A value.
struct Url {
  std::string scheme;  // in small letters
  bool has_user = false;
  bool has_password = false;
  std::string user;
  std::string password;
  bool has_empty_host = false;  // "//" with nothing behind it
  std::string host;             // with the port, as in Go's URL.Host: "[::1]:6222"
  std::string path;             // percent signs resolved
  std::string opaque;           // of "nats:x"
  std::string query;            // as it stands
  std::string fragment;

  /// Host without port and brackets, and the port; each may be empty.
  std::string hostname() const;
  std::string port() const;
  /// The whole of it again, with "xxxxx" in the place of a password: Go's URL.Redacted.
  std::string Redacted() const { return Text("xxxxx"); }
  /// The whole of it again: Go's URL.String.
  std::string String() const { return Text({}); }

 private:
  std::string Text(std::string_view shown_password) const;
  void AppendPath(bool has_authority, std::string& out) const;
};

/// Nothing for what Go's url.Parse refuses: controls, a bad port, a bad escape, "host:port" without
/// a scheme. Source: Go, net/url/url.go.
std::optional<Url> ParseUrl(std::string_view text);

}  // namespace martlet::base
