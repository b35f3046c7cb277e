#include "client/connection.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "connection_fixture.h"

namespace martlet::client {
namespace {

TEST_P(ConnectionTest, GreetsAndIsReady) {
  Open({.user = "u", .password = "p\"w"});
  TurnUntil([&] { return server_.Accept(); });
  server_.Send(kInfo);
  const std::string greeting = ReadUntil("PING\r\n");
  EXPECT_TRUE(greeting.starts_with("CONNECT {\"verbose\":false,")) << greeting;
  EXPECT_NE(greeting.find("\"user\":\"u\",\"pass\":\"p\\\"w\""), std::string::npos) << greeting;
  EXPECT_FALSE(connection_->ready());
  server_.Send("PONG\r\n");
  TurnUntil([&] { return handler_.ready == 1; });
  EXPECT_TRUE(connection_->ready());
  EXPECT_EQ(connection_->server().version, "2.15.1");
  EXPECT_GT(connection_->ready_ns(), connection_->opened_ns());
}

TEST_P(ConnectionTest, InfoMayComeInPiecesAndTwice) {
  Open();
  TurnUntil([&] { return server_.Accept(); });
  server_.Send(kInfo.substr(0, 20));
  for (int i = 0; i < 3; ++i) runtime_->Turn(1'000'000);
  server_.Send(kInfo.substr(20));
  ReadUntil("PING\r\n");
  // The reference answers the first PING with an INFO of its own.
  server_.Send("INFO {\"server_id\":\"S\",\"connect_info\":true} \r\nPONG\r\n");
  TurnUntil([&] { return handler_.ready == 1; });
  runtime_->Turn(0);
  EXPECT_EQ(server_.Receive(), "");
}

TEST_P(ConnectionTest, WritesInOrder) {
  Greet();
  connection_->Subscribe("a.>", "", 1);
  connection_->Subscribe("b", "q", 22);
  connection_->Publish("s", "", "", "hello");
  connection_->Publish("s", "r", "", "");
  connection_->Publish("s", "", "NATS/1.0\r\n\r\n", "x");
  connection_->Publish("s", "r", "NATS/1.0\r\n\r\n", "");
  connection_->Unsubscribe(1);
  connection_->Unsubscribe(22, 5);
  EXPECT_EQ(connection_->Ping(), 1u);
  EXPECT_GT(connection_->unsent_bytes(), 0u);
  EXPECT_EQ(ReadUntil("PING\r\n"),
            "SUB a.> 1\r\nSUB b q 22\r\nPUB s 5\r\nhello\r\nPUB s r 0\r\n\r\n"
            "HPUB s 12 13\r\nNATS/1.0\r\n\r\nx\r\nHPUB s r 12 12\r\nNATS/1.0\r\n\r\n\r\n"
            "UNSUB 1\r\nUNSUB 22 5\r\nPING\r\n");
  server_.Send("PONG\r\n");
  TurnUntil([&] { return handler_.pongs.size() == 1; });
  EXPECT_EQ(handler_.pongs.front(), 1u);
  EXPECT_EQ(connection_->unsent_bytes(), 0u);
}

TEST_P(ConnectionTest, GivesMessagesAndAnswersPings) {
  Greet();
  server_.Send("MSG a 1 2\r\nhi\r\nPING\r\nHMSG b 2 r 12 13\r\nNATS/1.0\r\n\r\nx\r\n+OK\r\nMSG a");
  EXPECT_EQ(ReadUntil("PONG\r\n"), "PONG\r\n");
  server_.Send(" 1 0\r\n\r\n");
  TurnUntil([&] { return handler_.received.size() == 3; });
  EXPECT_EQ(handler_.received[0], (Recorder::Received{"a", "", "", "hi"}));
  EXPECT_EQ(handler_.received[1], (Recorder::Received{"b", "r", "NATS/1.0\r\n\r\n", "x"}));
  EXPECT_EQ(handler_.received[2], (Recorder::Received{"a", "", "", ""}));
}

TEST_P(ConnectionTest, BigPayloadsGoThroughBothWays) {
  Greet();
  const std::string payload(size_t{8} << 20, 'p');
  connection_->Publish("big", "", "", payload);
  connection_->Ping();
  const std::string sent = ReadUntil("PING\r\n");
  EXPECT_TRUE(sent == "PUB big 8388608\r\n" + payload + "\r\nPING\r\n");

  std::string message = "MSG big 1 8388608\r\n" + payload + "\r\n";
  TurnUntil([&] {
    const std::string_view piece = std::string_view(message).substr(0, 60'000);
    server_.Send(piece);
    message.erase(0, piece.size());
    runtime_->Turn(0);
    return message.empty();
  });
  TurnUntil([&] { return handler_.received.size() == 1; });
  EXPECT_TRUE(handler_.received[0].payload == payload);
}

TEST_P(ConnectionTest, AnErrorBeforeTheEndIsTheReason) {
  Open();
  TurnUntil([&] { return server_.Accept(); });
  server_.Send(kInfo);
  ReadUntil("PING\r\n");
  server_.Send("-ERR 'Authorization Violation'\r\n");
  server_.Close();
  TurnUntilClosed();
  EXPECT_EQ(handler_.errors, std::vector<std::string>{"Authorization Violation"});
  EXPECT_EQ(handler_.why.message(), "the server says: Authorization Violation");
  EXPECT_EQ(handler_.ready, 0);
}

TEST_P(ConnectionTest, TheServersEndIsTold) {
  Greet();
  server_.Close();
  TurnUntilClosed();
  EXPECT_EQ(handler_.why.message(), "the server closed the connection");
  EXPECT_TRUE(connection_->gone());
}

TEST_P(ConnectionTest, MessagesBeforeTheEndAreGiven) {
  Greet();
  server_.Send("MSG a 1 2\r\nhi\r\n");
  server_.Close();
  TurnUntilClosed();
  EXPECT_EQ(handler_.received.size(), 1u);
}

TEST_P(ConnectionTest, NobodyListensIsTold) {
  server_.StopListening();
  Open();
  TurnUntilClosed();
  EXPECT_EQ(handler_.why.message(),
            "connect to 127.0.0.1:" + std::to_string(server_.port()) + ": connection refused");
}

TEST_P(ConnectionTest, BadInputEndsIt) {
  Open();
  TurnUntil([&] { return server_.Accept(); });
  server_.Send("HTTP/1.1 400 Bad Request\r\n");
  TurnUntilClosed();
  EXPECT_EQ(handler_.why.message(),
            "bad input from the server: unknown operation: \"HTTP/1.1 400 Bad Request\"");
}

TEST_P(ConnectionTest, BadInfoEndsIt) {
  Open();
  TurnUntil([&] { return server_.Accept(); });
  server_.Send("INFO {\r\n");
  TurnUntilClosed();
  EXPECT_TRUE(std::string(handler_.why.message()).starts_with("bad INFO: ")) << handler_.why;
}

TEST_P(ConnectionTest, ClosesWhileConnecting) {
  Open();
  connection_->Close();
  TurnUntilClosed();
  EXPECT_TRUE(handler_.why.ok());
}

TEST_P(ConnectionTest, ClosesWhileGreeting) {
  Open();
  TurnUntil([&] { return server_.Accept(); });
  for (int i = 0; i < 3; ++i) runtime_->Turn(1'000'000);
  connection_->Close();
  TurnUntilClosed();
  EXPECT_TRUE(handler_.why.ok());
  EXPECT_EQ(handler_.ready, 0);
}

TEST_P(ConnectionTest, ClosesInOnReady) {
  handler_.close_at_ready = true;
  Greet();
  TurnUntilClosed();
  EXPECT_TRUE(handler_.why.ok());
}

TEST_P(ConnectionTest, GivesNothingMoreAfterCloseInOnInput) {
  Greet();
  handler_.close_at_message = true;
  server_.Send("MSG a 1 2\r\nhi\r\nMSG a 1 2\r\nhi\r\nPING\r\nMSG a 1 2\r\nhi\r\n");
  TurnUntilClosed();
  EXPECT_TRUE(handler_.why.ok());
  EXPECT_EQ(handler_.received.size(), 1u);
}

TEST_P(ConnectionTest, ClosesWithASendInFlight) {
  Greet();
  // More than the kernel takes while nobody reads.
  connection_->Publish("big", "", "", std::string(size_t{32} << 20, 'p'));
  for (int i = 0; i < 3; ++i) runtime_->Turn(1'000'000);
  EXPECT_TRUE(connection_->sending());
  connection_->Close();
  TurnUntilClosed();
  EXPECT_TRUE(handler_.why.ok());
  EXPECT_EQ(handler_.closed, 1);
}

TEST_P(ConnectionTest, MayBeFreedWithOutputUnsent) {
  Greet();
  connection_->Publish("a", "", "", "x");
  connection_->Close();
  TurnUntilClosed();
  connection_.reset();
  runtime_->Turn(0);
}

TEST_P(ConnectionTest, OpensAgain) {
  Greet();
  server_.Send("-ERR 'Permissions Violation'\r\n");
  TurnUntil([&] { return handler_.errors.size() == 1; });
  connection_->Ping();
  server_.Close();
  TurnUntilClosed();

  connection_->Open();
  TurnUntil([&] { return server_.Accept(); });
  server_.Send(kInfo);
  ReadUntil("PING\r\n");
  server_.Send("PONG\r\n");
  TurnUntil([&] { return handler_.ready == 2; });
  EXPECT_EQ(connection_->Ping(), 1u);
  server_.Close();
  TurnUntil([&] { return handler_.closed == 2; });
  EXPECT_EQ(handler_.why.message(), "the server closed the connection");
}

INSTANTIATE_TEST_SUITE_P(Backends, ConnectionTest,
                         testing::Values(IoBackend::kUring, IoBackend::kEpoll), BackendName);

}  // namespace
}  // namespace martlet::client
