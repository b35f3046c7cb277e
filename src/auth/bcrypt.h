// Passwords that a configuration holds as bcrypt made them.
#pragma once

#include <string>
#include <string_view>

namespace martlet::auth {

/// Whether the text is a hash, not a password. Source: spec client-protocol.md section 9; reference
/// isBcrypt.
bool IsBcrypt(std::string_view text);

/// Whether `hash` was made of `password`. Takes as long as the hash's cost says: a tenth of a
/// second for 11, twice as long for each more. False for what is no hash, too. Any thread.
///
/// As in Go, all of 2a, 2b, 2x and 2y are computed alike, and 72 bytes of the password count.
bool MatchesBcrypt(const std::string& password, std::string_view hash);

}  // namespace martlet::auth
