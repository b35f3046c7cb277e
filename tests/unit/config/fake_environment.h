// Files and variables of a test.
#pragma once

#include <map>
#include <string>

#include "config/environment.h"

namespace martlet::config {

class FakeEnvironment : public Environment {
 public:
  FakeEnvironment() = default;
  explicit FakeEnvironment(std::string main) { files["main.conf"] = std::move(main); }

  absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) override {
    const auto file = files.find(path);
    if (file == files.end()) {
      return absl::NotFoundError("open " + path + ": no such file or directory");
    }
    if (file->second.size() > bytes_max) return absl::ResourceExhaustedError(path);
    return file->second;
  }
  std::optional<std::string> Variable(const std::string& name) override {
    const auto variable = variables.find(name);
    if (variable == variables.end()) return std::nullopt;
    return variable->second;
  }
  absl::Status CheckKeyPair(const std::string& cert_file, const std::string& key_file) override {
    return cert_file == "cert.pem" && key_file == "key.pem"
               ? absl::OkStatus()
               : absl::NotFoundError("open " + cert_file + ": no such file or directory");
  }
  absl::Status CheckCertificates(const std::string& ca_file) override {
    return ca_file == "ca.pem" ? absl::OkStatus()
                               : absl::InvalidArgumentError("failed to parse root ca certificate");
  }
  bool IsWritableDirectory(const std::string& path) override { return path == "writable"; }

  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables;
};

}  // namespace martlet::config
