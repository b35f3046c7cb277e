// A server's command line, as typed, and what is executed for it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

namespace martlet::compare {

/// A command line cut into what execve(2) wants. A value.
struct Command {
  std::vector<std::pair<std::string, std::string>> environment;  // set for it, before anything else
  std::vector<std::string> words;                                // the program first; never empty
};

/// Cuts `line` by the quoting rules of the POSIX shell: blanks separate, '...' is literal, "..."
/// keeps all but \" \\ \$ \` and an escaped line feed, a backslash outside of quotes takes the next
/// character as it is. Leading NAME=value words are environment. Nothing is expanded, and there is
/// no shell: $x, *, ~, | and the like are ordinary characters.
///
/// Fails on an open quote, a backslash at the end and a line without a program.
absl::StatusOr<Command> ParseCommand(std::string_view line);

/// Puts `port` in the place of every "{port}" in the words and values. Where there is none and
/// `append_port`, the words get what nats-server and those like it take: -a 127.0.0.1 -p PORT.
Command WithPort(Command command, uint16_t port, bool append_port);

/// A word as it would have to be typed, quoted where it needs to be.
std::string QuoteWord(std::string_view word);

}  // namespace martlet::compare
