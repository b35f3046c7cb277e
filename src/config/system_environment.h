// The environment of this process: its files, its variables.
#pragma once

#include "config/environment.h"

namespace martlet::config {

/// Thread: any; ReadFile and the checks block on the disk.
class SystemEnvironment : public Environment {
 public:
  absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) override;
  std::optional<std::string> Variable(const std::string& name) override;
  absl::Status CheckKeyPair(const std::string& cert_file, const std::string& key_file) override;
  absl::Status CheckCertificates(const std::string& ca_file) override;
  bool IsWritableDirectory(const std::string& path) override;
};

}  // namespace martlet::config
