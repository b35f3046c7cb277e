// Text as the Go runtime prints it, for log lines and errors that must read like the reference's.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::base {

/// Of ASCII alone.
constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// What stands at the front of a text, as Go's utf8.DecodeRune sees it.
struct Rune {
  uint32_t code;  // kBadRune where the bytes are no UTF-8
  size_t bytes;   // 1 to 4; always 1 for bad bytes
};
inline constexpr uint32_t kBadRune = 0xFFFD;

/// Reads one rune of `text`, which must not be empty. A well-formed U+FFFD has three bytes, so
/// `bytes == 1 && code == kBadRune` is how to tell bad ones. Surrogates and overlong forms are bad.
Rune DecodeRune(std::string_view text);

/// Appends `code`, a valid Unicode scalar value, as UTF-8.
void AppendUtf8(uint32_t code, std::string& out);

/// `text` in double quotes: Go's %q of a string (strconv.Quote).
///
/// Escapes `"` and `\`, \a \b \f \n \r \t \v, other controls and bytes that are not UTF-8 as \xNN,
/// and what is not printable as \uNNNN or \UNNNNNNNN. Printable is, where Go keeps tables of the
/// Unicode version it was built with: all but controls, spaces other than U+0020, format
/// characters, private use, non-characters and the planes without any character. Code points that
/// are merely unassigned today count as printable here, and as not printable in Go.
std::string GoQuote(std::string_view text);

/// Go's Duration.String: "0s", "64µs", "200.346755ms", "1.5s", "2m0s", "1h0m0s".
std::string GoDuration(std::chrono::nanoseconds duration);

/// Go's time.Time in JSON (RFC 3339 with up to nine digits of a second): in UTC, which ends in Z,
/// or in the zone of this process. `unix_ns` counts from 1970.
std::string GoTime(int64_t unix_ns, bool utc = true);

/// Go's text of an errno: strerror's with a small first letter, "no such file or directory".
std::string GoErrno(int error);

}  // namespace martlet::base
