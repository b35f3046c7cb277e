// `martlet req`.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/go_text.h"
#include "cli/interrupt.h"
#include "cli/log.h"
#include "cli/message_source.h"
#include "cli/session.h"
#include "cli/translate.h"
#include "cli/verbs.h"

namespace martlet::cli {
namespace {

struct ReqFlags {
  MessageFlags message;
  bool wait = true;  // what it always does; kept for the `nats` command's sake
  bool raw = false;
  int64_t replies = 1;
  std::chrono::nanoseconds reply_timeout = std::chrono::milliseconds(300);
  std::string translate;
};

bool SaysNoResponders(const Received& reply) {
  return reply.payload.empty() && FindHeader(reply.headers, "Status") == "503";
}

void PrintReply(const Received& reply, std::chrono::nanoseconds rtt, const ReqFlags& flags) {
  if (!flags.raw) {
    Log("Received with rtt " + base::GoDuration(rtt));
    for (const Header& header : reply.headers) Log(HeaderLine(header));
    if (!reply.headers.empty()) Log("");
  }
  PrintBody(reply.payload, flags.translate, reply.subject);
}

enum class Answer : uint8_t { kGoOn, kStop };

/// Prints replies until there are enough of them, or none comes in time. How long the next one may
/// take follows the replies before it. Source: natscli pub_command.go, doReq.
Answer TakeReplies(Session& session, uint64_t sid, const ReqFlags& flags) {
  const uint64_t sent_ns = base::MonotonicNanoseconds();
  const uint64_t last_ns = DeadlineIn(session.timeout());
  uint64_t deadline_ns = last_ns;
  std::chrono::nanoseconds rtts{0};
  int64_t count = 0;
  while (flags.replies <= 0 || count < flags.replies) {
    const std::optional<Received> reply = session.Next(deadline_ns);
    if (!reply) {
      const bool silent = count == 0 && session.lost().ok() && !Interrupted();
      if (silent && !flags.raw) Log("No reply within " + base::GoDuration(session.timeout()));
      return Answer::kGoOn;
    }
    if (reply->sid != sid) continue;  // too late for the request before
    if (SaysNoResponders(*reply)) {
      Log("No responders are available");
      return Answer::kStop;
    }
    const std::chrono::nanoseconds rtt(base::MonotonicNanoseconds() - sent_ns);
    PrintReply(*reply, rtt, flags);
    ++count;
    rtts += rtt;
    if (flags.replies > 0) deadline_ns = DeadlineIn(rtts / count + flags.reply_timeout);
  }
  return Answer::kGoOn;
}

absl::Status RequestAll(Session& session, const MessageSource& source, const ReqFlags& flags,
                        int64_t count) {
  for (int64_t i = 1; i <= count; ++i) {
    if (!flags.raw) Log("Sending request on " + base::GoQuote(flags.message.subject));
    const absl::StatusOr<Composed> message = source.Compose(i);
    if (!message.ok()) return message.status();
    const std::string inbox = session.NewInbox();
    const uint64_t sid = session.Subscribe(inbox, "");
    absl::Status published =
        session.Publish(message->subject, inbox, message->headers, message->body);
    if (!published.ok()) return published;
    const Answer answer = TakeReplies(session, sid, flags);
    session.Unsubscribe(sid, 0);
    if (Interrupted()) return absl::CancelledError("interrupted");
    if (!session.lost().ok()) return session.lost();
    if (answer == Answer::kStop) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Request(const ReqFlags& flags, const ConnectionFlags& connection) {
  const auto session = Session::Open(connection, Session::WhenLost::kFail);
  if (!session.ok()) return session.status();
  const int64_t count =
      flags.message.count < 1 ? std::numeric_limits<int16_t>::max() : flags.message.count;
  MessageSource source(flags.message, false);
  while (true) {
    const absl::StatusOr<bool> more = source.Advance(**session);
    if (!more.ok()) return more.status();
    if (!*more) break;
    if (absl::Status all = RequestAll(**session, source, flags, count); !all.ok()) return all;
  }
  // A complaint ("permissions violation") would explain why there was no reply.
  if (absl::Status flushed = (*session)->Flush(); !flushed.ok()) return flushed;
  return 0;
}

}  // namespace

void AddReqCommand(CLI::App& app, Program& program) {
  const auto flags = std::make_shared<ReqFlags>();
  CLI::App* const verb =
      app.add_subcommand("req", "Send requests and print the replies")->alias("request");
  AddMessageFlags(*verb, flags->message);
  verb->add_flag("-w,--wait,!--no-wait", flags->wait)->group("");
  verb->add_flag("-r,--raw", flags->raw, "Print the replies' bodies only");
  verb->add_option("--replies", flags->replies,
                   "Wait for so many replies (1); 0: for all until the timeout")
      ->type_name("N");
  AddDuration(*verb, "--reply-timeout", flags->reply_timeout,
              "Wait so long for each reply after the first (300ms)");
  verb->add_option("--translate", flags->translate, "Print what this command makes of each body")
      ->type_name("COMMAND");
  verb->footer("  martlet req help.please 'can you hear me' --replies 0 --timeout 1s");
  verb->callback([&program, flags] {
    program.run = [&program, flags] { return Request(*flags, program.connection); };
  });
}

}  // namespace martlet::cli
