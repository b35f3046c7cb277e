// What reading a configuration takes from outside of it.
#pragma once

#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace martlet::config {

/// Files, variables and certificates; a test has its own.
///
/// Errors read as the reference's runtime prints them: "open x: no such file or directory".
class Environment {
 public:
  virtual ~Environment() = default;

  /// The whole file. Fails with kResourceExhausted when it has more than `bytes_max`.
  virtual absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) = 0;
  /// A variable of the process's environment.
  virtual std::optional<std::string> Variable(const std::string& name) = 0;
  /// Whether the files hold a certificate and its key, in PEM.
  virtual absl::Status CheckKeyPair(const std::string& cert_file, const std::string& key_file) = 0;
  /// Whether the file holds certificates, in PEM. kNotFound: it cannot be read.
  virtual absl::Status CheckCertificates(const std::string& ca_file) = 0;
  /// Whether a path names a directory that may be written; a path that is not there passes.
  virtual bool IsWritableDirectory(const std::string& path) = 0;
};

}  // namespace martlet::config
