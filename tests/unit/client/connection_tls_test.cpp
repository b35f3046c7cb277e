#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "connection_fixture.h"
#include "temporary_file.h"
#include "test_tls.h"

namespace martlet::client {
namespace {

class ConnectionTlsTest : public ConnectionTest {
 protected:
  /// Turns until what the client has said inside TLS ends so.
  std::string ReadPlainUntil(std::string_view end) {
    std::string plain;
    TurnUntil([&] {
      tls_.Receive(server_.Receive(), plain);
      if (const std::string out = tls_.TakeOutput(); !out.empty()) server_.Send(out);
      return plain.ends_with(end);
    });
    return plain;
  }
  void SendPlain(std::string_view text) {
    tls_.Send(text);
    server_.Send(tls_.TakeOutput());
  }

  TestCertificate certificate_{"IP:127.0.0.1"};
  TemporaryFile ca_{certificate_.CertificatePem()};
  TlsServer tls_{certificate_};
};

TEST_P(ConnectionTlsTest, GoesOverToTlsWhenTheServerRequiresIt) {
  Open({.user = "secret", .tls = {.ca_file = ca_.path()}});
  TurnUntil([&] { return server_.Accept(); });
  // What comes in plain text behind the INFO counts for nothing.
  server_.Send("INFO {\"server_id\":\"S\",\"tls_required\":true} \r\nPONG\r\nMSG a 1 2\r\nno\r\n");
  const std::string greeting = ReadPlainUntil("PING\r\n");
  EXPECT_NE(greeting.find("\"user\":\"secret\""), std::string::npos);
  EXPECT_EQ(handler_.ready, 0);
  SendPlain("PONG\r\nMSG a 1 2\r\nhi\r\n");
  TurnUntil([&] { return handler_.received.size() == 1; });
  EXPECT_EQ(handler_.received[0].payload, "hi");
  connection_->Publish("b", "", "", "ho");
  EXPECT_EQ(ReadPlainUntil("ho\r\n"), "PUB b 2\r\nho\r\n");
}

TEST_P(ConnectionTlsTest, HandshakeMayComeFirst) {
  Open({.tls = {.required = true, .handshake_first = true, .ca_file = ca_.path()}});
  TurnUntil([&] { return server_.Accept(); });
  // The handshake is through once the client's last flight is in.
  std::string plain;
  bool answered = false;
  TurnUntil([&] {
    const std::string cipher = server_.Receive();
    tls_.Receive(cipher, plain);
    if (const std::string out = tls_.TakeOutput(); !out.empty()) server_.Send(out);
    const bool done = answered && !cipher.empty();
    answered = answered || !cipher.empty();
    return done;
  });
  SendPlain(kInfo);
  EXPECT_TRUE(ReadPlainUntil("PING\r\n").starts_with("CONNECT {"));
  SendPlain("PONG\r\n");
  TurnUntil([&] { return handler_.ready == 1; });
}

TEST_P(ConnectionTlsTest, AWrongCertificateEndsIt) {
  Open({.tls = {.required = true}});
  TurnUntil([&] { return server_.Accept(); });
  server_.Send("INFO {\"server_id\":\"S\",\"tls_required\":true} \r\n");
  std::string plain;
  TurnUntil([&] {
    tls_.Receive(server_.Receive(), plain);
    if (const std::string out = tls_.TakeOutput(); !out.empty()) server_.Send(out);
    return handler_.closed == 1;
  });
  EXPECT_TRUE(
      std::string(handler_.why.message()).starts_with("TLS: the server's certificate is refused"))
      << handler_.why;
  EXPECT_EQ(plain, "");
}

TEST_P(ConnectionTlsTest, TheServersErrorInTlsIsTold) {
  Open({.tls = {.ca_file = ca_.path()}});
  TurnUntil([&] { return server_.Accept(); });
  server_.Send("INFO {\"server_id\":\"S\",\"tls_required\":true} \r\n");
  ReadPlainUntil("PING\r\n");
  tls_.Send("-ERR 'Authorization Violation'\r\n");
  tls_.Shutdown();
  server_.Send(tls_.TakeOutput());
  server_.Close();
  TurnUntilClosed();
  EXPECT_EQ(handler_.why.message(), "the server says: Authorization Violation");
}

INSTANTIATE_TEST_SUITE_P(Backends, ConnectionTlsTest,
                         testing::Values(IoBackend::kUring, IoBackend::kEpoll), BackendName);

}  // namespace
}  // namespace martlet::client
