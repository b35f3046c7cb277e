#include "client/credentials.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <unistd.h>
#include <vector>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "auth/nkey.h"
#include "base/check.h"
#include "base/go_text.h"
#include "base/unique_fd.h"

namespace martlet::client {
namespace {

constexpr size_t kFileBytesMax = size_t{1} << 20;

/// The text of a file with secrets; gone from memory afterwards.
struct SecretText {
  SecretText() = default;
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  ~SecretText() { ::OPENSSL_cleanse(text.data(), text.size()); }
  std::string text;
};

absl::Status ReadSecret(const std::string& path, SecretText& out) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return absl::NotFoundError("open " + path + ": " + base::GoErrno(errno));
  out.text.resize(kFileBytesMax);
  size_t bytes = 0;
  while (bytes < out.text.size()) {
    const ssize_t got = ::read(fd.get(), out.text.data() + bytes, out.text.size() - bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return absl::UnavailableError("read " + path + ": " + base::GoErrno(errno));
    if (got == 0) break;
    bytes += static_cast<size_t>(got);
  }
  if (bytes == out.text.size()) return absl::InvalidArgumentError(path + ": longer than 1 MiB");
  out.text.resize(bytes);
  return absl::OkStatus();
}

std::string_view TrimmedLine(std::string_view line) {
  const size_t begin = line.find_first_not_of(" \t\r");
  if (begin == line.npos) return {};
  return line.substr(begin, line.find_last_not_of(" \t\r") + 1 - begin);
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    if (const std::string_view line = TrimmedLine(text.substr(0, end)); !line.empty()) {
      lines.push_back(line);
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The line below "-----BEGIN ... `label`-----"; empty where there is none.
std::string_view Decorated(const std::vector<std::string_view>& lines, std::string_view label) {
  for (size_t i = 0; i + 1 < lines.size(); ++i) {
    const bool begins = lines[i].starts_with("---") && lines[i].find("BEGIN") != lines[i].npos &&
                        lines[i].find(label) != lines[i].npos;
    if (begins && !lines[i + 1].starts_with("---")) return lines[i + 1];
  }
  return {};
}

/// The seed of a file without decoration: the first line that looks like one.
std::string_view PlainSeed(const std::vector<std::string_view>& lines) {
  const auto found = std::find_if(lines.begin(), lines.end(),
                                  [](std::string_view line) { return line.starts_with("SU"); });
  return found == lines.end() ? std::string_view() : *found;
}

absl::StatusOr<auth::Nkey> UserSeed(const std::string& path, std::string_view text) {
  if (text.empty()) {
    return absl::InvalidArgumentError(path + ": no user seed in it (a line that begins with SU)");
  }
  const std::optional<auth::Nkey> seed = auth::DecodeSeed(text);
  if (!seed) {
    return absl::InvalidArgumentError(path + ": the seed is damaged: wrong length or checksum");
  }
  if (seed->kind != auth::NkeyKind::kUser) {
    return absl::InvalidArgumentError(path + ": the seed is not a user's; those begin with SU");
  }
  return *seed;
}

std::string Base64Url(std::string_view bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');  // and a zero behind it
  const int size = ::EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  while (out.ends_with('=')) out.pop_back();
  std::replace(out.begin(), out.end(), '+', '-');
  std::replace(out.begin(), out.end(), '/', '_');
  return out;
}

std::string_view View(const auto& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

absl::StatusOr<Credentials> Credentials::Load(const Target& target) {
  Credentials credentials;
  const bool has_creds = !target.creds_file.empty();
  const std::string& path = has_creds ? target.creds_file : target.nkey_seed_file;
  if (path.empty()) return credentials;
  if (has_creds && !target.nkey_seed_file.empty()) {
    return absl::InvalidArgumentError("a creds file and an nkey file: give only one of them");
  }
  SecretText file;
  if (absl::Status read = ReadSecret(path, file); !read.ok()) return read;
  const std::vector<std::string_view> lines = Lines(file.text);
  if (has_creds) {
    credentials.jwt_ = Decorated(lines, "JWT");
    if (credentials.jwt_.empty()) {
      return absl::InvalidArgumentError(path + ": no user JWT in it (BEGIN NATS USER JWT)");
    }
  }
  std::string_view text = Decorated(lines, "SEED");
  if (text.empty()) text = PlainSeed(lines);
  const absl::StatusOr<auth::Nkey> seed = UserSeed(path, text);
  if (!seed.ok()) return seed.status();
  credentials.seed_ = View(seed->bytes);
  credentials.public_key_ = auth::EncodePublicKey(auth::PublicKeyOf(*seed));
  return credentials;
}

std::string Credentials::Sign(std::string_view nonce) const {
  auth::Nkey seed{.kind = auth::NkeyKind::kUser, .bytes = {}};
  CHECK(seed_.size() == seed.bytes.size());
  std::copy(seed_.begin(), seed_.end(), seed.bytes.begin());
  return Base64Url(View(auth::Sign(seed, nonce)));
}

}  // namespace martlet::client
