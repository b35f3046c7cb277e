// TLS between two buffers: no socket in here.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "client/out_buffer.h"
#include "client/target.h"

namespace martlet::client {

/// Certificates and rules, read once and shared by many channels. Thread: any.
class TlsContext {
 public:
  /// Reads the files of `options`; `host` is what the server's certificate must be valid for.
  static absl::StatusOr<std::shared_ptr<const TlsContext>> Create(const TlsOptions& options,
                                                                  const std::string& host);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

 private:
  friend class TlsChannel;
  struct State;
  explicit TlsContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The client's end of one TLS connection.
///
/// Cipher text from the socket goes into Receive(), plain text of ours into Send(); what has to go
/// to the socket is appended to `out` of each. Plain text sent before the handshake is done waits.
/// Thread:     its connection's.
/// Lifetime:   its context outlives it.
class TlsChannel {
 public:
  explicit TlsChannel(const TlsContext& context);
  ~TlsChannel();
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  /// Begins the handshake.
  absl::Status Start(OutBuffer& out);
  /// Appends what could be decrypted to `plain`.
  absl::Status Receive(std::string_view cipher, std::string& plain, OutBuffer& out);
  absl::Status Send(std::string_view plain, OutBuffer& out);
  bool established() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace martlet::client
