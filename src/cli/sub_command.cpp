// `martlet sub`.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <memory>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "base/clock.h"
#include "base/go_text.h"
#include "cli/dump.h"
#include "cli/interrupt.h"
#include "cli/log.h"
#include "cli/session.h"
#include "cli/translate.h"
#include "cli/verbs.h"

namespace martlet::cli {
namespace {

struct SubFlags {
  std::vector<std::string> subjects;
  std::string queue;
  bool inbox = false;
  bool raw = false;
  bool headers_only = false;
  bool subjects_only = false;
  bool timestamp = false;
  bool delta_time = false;
  uint64_t count = 0;  // 0: no end
  std::chrono::nanoseconds wait{0};
  std::vector<std::string> ignore;
  std::string translate;
  std::string dump;
};

std::string Joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

/// Go's time.StampMicro: "Jan  2 15:04:05.000000".
std::string Stamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[32];
  std::string out(text, std::strftime(text, sizeof text, "%b %e %H:%M:%S", &local));
  const auto micros =
      std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
  const std::string digits = std::to_string(micros % 1'000'000);
  return out + "." + std::string(6 - digits.size(), '0') + digits;
}

/// Prints messages in the way that was asked for.
class Printer {
 public:
  explicit Printer(const SubFlags& flags)
      : flags_(flags), began_ns_(base::MonotonicNanoseconds()) {}

  void PrintMessage(const Received& message, uint64_t number) const {
    if (!flags_.dump.empty()) return DumpMessage(message, number);
    if (flags_.raw) return PrintBodyCompact(message.payload, flags_.translate, "");
    Print("[#" + std::to_string(number) + "]" + Time() + " Received on " +
          base::GoQuote(message.subject) +
          (message.reply.empty() ? "" : " with reply " + base::GoQuote(message.reply)) + "\n");
    if (flags_.subjects_only) return;
    for (const Header& header : message.headers) Print(HeaderLine(header) + "\n");
    if (!message.headers.empty()) Print("\n");
    if (!flags_.headers_only) PrintBody(message.payload, flags_.translate, message.subject);
  }

 private:
  std::string Time() const {
    if (flags_.timestamp) return " @ " + Stamp();
    if (!flags_.delta_time) return {};
    return " @ " +
           base::GoDuration(std::chrono::nanoseconds(base::MonotonicNanoseconds() - began_ns_));
  }
  void DumpMessage(const Received& message, uint64_t number) const {
    Received shown = message;
    Translated translated = Translate(message.payload, flags_.translate, "");
    if (!translated.error.empty()) {
      return Log(base::GoQuote(translated.text) +
                 "\nError while translating msg body: " + translated.error + "\n\n");
    }
    shown.payload = std::move(translated.text);
    const absl::Status dumped = Dump(shown, flags_.dump, number);
    if (!dumped.ok()) Log("Could not save message: " + std::string(dumped.message()));
    if (flags_.dump != "-" && number % 100 == 0) Print(".");
  }

  const SubFlags& flags_;
  const uint64_t began_ns_;
};

absl::Status Check(SubFlags& flags) {
  if (flags.subjects.empty() && !flags.inbox) {
    return absl::InvalidArgumentError("no subject given; for all: martlet sub '>'");
  }
  for (const std::string& subject : flags.subjects) {
    if (!IsPlainSubject(subject)) {
      return absl::InvalidArgumentError("invalid subject " + base::GoQuote(subject));
    }
  }
  if (!flags.queue.empty() && !IsPlainSubject(flags.queue)) {
    return absl::InvalidArgumentError("invalid queue group " + base::GoQuote(flags.queue));
  }
  if (flags.timestamp && flags.delta_time) {
    return absl::InvalidArgumentError("timestamp and delta-time flags are mutually exclusive");
  }
  const bool to_files = !flags.dump.empty() && flags.dump != "-";
  if (to_files && ::mkdir(flags.dump.c_str(), 0700) != 0 && errno != EEXIST) {
    return absl::UnavailableError("mkdir " + flags.dump + ": " + base::GoErrno(errno));
  }
  return absl::OkStatus();
}

bool IsIgnored(const std::string& subject, const std::vector<std::string>& ignored) {
  return std::any_of(ignored.begin(), ignored.end(),
                     [&](const std::string& filter) { return SubjectsCollide(subject, filter); });
}

void PrintUntilEnough(Session& session, const SubFlags& flags,
                      const std::vector<std::string>& ignored) {
  const Printer printer(flags);
  const auto deadline = [&] {
    return flags.wait.count() > 0 ? DeadlineIn(flags.wait) : UINT64_MAX;
  };
  uint64_t until_ns = deadline();
  uint64_t count = 0;
  while (const std::optional<Received> message = session.Next(until_ns)) {
    if (IsIgnored(message->subject, ignored)) continue;
    printer.PrintMessage(*message, ++count);
    if (count == flags.count) return;
    until_ns = deadline();
  }
}

absl::StatusOr<int> Subscribe(SubFlags flags, const ConnectionFlags& connection) {
  if (absl::Status checked = Check(flags); !checked.ok()) return checked;
  const auto opened = Session::Open(connection, Session::WhenLost::kReconnect);
  if (!opened.ok()) return opened.status();
  Session& session = **opened;
  if (flags.subjects.empty()) flags.subjects = {session.NewInbox()};
  const std::vector<std::string> ignored = SplitList(Joined(flags.ignore));
  for (const std::string& subject : flags.subjects) session.Subscribe(subject, flags.queue);
  if (absl::Status flushed = session.Flush(); !flushed.ok()) return flushed;
  if ((!flags.raw && flags.dump.empty()) || flags.inbox) {
    Log("Subscribing on " + Joined(flags.subjects) + " " +
        (ignored.empty() ? "" : "\nIgnored subjects: " + Joined(ignored)));
  }
  PrintUntilEnough(session, flags, ignored);
  return Interrupted() ? kInterruptedStatus : 0;
}

void RefuseStreams(CLI::App& verb, Program& program) {
  for (const char* names : {"--ack", "--all", "--new", "--last", "--last-per-subject", "--direct",
                            "-T,--terminate-at-end"}) {
    RefuseFlag(verb, program, names, kNeedsJetStream);
  }
  for (const char* names : {"--durable", "--stream", "--start-sequence", "--since"}) {
    RefuseOption(verb, program, names, kNeedsJetStream);
  }
  for (const char* names :
       {"--graph", "--match-replies", "--report-subjects", "--report-subscriptions"}) {
    RefuseFlag(verb, program, names, "is known to the nats command only");
  }
}

}  // namespace

void AddSubCommand(CLI::App& app, Program& program) {
  const auto flags = std::make_shared<SubFlags>();
  CLI::App* const verb =
      app.add_subcommand("sub", "Subscribe and print what comes")->alias("subscribe");
  verb->add_option("subjects", flags->subjects, "Subjects to subscribe to, wildcards * and >");
  verb->add_option("--queue", flags->queue, "Join this queue group")->type_name("NAME");
  verb->add_option("--count", flags->count, "Quit after so many messages")->type_name("N");
  AddDuration(*verb, "--wait", flags->wait, "Quit after so long without a message");
  verb->add_flag("-r,--raw", flags->raw, "Print the bodies only");
  verb->add_flag("--headers-only", flags->headers_only, "Print no bodies");
  verb->add_flag("--subjects-only", flags->subjects_only, "Print neither bodies nor headers");
  verb->add_flag("-t,--timestamp", flags->timestamp, "Print the time of each message");
  verb->add_flag("-d,--delta-time", flags->delta_time, "Print the time since the start");
  verb->add_option("-I,--ignore-subject", flags->ignore,
                   "Leave out messages on this subject; may be repeated")
      ->allow_extra_args(false)
      ->type_name("SUBJECT");
  verb->add_flag("-i,--inbox", flags->inbox, "Subscribe to a new inbox");
  verb->add_option("--translate", flags->translate, "Print what this command makes of each body")
      ->type_name("COMMAND");
  verb->add_option(
          "--dump", flags->dump,
          "Write each message as JSON to a file there; -: to standard output, zeros between")
      ->type_name("DIRECTORY");
  RefuseStreams(*verb, program);
  verb->footer("  martlet sub 'orders.>' --count 10");
  verb->callback([&program, flags] {
    program.run = [&program, flags] { return Subscribe(*flags, program.connection); };
  });
}

}  // namespace martlet::cli
