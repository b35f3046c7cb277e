#include "monitor/http_request.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "monitor/query.h"

namespace martlet::monitor {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool EqualNoCase(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return Lower(a) == b; });
}

// RFC 9110, tchar.
bool IsTokenChar(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
         kMarks.find(c) != kMarks.npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

void HttpParser::Push(std::string_view bytes) {
  if (failed_) return;
  held_ += bytes;
}

HttpParser::Result HttpParser::Next(HttpRequest& request) {
  if (failed_) return Result::kError;
  if (!SkipBody()) return Result::kNeedMore;
  for (;;) {
    const std::string_view rest = std::string_view(held_).substr(read_);
    const size_t end = rest.find('\n');
    const size_t line_bytes = end == rest.npos ? rest.size() : end + 1;
    if (head_bytes_ + line_bytes > kHeadBytesMax) {
      Refuse(431);
      return Result::kError;
    }
    if (end == rest.npos) {
      held_.erase(0, std::exchange(read_, 0));
      return Result::kNeedMore;
    }
    std::string_view line = rest.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    read_ += line_bytes;
    head_bytes_ += line_bytes;
    if (line.empty() && head_.has_line) return Finish(request);
    if (!ReadLine(line)) return Result::kError;
  }
}

// False while the body of the last request has not come whole.
bool HttpParser::SkipBody() {
  const uint64_t skipped = std::min<uint64_t>(body_left_, held_bytes());
  read_ += static_cast<size_t>(skipped);
  body_left_ -= skipped;
  if (body_left_ == 0) return true;
  held_.clear();
  read_ = 0;
  return false;
}

HttpParser::Result HttpParser::Finish(HttpRequest& request) {
  const Head head = std::exchange(head_, {});
  head_bytes_ = 0;
  const auto refuse = [this](int status, std::string_view detail) {
    Refuse(status, detail);
    return Result::kError;
  };
  if (head.major_version != 1) return refuse(505, "unsupported protocol version");
  request = head.request;
  if (head.hosts == 0 && request.minor_version > 0)
    return refuse(400, "missing required Host header");
  if (head.hosts > 1) return refuse(400, {});

  request.told_to_keep = head.says_keep && !head.says_close;
  request.keep_alive = !head.says_close && (request.minor_version > 0 || head.says_keep);
  // Whoever waits to be asked for a body gets its answer without.
  const bool skips = !head.chunked && head.body_bytes <= kBodyBytesMax;
  if (!skips || (head.expects_continue && head.body_bytes > 0)) {
    request.keep_alive = false;
  } else {
    body_left_ = head.body_bytes;
  }
  return Result::kRequest;
}

bool HttpParser::ReadLine(std::string_view line) {
  return head_.has_line ? ReadHeader(line) : ReadRequestLine(line);
}

bool HttpParser::ReadRequestLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t second = first == line.npos ? first : line.find(' ', first + 1);
  if (second == line.npos) return Refuse(400);
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, second - first - 1);
  const std::string_view version = line.substr(second + 1);
  if (!IsToken(method)) return Refuse(400);

  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                          is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (!is_version) return Refuse(400);
  head_.major_version = version[5] - '0';
  head_.request.minor_version = version[7] - '0';
  head_.request.method = method;
  head_.has_line = true;
  return ReadTarget(target);
}

// `/path?query`, or the same behind `http://host`.
bool HttpParser::ReadTarget(std::string_view target) {
  if (target.empty() || std::any_of(target.begin(), target.end(), IsControl)) return Refuse(400);
  if (target.front() != '/') {
    const size_t scheme = target.find("://");
    if (scheme == target.npos) return Refuse(400);
    target.remove_prefix(scheme + 3);
    const size_t path = target.find_first_of("/?");
    target.remove_prefix(path == target.npos ? target.size() : path);
  }
  const size_t mark = target.find('?');
  if (mark != target.npos) head_.request.query = target.substr(mark + 1);
  const std::string_view path = target.substr(0, mark);
  if (!Unescape(path, EscapeRules::kPath, head_.request.path)) return Refuse(400);
  if (head_.request.path.empty()) head_.request.path = "/";
  return true;
}

bool HttpParser::ReadHeader(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return Refuse(400);
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = Trim(line.substr(colon + 1));
  // A blank in front of a name, or behind it, is how requests are smuggled past others.
  if (!IsToken(name)) return Refuse(400);
  if (std::any_of(value.begin(), value.end(), [](char c) { return IsControl(c) && c != '\t'; })) {
    return Refuse(400);
  }
  if (EqualNoCase(name, "host")) {
    ++head_.hosts;
  } else if (EqualNoCase(name, "content-length")) {
    return ReadLength(value);
  } else if (EqualNoCase(name, "transfer-encoding")) {
    if (!EqualNoCase(value, "chunked")) return Refuse(501, "Unsupported transfer encoding");
    head_.chunked = true;
  } else if (EqualNoCase(name, "connection")) {
    ReadConnection(value);
  } else if (EqualNoCase(name, "expect")) {
    head_.expects_continue = true;
  }
  return true;
}

bool HttpParser::ReadLength(std::string_view value) {
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bytes);
  if (error != std::errc() || end != value.data() + value.size()) return Refuse(400);
  if (head_.has_length && head_.body_bytes != bytes) return Refuse(400);
  head_.has_length = true;
  head_.body_bytes = bytes;
  return true;
}

void HttpParser::ReadConnection(std::string_view value) {
  for (;;) {
    const size_t comma = value.find(',');
    const std::string_view word = Trim(value.substr(0, comma));
    head_.says_close |= EqualNoCase(word, "close");
    head_.says_keep |= EqualNoCase(word, "keep-alive");
    if (comma == value.npos) return;
    value.remove_prefix(comma + 1);
  }
}

// Always false, for the caller to return.
bool HttpParser::Refuse(int status, std::string_view detail) {
  failed_ = true;
  error_ = {status, std::string(detail)};
  held_.clear();
  read_ = 0;
  return false;
}

}  // namespace martlet::monitor
