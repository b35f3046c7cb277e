// Printing bodies, as they are or as a command (--translate) makes them.
#pragma once

#include <string>
#include <string_view>

namespace martlet::cli {

/// What became of a body: the text to print, and what went wrong.
struct Translated {
  std::string text;
  std::string error;  // empty: nothing
};

/// Runs `payload` through `command`, in which {{Subject}} is `subject`; an empty command leaves it
/// as it is. Waits for the command.
Translated Translate(std::string_view payload, const std::string& command,
                     std::string_view subject);

/// Prints what `command` makes of `payload`, with a line end; "nil body" for an empty one that no
/// command has seen. What `sub --raw` prints.
void PrintBodyCompact(std::string_view payload, const std::string& command,
                      std::string_view subject);

/// The same and an empty line, or two where the body has no line end of its own: as `nats` does.
void PrintBody(std::string_view payload, const std::string& command, std::string_view subject);

}  // namespace martlet::cli
