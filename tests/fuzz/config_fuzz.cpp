// Any configuration file. It is the operator's own, but templates and other programs write it.
//
// Input: the main file; behind a line of "%%" the file that it may include as "other.conf". Held to
// be true: reading ends, in bounded time and memory; the same files give the same answer; what has
// no errors gives settings that can be compared with themselves; no message shows more than a part
// of a line.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "config/config.h"
#include "config/plan.h"
#include "config/validate.h"
#include "input.h"

namespace {

using martlet::config::Environment;
using martlet::config::ParseLimits;

class TwoFiles : public Environment {
 public:
  TwoFiles(std::string_view main, std::string_view other) : main_(main), other_(other) {}

  absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) override {
    const std::string_view text = path == "other.conf" ? other_ : main_;
    if (path != "main.conf" && path != "other.conf") return absl::NotFoundError("open " + path);
    if (text.size() > bytes_max) return absl::ResourceExhaustedError(path);
    return std::string(text);
  }
  std::optional<std::string> Variable(const std::string& name) override {
    if (name == "LOOP") return "$LOOP";
    if (name == "MAP") return "{ a: 1 }";
    return std::nullopt;
  }
  absl::Status CheckKeyPair(const std::string&, const std::string&) override {
    return absl::OkStatus();
  }
  absl::Status CheckCertificates(const std::string&) override { return absl::OkStatus(); }
  bool IsWritableDirectory(const std::string&) override { return true; }

 private:
  const std::string_view main_;
  const std::string_view other_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = martlet::fuzz::Input(data, size).Rest();
  constexpr std::string_view kMark = "\n%%\n";
  const size_t mark = text.find(kMark);
  const std::string_view other =
      mark == text.npos ? std::string_view() : text.substr(mark + kMark.size());
  TwoFiles environment(text.substr(0, mark), other);
  constexpr ParseLimits kLimits{.bytes_max = 1 << 20, .values_max = 20'000, .include_depth_max = 8};

  const auto read = martlet::config::ReadConfig("main.conf", environment, kLimits);
  const auto again = martlet::config::ReadConfig("main.conf", environment, kLimits);
  CHECK(read.ok() == again.ok());
  if (!read.ok()) {
    CHECK(read.status() == again.status());
    CHECK(!read.status().message().empty());
    return 0;
  }
  CHECK(read->problems.text() == again->problems.text());
  CHECK(read->config.digest == again->config.digest);
  if (!read->problems.errors().empty()) return 0;
  CHECK(martlet::config::Compare(read->config.options, again->config.options).changes.empty());
  CHECK(martlet::config::Validate(read->config) == martlet::config::Validate(again->config));
  return 0;
}
