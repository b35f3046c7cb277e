#include "cli/bench_output.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <unistd.h>

#include <martlet/version.h>

#include "base/go_text.h"
#include "report/csv.h"
#include "report/hdr.h"
#include "report/html.h"
#include "report/json.h"

namespace martlet::cli {
namespace {

absl::Status WriteFile(const std::string& path, const std::string& text) {
  if (path.empty()) return absl::OkStatus();
  FILE* const file = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  if (file == nullptr) return absl::UnavailableError(path + ": " + base::GoErrno(errno));
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool flushed = (path == "-" ? std::fflush(file) : std::fclose(file)) == 0;
  if (written && flushed) return absl::OkStatus();
  return absl::UnavailableError(path + ": " + base::GoErrno(errno));
}

/// A report is passed on: what lets one into a server is taken out of the command line.
std::string Redacted(std::string word, const std::string& before) {
  if (before == "--password" || before == "--token") return "***";
  for (const char* flag : {"--password=", "--token="}) {
    if (word.starts_with(flag)) return flag + std::string("***");
  }
  const size_t scheme = word.find("://");
  const size_t at = word.find('@');
  if (scheme != std::string::npos && at != std::string::npos && scheme < at) {
    word.replace(scheme + 3, at - scheme - 3, "***");
  }
  return word;
}

/// As a shell would take it.
std::string Quoted(const std::string& word) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,@%+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) c == '\'' ? out += "'\\''" : out += c;
  return out + "'";
}

absl::Status WriteHdr(const std::string& path, const std::vector<load::Result>& results) {
  if (path.empty()) return absl::OkStatus();
  for (const load::Result& result : results) {
    for (const load::Latency& latency : result.latencies) {
      const bool alone = results.size() == 1 && result.latencies.size() == 1;
      absl::Status written =
          WriteFile(alone ? path : report::HdrFileName(path, latency), report::HdrText(latency));
      if (!written.ok()) return written;
    }
  }
  return absl::OkStatus();
}

}  // namespace

void OutputFlags::AddTo(CLI::App& app) {
  CLI::Option_group& output = *app.add_option_group("Output");
  output.add_option("--json", json, "Everything, as JSON; - for standard output")
      ->type_name("FILE");
  output.add_option("--csv", csv, "Every number, as CSV; - for standard output")->type_name("FILE");
  output.add_option("--hdr", hdr, "Latencies in HdrHistogram's text form")->type_name("FILE");
  output.add_option("--report", html, "One self-contained HTML page")->type_name("FILE");
  output.add_flag("--quiet", quiet, "No progress");
}

void OutputFlags::AddMarkdownTo(CLI::App& app) {
  app.add_option("--markdown", markdown, "The table for a document; - for standard output")
      ->type_name("FILE");
}

bool WantsColour(int fd) {
  // Nobody changes the environment of this process.
  const char* const no_colour = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  return isatty(fd) == 1 && (no_colour == nullptr || *no_colour == '\0');
}

report::Provenance MakeProvenance(const std::vector<std::string>& arguments) {
  report::Provenance out;
  std::string before;
  for (const std::string& argument : arguments) {
    if (!out.command_line.empty()) out.command_line += ' ';
    out.command_line += Quoted(Redacted(argument, before));
    before = argument;
  }
  out.version = std::string("martlet ") + kVersion;
  const time_t now = std::time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
  out.date = date;
  out.machine = measure::ReadMachine();
  return out;
}

absl::Status WriteOutputs(const OutputFlags& flags, const report::Provenance& provenance,
                          const std::vector<load::Result>& results) {
  absl::Status status;
  const auto write = [&](const std::string& path, const auto& text) {
    if (!path.empty()) status.Update(WriteFile(path, text()));
  };
  write(flags.json, [&] { return report::ResultsJson(provenance, results); });
  write(flags.csv, [&] { return report::ResultsCsv(results); });
  write(flags.html, [&] {
    return report::HtmlReport(
        {.title = {}, .provenance = provenance, .results = results, .comparison = {}});
  });
  status.Update(WriteHdr(flags.hdr, results));
  return status;
}

absl::Status WriteOutputs(const OutputFlags& flags, const compare::Outcome& outcome) {
  absl::Status status;
  const auto write = [&](const std::string& path, const auto& text) {
    if (!path.empty()) status.Update(WriteFile(path, text()));
  };
  write(flags.markdown, [&] { return report::ComparisonMarkdown(outcome.comparison); });
  write(flags.json, [&] { return report::ComparisonJson(outcome.comparison); });
  write(flags.csv, [&] { return report::ComparisonCsv(outcome.comparison); });
  write(flags.html, [&] {
    std::vector<load::Result> results;
    if (outcome.limit) results.push_back(*outcome.limit);
    return report::HtmlReport({.title = {},
                               .provenance = outcome.comparison.provenance,
                               .results = std::move(results),
                               .comparison = outcome.comparison});
  });
  return status;
}

}  // namespace martlet::cli
