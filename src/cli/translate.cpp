#include "cli/translate.h"

#include <utility>

#include "base/go_text.h"
#include "cli/log.h"
#include "cli/subprocess.h"
#include "cli/text.h"

namespace martlet::cli {
namespace {

std::string WithSubject(std::string command, std::string_view subject) {
  constexpr std::string_view kPlace = "{{Subject}}";
  for (size_t at = 0; (at = command.find(kPlace, at)) != command.npos; at += subject.size()) {
    command.replace(at, kPlace.size(), subject);
  }
  return command;
}

/// Prints the body with its line end; nothing where it could not be translated, which is said.
bool PrintText(std::string_view payload, const std::string& command, std::string_view subject,
               bool& had_line_end) {
  Translated translated = Translate(payload, command, subject);
  if (!translated.error.empty()) {
    Print(base::GoQuote(translated.text) +
          "\nError while translating msg body: " + translated.error + "\n\n");
    return false;
  }
  if (payload.empty() && command.empty()) translated.text = "nil body";
  had_line_end = translated.text.ends_with('\n');
  Print(translated.text);
  if (!had_line_end) Print("\n");
  return true;
}

}  // namespace

Translated Translate(std::string_view payload, const std::string& command,
                     std::string_view subject) {
  if (command.empty()) return {.text = std::string(payload), .error = {}};
  const auto words = SplitCommand(WithSubject(command, subject));
  if (!words.ok()) {
    return {.text = {},
            .error = "the filter command line could not be parsed: " +
                     std::string(words.status().message())};
  }
  CommandResult result = RunCommand(*words, payload, {}, [] {});
  return {.text = std::move(result.output), .error = std::move(result.error)};
}

void PrintBodyCompact(std::string_view payload, const std::string& command,
                      std::string_view subject) {
  bool had_line_end = false;
  PrintText(payload, command, subject, had_line_end);
}

void PrintBody(std::string_view payload, const std::string& command, std::string_view subject) {
  bool had_line_end = false;
  if (!PrintText(payload, command, subject, had_line_end)) return;
  Print(had_line_end ? "\n" : "\n\n");
}

}  // namespace martlet::cli
