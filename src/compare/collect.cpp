#include "compare/collect.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <string_view>

#include "base/check.h"

namespace martlet::compare {
namespace {

constexpr double kBusy = 0.9;
constexpr std::string_view kClientBound = "client-bound: compare CPU per message instead";

std::string Percent(double share) {
  return std::to_string(static_cast<int>(std::lround(share * 100))) + " %";
}

/// "5 rounds" or "round 3".
std::string Rounds(const std::vector<size_t>& numbers) {
  if (numbers.size() == 1) return "round " + std::to_string(numbers[0] + 1);
  return std::to_string(numbers.size()) + " rounds";
}

/// The text without its digits: warnings of several rounds that differ in figures only are one.
std::string WithoutDigits(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c < '0' || c > '9') out += c;
  }
  return out;
}

void MergeInto(std::vector<load::Latency>& merged, load::Latency latency) {
  for (load::Latency& into : merged) {
    if (into.id != latency.id) continue;
    into.histogram.Merge(latency.histogram);
    return;
  }
  merged.push_back(std::move(latency));
}

bool IsThroughput(const report::ComparedFigure& figure) {
  return figure.unit.size() >= 2 && figure.unit.ends_with("/s") && figure.higher_is_better;
}

/// What stays the same in every run of a scenario.
std::vector<std::pair<std::string, std::string>> Parameters(std::string_view id,
                                                            const load::Plan& plan) {
  std::vector<std::pair<std::string, std::string>> rows;
  rows.emplace_back("id", id);
  for (auto& row : load::PlanRows(plan)) {
    if (row.first != "server" && row.first != "publish to" && row.first != "seed") {
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

/// Warnings of one server, each once, with the rounds that had it.
class Warnings {
 public:
  void Add(size_t round, const std::string& text) {
    const auto [at, added] = index_.try_emplace(WithoutDigits(text), entries_.size());
    if (added) entries_.push_back({text, {}});
    std::vector<size_t>& rounds = entries_[at->second].rounds;
    if (rounds.empty() || rounds.back() != round) rounds.push_back(round);
  }

  void AppendTo(const std::string& label, std::vector<std::string>& out) const {
    for (const Entry& entry : entries_) {
      out.push_back(label + ", " + Rounds(entry.rounds) + ": " + entry.text);
    }
  }

 private:
  struct Entry {
    std::string text;
    std::vector<size_t> rounds;
  };
  std::vector<Entry> entries_;
  std::map<std::string, size_t> index_;
};

std::string DisturbedText(const Measured& run) {
  char text[96];
  std::snprintf(text, sizeof text, "disturbed: others used %.2f cores, after %d %s",
                run.other_cores, run.tries, run.tries == 1 ? "try" : "tries");
  return text;
}

/// load::Run knows the bottleneck itself where the server has one CPU.
bool SaysSo(const load::Result& result) {
  return std::any_of(result.warnings.begin(), result.warnings.end(), [](const std::string& text) {
    return text.starts_with("the client is the bottleneck");
  });
}

std::string ClientBoundText(const load::Result& result) {
  return std::string(kClientBound) + " (client thread " + Percent(result.client_cpu_share) +
         ", server " + Percent(result.server_cpu_share) + " of a CPU)";
}

}  // namespace

bool ClientBound(const load::Result& result, size_t server_cpus) {
  // At a given rate the client may spin, and its rate is no figure of the server's.
  if (result.plan.rate > 0 || !result.server_known) return false;
  const double available = static_cast<double>(std::max<size_t>(1, server_cpus));
  return result.client_cpu_share > kBusy && result.server_cpu_share < kBusy * available;
}

std::string FaultText(const load::Faults& faults) {
  const std::pair<uint64_t, const char*> counts[] = {{faults.lost, " lost"},
                                                     {faults.duplicated, " duplicated"},
                                                     {faults.reordered, " reordered"},
                                                     {faults.corrupted, " corrupted"}};
  std::string out;
  for (const auto& [count, what] : counts) {
    if (count == 0) continue;
    out += out.empty() ? "messages: " : ", ";
    out += std::to_string(count) + what;
  }
  for (size_t i = 0; i < faults.named.size(); ++i) out += (i == 0 ? ": " : "; ") + faults.named[i];
  return out;
}

Collector::Collector(std::string id, std::vector<std::string> labels, size_t rounds)
    : id_(std::move(id)), labels_(std::move(labels)) {
  runs_.resize(labels_.size());
  latencies_.resize(labels_.size());
  for (auto& of_server : runs_) of_server.resize(rounds);
}

void Collector::Add(size_t server, size_t round, Measured measured) {
  CHECK(server < runs_.size());
  CHECK(round < runs_[server].size());
  for (load::Latency& latency : measured.result.latencies) {
    MergeInto(latencies_[server], std::move(latency));
  }
  measured.result.latencies.clear();
  measured.result.intervals.clear();
  runs_[server][round] = std::move(measured);
}

void Collector::Fail(size_t server, size_t round, std::string_view what) {
  faults_.push_back(Where(server, round) + ": " + std::string(what));
}

std::string Collector::Where(size_t server, size_t round) const {
  return labels_[server] + ", round " + std::to_string(round + 1);
}

std::vector<size_t> Collector::CompleteRounds() const {
  std::vector<size_t> rounds;
  for (size_t round = 0; round < runs_[0].size(); ++round) {
    if (std::all_of(runs_.begin(), runs_.end(),
                    [round](const auto& of_server) { return of_server[round].has_value(); })) {
      rounds.push_back(round);
    }
  }
  return rounds;
}

report::ComparedScenario Collector::Finish(const load::Plan& plan) const {
  report::ComparedScenario out;
  out.name = load::DescribePlan(plan);
  out.parameters = Parameters(id_, plan);
  out.faults = faults_;
  const std::vector<size_t> rounds = CompleteRounds();
  out.rounds = rounds.size();
  out.latencies = latencies_;
  AddWarnings(rounds, out);
  if (!rounds.empty()) AddFigures(rounds, out);
  return out;
}

std::optional<report::ComparedFigure> Collector::SideBySide(
    const load::Figure& first, const std::vector<size_t>& rounds) const {
  report::ComparedFigure figure;
  figure.id = first.id;
  figure.label = first.label;
  figure.unit = first.unit;
  figure.higher_is_better = first.higher_is_better;
  figure.judged = first.compared;
  for (const auto& of_server : runs_) {
    std::vector<double>& values = figure.rounds.emplace_back();
    for (const size_t round : rounds) {
      const load::Figure* found = of_server[round]->result.Find(first.id);
      if (found == nullptr) return std::nullopt;
      values.push_back(found->value);
    }
  }
  return figure;
}

bool Collector::EverClientBound(size_t server) const {
  return std::any_of(runs_[server].begin(), runs_[server].end(),
                     [](const auto& run) { return run.has_value() && run->client_bound; });
}

void Collector::MarkClientBound(report::ComparedScenario& scenario) const {
  for (report::ComparedFigure& figure : scenario.figures) {
    if (!figure.judged || !IsThroughput(figure)) continue;
    for (size_t server = 1; server < figure.verdict_texts.size(); ++server) {
      if (!EverClientBound(0) && !EverClientBound(server)) continue;
      figure.verdict_texts[server] += "; " + std::string(kClientBound);
    }
  }
}

void Collector::AddFigures(const std::vector<size_t>& rounds, report::ComparedScenario& out) const {
  for (const load::Figure& first : runs_[0][rounds[0]]->result.figures) {
    std::optional<report::ComparedFigure> figure = SideBySide(first, rounds);
    if (!figure) {
      out.warnings.push_back(first.label + ": not measured in every run, left out");
      continue;
    }
    out.figures.push_back(*std::move(figure));
  }
}

void Collector::AddWarnings(const std::vector<size_t>& rounds,
                            report::ComparedScenario& out) const {
  for (size_t server = 0; server < runs_.size(); ++server) {
    Warnings warnings;
    for (const size_t round : rounds) {
      const Measured& run = *runs_[server][round];
      out.repeated += static_cast<size_t>(run.tries - 1);
      if (run.disturbed) warnings.Add(round, DisturbedText(run));
      if (run.client_bound && !SaysSo(run.result)) warnings.Add(round, ClientBoundText(run.result));
      for (const std::string& text : run.result.warnings) {
        // Which runs count as disturbed is the comparison's to say.
        if (!text.starts_with("others used")) warnings.Add(round, text);
      }
    }
    warnings.AppendTo(labels_[server], out.warnings);
  }
}

}  // namespace martlet::compare
