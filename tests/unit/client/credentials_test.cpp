#include "client/credentials.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "auth/nkey.h"
#include "temporary_file.h"

namespace martlet::client {
namespace {

// The seed is "SU" of the bytes 0, 1, ... 31; its public key and the signature come from the
// nkeys library (nkeys.FromSeed, PublicKey, Sign).
constexpr std::string_view kSeed = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y";
constexpr std::string_view kPublicKey = "UAB2CB576PHBBPQ5ODORRZ2LYCMWPZGWGCN2KDK7DXOIMZASKUY3RLKK";
constexpr std::string_view kNonce = "PXoWU7zWAMt75FY";
constexpr std::string_view kSignature =
    "bnxg5G8aOV2LQdSE_lcM9clxm_fbTTZxsqQ1EpTNgJXmH6z5ezesd49kXfuNhoAqw_DmEtsGcNsJdug9wMuRDQ";

std::string CredsText(std::string_view seed) {
  return "-----BEGIN NATS USER JWT-----\r\neyJ0.eyJq-_.c2ln\r\n------END NATS USER "
         "JWT------\r\n\r\n"
         "************************* IMPORTANT *************************\r\n\r\n"
         "-----BEGIN USER NKEY SEED-----\r\n" +
         std::string(seed) + "\r\n------END USER NKEY SEED------\r\n";
}

std::string ErrorOf(const Target& target) {
  const auto credentials = Credentials::Load(target);
  EXPECT_FALSE(credentials.ok());
  return std::string(credentials.status().message());
}

TEST(Credentials, NoFileGivesNone) {
  const auto credentials = Credentials::Load(Target{});
  ASSERT_TRUE(credentials.ok());
  EXPECT_TRUE(credentials->empty());
}

TEST(Credentials, ReadsACredsFile) {
  const TemporaryFile file(CredsText(kSeed));
  const auto credentials = Credentials::Load(Target{.creds_file = file.path()});
  ASSERT_TRUE(credentials.ok()) << credentials.status();
  EXPECT_FALSE(credentials->empty());
  EXPECT_EQ(credentials->jwt(), "eyJ0.eyJq-_.c2ln");
  EXPECT_EQ(credentials->public_key(), kPublicKey);
  EXPECT_EQ(credentials->Sign(kNonce), kSignature);
}

TEST(Credentials, ReadsASeedFileWithCommentsOrDecoration) {
  for (const std::string& text : {std::string(kSeed), "# user\n\n  " + std::string(kSeed) + "  \n",
                                  "-----BEGIN USER NKEY SEED-----\n" + std::string(kSeed) +
                                      "\n------END USER NKEY SEED------\n"}) {
    const TemporaryFile file(text);
    const auto credentials = Credentials::Load(Target{.nkey_seed_file = file.path()});
    ASSERT_TRUE(credentials.ok()) << credentials.status();
    EXPECT_EQ(credentials->jwt(), "");
    EXPECT_EQ(credentials->public_key(), kPublicKey);
  }
}

TEST(Credentials, AServerAcceptsTheSignature) {
  const TemporaryFile file(kSeed);
  const auto credentials = Credentials::Load(Target{.nkey_seed_file = file.path()});
  ASSERT_TRUE(credentials.ok());
  for (const std::string_view nonce : {"", "a", "ab", "PXoWU7zWAMt75FY"}) {
    EXPECT_TRUE(auth::VerifyNonce(credentials->public_key(), nonce, credentials->Sign(nonce)));
  }
}

TEST(Credentials, ErrorsNameTheFileAndTheFault) {
  EXPECT_EQ(ErrorOf({.creds_file = "/no/such/file"}),
            "open /no/such/file: no such file or directory");
  EXPECT_EQ(ErrorOf({.nkey_seed_file = "a", .creds_file = "b"}),
            "a creds file and an nkey file: give only one of them");

  const TemporaryFile nothing("hello\n");
  EXPECT_EQ(ErrorOf({.creds_file = nothing.path()}),
            nothing.path() + ": no user JWT in it (BEGIN NATS USER JWT)");
  EXPECT_EQ(ErrorOf({.nkey_seed_file = nothing.path()}),
            nothing.path() + ": no user seed in it (a line that begins with SU)");

  std::string damaged(kSeed);
  damaged[10] = damaged[10] == 'A' ? 'B' : 'A';
  const TemporaryFile broken(CredsText(damaged));
  EXPECT_EQ(ErrorOf({.creds_file = broken.path()}),
            broken.path() + ": the seed is damaged: wrong length or checksum");

  const TemporaryFile account(CredsText(auth::EncodeSeed(auth::NewSeed(auth::NkeyKind::kAccount))));
  EXPECT_EQ(ErrorOf({.creds_file = account.path()}),
            account.path() + ": the seed is not a user's; those begin with SU");
}

}  // namespace
}  // namespace martlet::client
