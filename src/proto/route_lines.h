// Interest as a route carries it.
#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::proto {

namespace internal {

inline void AppendInterest(std::string_view verb, std::string_view account,
                           std::string_view subject, std::string_view queue, std::string& out) {
  out += verb;
  if (!account.empty()) {
    out += account;
    out += ' ';
  }
  out += subject;
  if (queue.empty()) return;
  out += ' ';
  out += queue;
}

}  // namespace internal

/// Appends `RS+ <account> <subject>`. An empty account is left out: on routes dedicated to one.
/// Source: spec route-protocol.md section 4.
inline void AppendRoutedSub(std::string_view account, std::string_view subject, std::string& out) {
  internal::AppendInterest("RS+ ", account, subject, {}, out);
  out += "\r\n";
}

/// Appends `RS+ <account> <subject> <queue> <weight>`: so many members it has here.
inline void AppendRoutedSub(std::string_view account, std::string_view subject,
                            std::string_view queue, uint32_t weight, std::string& out) {
  internal::AppendInterest("RS+ ", account, subject, queue, out);
  char digits[10];
  const auto end = std::to_chars(digits, digits + sizeof(digits), weight).ptr;
  out += ' ';
  out.append(digits, end);
  out += "\r\n";
}

/// Appends `RS- <account> <subject> [queue]`.
inline void AppendRoutedUnsub(std::string_view account, std::string_view subject,
                              std::string_view queue, std::string& out) {
  internal::AppendInterest("RS- ", account, subject, queue, out);
  out += "\r\n";
}

}  // namespace martlet::proto
