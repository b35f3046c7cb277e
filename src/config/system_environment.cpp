#include "config/system_environment.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/go_text.h"
#include "base/unique_fd.h"

namespace martlet::config {
namespace {

constexpr size_t kPemBytesMax = size_t{4} << 20;

template <auto kFree>
struct Free {
  template <class T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<&BIO_free>>;
using Certificate = std::unique_ptr<X509, Free<&X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<&EVP_PKEY_free>>;

Bio BioOf(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Certificate NextCertificate(BIO* bio) {
  return Certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
}

// Never asks the terminal for a pass phrase.
int NoPassPhrase(char*, int, int, void*) { return -1; }

absl::Status Failed(const std::string& text) {
  ERR_clear_error();
  return absl::InvalidArgumentError(text);
}

absl::Status ErrnoOf(const std::string& call, const std::string& path) {
  return absl::NotFoundError(call + " " + path + ": " + base::GoErrno(errno));
}

}  // namespace

absl::StatusOr<std::string> SystemEnvironment::ReadFile(const std::string& path, size_t bytes_max) {
  // A FIFO without a writer must not hold us up.
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return ErrnoOf("open", path);
  std::string text;
  constexpr size_t kStep = size_t{64} << 10;
  for (;;) {
    const size_t before = text.size();
    text.resize(before + kStep);
    const ssize_t got = ::read(fd.get(), text.data() + before, kStep);
    if (got < 0 && errno == EINTR) {
      text.resize(before);
      continue;
    }
    if (got < 0) return ErrnoOf("read", path);
    text.resize(before + static_cast<size_t>(got));
    if (text.size() > bytes_max) return absl::ResourceExhaustedError(path);
    if (got == 0) return text;
  }
}

std::optional<std::string> SystemEnvironment::Variable(const std::string& name) {
  // Nobody sets variables in this process.
  const char* value = std::getenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
  if (value == nullptr) return std::nullopt;
  return value;
}

absl::Status SystemEnvironment::CheckKeyPair(const std::string& cert_file,
                                             const std::string& key_file) {
  const absl::StatusOr<std::string> cert_text = ReadFile(cert_file, kPemBytesMax);
  if (!cert_text.ok()) return cert_text.status();
  const absl::StatusOr<std::string> key_text = ReadFile(key_file, kPemBytesMax);
  if (!key_text.ok()) return key_text.status();
  const Certificate certificate = NextCertificate(BioOf(*cert_text).get());
  if (certificate == nullptr) {
    return Failed("tls: failed to find any PEM data in certificate input");
  }
  const PrivateKey key(
      PEM_read_bio_PrivateKey(BioOf(*key_text).get(), nullptr, &NoPassPhrase, nullptr));
  if (key == nullptr) {
    if (NextCertificate(BioOf(*key_text).get()) != nullptr) {
      return Failed("tls: found a certificate rather than a key in the PEM for the private key");
    }
    return Failed("tls: failed to find any PEM data in key input");
  }
  if (X509_check_private_key(certificate.get(), key.get()) != 1) {
    return Failed("tls: private key does not match public key");
  }
  ERR_clear_error();
  return absl::OkStatus();
}

absl::Status SystemEnvironment::CheckCertificates(const std::string& ca_file) {
  const absl::StatusOr<std::string> text = ReadFile(ca_file, kPemBytesMax);
  if (!text.ok()) return text.status();
  if (NextCertificate(BioOf(*text).get()) == nullptr) {
    return Failed("failed to parse root ca certificate");
  }
  ERR_clear_error();
  return absl::OkStatus();
}

bool SystemEnvironment::IsWritableDirectory(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return true;
  return S_ISDIR(info.st_mode) && (info.st_mode & S_IWUSR) != 0;
}

}  // namespace martlet::config
