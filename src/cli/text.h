// Small pieces of text: durations, header lines, words of a command, subjects.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

namespace martlet::cli {

/// Reads "300ms", "1.5s", "1h30m", "2d": Go's durations with the days (d), weeks (w), months of 30
/// days (M) and years of 365 (y) of the `nats` command. Not negative.
absl::StatusOr<std::chrono::nanoseconds> ParseDuration(std::string_view text);

using Header = std::pair<std::string, std::string>;

/// Reads "Name: value" as given to -H; the name may be used in a header block.
absl::StatusOr<Header> ParseHeaderFlag(std::string_view text);

/// "Name: value".
std::string HeaderLine(const Header& header);

/// The block of an HPUB: version line, `headers`, empty line. Line ends in values become blanks, as
/// in nats.go. Empty for no headers.
std::string HeaderBlock(const std::vector<Header>& headers);

/// What a header block holds. An inline status ("NATS/1.0 503 No Responders") comes first, as
/// headers "Status" and "Description", as in nats.go.
std::vector<Header> ParseHeaderBlock(std::string_view block);

/// The value of the first header of that name; empty where there is none.
std::string_view FindHeader(const std::vector<Header>& headers, std::string_view name);

/// Words of a command line as a shell sees them: blanks, both quotes, backslashes.
absl::StatusOr<std::vector<std::string>> SplitCommand(std::string_view line);

/// Splits at commas and blanks; empty parts are dropped.
std::vector<std::string> SplitList(std::string_view text);

/// May `text` stand as a subject in a control line: not empty, no blanks, no control characters.
bool IsPlainSubject(std::string_view text);

/// Is there a subject that both match? Either may hold wildcards.
bool SubjectsCollide(std::string_view a, std::string_view b);

}  // namespace martlet::cli
