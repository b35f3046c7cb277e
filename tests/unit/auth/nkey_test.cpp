#include "auth/nkey.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::auth {
namespace {

// Made with github.com/nats-io/nkeys v0.4.16: FromRawSeed, for the curve
// FromCurveSeed, with the bytes i * 7 + 1.
struct Vector {
  NkeyKind kind;
  std::string_view seed;
  std::string_view public_key;
};
constexpr Vector kVectors[] = {
    {NkeyKind::kUser, "SUAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWVCJA",
     "UDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7AGME"},
    {NkeyKind::kServer, "SNAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWQ6KM",
     "NDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7A7QP"},
    {NkeyKind::kAccount, "SAAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWSRQQ",
     "ADSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7BC73"},
    {NkeyKind::kOperator, "SOAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWQ56Y",
     "ODSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7BUT5"},
    {NkeyKind::kCluster, "SCAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWSTII",
     "CDSAGCMYZ7K22FZDYFU7SVVKBOPLQYM3LGJL2YJMFL2CR26HT6G7AQ5H"},
    {NkeyKind::kCurve, "SXAACCAPCYOSIKZSHFAEOTSVLRRWU4LYP6DI3FE3UKU3BN56YXGNHWVB5U",
     "XDEP5SUBXYMWZXZMVXVL6E6ESA6XMMW44SKVVJULNZOZVXXVJYTBN7FU"},
};
constexpr std::string_view kNonce = "nonce-AbC_123";
constexpr std::string_view kSignature =
    "Wc09Qp_RCoxy5KX06MP37iTMSQtYQNqjZGGHHgBwJf2fSXbH9f7oOq_vJRiwZW9JDwBVnOqWSXxGpLxJeN3rAg";

Nkey ExampleSeed(NkeyKind kind) {
  Nkey seed{.kind = kind, .bytes = {}};
  for (size_t i = 0; i < seed.bytes.size(); ++i) seed.bytes[i] = static_cast<uint8_t>(i * 7 + 1);
  return seed;
}

std::string_view View(const SignatureBytes& signature) {
  return {reinterpret_cast<const char*>(signature.data()), signature.size()};
}

TEST(Nkey, TextsAgreeWithTheNkeysLibrary) {
  for (const Vector& v : kVectors) {
    const Nkey seed = ExampleSeed(v.kind);
    EXPECT_EQ(EncodeSeed(seed), v.seed);
    EXPECT_EQ(DecodeSeed(v.seed), seed);
    const Nkey key = PublicKeyOf(seed);
    EXPECT_EQ(EncodePublicKey(key), v.public_key);
    EXPECT_EQ(DecodePublicKey(v.public_key), key);
  }
}

TEST(Nkey, RefusesTextsThatAreNotWhole) {
  const std::string good(kVectors[0].public_key);
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(DecodePublicKey(bad)) << i;
    bad[i] = 'u';  // small letters are no base32
    EXPECT_FALSE(DecodePublicKey(bad)) << i;
  }
  EXPECT_FALSE(DecodePublicKey(""));
  EXPECT_FALSE(DecodePublicKey(good.substr(1)));
  EXPECT_FALSE(DecodePublicKey(good + "A"));
  EXPECT_FALSE(DecodePublicKey(kVectors[0].seed));
  EXPECT_FALSE(DecodeSeed(good));
}

TEST(Nkey, SignatureAgreesWithTheNkeysLibrary) {
  EXPECT_TRUE(VerifyNonce(kVectors[0].public_key, kNonce, kSignature));
  const Nkey seed = ExampleSeed(NkeyKind::kUser);
  EXPECT_TRUE(Verify(PublicKeyOf(seed), kNonce, View(Sign(seed, kNonce))));
}

TEST(Nkey, StandardBase64IsTakenToo) {
  std::string standard(kSignature);
  for (char& c : standard) c = c == '_' ? '/' : c == '-' ? '+' : c;
  EXPECT_TRUE(VerifyNonce(kVectors[0].public_key, kNonce, standard + "=="));
}

TEST(Nkey, WrongSignaturesAreRefused) {
  const std::string_view user = kVectors[0].public_key;
  EXPECT_FALSE(VerifyNonce(user, "another nonce", kSignature));
  EXPECT_FALSE(VerifyNonce(user, kNonce, ""));
  EXPECT_FALSE(VerifyNonce(user, kNonce, kSignature.substr(4)));
  EXPECT_FALSE(VerifyNonce(user, kNonce, "!" + std::string(kSignature.substr(1))));
  EXPECT_FALSE(VerifyNonce(kVectors[2].public_key, kNonce, kSignature)) << "no user key";
  EXPECT_FALSE(VerifyNonce("U", kNonce, kSignature));
  const Nkey other = NewSeed(NkeyKind::kUser);
  EXPECT_FALSE(
      Verify(PublicKeyOf(ExampleSeed(NkeyKind::kUser)), kNonce, View(Sign(other, kNonce))));
  EXPECT_FALSE(Verify(PublicKeyOf(NewSeed(NkeyKind::kCurve)), kNonce, View(Sign(other, kNonce))));
}

TEST(ServerIdentity, IsFreshAndConsistent) {
  const ServerIdentity one = NewServerIdentity();
  const ServerIdentity two = NewServerIdentity();
  EXPECT_EQ(one.id.size(), 56u);
  EXPECT_EQ(one.id[0], 'N');
  EXPECT_EQ(one.xkey.size(), 56u);
  EXPECT_EQ(one.xkey[0], 'X');
  EXPECT_EQ(DecodePublicKey(one.id), PublicKeyOf(one.seed));
  EXPECT_NE(one.id, two.id);
  EXPECT_NE(one.xkey, two.xkey);
}

TEST(RandomTexts, HaveTheirShapesAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string nuid = NewNuid();
    EXPECT_EQ(nuid.size(), 22u);
    EXPECT_EQ(
        nuid.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
        std::string::npos);
    const std::string nonce = NewNonce();
    EXPECT_EQ(nonce.size(), 15u);
    EXPECT_EQ(nonce.find_first_of("+/="), std::string::npos);
    EXPECT_TRUE(seen.insert(nuid).second && seen.insert(nonce).second);
  }
}

}  // namespace
}  // namespace martlet::auth
