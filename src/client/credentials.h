// How a client proves who it is by signing.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "client/target.h"

namespace martlet::client {

/// A user's JWT and the means to sign with its nkey; both may be missing.
class Credentials {
 public:
  /// Reads the creds file or the nkey seed file that `target` names; none named gives an empty one.
  static absl::StatusOr<Credentials> Load(const Target& target);

  Credentials() = default;

  bool empty() const { return seed_.empty(); }
  const std::string& jwt() const { return jwt_; }
  /// The public nkey ("U..."); empty where there is no seed.
  const std::string& public_key() const { return public_key_; }
  /// The signature of the server's nonce, base64url without padding, as CONNECT wants it.
  std::string Sign(std::string_view nonce) const;

 private:
  std::string jwt_;
  std::string public_key_;
  std::string seed_;  // the raw 32 bytes
};

}  // namespace martlet::client
