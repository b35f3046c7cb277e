#include "client/tls_channel.h"

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "temporary_file.h"
#include "test_tls.h"

namespace martlet::client {
namespace {

/// A channel and a server that talk without sockets.
struct Pair {
  Pair(TlsServer& end, std::shared_ptr<const TlsContext> rules)
      : server(end), context(std::move(rules)), channel(*context) {}

  /// Carries bytes both ways until nobody has more to say; chunks of at most `step` bytes.
  absl::Status Talk(size_t step = SIZE_MAX) {
    while (true) {
      server.Receive(to_server.view(), at_server);
      to_server.Clear();
      const std::string answer = server.TakeOutput();
      if (answer.empty()) return absl::OkStatus();
      for (size_t at = 0; at < answer.size(); at += std::min(step, answer.size())) {
        absl::Status received =
            channel.Receive(std::string_view(answer).substr(at, step), at_client, to_server);
        if (!received.ok()) return received;
      }
    }
  }
  absl::Status Connect(size_t step = SIZE_MAX) {
    if (absl::Status started = channel.Start(to_server); !started.ok()) return started;
    return Talk(step);
  }

  TlsServer& server;
  std::shared_ptr<const TlsContext> context;
  TlsChannel channel;
  OutBuffer to_server;
  std::string at_server, at_client;
};

std::shared_ptr<const TlsContext> Context(const TlsOptions& options, const std::string& host) {
  auto context = TlsContext::Create(options, host);
  EXPECT_TRUE(context.ok()) << context.status();
  return *context;
}

/// What a client that connects to `host` says about a server with a certificate for `names`.
absl::Status Meeting(const std::string& names, const std::string& host) {
  const TestCertificate certificate(names);
  const TemporaryFile ca(certificate.CertificatePem());
  TlsServer server(certificate);
  Pair pair(server, Context({.ca_file = ca.path()}, host));
  absl::Status met = pair.Connect();
  EXPECT_EQ(met.ok(), pair.channel.established());
  return met;
}

TEST(TlsChannel, CarriesTextBothWays) {
  const TestCertificate certificate("DNS:server.test");
  const TemporaryFile ca(certificate.CertificatePem());
  TlsServer server(certificate);
  Pair pair(server, Context({.ca_file = ca.path()}, "server.test"));
  ASSERT_TRUE(pair.Connect().ok());
  EXPECT_EQ(server.asked_name(), "server.test");

  ASSERT_TRUE(pair.channel.Send("hello server", pair.to_server).ok());
  EXPECT_EQ(std::string_view(pair.to_server.view()).find("hello"), std::string_view::npos);
  ASSERT_TRUE(pair.Talk().ok());
  server.Send("hello client");
  ASSERT_TRUE(pair.Talk().ok());
  EXPECT_EQ(pair.at_server, "hello server");
  EXPECT_EQ(pair.at_client, "hello client");
}

TEST(TlsChannel, TextSentBeforeTheHandshakeWaits) {
  const TestCertificate certificate("DNS:server.test");
  const TemporaryFile ca(certificate.CertificatePem());
  TlsServer server(certificate);
  Pair pair(server, Context({.ca_file = ca.path()}, "server.test"));
  ASSERT_TRUE(pair.channel.Start(pair.to_server).ok());
  ASSERT_TRUE(pair.channel.Send("one ", pair.to_server).ok());
  ASSERT_TRUE(pair.channel.Send("two", pair.to_server).ok());
  ASSERT_TRUE(pair.Talk().ok());
  EXPECT_EQ(pair.at_server, "one two");
}

TEST(TlsChannel, CuttingCipherTextChangesNothing) {
  const TestCertificate certificate("DNS:server.test");
  const TemporaryFile ca(certificate.CertificatePem());
  const std::string text(100'000, 'x');
  for (const size_t step : {size_t{1}, size_t{7}, size_t{4096}}) {
    TlsServer server(certificate);
    Pair pair(server, Context({.ca_file = ca.path()}, "server.test"));
    ASSERT_TRUE(pair.Connect(step).ok());
    server.Send(text);
    ASSERT_TRUE(pair.Talk(step).ok());
    EXPECT_EQ(pair.at_client, text);
    ASSERT_TRUE(pair.channel.Send(text, pair.to_server).ok());
    ASSERT_TRUE(pair.Talk(step).ok());
    EXPECT_EQ(pair.at_server, text);
  }
}

TEST(TlsChannel, TheCertificateMustBeValidForTheHost) {
  EXPECT_TRUE(Meeting("DNS:server.test", "server.test").ok());
  EXPECT_TRUE(Meeting("DNS:*.server.test", "a.server.test").ok());
  EXPECT_TRUE(Meeting("IP:127.0.0.1", "127.0.0.1").ok());
  EXPECT_TRUE(Meeting("IP:::1", "::1").ok());
  EXPECT_TRUE(Meeting("IP:fe80::1", "fe80::1%lo").ok());

  for (const auto& [names, host] :
       {std::pair("DNS:other.test", "server.test"), std::pair("DNS:server.test", "127.0.0.1"),
        std::pair("DNS:127.0.0.1", "127.0.0.1"), std::pair("IP:127.0.0.2", "127.0.0.1"),
        std::pair("IP:127.0.0.1", "common.name")}) {
    EXPECT_EQ(Meeting(names, host).message(),
              "TLS: the server's certificate is not valid for \"" + std::string(host) + "\"");
  }
}

TEST(TlsChannel, AnUnknownCertificateIsRefusedUnlessNobodyLooks) {
  const TestCertificate certificate("DNS:server.test");
  TlsServer server(certificate);
  Pair pair(server, Context({.required = true}, "server.test"));
  EXPECT_TRUE(std::string(pair.Connect().message())
                  .starts_with("TLS: the server's certificate is refused: self"));

  TlsServer other(certificate);
  Pair blind(other, Context({.skip_verify = true}, "elsewhere.test"));
  EXPECT_TRUE(blind.Connect().ok());
}

TEST(TlsChannel, ShowsItsCertificate) {
  const TestCertificate certificate("DNS:server.test");
  const TemporaryFile pem(certificate.CertificatePem());
  const TemporaryFile key(certificate.KeyPem());
  TlsServer server(certificate, true);
  Pair pair(server,
            Context({.ca_file = pem.path(), .cert_file = pem.path(), .key_file = key.path()},
                    "server.test"));
  ASSERT_TRUE(pair.Connect().ok());
  server.Send("welcome");
  ASSERT_TRUE(pair.Talk().ok());
  EXPECT_EQ(pair.at_client, "welcome");

  TlsServer strict(certificate, true);
  Pair without(strict, Context({.ca_file = pem.path()}, "server.test"));
  EXPECT_EQ(without.Connect().message(),
            "TLS: the server refuses: tlsv13 alert certificate required");
}

TEST(TlsChannel, AServerWithoutTlsIsNamed) {
  const auto context = Context({}, "server.test");
  TlsChannel channel(*context);
  OutBuffer out;
  ASSERT_TRUE(channel.Start(out).ok());
  std::string plain;
  EXPECT_EQ(channel.Receive("INFO {\"server_id\":\"x\"}\r\n", plain, out).message(),
            "TLS: the server does not answer in TLS");
  EXPECT_EQ(plain, "");
}

TEST(TlsChannel, TheEndOfTlsIsNoError) {
  const TestCertificate certificate("DNS:server.test");
  const TemporaryFile ca(certificate.CertificatePem());
  TlsServer server(certificate);
  Pair pair(server, Context({.ca_file = ca.path()}, "server.test"));
  ASSERT_TRUE(pair.Connect().ok());
  server.Send("-ERR 'x'\r\n");
  server.Shutdown();
  EXPECT_TRUE(pair.Talk().ok());
  EXPECT_EQ(pair.at_client, "-ERR 'x'\r\n");
}

std::string ErrorOf(const TlsOptions& options) {
  const auto context = TlsContext::Create(options, "server.test");
  EXPECT_FALSE(context.ok());
  return std::string(context.status().message());
}

TEST(TlsContext, ErrorsNameTheFile) {
  const TestCertificate certificate("DNS:a");
  const TestCertificate other("DNS:a");
  const TemporaryFile pem(certificate.CertificatePem());
  const TemporaryFile wrong_key(other.KeyPem());
  const TemporaryFile junk("hello\n");
  EXPECT_EQ(ErrorOf({.ca_file = "/no/such/file"}),
            "TLS: cannot use /no/such/file: no such file or directory");
  EXPECT_EQ(ErrorOf({.ca_file = junk.path()}),
            "TLS: cannot use " + junk.path() + ": no certificate or crl found");
  EXPECT_EQ(ErrorOf({.cert_file = pem.path()}),
            "TLS: a certificate and its key belong together: give both");
  EXPECT_EQ(ErrorOf({.cert_file = pem.path(), .key_file = wrong_key.path()}),
            "TLS: cannot use " + wrong_key.path() + ": key values mismatch");
}

}  // namespace
}  // namespace martlet::client
