// `martlet pub`.
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
#include "cli/verbs.h"

namespace martlet::cli {
namespace {

// Up to here each message is flushed and told, as in `nats`; above, they go in bulk.
constexpr int64_t kToldMax = 20;
constexpr int64_t kBulk = 256;

struct PubFlags {
  MessageFlags message;
  std::string reply;
  std::chrono::nanoseconds sleep{0};
  bool quiet = false;
};

absl::Status PublishOne(Session& session, const MessageSource& source, const PubFlags& flags,
                        int64_t number, bool flush, size_t& bytes) {
  const absl::StatusOr<Composed> message = source.Compose(number);
  if (!message.ok()) return message.status();
  bytes = message->body.size();
  absl::Status published =
      session.Publish(message->subject, flags.reply, message->headers, message->body);
  if (published.ok() && flush) published = session.Flush();
  return published;
}

absl::Status PublishAll(Session& session, const MessageSource& source, const PubFlags& flags,
                        int64_t count) {
  const bool told = count <= kToldMax && !flags.quiet;
  const bool slow = flags.sleep.count() > 0;
  const uint64_t began_ns = base::MonotonicNanoseconds();
  for (int64_t i = 1; i <= count; ++i) {
    const bool flush = told || slow || i % kBulk == 0 || i == count;
    size_t bytes = 0;
    if (absl::Status one = PublishOne(session, source, flags, i, flush, bytes); !one.ok()) {
      return one;
    }
    if (slow && count > 1) session.WaitUntil(DeadlineIn(flags.sleep));
    if (told) {
      Log("Published " + std::to_string(bytes) + " bytes to " +
          base::GoQuote(flags.message.subject));
    }
    if (Interrupted()) return absl::CancelledError("interrupted");
  }
  if (count > kToldMax && !flags.quiet) {
    const std::chrono::nanoseconds took(base::MonotonicNanoseconds() - began_ns);
    Log("Published " + std::to_string(count) + " messages to " +
        base::GoQuote(flags.message.subject) + " in " + base::GoDuration(took));
  }
  return absl::OkStatus();
}

absl::StatusOr<int> Publish(const PubFlags& flags, const ConnectionFlags& connection) {
  const auto session = Session::Open(connection, Session::WhenLost::kFail);
  if (!session.ok()) return session.status();
  const int64_t count =
      flags.message.count < 1 ? std::numeric_limits<int16_t>::max() : flags.message.count;
  MessageSource source(flags.message, flags.quiet);
  while (true) {
    const absl::StatusOr<bool> more = source.Advance(**session);
    if (!more.ok()) return more.status();
    if (!*more) return 0;
    if (absl::Status all = PublishAll(**session, source, flags, count); !all.ok()) return all;
  }
}

}  // namespace

void AddPubCommand(CLI::App& app, Program& program) {
  const auto flags = std::make_shared<PubFlags>();
  CLI::App* const verb = app.add_subcommand("pub", "Publish messages")->alias("publish");
  AddMessageFlags(*verb, flags->message);
  verb->add_option("--reply", flags->reply, "Reply subject of the messages")->type_name("SUBJECT");
  AddDuration(*verb, "--sleep", flags->sleep, "Wait so long between messages");
  verb->add_flag("-q,--quiet", flags->quiet, "Do not say what was published");
  RefuseFlag(*verb, program, "-J,--jetstream", kNeedsJetStream);
  RefuseFlag(*verb, program, "--atomic", kNeedsJetStream);
  verb->footer(
      "In body, subject and headers {{Count}}, {{TimeStamp}}, {{Unix}}, {{UnixNano}}, {{Time}},\n"
      "{{ID}} and {{Random 10 20}} stand for the message's number, times, a unique id and random\n"
      "text of 10 to 19 characters.\n\n"
      "  martlet pub orders.new --count 3 -H 'Kind: test' 'order {{Count}}'");
  verb->callback([&program, flags] {
    program.run = [&program, flags] { return Publish(*flags, program.connection); };
  });
}

}  // namespace martlet::cli
