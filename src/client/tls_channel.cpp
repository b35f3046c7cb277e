#include "client/tls_channel.h"

#include <algorithm>
#include <arpa/inet.h>
#include <climits>
#include <mutex>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "base/go_text.h"

namespace martlet::client {
namespace {

struct Free {
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Free>;
using SslPtr = std::unique_ptr<SSL, Free>;

/// The reason of the oldest error in this thread's queue, which is empty afterwards.
std::string TakeReason() {
  const unsigned long error = ::ERR_get_error();
  ::ERR_clear_error();
  if (error == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(error)) return base::GoErrno(ERR_GET_REASON(error));
  const char* reason = ::ERR_reason_error_string(error);
  return reason != nullptr ? reason : "error " + std::to_string(error);
}

absl::Status FileError(const std::string& path) {
  return absl::InvalidArgumentError("TLS: cannot use " + path + ": " + TakeReason());
}

/// A host as certificates name it: an address without its zone.
std::string WithoutZone(const std::string& host) {
  return host.find(':') == host.npos ? host : host.substr(0, host.find('%'));
}

bool IsAddress(const std::string& host) {
  in6_addr bytes;
  return ::inet_pton(AF_INET, host.c_str(), &bytes) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &bytes) == 1;
}

// Without it OpenSSL asks the terminal for the pass phrase of a key.
int NoPassPhrase(char*, int, int, void*) { return 0; }

absl::Status UseCertificate(SSL_CTX* context, const TlsOptions& options) {
  if (options.cert_file.empty() && options.key_file.empty()) return absl::OkStatus();
  if (options.cert_file.empty() || options.key_file.empty()) {
    return absl::InvalidArgumentError("TLS: a certificate and its key belong together: give both");
  }
  ::SSL_CTX_set_default_passwd_cb(context, NoPassPhrase);
  if (::SSL_CTX_use_certificate_chain_file(context, options.cert_file.c_str()) != 1) {
    return FileError(options.cert_file);
  }
  if (::SSL_CTX_use_PrivateKey_file(context, options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return FileError(options.key_file);
  }
  return absl::OkStatus();
}

absl::StatusOr<ContextPtr> NewContext(const TlsOptions& options) {
  ::ERR_clear_error();
  ContextPtr context(::SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) return absl::UnavailableError("TLS: " + TakeReason());
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  ::SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  ::SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  ::SSL_CTX_set_verify(context.get(), options.skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       nullptr);
  if (options.ca_file.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_file(context.get(), options.ca_file.c_str()) != 1) {
    return FileError(options.ca_file);
  }
  if (absl::Status used = UseCertificate(context.get(), options); !used.ok()) return used;
  ::ERR_clear_error();
  return context;
}

}  // namespace

/// OpenSSL's context; made with the first channel where nothing could be wrong with files, because
/// most servers want no TLS and OpenSSL takes milliseconds to begin.
struct TlsContext::State {
  State(const TlsOptions& given, std::string host_name)
      : options(given), host(std::move(host_name)), is_address(IsAddress(host)) {}

  absl::Status Prepare() {
    std::call_once(once, [this] {
      absl::StatusOr<ContextPtr> made = NewContext(options);
      status = made.status();
      if (made.ok()) context = *std::move(made);
    });
    return status;
  }

  const TlsOptions options;
  const std::string host;
  const bool is_address;
  std::once_flag once;  // guards the two below
  absl::Status status;
  ContextPtr context;
};

absl::StatusOr<std::shared_ptr<const TlsContext>> TlsContext::Create(const TlsOptions& options,
                                                                     const std::string& host) {
  auto state = std::make_unique<State>(options, WithoutZone(host));
  const bool now = options.required || options.handshake_first || !options.ca_file.empty() ||
                   !options.cert_file.empty() || !options.key_file.empty();
  if (now) {
    if (absl::Status prepared = state->Prepare(); !prepared.ok()) return prepared;
  }
  return std::shared_ptr<const TlsContext>(new TlsContext(std::move(state)));
}

TlsContext::TlsContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsContext::~TlsContext() = default;

struct TlsChannel::State {
  explicit State(TlsContext::State& shared) : context(shared) {}

  absl::Status Prepare();
  absl::Status Shake();
  absl::Status Encrypt(std::string_view plain);
  absl::Status Decrypt(std::string& plain);
  absl::Status Failure(int result) const;
  void Drain(OutBuffer& out);

  TlsContext::State& context;
  SslPtr ssl;             // owns both ends
  BIO* input = nullptr;   // cipher text of the server
  BIO* output = nullptr;  // ours
  std::string waiting;    // plain text given before the handshake was done
};

absl::Status TlsChannel::State::Prepare() {
  if (absl::Status prepared = context.Prepare(); !prepared.ok()) return prepared;
  ssl.reset(::SSL_new(context.context.get()));
  input = ::BIO_new(BIO_s_mem());
  output = ::BIO_new(BIO_s_mem());
  CHECK(ssl != nullptr && input != nullptr && output != nullptr);
  ::BIO_set_mem_eof_return(input, -1);  // empty means "wait", not "the end"
  ::SSL_set_bio(ssl.get(), input, output);
  ::SSL_set_connect_state(ssl.get());
  // The names in the certificate's extension count, as in Go, and not its common name.
  ::SSL_set_hostflags(ssl.get(),
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (context.is_address) {
    CHECK(::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl.get()), context.host.c_str()) == 1);
    return absl::OkStatus();
  }
  if (::SSL_set_tlsext_host_name(ssl.get(), context.host.c_str()) != 1 ||
      ::SSL_set1_host(ssl.get(), context.host.c_str()) != 1) {
    ::ERR_clear_error();
    return absl::InvalidArgumentError("TLS: " + base::GoQuote(context.host) + " is no host name");
  }
  return absl::OkStatus();
}

absl::Status TlsChannel::State::Failure(int result) const {
  const int kind = ::SSL_get_error(ssl.get(), result);
  // The end of TLS is followed by that of the connection, which is the one to be told.
  if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_ZERO_RETURN) return absl::OkStatus();
  const unsigned long error = ::ERR_peek_error();
  const int reason = ERR_GET_REASON(error);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    ::ERR_clear_error();
    const long verdict = ::SSL_get_verify_result(ssl.get());
    if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
      return absl::UnauthenticatedError("TLS: the server's certificate is not valid for " +
                                        base::GoQuote(context.host));
    }
    return absl::UnauthenticatedError(std::string("TLS: the server's certificate is refused: ") +
                                      ::X509_verify_cert_error_string(verdict));
  }
  if (reason == SSL_R_WRONG_VERSION_NUMBER && !::SSL_is_init_finished(ssl.get())) {
    ::ERR_clear_error();
    return absl::UnavailableError("TLS: the server does not answer in TLS");
  }
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) {
    return absl::UnauthenticatedError("TLS: the server refuses: " + TakeReason());
  }
  return absl::UnavailableError("TLS: " + TakeReason());
}

absl::Status TlsChannel::State::Shake() {
  ::ERR_clear_error();
  if (const int done = ::SSL_do_handshake(ssl.get()); done != 1) return Failure(done);
  const std::string plain = std::exchange(waiting, {});
  return Encrypt(plain);
}

absl::Status TlsChannel::State::Encrypt(std::string_view plain) {
  while (!plain.empty()) {
    ::ERR_clear_error();
    size_t written = 0;
    // The buffer behind it grows, so all of it is taken.
    if (const int done = ::SSL_write_ex(ssl.get(), plain.data(), plain.size(), &written);
        done != 1) {
      return Failure(done);
    }
    plain.remove_prefix(written);
  }
  return absl::OkStatus();
}

absl::Status TlsChannel::State::Decrypt(std::string& plain) {
  constexpr size_t kRecordBytesMax = size_t{16} << 10;
  while (true) {
    ::ERR_clear_error();
    const size_t before = plain.size();
    plain.resize(before + kRecordBytesMax);
    size_t got = 0;
    const int done = ::SSL_read_ex(ssl.get(), plain.data() + before, kRecordBytesMax, &got);
    plain.resize(before + (done == 1 ? got : 0));
    if (done != 1) return Failure(done);
  }
}

void TlsChannel::State::Drain(OutBuffer& out) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(output, &bytes);
  if (size <= 0) return;
  out.Append({bytes, static_cast<size_t>(size)});
  (void)BIO_reset(output);
}

TlsChannel::TlsChannel(const TlsContext& context)
    : state_(std::make_unique<State>(*context.state_)) {}
TlsChannel::~TlsChannel() = default;

absl::Status TlsChannel::Start(OutBuffer& out) {
  if (absl::Status prepared = state_->Prepare(); !prepared.ok()) return prepared;
  absl::Status begun = state_->Shake();
  state_->Drain(out);
  return begun;
}

absl::Status TlsChannel::Receive(std::string_view cipher, std::string& plain, OutBuffer& out) {
  CHECK(state_->ssl != nullptr);
  CHECK(cipher.size() <= INT_MAX);
  absl::Status status;
  if (!cipher.empty()) {
    const auto bytes = static_cast<int>(cipher.size());
    CHECK(::BIO_write(state_->input, cipher.data(), bytes) == bytes);
  }
  if (!established()) status = state_->Shake();
  if (status.ok() && established()) status = state_->Decrypt(plain);
  state_->Drain(out);
  return status;
}

absl::Status TlsChannel::Send(std::string_view plain, OutBuffer& out) {
  CHECK(state_->ssl != nullptr);
  if (!established()) {
    state_->waiting.append(plain);
    return absl::OkStatus();
  }
  absl::Status status = state_->Encrypt(plain);
  state_->Drain(out);
  return status;
}

bool TlsChannel::established() const {
  return state_->ssl != nullptr && ::SSL_is_init_finished(state_->ssl.get()) == 1;
}

}  // namespace martlet::client
