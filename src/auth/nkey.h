// NATS keys: their text form, signatures, and the identity of a fresh server.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace martlet::auth {

/// What a key stands for; the values are the prefix bytes, which make the first letter of the text.
enum class NkeyKind : uint8_t {
  kAccount = 0 << 3,    // A
  kCluster = 2 << 3,    // C
  kServer = 13 << 3,    // N
  kOperator = 14 << 3,  // O
  kUser = 20 << 3,      // U
  kCurve = 23 << 3,     // X, an X25519 key; all others are ed25519 keys
};

using KeyBytes = std::array<uint8_t, 32>;
using SignatureBytes = std::array<uint8_t, 64>;

/// A key with its kind: the public half, or the seed that makes both halves.
struct Nkey {
  NkeyKind kind;
  KeyBytes bytes;

  friend bool operator==(const Nkey&, const Nkey&) = default;
};

/// Text of a public key: base32 of prefix, key and CRC-16, 56 characters. Source: spec
/// subjects-and-routing.md section 8 "NKeys"; the nkeys library, strkey.go.
std::string EncodePublicKey(const Nkey& key);
/// Nothing for any text but a whole public key of a kind above with a true checksum.
std::optional<Nkey> DecodePublicKey(std::string_view text);

/// Text of a seed: 58 characters, "S" and the letter of its kind first. A secret.
std::string EncodeSeed(const Nkey& seed);
std::optional<Nkey> DecodeSeed(std::string_view text);

/// A new seed from the system's random numbers.
Nkey NewSeed(NkeyKind kind);
/// The public half of a seed's key pair.
Nkey PublicKeyOf(const Nkey& seed);

/// Signs with an ed25519 seed; REQUIRES seed.kind != kCurve.
SignatureBytes Sign(const Nkey& seed, std::string_view message);
/// False for curve keys and for signatures of any length but 64 bytes, too.
bool Verify(const Nkey& public_key, std::string_view message, std::string_view signature);
/// Checks what a client sends in CONNECT: `nkey` names a user, and `sig` is its signature of the
/// nonce in base64, in the URL alphabet without padding or, as a fallback, the standard one.
bool VerifyNonce(std::string_view nkey, std::string_view nonce, std::string_view sig);

/// What a server is known by while it runs; made anew at each start.
struct ServerIdentity {
  Nkey seed;
  Nkey curve_seed;
  std::string id;    // "N...", INFO server_id
  std::string xkey;  // "X...", INFO xkey
};
ServerIdentity NewServerIdentity();

/// 22 random base62 characters: the shape of the reference's nuid, for a cluster without a name.
std::string NewNuid();

/// The challenge of one connection: 11 random bytes in base64 for URLs, 15 characters.
std::string NewNonce();

}  // namespace martlet::auth
