#include "ops/published_state.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

#include "base/go_text.h"

namespace martlet::ops {
namespace {

constexpr char kName[] = "martlet-state";
constexpr std::string_view kLink = "/memfd:martlet-state";
constexpr std::string_view kEnd = "end\n";

}  // namespace

std::string StateText(const PublishedState::Values& values) {
  std::string out;
  for (const auto& [name, value] : values) {
    out += name + "=";
    for (const char c : value) {
      if (c == '\\' || c == '\n') out += '\\';
      out += c == '\n' ? 'n' : c;
    }
    out += '\n';
  }
  return out.append(kEnd);
}

absl::StatusOr<PublishedState::Values> ParseStateText(std::string_view text) {
  PublishedState::Values values;
  while (text != kEnd) {
    const size_t end = text.find('\n');
    const size_t equals = text.substr(0, end).find('=');
    if (end == text.npos || equals == text.npos) {
      return absl::DataLossError("the server's state is incomplete");
    }
    std::string value;
    for (size_t i = equals + 1; i < end; ++i) {
      const bool escaped = text[i] == '\\' && i + 1 < end;
      if (escaped) ++i;
      value += escaped && text[i] == 'n' ? '\n' : text[i];
    }
    values.emplace(text.substr(0, equals), std::move(value));
    text.remove_prefix(end + 1);
  }
  return values;
}

PublishedState::PublishedState() : memory_(::memfd_create(kName, MFD_CLOEXEC)) {}

void PublishedState::Publish(const Values& values) const {
  if (!memory_) return;
  const std::string text = StateText(values);
  // Whoever reads between the two finds no end mark.
  if (::ftruncate(memory_.get(), 0) != 0) return;
  (void)!::pwrite(memory_.get(), text.data(), text.size(), 0);
}

absl::StatusOr<PublishedState::Values> PublishedState::Of(pid_t pid) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> open(::opendir(directory.c_str()), &::closedir);
  if (open == nullptr) {
    return absl::PermissionDeniedError("open " + directory + ": " + base::GoErrno(errno));
  }
  while (const dirent* entry = ::readdir(open.get())) {  // NOLINT(concurrency-mt-unsafe)
    const std::string path = directory + "/" + entry->d_name;
    std::array<char, 64> link{};
    const ssize_t bytes = ::readlink(path.c_str(), link.data(), link.size());
    if (bytes <= 0) continue;
    if (!std::string_view(link.data(), static_cast<size_t>(bytes)).starts_with(kLink)) continue;
    std::ifstream file(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
    return ParseStateText(text);
  }
  return absl::NotFoundError("process " + std::to_string(pid) + " is no martlet-server");
}

}  // namespace martlet::ops
