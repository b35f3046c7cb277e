#include "cli/message_source.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "base/go_text.h"
#include "cli/body_template.h"
#include "cli/interrupt.h"
#include "cli/log.h"

namespace martlet::cli {

void AddMessageFlags(CLI::App& verb, MessageFlags& flags) {
  verb.add_option("subject", flags.subject, "Subject to publish to")->required();
  verb.add_option_function<std::string>(
      "body",
      [&flags](const std::string& body) {
        flags.body = body;
        flags.body_given = true;
      },
      "Message body");
  verb.add_option("-H,--header", flags.headers, "Adds a header, K:V; may be repeated")
      ->allow_extra_args(false)
      ->type_name("K:V");
  verb.add_option("--count", flags.count, "How many messages to send (1)")->type_name("N");
  verb.add_flag("--templates,!--no-templates", flags.templates,
                "Expand {{ }} in body and subject (the default)");
  verb.add_flag("--force-stdin", flags.force_stdin, "Read the body from standard input");
  verb.add_option("--send-on", flags.send_on,
                  "Send standard input as one message (eof) or line by line (newline)")
      ->check(CLI::IsMember({"eof", "newline"}))
      ->type_name("WHEN");
}

MessageSource::MessageSource(const MessageFlags& flags, bool quiet)
    : flags_(flags),
      from_input_(!flags.body_given && (flags.force_stdin || ::isatty(STDOUT_FILENO) == 1)) {
  if (from_input_ && !quiet) Log("Reading payload from STDIN");
}

absl::StatusOr<bool> MessageSource::Advance(Session& session) {
  const bool first = std::exchange(first_, false);
  if (!from_input_) {
    body_ = flags_.body;
    return first;
  }
  const bool by_line = flags_.send_on == "newline";
  while (!input_ended_ && !(by_line && input_.find('\n') != input_.npos)) {
    if (absl::Status read = ReadMore(session); !read.ok()) return read;
  }
  if (!by_line) {
    body_ = std::exchange(input_, {});
    return first;
  }
  if (input_.empty()) return false;
  const size_t end = input_.find('\n');
  body_ = input_.substr(0, end);
  input_.erase(0, end == input_.npos ? end : end + 1);
  if (body_.ends_with('\r')) body_.pop_back();
  return true;
}

absl::Status MessageSource::ReadMore(Session& session) {
  constexpr int kWaitMs = 50;
  char buffer[65536];
  pollfd input = {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  session.Pump();
  if (Interrupted()) return absl::CancelledError("interrupted");
  if (!session.lost().ok()) return session.lost();
  if (::poll(&input, 1, kWaitMs) <= 0) return absl::OkStatus();
  const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (got < 0 && errno != EINTR && errno != EAGAIN) {
    return absl::UnavailableError("read standard input: " + base::GoErrno(errno));
  }
  if (got > 0) input_.append(buffer, static_cast<size_t>(got));
  input_ended_ = got == 0;
  return absl::OkStatus();
}

absl::StatusOr<Composed> MessageSource::Compose(int64_t number) const {
  Composed composed{.subject = flags_.subject, .body = body_, .headers = {}};
  if (flags_.templates) {
    composed.body = ExpandOrLog(body_, "body", number, {});
    composed.subject = ExpandOrLog(flags_.subject, "subject", number, {});
  }
  auto headers = ComposeHeaders(flags_.headers, number);
  if (!headers.ok()) return headers.status();
  composed.headers = *std::move(headers);
  return composed;
}

std::string ExpandOrLog(const std::string& text, const std::string& what, int64_t count,
                        std::string_view request) {
  absl::StatusOr<std::string> expanded = ExpandTemplate(text, {.count = count, .request = request});
  if (expanded.ok()) return *std::move(expanded);
  Log("Could not parse " + what + " template: " + std::string(expanded.status().message()));
  return text;
}

absl::StatusOr<std::vector<Header>> ComposeHeaders(const std::vector<std::string>& given,
                                                   int64_t count) {
  std::vector<Header> headers;
  for (const std::string& text : given) {
    absl::StatusOr<Header> header = ParseHeaderFlag(text);
    if (!header.ok()) return header.status();
    const auto value = ExpandTemplate(header->second, {.count = count});
    if (!value.ok()) {
      return absl::InvalidArgumentError("failed to parse Header template for " + header->first +
                                        ": " + std::string(value.status().message()));
    }
    headers.emplace_back(header->first, *value);
  }
  return headers;
}

}  // namespace martlet::cli
