#include "load/schedule.h"

#include <algorithm>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

#include "load/contents.h"

namespace martlet::load {
namespace {

/// Independent sequences for each use of the seed.
enum class Use : uint64_t { kArrivals = 1, kSubjects = 2 };

uint64_t SeedFor(const Plan& plan, uint32_t publisher, Use use) {
  base::Random random(plan.seed * 0x100000001b3ULL + static_cast<uint64_t>(use));
  return random.Next() ^ (uint64_t{publisher} * 0x9e3779b97f4a7c15ULL);
}

char* WriteToken(uint32_t number, char* out) {
  *out++ = '.';
  return std::to_chars(out, out + 10, number).ptr;
}

}  // namespace

Streams::Streams(const Plan& plan)
    : root_(plan.subject),
      publishers_(static_cast<uint32_t>(plan.publishers)),
      subjects_(std::max<uint32_t>(plan.subjects, 1)),
      pairs_(plan.topology == Topology::kPairs),
      wildcard_(plan.wildcard) {}

char* Streams::WriteSubject(uint32_t stream, char* out) const {
  std::memcpy(out, root_.data(), root_.size());
  out += root_.size();
  const uint32_t publisher = publisher_of(stream);
  if (pairs_) out = WriteToken(publisher, out);
  if (subjects_ > 1 || wildcard_) out = WriteToken(stream - first_of(publisher), out);
  return out;
}

std::string Streams::SubjectOf(uint32_t stream) const {
  std::string out(subject_bytes_max(), '\0');
  out.resize(static_cast<size_t>(WriteSubject(stream, out.data()) - out.data()));
  return out;
}

std::vector<std::string> Streams::FiltersFor(uint32_t publisher) const {
  const uint32_t first = first_of(pairs_ ? publisher : 0);
  if (wildcard_) {
    std::string filter = SubjectOf(first);
    filter.replace(filter.rfind('.') + 1, std::string::npos, "*");
    return {filter};
  }
  std::vector<std::string> filters;
  filters.reserve(subjects_);
  for (uint32_t i = 0; i < subjects_; ++i) filters.push_back(SubjectOf(first + i));
  return filters;
}

Arrivals::Arrivals(const Plan& plan, uint32_t publisher)
    : poisson_(plan.arrival == Arrival::kPoisson),
      gap_ns_(plan.rate > 0 ? 1e9 * plan.publishers / plan.rate : 0),
      next_ns_(gap_ns_ * publisher / plan.publishers),
      random_(SeedFor(plan, publisher, Use::kArrivals)) {
  if (poisson_) next_ns_ = 0;
}

int64_t Arrivals::Next() {
  if (poisson_) {
    const double uniform = (static_cast<double>(random_.Next() >> 11) + 0.5) * 0x1.0p-53;
    next_ns_ -= gap_ns_ * std::log(uniform);
    return static_cast<int64_t>(next_ns_);
  }
  const auto due = static_cast<int64_t>(next_ns_);
  next_ns_ += gap_ns_;
  return due;
}

ZipfTable::ZipfTable(uint32_t count, double exponent) : cells_(count) {
  // Vose's alias method: cells of equal weight, each holding at most two subjects.
  std::vector<double> weights(count);
  double sum = 0;
  for (uint32_t i = 0; i < count; ++i) sum += weights[i] = std::pow(i + 1.0, -exponent);
  std::vector<uint32_t> small;
  std::vector<uint32_t> large;
  for (uint32_t i = 0; i < count; ++i) {
    weights[i] *= count / sum;
    (weights[i] < 1 ? small : large).push_back(i);
    cells_[i] = {.threshold = std::numeric_limits<uint32_t>::max(), .alias = i};
  }
  while (!small.empty() && !large.empty()) {
    const uint32_t less = small.back();
    const uint32_t more = large.back();
    small.pop_back();
    cells_[less] = {.threshold = static_cast<uint32_t>(weights[less] * 0x1.0p32), .alias = more};
    weights[more] -= 1 - weights[less];
    if (weights[more] >= 1) continue;
    large.pop_back();
    small.push_back(more);
  }
}

uint32_t ZipfTable::Pick(base::Random& random) const {
  const uint32_t cell = random.Below(static_cast<uint32_t>(cells_.size()));
  return (random.Next() >> 32) < cells_[cell].threshold ? cell : cells_[cell].alias;
}

SubjectPicker::SubjectPicker(const Plan& plan, uint32_t publisher,
                             std::shared_ptr<const ZipfTable> zipf)
    : subjects_(std::max<uint32_t>(plan.subjects, 1)),
      order_(plan.subject_order),
      next_(subjects_ - 1),
      zipf_(std::move(zipf)),
      random_(SeedFor(plan, publisher, Use::kSubjects)) {}

std::shared_ptr<const ZipfTable> MakeZipf(const Plan& plan) {
  if (plan.subjects < 2 || plan.subject_order != SubjectOrder::kZipf) return nullptr;
  return std::make_shared<const ZipfTable>(plan.subjects, plan.zipf_exponent);
}

std::string DescribeSchedule(const Plan& plan, uint64_t count) {
  struct Source {
    Arrivals arrivals;
    SubjectPicker picker;
    int64_t due;
  };
  const Streams streams(plan);
  const Contents contents(plan.seed, plan.size_bytes);
  const auto zipf = MakeZipf(plan);
  std::vector<uint64_t> sequences(streams.count());
  std::vector<Source> sources;
  for (uint32_t i = 0; i < static_cast<uint32_t>(plan.publishers); ++i) {
    sources.push_back({Arrivals(plan, i), SubjectPicker(plan, i, zipf), 0});
    sources.back().due = sources.back().arrivals.Next();
  }
  std::string payload(plan.size_bytes + Contents::kSlackBytes, '\0');
  std::string out;
  for (uint64_t n = 0; n < count; ++n) {
    const auto next = plan.rate > 0
                          ? std::min_element(sources.begin(), sources.end(),
                                             [](auto& a, auto& b) { return a.due < b.due; })
                          : sources.begin() + static_cast<ptrdiff_t>(n % sources.size());
    const auto publisher = static_cast<uint32_t>(next - sources.begin());
    const uint32_t stream = streams.first_of(publisher) + next->picker.Next();
    const Head head = {stream, sequences[stream]++, next->due};
    contents.Write(head, payload.data());
    uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a
    for (size_t i = 0; i < plan.size_bytes; ++i) {
      hash = (hash ^ static_cast<unsigned char>(payload[i])) * 0x100000001b3ULL;
    }
    char line[160];
    const int bytes = std::snprintf(
        line, sizeof line, "%" PRId64 " %u %s %" PRIu64 " %u %016" PRIx64 "\n", head.intended_ns,
        publisher, streams.SubjectOf(stream).c_str(), head.sequence, plan.size_bytes, hash);
    out.append(line, static_cast<size_t>(std::min<int>(bytes, sizeof line - 1)));
    next->due = next->arrivals.Next();
  }
  return out;
}

}  // namespace martlet::load
