#include "auth/bcrypt.h"

#include <crypt.h>
#include <memory>

#include <openssl/crypto.h>

#include "base/go_text.h"

namespace martlet::auth {
namespace {

using base::IsDigit;

constexpr size_t kMinorVersion = 2;  // the letter of "$2b$11$..."
constexpr size_t kHashSize = 60;

}  // namespace

bool IsBcrypt(std::string_view text) {
  return text.size() >= 7 && text.starts_with("$2") &&
         std::string_view("abxy").find(text[kMinorVersion]) != std::string_view::npos &&
         text[3] == '$' && IsDigit(text[4]) && IsDigit(text[5]) && text[6] == '$';
}

bool MatchesBcrypt(const std::string& password, std::string_view hash) {
  // crypt(3) would end the password at a NUL.
  if (!IsBcrypt(hash) || hash.size() != kHashSize || password.find('\0') != std::string::npos) {
    return false;
  }
  std::string wanted(hash);
  wanted[kMinorVersion] = 'b';
  const auto scratch = std::make_unique<crypt_data>();  // 32 KiB
  // Not crypt_r: the sanitizers have one of their own, which does not find the library's.
  const char* made =
      ::crypt_rn(password.c_str(), wanted.c_str(), scratch.get(), sizeof(crypt_data));
  return made != nullptr && std::string_view(made).size() == kHashSize &&
         ::CRYPTO_memcmp(made, wanted.data(), kHashSize) == 0;
}

}  // namespace martlet::auth
