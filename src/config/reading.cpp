#include "config/reading.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/config.h"
#include "subject/subject.h"

namespace martlet::config {

using base::GoQuote;

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

void UnknownField(const Entry& entry, const std::vector<std::string_view>& known) {
  entry.reading.problems.UnknownField(entry.value.where, entry.key, known);
}

void Entry::WrongType(std::string_view wanted) const {
  Error("interface conversion: interface {} is " + std::string(value.type_name()) + ", not " +
        std::string(wanted));
}

void Entry::Needs(std::string_view feature) const {
  reading.config.wishes.push_back({value.where, std::string(key), std::string(feature)});
}

const Array* Entry::List() const {
  const Array* array = value.array();
  if (array == nullptr) WrongType("[]interface {}");
  return array;
}

const Map* Entry::Block() const {
  const Map* map = value.map();
  if (map == nullptr) WrongType("map[string]interface {}");
  return map;
}

std::optional<nanoseconds> Entry::DurationText(std::string_view what) const {
  const std::string* text = String();
  if (text == nullptr) return std::nullopt;
  const absl::StatusOr<nanoseconds> duration = base::ParseGoDuration(*text);
  if (duration.ok()) return *duration;
  Error((what.empty() ? std::string() : std::string(what) + ": ") +
        std::string(duration.status().message()));
  return std::nullopt;
}

std::optional<nanoseconds> Entry::Duration(std::string_view field) const {
  if (value.As<std::string>() != nullptr) {
    return DurationText("error parsing " + std::string(field));
  }
  // The old type: seconds.
  reading.problems.WarnOfUse(value.where, field,
                             std::string(field) + " should be converted to a duration");
  const int64_t* seconds = Integer();
  if (seconds == nullptr) return std::nullopt;
  constexpr int64_t kSecond = 1'000'000'000;
  int64_t nanos = 0;
  if (__builtin_mul_overflow(*seconds, kSecond, &nanos)) {
    Error("error parsing " + std::string(field) + ": " + std::to_string(*seconds) +
          " seconds are too many");
    return std::nullopt;
  }
  return nanoseconds(nanos);
}

std::optional<double> Entry::Seconds(std::string_view context) const {
  const std::string about = "error parsing " + std::string(context) + ", 'timeout' ";
  if (const int64_t* seconds = value.As<int64_t>()) return static_cast<double>(*seconds);
  if (const double* seconds = value.As<double>()) return *seconds;
  const std::string* text = value.As<std::string>();
  if (text == nullptr) {
    Error(about + "wrong type");
    return std::nullopt;
  }
  const absl::StatusOr<nanoseconds> duration = base::ParseGoDuration(*text);
  if (!duration.ok()) {
    Error(about + std::string(duration.status().message()));
    return std::nullopt;
  }
  return std::chrono::duration<double>(*duration).count();
}

std::vector<std::string> Entry::Strings(std::string_view field) const {
  if (const std::string* text = value.As<std::string>()) return {*text};
  std::vector<std::string> out;
  const Array* array = value.array();
  if (array == nullptr) {
    Error("error parsing " + std::string(field) + ": unsupported type " +
          std::string(value.type_name()));
    return out;
  }
  for (const Value& element : *array) {
    if (const std::string* text = element.As<std::string>()) {
      out.push_back(*text);
    } else {
      reading.problems.Error(element.where, "error parsing " + std::string(field) +
                                                ": unsupported type in array " +
                                                std::string(element.type_name()));
    }
  }
  return out;
}

std::optional<Listen> Entry::HostAndPort() const {
  if (const int64_t* port = value.As<int64_t>()) return Listen{"", *port};
  const std::string* text = value.As<std::string>();
  if (text == nullptr) {
    Error("expected port or host:port, got " + std::string(value.type_name()));
    return std::nullopt;
  }
  const std::optional<base::HostPort> parts = base::SplitHostPort(*text);
  if (!parts) {
    Error("could not parse address string " + GoQuote(*text));
    return std::nullopt;
  }
  const std::optional<int64_t> port = base::ParseGoInt(parts->port);
  if (!port) {
    Error("could not parse port " + GoQuote(parts->port));
    return std::nullopt;
  }
  return Listen{parts->host, *port};
}

void ReadInto(const Entry& entry, int& out) {
  if (const int64_t* number = entry.Integer()) out = static_cast<int>(*number);
}

void ReadWriteTimeout(const Entry& entry, std::string& out) {
  const std::string* policy = entry.String();
  if (policy == nullptr) return;
  if (*policy == "default" || *policy == "close" || *policy == "retry") {
    out = *policy;
  } else {
    entry.Error("write_timeout must be 'default', 'close' or 'retry'");
  }
}

std::optional<std::vector<base::Url>> ReadUrls(const Entry& entry, std::string_view kind) {
  const Array* list = entry.List();
  if (list == nullptr) return std::nullopt;
  std::vector<base::Url> urls;
  std::set<std::string> seen;
  bool good = true;
  for (const Value& element : *list) {
    const Entry one{entry.key, element, entry.reading};
    const std::string* text = one.String();
    if (text == nullptr) {
      good = false;
      continue;
    }
    if (!seen.insert(*text).second) {
      entry.reading.problems.WarnOfUse(element.where, *text,
                                       "Duplicate " + std::string(kind) + " entry detected");
      continue;
    }
    if (std::optional<base::Url> url = ReadUrl(one, *text, kind)) {
      urls.push_back(*std::move(url));
    } else {
      good = false;
    }
  }
  if (!good) return std::nullopt;
  return urls;
}

std::optional<base::Url> ReadUrl(const Entry& entry, std::string_view text, std::string_view kind) {
  const auto blank = [](unsigned char c) { return std::isspace(c) != 0; };
  while (!text.empty() && blank(static_cast<unsigned char>(text.front()))) text.remove_prefix(1);
  while (!text.empty() && blank(static_cast<unsigned char>(text.back()))) text.remove_suffix(1);
  std::optional<base::Url> url = base::ParseUrl(text);
  // Unlike the reference, which prints the text: it may hold a password.
  if (!url) {
    const size_t at = text.rfind('@');
    const std::string shown =
        at == text.npos ? std::string(text) : "[REDACTED]" + std::string(text.substr(at));
    entry.Error("error parsing " + std::string(kind) + " url [" + GoQuote(shown) + "]");
  }
  return url;
}

std::string CheckSubjects(const std::vector<std::string>& subjects, bool with_queues) {
  for (const std::string& subject : subjects) {
    if (IsValidSubject(subject)) continue;
    const std::string invalid = " is not a valid subject";
    if (!with_queues) return "subject " + GoQuote(subject) + invalid;
    std::vector<std::string> words;
    std::string word;
    for (const char c : subject + " ") {
      if (std::isspace(static_cast<unsigned char>(c)) == 0) {
        word += c;
      } else if (!word.empty()) {
        words.push_back(std::exchange(word, {}));
      }
    }
    if (words.size() != 2) return "subject " + GoQuote(subject) + invalid;
    if (!IsValidSubject(words[0])) return "subject " + GoQuote(words[0]) + invalid;
    if (!IsValidSubject(words[1])) return "queue " + GoQuote(words[1]) + " is not a valid queue";
  }
  return {};
}

bool IsValidSubject(std::string_view subject) {
  return !subject.empty() && subject.find_first_of(" \t\n\r\f") == subject.npos &&
         subject::IsValidFilter(subject);
}

std::optional<std::vector<std::string>> ReadSubjects(const Entry& entry, bool with_queues) {
  std::vector<std::string> subjects;
  if (const std::string* text = entry.value.As<std::string>()) {
    subjects.push_back(*text);
  } else if (const Array* array = entry.value.array()) {
    for (const Value& element : *array) {
      const std::string* subject = element.As<std::string>();
      if (subject == nullptr) {
        entry.reading.problems.Error(element.where,
                                     "Subject in permissions array cannot be cast to string");
        return std::nullopt;
      }
      subjects.push_back(*subject);
    }
  } else {
    entry.Error("Expected subject permissions to be a subject, or array of subjects, got " +
                std::string(entry.value.type_name()));
    return std::nullopt;
  }
  if (const std::string wrong = CheckSubjects(subjects, with_queues); !wrong.empty()) {
    entry.Error(wrong);
    return std::nullopt;
  }
  return subjects;
}

bool ReadCompression(const Entry& entry, std::string_view mode_for_on, Compression& out) {
  if (const std::string* mode = entry.value.As<std::string>()) {
    out.mode = *mode;  // checked when the server starts
    return true;
  }
  if (const bool* on = entry.value.As<bool>()) {
    out.mode = *on ? mode_for_on : "off";
    return true;
  }
  const Map* map = entry.value.map();
  if (map == nullptr) {
    entry.Error("field " + GoQuote(entry.key) + " should be a boolean or a structure, got " +
                std::string(entry.value.type_name()));
    return false;
  }
  static constexpr Key<Compression> kKeys[] = {
      {{"mode"},
       "string",
       "accept",
       Reload::kHot,
       &Read<&Compression::mode>,
       "off, accept, s2_fast, s2_better, s2_best, s2_uncompressed or s2_auto"},
      {{"rtt_thresholds", "thresholds", "rtts", "rtt"},
       "array of durations",
       "10ms, 50ms, 100ms",
       Reload::kHot,
       [](const Entry& key, Compression& block) {
         const Array* list = key.List();
         for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
           const Entry one{key.key, (*list)[i], key.reading};
           const std::string* text = one.String();
           if (text == nullptr) continue;
           const absl::StatusOr<nanoseconds> threshold = base::ParseGoDuration(*text);
           // Said of the list, as the reference does.
           if (!threshold.ok()) return key.Error(std::string(threshold.status().message()));
           block.rtt_thresholds.push_back(*threshold);
         }
       },
       "Round trip times at which s2_auto changes the mode"},
  };
  ReadBlock<Compression>(kKeys, *map, out, entry.reading);
  return true;
}

}  // namespace martlet::config
