// `martlet reply`.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/go_text.h"
#include "cli/body_template.h"
#include "cli/interrupt.h"
#include "cli/log.h"
#include "cli/message_source.h"
#include "cli/session.h"
#include "cli/subprocess.h"
#include "cli/verbs.h"

namespace martlet::cli {
namespace {

struct ReplyFlags {
  std::string subject;
  std::string body;
  std::string command;
  bool echo = false;
  std::string queue = "NATS-RPLY-22";
  std::vector<std::string> headers;
  uint64_t count = 0;  // 0: no end
  std::chrono::nanoseconds sleep{0};
};

/// Puts the tokens of the request's subject in the places {{0}}, {{1}}, ...
std::string WithTokens(std::string command, std::string_view subject) {
  for (int i = 0; !subject.empty(); ++i) {
    const std::string_view token = subject.substr(0, subject.find('.'));
    subject.remove_prefix(std::min(token.size() + 1, subject.size()));
    const std::string place = "{{" + std::to_string(i) + "}}";
    for (size_t at = 0; (at = command.find(place, at)) != command.npos; at += token.size()) {
      command.replace(at, place.size(), token);
    }
  }
  return command;
}

/// What a responder answers to its requests.
class Responder {
 public:
  Responder(Session& session, const ReplyFlags& flags) : session_(session), flags_(flags) {}

  /// Answers one request; false where that was not possible, which is logged.
  bool Answer(const Received& request, int64_t number) {
    Show(request, number);
    if (flags_.sleep.count() > 0) {
      session_.WaitUntil(DeadlineIn(
          std::chrono::nanoseconds(random_() % static_cast<uint64_t>(flags_.sleep.count()))));
    }
    const absl::Status answered = Send(request, number);
    if (!answered.ok()) Log("Could not publish reply: " + std::string(answered.message()));
    return answered.ok();
  }

 private:
  static void Show(const Received& request, int64_t number) {
    Log("[#" + std::to_string(number) + "] Received on subject " + base::GoQuote(request.subject) +
        ":");
    for (const Header& header : request.headers) Log(HeaderLine(header));
    Print("\n" + request.payload + "\n");
  }

  absl::Status Send(const Received& request, int64_t number) {
    if (request.reply.empty()) return absl::InvalidArgumentError("message does not have a reply");
    std::vector<Header> headers;
    if (session_.connection().server().headers) {
      auto composed = ComposeHeaders(flags_.headers, number);
      if (!composed.ok()) return composed.status();
      headers = *std::move(composed);
      if (flags_.echo) {
        headers.insert(headers.end(), request.headers.begin(), request.headers.end());
        headers.emplace_back("NATS-Reply-Counter", std::to_string(number));
      }
    }
    return session_.Publish(request.reply, "", headers, Body(request, number));
  }

  std::string Body(const Received& request, int64_t number) {
    if (flags_.echo) return request.payload;
    if (flags_.command.empty()) return ExpandOrLog(flags_.body, "body", number, request.payload);
    const std::string line = ExpandOrLog(WithTokens(flags_.command, request.subject), "command",
                                         number, request.payload);
    const auto words = SplitCommand(line);
    if (!words.ok()) {
      Log("Could not parse command: " + std::string(words.status().message()));
      return {};
    }
    CommandResult result = RunCommand(
        *words, {},
        {{"NATS_REQUEST_SUBJECT", request.subject}, {"NATS_REQUEST_BODY", request.payload}},
        [this] { session_.Pump(); });
    if (!result.error.empty()) {
      Log("Command " + base::GoQuote(line) + " failed to run: " + result.error);
    }
    return std::move(result.output);
  }

  Session& session_;
  const ReplyFlags& flags_;
  std::mt19937_64 random_{std::random_device{}()};
};

/// Lets what was written go; an interrupt does not cut it short.
void Drain(Session& session, uint64_t sid) {
  session.Unsubscribe(sid, 0);
  const uint64_t deadline_ns = DeadlineIn(std::chrono::seconds(1));
  while (session.connection().ready() && session.connection().unsent_bytes() > 0 &&
         base::MonotonicNanoseconds() < deadline_ns) {
    session.Pump();
  }
}

absl::StatusOr<int> Reply(ReplyFlags flags, const ConnectionFlags& connection) {
  if (!IsPlainSubject(flags.subject) || !IsPlainSubject(flags.queue)) {
    return absl::InvalidArgumentError("invalid subject or queue group");
  }
  const auto opened = Session::Open(connection, Session::WhenLost::kReconnect);
  if (!opened.ok()) return opened.status();
  Session& session = **opened;
  if (flags.body.empty() && flags.command.empty() && !flags.echo) {
    Log("No body or command supplied, enabling echo mode");
    flags.echo = true;
  }
  const uint64_t sid = session.Subscribe(flags.subject, flags.queue);
  if (flags.count > 0) session.Unsubscribe(sid, flags.count);
  if (absl::Status flushed = session.Flush(); !flushed.ok()) return flushed;
  Log("Listening on " + base::GoQuote(flags.subject) + " in group " + base::GoQuote(flags.queue));

  Responder responder(session, flags);
  int64_t answered = 0;
  while (flags.count == 0 || static_cast<uint64_t>(answered) < flags.count) {
    const std::optional<Received> request = session.Next(UINT64_MAX);
    if (!request) break;
    if (responder.Answer(*request, answered)) ++answered;
  }
  Log("\nDraining...");
  Drain(session, sid);
  Log("Exiting");
  return 1;  // as `nats reply` ends, however it ends
}

}  // namespace

void AddReplyCommand(CLI::App& app, Program& program) {
  const auto flags = std::make_shared<ReplyFlags>();
  CLI::App* const verb = app.add_subcommand("reply", "Answer requests");
  verb->add_option("subject", flags->subject, "Subject to subscribe to")->required();
  verb->add_option("body", flags->body, "Body of the replies; {{Request}} is the request's");
  verb->add_flag("--echo", flags->echo, "Send back what was received");
  verb->add_option("--command", flags->command,
                   "Send what this command prints; {{1}} is the second token of the subject")
      ->type_name("COMMAND");
  verb->add_option("-q,--queue", flags->queue, "Queue group (NATS-RPLY-22)")->type_name("NAME");
  AddDuration(*verb, "--sleep", flags->sleep, "Wait at most so long before each reply, at random");
  verb->add_option("-H,--header", flags->headers, "Adds a header, K:V; may be repeated")
      ->allow_extra_args(false)
      ->type_name("K:V");
  verb->add_option("--count", flags->count, "Quit after so many requests")->type_name("N");
  verb->footer(
      "Body, headers and command may hold the places that `martlet pub --help` lists.\n"
      "A command finds NATS_REQUEST_SUBJECT and NATS_REQUEST_BODY in its environment.\n\n"
      "  martlet reply 'weather.*' --command 'curl -s wttr.in/{{1}}?format=3'");
  verb->callback([&program, flags] {
    program.run = [&program, flags] { return Reply(*flags, program.connection); };
  });
}

}  // namespace martlet::cli
