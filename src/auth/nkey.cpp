#include "auth/nkey.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/check.h"

namespace martlet::auth {
namespace {

constexpr uint8_t kSeedPrefix = 18 << 3;  // "S"
constexpr size_t kPublicTextBytes = 56;
constexpr size_t kSeedTextBytes = 58;

constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase64Standard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base32 and base64 are one algorithm over alphabets of 2^`bits` letters, without padding.
std::string EncodeBase(std::string_view alphabet, unsigned bits, std::string_view bytes) {
  std::string out;
  uint32_t pool = 0;
  unsigned pooled_bits = 0;
  for (const char c : bytes) {
    pool = pool << 8 | static_cast<uint8_t>(c);
    for (pooled_bits += 8; pooled_bits >= bits; pooled_bits -= bits) {
      out += alphabet[(pool >> (pooled_bits - bits)) & ((1U << bits) - 1)];
    }
  }
  if (pooled_bits > 0) out += alphabet[(pool << (bits - pooled_bits)) & ((1U << bits) - 1)];
  return out;
}

// Left-over bits at the end are dropped unseen, as in Go.
std::optional<std::string> DecodeBase(std::string_view alphabet, unsigned bits,
                                      std::string_view text) {
  std::string out;
  uint32_t pool = 0;
  unsigned pooled_bits = 0;
  for (const char c : text) {
    const size_t value = alphabet.find(c);
    if (value == alphabet.npos) return std::nullopt;
    pool = pool << bits | static_cast<uint32_t>(value);
    pooled_bits += bits;
    if (pooled_bits >= 8) {
      pooled_bits -= 8;
      out += static_cast<char>(pool >> pooled_bits & 0xFF);
    }
  }
  return out;
}

// CRC-16/XMODEM: polynomial 0x1021, from zero, most significant bit first.
uint16_t Crc16(std::string_view bytes) {
  uint32_t crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<uint32_t>(static_cast<uint8_t>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return static_cast<uint16_t>(crc);
}

std::string EncodeChecked(std::string bytes) {
  const uint16_t crc = Crc16(bytes);
  bytes += static_cast<char>(crc & 0xFF);
  bytes += static_cast<char>(crc >> 8);
  return EncodeBase(kBase32, 5, bytes);
}

std::optional<std::string> DecodeChecked(std::string_view text) {
  std::optional<std::string> bytes = DecodeBase(kBase32, 5, text);
  if (!bytes || bytes->size() < 2) return std::nullopt;
  const std::string_view body = std::string_view(*bytes).substr(0, bytes->size() - 2);
  const auto byte = [&](size_t i) { return static_cast<uint8_t>((*bytes)[i]); };
  if (Crc16(body) != (byte(body.size()) | byte(body.size() + 1) << 8)) return std::nullopt;
  bytes->resize(body.size());
  return bytes;
}

std::optional<NkeyKind> KindOf(unsigned prefix) {
  using enum NkeyKind;
  for (const NkeyKind kind : {kAccount, kCluster, kServer, kOperator, kUser, kCurve}) {
    if (static_cast<unsigned>(kind) == prefix) return kind;
  }
  return std::nullopt;
}

void AppendKey(const KeyBytes& key, std::string& out) {
  out.append(reinterpret_cast<const char*>(key.data()), key.size());
}

Nkey MakeKey(NkeyKind kind, std::string_view bytes) {
  Nkey key{.kind = kind, .bytes = {}};
  CHECK(bytes.size() == key.bytes.size());
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

// Without random numbers there is nothing safe to go on with; the reference panics as well.
void FillRandom(std::span<uint8_t> out) {
  CHECK(::RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

struct Free {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { ::EVP_MD_CTX_free(context); }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free>;
using ContextPtr = std::unique_ptr<EVP_MD_CTX, Free>;

KeyPtr PrivateKey(const Nkey& seed) {
  const int type = seed.kind == NkeyKind::kCurve ? EVP_PKEY_X25519 : EVP_PKEY_ED25519;
  KeyPtr key(::EVP_PKEY_new_raw_private_key(type, nullptr, seed.bytes.data(), seed.bytes.size()));
  CHECK(key != nullptr);
  return key;
}

const uint8_t* Bytes(std::string_view text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

std::optional<std::string> DecodeSignature(std::string_view text) {
  if (std::optional<std::string> bytes = DecodeBase(kBase64Url, 6, text)) return bytes;
  while (text.ends_with('=')) text.remove_suffix(1);
  return DecodeBase(kBase64Standard, 6, text);
}

}  // namespace

std::string EncodePublicKey(const Nkey& key) {
  std::string bytes(1, static_cast<char>(key.kind));
  AppendKey(key.bytes, bytes);
  return EncodeChecked(std::move(bytes));
}

std::optional<Nkey> DecodePublicKey(std::string_view text) {
  if (text.size() != kPublicTextBytes) return std::nullopt;
  const std::optional<std::string> bytes = DecodeChecked(text);
  if (!bytes) return std::nullopt;
  const std::optional<NkeyKind> kind = KindOf(static_cast<uint8_t>((*bytes)[0]));
  if (!kind) return std::nullopt;
  return MakeKey(*kind, std::string_view(*bytes).substr(1));
}

// The kind's prefix byte is spread over the first two bytes, so that its five bits that matter
// make the second letter of the text.
std::string EncodeSeed(const Nkey& seed) {
  const auto kind = static_cast<unsigned>(seed.kind);
  std::string bytes;
  bytes += static_cast<char>(kSeedPrefix | kind >> 5);
  bytes += static_cast<char>((kind & 31) << 3);
  AppendKey(seed.bytes, bytes);
  return EncodeChecked(std::move(bytes));
}

std::optional<Nkey> DecodeSeed(std::string_view text) {
  if (text.size() != kSeedTextBytes) return std::nullopt;
  const std::optional<std::string> bytes = DecodeChecked(text);
  if (!bytes) return std::nullopt;
  const auto first = static_cast<uint8_t>((*bytes)[0]);
  const auto second = static_cast<uint8_t>((*bytes)[1]);
  if ((first & 0xF8) != kSeedPrefix) return std::nullopt;
  const std::optional<NkeyKind> kind = KindOf((first & 7U) << 5 | second >> 3);
  if (!kind) return std::nullopt;
  return MakeKey(*kind, std::string_view(*bytes).substr(2));
}

Nkey NewSeed(NkeyKind kind) {
  Nkey seed{.kind = kind, .bytes = {}};
  FillRandom(seed.bytes);
  return seed;
}

Nkey PublicKeyOf(const Nkey& seed) {
  Nkey key{.kind = seed.kind, .bytes = {}};
  size_t size = key.bytes.size();
  CHECK(::EVP_PKEY_get_raw_public_key(PrivateKey(seed).get(), key.bytes.data(), &size) == 1);
  CHECK(size == key.bytes.size());
  return key;
}

SignatureBytes Sign(const Nkey& seed, std::string_view message) {
  CHECK(seed.kind != NkeyKind::kCurve);
  const KeyPtr key = PrivateKey(seed);
  const ContextPtr context(::EVP_MD_CTX_new());
  SignatureBytes signature{};
  size_t size = signature.size();
  CHECK(::EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  CHECK(::EVP_DigestSign(context.get(), signature.data(), &size, Bytes(message), message.size()) ==
        1);
  CHECK(size == signature.size());
  return signature;
}

bool Verify(const Nkey& public_key, std::string_view message, std::string_view signature) {
  if (public_key.kind == NkeyKind::kCurve || signature.size() != sizeof(SignatureBytes)) {
    return false;
  }
  const KeyPtr key(::EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.bytes.data(),
                                                 public_key.bytes.size()));
  const ContextPtr context(::EVP_MD_CTX_new());
  return key != nullptr &&
         ::EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         ::EVP_DigestVerify(context.get(), Bytes(signature), signature.size(), Bytes(message),
                            message.size()) == 1;
}

bool VerifyNonce(std::string_view nkey, std::string_view nonce, std::string_view sig) {
  const std::optional<Nkey> key = DecodePublicKey(nkey);
  if (!key || key->kind != NkeyKind::kUser) return false;
  const std::optional<std::string> signature = DecodeSignature(sig);
  return signature && Verify(*key, nonce, *signature);
}

ServerIdentity NewServerIdentity() {
  const Nkey seed = NewSeed(NkeyKind::kServer);
  const Nkey curve_seed = NewSeed(NkeyKind::kCurve);
  return {.seed = seed,
          .curve_seed = curve_seed,
          .id = EncodePublicKey(PublicKeyOf(seed)),
          .xkey = EncodePublicKey(PublicKeyOf(curve_seed))};
}

std::string NewNuid() {
  std::array<uint8_t, 22> random;
  FillRandom(random);
  std::string out;
  // The remainder favours eight of the letters a little, as in the reference; it is no secret.
  for (const uint8_t byte : random) out += kBase62[byte % kBase62.size()];
  return out;
}

std::string NewNonce() {
  std::array<uint8_t, 11> random;
  FillRandom(random);
  return EncodeBase(kBase64Url, 6,
                    std::string_view(reinterpret_cast<const char*>(random.data()), random.size()));
}

}  // namespace martlet::auth
