#include "base/url.h"

#include <algorithm>

#include "base/go_text.h"

namespace martlet::base {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int HexDigit(char c) {
  if (IsDigit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// What stands as it is, besides letters and digits; from Go's shouldEscape.
constexpr std::string_view kPlainInHost = "-_.~!$&'()*+,;=:[]<>\"";
constexpr std::string_view kPlainInUserInfo = "-_.~$&+,;=";
constexpr std::string_view kPlainInPath = "-_.~$&+,/:;=@!'()*[]";
constexpr std::string_view kPlainInFragment = "-_.~$&+,/:;=?@!'()*";

bool MayStandInHost(char c) {
  return IsLetter(c) || IsDigit(c) || static_cast<unsigned char>(c) >= 0x80 ||
         kPlainInHost.find(c) != std::string_view::npos;
}

bool MayStandInUserInfo(char c) {
  return IsLetter(c) || IsDigit(c) ||
         std::string_view("-._:~!$&'()*+,;=%@").find(c) != std::string_view::npos;
}

/// Resolves percent signs. In a host only those of bytes beyond ASCII may be (RFC 6874 apart).
std::optional<std::string> Unescape(std::string_view text, bool host = false) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (host && !MayStandInHost(text[i])) return std::nullopt;
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    if (host && high < 8 && text.substr(i, 3) != "%25") return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

bool IsOptionalPort(std::string_view port) {
  if (port.empty()) return true;
  return port[0] == ':' && std::all_of(port.begin() + 1, port.end(), IsDigit);
}

std::optional<std::string> ParseHost(std::string_view host) {
  if (host.starts_with('[')) {
    const size_t end = host.rfind(']');
    if (end == host.npos || !IsOptionalPort(host.substr(end + 1))) return std::nullopt;
  } else if (const size_t colon = host.rfind(':'); colon != host.npos) {
    if (!IsOptionalPort(host.substr(colon))) return std::nullopt;
  }
  return Unescape(host, true);
}

bool ParseAuthority(std::string_view authority, Url& url) {
  const size_t at = authority.rfind('@');
  const std::string_view host = at == authority.npos ? authority : authority.substr(at + 1);
  std::optional<std::string> parsed = ParseHost(host);
  if (!parsed) return false;
  url.host = *std::move(parsed);
  if (at == authority.npos) return true;
  const std::string_view info = authority.substr(0, at);
  if (!std::all_of(info.begin(), info.end(), MayStandInUserInfo)) return false;
  const size_t colon = info.find(':');
  const std::optional<std::string> user = Unescape(info.substr(0, colon));
  const std::optional<std::string> password =
      Unescape(colon == info.npos ? std::string_view() : info.substr(colon + 1));
  if (!user || !password) return false;
  url.has_user = true;
  url.has_password = colon != info.npos;
  url.user = *user;
  url.password = *password;
  return true;
}

/// Takes the scheme from the front of `rest`, where there is one. False: a colon without one.
bool TakeScheme(std::string_view& rest, std::string& scheme) {
  for (size_t i = 0; i < rest.size(); ++i) {
    const char c = rest[i];
    if (IsLetter(c)) continue;
    if (IsDigit(c) || c == '+' || c == '-' || c == '.') {
      if (i == 0) return true;
      continue;
    }
    if (c != ':') return true;
    if (i == 0) return false;
    scheme = rest.substr(0, i);
    std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                   [](char letter) { return static_cast<char>(letter | 0x20); });
    rest.remove_prefix(i + 1);
    return true;
  }
  return true;
}

std::string Escaped(std::string_view text, std::string_view plain) {
  std::string out;
  for (const char c : text) {
    if (IsLetter(c) || IsDigit(c) || plain.find(c) != std::string_view::npos) {
      out += c;
    } else {
      constexpr char kDigits[] = "0123456789ABCDEF";
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return out;
}

}  // namespace

std::optional<Url> ParseUrl(std::string_view text) {
  Url url;
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; })) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(0, text.find('#'));
  if (rest.size() < text.size()) {
    const std::optional<std::string> fragment = Unescape(text.substr(rest.size() + 1));
    if (!fragment) return std::nullopt;
    url.fragment = *fragment;
  }
  if (!TakeScheme(rest, url.scheme)) return std::nullopt;
  if (const size_t query = rest.find('?'); query != rest.npos) {
    url.query = rest.substr(query + 1);
    rest = rest.substr(0, query);
  }
  if (!rest.starts_with('/')) {
    if (!url.scheme.empty()) {
      url.opaque = rest;
      return url;
    }
    if (rest.substr(0, rest.find('/')).find(':') != rest.npos) return std::nullopt;
  }
  if (rest.starts_with("//") && (!url.scheme.empty() || !rest.starts_with("///"))) {
    rest.remove_prefix(2);
    const std::string_view authority = rest.substr(0, rest.find('/'));
    if (!ParseAuthority(authority, url)) return std::nullopt;
    rest.remove_prefix(authority.size());
    url.has_empty_host = authority.empty();
  }
  const std::optional<std::string> path = Unescape(rest);
  if (!path) return std::nullopt;
  url.path = *path;
  return url;
}

std::string Url::hostname() const {
  std::string_view name = host;
  const std::string own_port = port();
  if (!own_port.empty() || name.ends_with(':')) name.remove_suffix(own_port.size() + 1);
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return std::string(name);
}

std::string Url::port() const {
  const size_t colon = host.rfind(':');
  if (colon == host.npos || host.find(']', colon) != host.npos) return {};
  return host.substr(colon + 1);
}

// What would be read as a scheme or a host is written so that it is not.
void Url::AppendPath(bool has_authority, std::string& out) const {
  std::string_view rest = path;
  if (out.empty() && rest.substr(0, rest.find('/')).find(':') != rest.npos) out += "./";
  if (!has_authority && rest.starts_with("//")) {
    out += "/%2F";
    rest.remove_prefix(2);
  }
  out += Escaped(rest, kPlainInPath);
}

// Instead of the password something else is shown; nothing: itself.
std::string Url::Text(std::string_view shown_password) const {
  std::string out = scheme.empty() ? "" : scheme + ":";
  if (!opaque.empty()) {
    out += opaque;
  } else {
    const bool has_authority =
        !host.empty() || has_user || has_empty_host || (!scheme.empty() && path.empty());
    if (has_authority) out += "//";
    if (has_user) {
      out += Escaped(user, kPlainInUserInfo);
      if (has_password) {
        out += ':' + Escaped(shown_password.empty() ? password : shown_password, kPlainInUserInfo);
      }
      out += '@';
    }
    out += Escaped(host, kPlainInHost);
    AppendPath(has_authority, out);
  }
  if (!query.empty()) out += "?" + query;
  if (!fragment.empty()) out += "#" + Escaped(fragment, kPlainInFragment);
  return out;
}

}  // namespace martlet::base
