// One client connection to a NATS server, without a thread of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "base/net_address.h"
#include "base/unique_fd.h"
#include "client/credentials.h"
#include "client/out_buffer.h"
#include "client/target.h"
#include "client/tls_channel.h"
#include "io/loop.h"
#include "proto/message_parser.h"
#include "proto/server_info.h"

namespace martlet::client {

class Runtime;

/// What connections to one server have in common; made once, shared, outlives them.
struct Peer {
  Target target;
  base::SocketAddress address;
  Credentials credentials;
  std::shared_ptr<const TlsContext> tls;  // null: no TLS

  /// Resolves the name and reads the files that `target` names. Blocks.
  static absl::StatusOr<Peer> Make(const Target& target);
};

/// What a connection asks for in its CONNECT.
struct ConnectionOptions {
  bool echo = true;
  bool verbose = false;
  bool no_responders = true;
  uint32_t source = 0;  // for loopback: connect from 127.0.0.(1 + source); ports are per address
};

/// Connects, greets (INFO, maybe TLS, CONNECT, PING, PONG), then carries messages both ways.
///
///   Open() ──> connecting ──> greeting ──OnReady──> ready ──Close(), error, end──> gone, OnClosed
///
/// Ownership:  the caller's; it borrows runtime, peer and handler.
/// Thread:     its runtime's, always.
/// Lifetime:   freed only before Open() or when gone().
/// Invariants: at most one send and one receive in flight. What is written leaves in that order, at
///             the runtime's next turn. PINGs of the server are answered by the connection.
class Connection {
 public:
  class Handler {
   public:
    /// Greeted: it may be written to, and what came so far is answered.
    virtual void OnReady(Connection& connection) = 0;
    /// There is input: call Next() until it says false.
    virtual void OnInput(Connection& connection) = 0;
    /// The server has answered the Ping() that gave this number.
    virtual void OnPong(Connection&, uint64_t /*number*/) {}
    /// An -ERR; those that end the connection are followed by OnClosed.
    virtual void OnError(Connection&, std::string_view /*text*/) {}
    /// The kernel has taken all that was sent up to now.
    virtual void OnSent(Connection&) {}
    /// It is gone, once; OK when Close() was called. It may be freed when the turn is over.
    virtual void OnClosed(Connection& connection, const absl::Status& why) = 0;

   protected:
    ~Handler() = default;
  };

  Connection(Runtime& runtime, const Peer& peer, const ConnectionOptions& options,
             Handler& handler);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Open();
  /// Ends it; what was written and not sent is dropped.
  void Close();
  /// Reads nothing more; what has been read already is not taken back. For slow consumers.
  void StopReading();

  /// From OnInput only: the next MSG or HMSG; false when there is none (now).
  bool Next(proto::Message& message) {
    while (true) {
      if (parser_.Next(message) != proto::MessageParser::Result::kMessage) return false;
      if (message.op <= proto::ServerOp::kHmsg) [[likely]] {
        return true;
      }
      if (!OnControl(message)) return false;
    }
  }

  // Output. Everything goes into one buffer; it is sent with the runtime's next turn.

  /// The buffer for formatting in place; Written() after that.
  OutBuffer& out() { return filling_; }
  void Written();

  void Publish(std::string_view subject, std::string_view reply, std::string_view headers,
               std::string_view payload);
  void Subscribe(std::string_view subject, std::string_view queue, uint64_t sid);
  /// After `max` messages in all; 0: at once.
  void Unsubscribe(uint64_t sid, uint64_t max = 0);
  /// Returns the number that OnPong will say.
  uint64_t Ping();

  /// Written and not yet taken by the kernel.
  size_t unsent_bytes() const { return filling_.size() + cipher_.size() + sending_.size(); }
  bool sending() const { return send_.in_flight(); }

  bool ready() const { return state_ == State::kReady; }
  bool gone() const { return state_ == State::kNew || state_ == State::kGone; }
  const proto::ServerInfo& server() const { return info_; }
  /// Time from the start of connect to the socket being connected, and to the PONG; nanoseconds.
  uint64_t opened_ns() const { return opened_ns_; }
  uint64_t ready_ns() const { return ready_ns_; }
  int fd() const { return fd_.get(); }

 private:
  friend class Runtime;
  enum class State : uint8_t { kNew, kConnecting, kGreeting, kReady, kClosing, kGone };

  void OnConnect(const io::Completion& done);
  void OnReceive(const io::Completion& done);
  void OnSend(const io::Completion& done);

  absl::Status OpenSocket();
  void Input(std::string_view bytes);
  void Decrypt(std::string_view bytes);
  bool OnControl(const proto::Message& message);
  bool OnInfo(std::string_view text);
  void Greet();
  void Flush();
  void StartSend();
  void Fail(absl::Status why);
  void FinishIfAnswered();

  Runtime& runtime_;
  const Peer& peer_;
  ConnectionOptions options_;
  Handler& handler_;
  State state_ = State::kNew;
  bool written_ = false;  // is in the runtime's list
  bool reading_ = true;
  bool greeted_ = false;  // the first INFO has been answered
  base::UniqueFd fd_;
  proto::MessageParser parser_;
  OutBuffer filling_;
  OutBuffer sending_;  // with the kernel
  std::unique_ptr<TlsChannel> tls_;
  OutBuffer cipher_;   // with TLS: encrypted, to be sent next
  std::string plain_;  // with TLS: of the chunk being read
  proto::ServerInfo info_;
  std::string server_error_;  // the last -ERR
  absl::Status why_;          // it closes
  uint64_t pings_sent_ = 0;
  uint64_t pongs_ = 0;
  uint64_t opened_ns_ = 0;
  uint64_t ready_ns_ = 0;
  io::Operation connect_ = io::Operation::Bind<&Connection::OnConnect>(this);
  io::Operation receive_ = io::Operation::Bind<&Connection::OnReceive>(this);
  io::Operation send_ = io::Operation::Bind<&Connection::OnSend>(this);
};

}  // namespace martlet::client
