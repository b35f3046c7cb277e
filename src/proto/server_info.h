// The INFO that a server sends: its members, and a template that makes it cheap per connection.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include <martlet/version.h>

namespace martlet::proto {

/// Every member of an INFO that a client can see (spec client-protocol.md section 3). Empty, false
/// and zero members are left out of the text, apart from those marked "always".
struct ServerInfo {
  std::string server_id;                    // always; public server nkey
  std::string server_name;                  // always
  std::string version = kReferenceVersion;  // always
  int proto = kProtocol;                    // always
  std::string git_commit;
  std::string go = "c++20";  // always; the language the server is built with
  std::string host;          // always
  int port = 0;              // always
  bool headers = true;       // always
  bool auth_required = false;
  bool tls_required = false;
  bool tls_verify = false;
  bool tls_available = false;
  int64_t max_payload = 0;  // always; -1: none
  bool jetstream = false;
  uint64_t client_id = 0;  // per connection
  std::string client_ip;   // per connection
  std::string nonce;       // per connection; in its first INFO only
  std::string cluster;
  std::string domain;                     // JetStream domain
  std::vector<std::string> connect_urls;  // host:port
  bool ldm = false;                       // lame duck mode
  bool connect_info = false;              // this INFO answers the first PING, ...
  std::string remote_account;             // ... and tells the account ...
  bool acc_is_sys = false;                // ... and whether that is the system account
  int api_lvl = kApiLevel;
  std::string xkey;                                       // public curve key
  std::string impl = std::string("martlet/") + kVersion;  // ours: the reference sends none
};

/// Appends `INFO {json} ` and CR LF, members in the reference's order. The blank is real.
void WriteInfo(const ServerInfo& info, std::string& out);

/// Reads the argument of an INFO. Members that it lacks are empty, false and zero; unknown ones and
/// those of a wrong type are skipped; connect_urls are not read. An error is bad JSON.
absl::StatusOr<ServerInfo> ReadInfo(std::string_view text);

/// One INFO for many connections: all that they share is written once, at construction.
///
/// A value: it never changes, so shards may read one at the same time.
class InfoTemplate {
 public:
  /// `shared` is not kept; its client_id, client_ip and nonce are ignored.
  explicit InfoTemplate(const ServerInfo& shared);

  /// Appends the INFO of one connection. An empty `client_ip` or `nonce` and client_id 0 are left
  /// out. Both texts are copied as they are: numeric addresses and base64 need no escapes.
  void Append(uint64_t client_id, std::string_view client_ip, std::string_view nonce,
              std::string& out) const;

 private:
  std::string head_;  // "INFO {" up to the place of client_id
  std::string tail_;
};

}  // namespace martlet::proto
