// A directory of a test's own, for log files.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::base {

/// Made empty, and removed with what the test left in it.
class LogDirectory {
 public:
  LogDirectory() {
    std::string pattern = testing::TempDir() + "log_test_XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~LogDirectory() { std::filesystem::remove_all(path_); }
  LogDirectory(const LogDirectory&) = delete;
  LogDirectory& operator=(const LogDirectory&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

  /// Names of all files but the given one, in order.
  std::vector<std::string> OthersThan(const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      if (entry.path().filename() != name) names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

 private:
  std::string path_;
};

inline std::string ReadFile(const std::string& path) {
  std::stringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

inline void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

inline std::string PidPrefix() { return "[" + std::to_string(::getpid()) + "] "; }

}  // namespace martlet::base
