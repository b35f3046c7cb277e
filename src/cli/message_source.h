// Where `pub` and `req` take their messages from: the command line or standard input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "cli/cli11.h"
#include "cli/session.h"
#include "cli/text.h"

namespace martlet::cli {

/// The arguments that both verbs have.
struct MessageFlags {
  std::string subject;
  std::string body;
  bool body_given = false;
  std::vector<std::string> headers;
  int64_t count = 1;
  bool templates = true;
  bool force_stdin = false;
  std::string send_on = "eof";  // or "newline"
};

/// Adds them to a verb; `flags` is borrowed until the parsing is done.
void AddMessageFlags(CLI::App& verb, MessageFlags& flags);

/// One message, made from the flags.
struct Composed {
  std::string subject;
  std::string body;
  std::vector<Header> headers;
};

/// Gives one body after the other: that of the command line, all of standard input, or its lines.
///
/// Standard input is read where no body is given and either --force-stdin or standard output is a
/// terminal, as `nats` does; otherwise no body is an empty one.
class MessageSource {
 public:
  /// `flags` is borrowed. `quiet`: does not say that it reads.
  MessageSource(const MessageFlags& flags, bool quiet);

  /// Goes to the next body; false when there is none. While it waits for input it keeps `session`
  /// going. Errors: standard input, an interrupt, a lost connection.
  absl::StatusOr<bool> Advance(Session& session);

  /// Message `number`, from 1, with the body of the last Advance. A template that cannot be read is
  /// logged and taken as it is; in a header it is an error, and so is a header without a colon.
  absl::StatusOr<Composed> Compose(int64_t number) const;

 private:
  absl::Status ReadMore(Session& session);

  const MessageFlags& flags_;
  const bool from_input_;
  bool first_ = true;
  bool input_ended_ = false;
  std::string input_;  // read and not given yet
  std::string body_;
};

/// Expands `text`; where it cannot be read, logs `Could not parse WHAT template: ...` and returns
/// it as it is.
std::string ExpandOrLog(const std::string& text, const std::string& what, int64_t count,
                        std::string_view request);

/// The headers given as "Name: value", values expanded.
absl::StatusOr<std::vector<Header>> ComposeHeaders(const std::vector<std::string>& given,
                                                   int64_t count);

}  // namespace martlet::cli
