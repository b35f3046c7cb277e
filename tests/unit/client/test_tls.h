// A certificate made on the spot and the server's end of a TLS connection, both in memory.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace martlet::client {

struct FreeTls {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { ::X509_free(certificate); }
  void operator()(SSL_CTX* context) const { ::SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { ::SSL_free(ssl); }
  void operator()(BIO* bio) const { ::BIO_free(bio); }
};
template <typename T>
using TlsPtr = std::unique_ptr<T, FreeTls>;

/// A key with a certificate that it signed itself, valid for `names` ("DNS:host,IP:127.0.0.1").
struct TestCertificate {
  TlsPtr<EVP_PKEY> key{EVP_EC_gen("P-256")};
  TlsPtr<X509> certificate{::X509_new()};

  explicit TestCertificate(const std::string& names) {
    X509* const x = certificate.get();
    ::X509_set_version(x, 2);
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x), 1);
    ::X509_gmtime_adj(::X509_getm_notBefore(x), -3600);
    ::X509_gmtime_adj(::X509_getm_notAfter(x), 3600);
    ::X509_set_pubkey(x, key.get());
    X509_NAME* const name = ::X509_get_subject_name(x);
    ::X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>("common.name"), -1, -1, 0);
    ::X509_set_issuer_name(x, name);
    X509_EXTENSION* const extension =
        ::X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    EXPECT_NE(extension, nullptr);
    ::X509_add_ext(x, extension, -1);
    ::X509_EXTENSION_free(extension);
    EXPECT_GT(::X509_sign(x, key.get(), ::EVP_sha256()), 0);
  }

  std::string CertificatePem() const {
    const TlsPtr<BIO> bio(::BIO_new(::BIO_s_mem()));
    ::PEM_write_bio_X509(bio.get(), certificate.get());
    return Text(bio.get());
  }
  std::string KeyPem() const {
    const TlsPtr<BIO> bio(::BIO_new(::BIO_s_mem()));
    ::PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return Text(bio.get());
  }

 private:
  static std::string Text(BIO* bio) {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(bio, &bytes);
    return {bytes, static_cast<size_t>(size)};
  }
};

/// The server's end: cipher text in, plain text out, and the other way round.
class TlsServer {
 public:
  explicit TlsServer(const TestCertificate& own, bool wants_certificate = false)
      : context_(::SSL_CTX_new(::TLS_server_method())) {
    ::SSL_CTX_use_certificate(context_.get(), own.certificate.get());
    ::SSL_CTX_use_PrivateKey(context_.get(), own.key.get());
    if (wants_certificate) {
      ::SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                           nullptr);
      ::X509_STORE_add_cert(::SSL_CTX_get_cert_store(context_.get()), own.certificate.get());
    }
    ssl_.reset(::SSL_new(context_.get()));
    ::SSL_set_bio(ssl_.get(), ::BIO_new(::BIO_s_mem()), ::BIO_new(::BIO_s_mem()));
    ::SSL_set_accept_state(ssl_.get());
  }

  /// Takes cipher text; what it says is appended to `plain`.
  void Receive(std::string_view cipher, std::string& plain) {
    ::BIO_write(::SSL_get_rbio(ssl_.get()), cipher.data(), static_cast<int>(cipher.size()));
    char buffer[4096];
    size_t got = 0;
    while (::SSL_read_ex(ssl_.get(), buffer, sizeof buffer, &got) == 1) plain.append(buffer, got);
  }
  void Send(std::string_view plain) {
    size_t written = 0;
    EXPECT_EQ(::SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &written), 1);
  }
  void Shutdown() { ::SSL_shutdown(ssl_.get()); }
  /// The cipher text for the client since the last call.
  std::string TakeOutput() {
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(::SSL_get_wbio(ssl_.get()), &bytes);
    std::string out(bytes, static_cast<size_t>(size));
    (void)BIO_reset(::SSL_get_wbio(ssl_.get()));
    return out;
  }
  /// The name that the client asked for; empty where it asked for none.
  std::string asked_name() const {
    const char* name = ::SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    return name == nullptr ? "" : name;
  }

 private:
  TlsPtr<SSL_CTX> context_;
  TlsPtr<SSL> ssl_;
};

}  // namespace martlet::client
