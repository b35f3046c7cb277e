// What accounts share with each other: exports and imports.
#include <algorithm>
#include <functional>

#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/account_reading.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/transform.h"
#include "subject/subject.h"

namespace martlet::config {
namespace {

using base::GoQuote;

/// An item of `exports`, while it is read.
struct ExportItem {
  Export out;
  bool has_stream = false;
  bool has_service = false;
  std::optional<Location> response;  // where these are asked for
  std::optional<Location> latency;
  std::optional<Location> trace;
};

void ReadExportStream(const Entry& entry, ExportItem& item) {
  if (item.has_service) {
    return entry.Error("Detected stream " + GoQuote(entry.value.text()) +
                       " but already saw a service");
  }
  const std::string* subject = entry.value.As<std::string>();
  if (subject == nullptr) {
    return entry.Error("Expected stream name to be string, got " + TypeOf(entry));
  }
  item.has_stream = true;
  item.out.subject = *subject;
}

void ReadExportService(const Entry& entry, ExportItem& item) {
  if (item.has_stream) {
    return entry.Error("Detected service " + GoQuote(entry.value.text()) +
                       " but already saw a stream");
  }
  const std::string* subject = entry.value.As<std::string>();
  if (subject == nullptr) {
    return entry.Error("Expected service name to be string, got " + TypeOf(entry));
  }
  item.has_service = true;
  item.out.is_service = true;
  item.out.subject = *subject;
}

void ReadResponseType(const Entry& entry, ExportItem& item) {
  item.response = entry.value.where;
  const std::string* type = entry.value.As<std::string>();
  if (type == nullptr) {
    return entry.Error("Expected response type to be string, got " + TypeOf(entry));
  }
  const std::string lower = LowerCase(*type);
  if (lower == "single" || lower == "singleton") {
    item.out.response_type = "singleton";
  } else if (lower == "stream") {
    item.out.response_type = "stream";
  } else if (lower == "chunk" || lower == "chunked") {
    item.out.response_type = "chunked";
  } else {
    entry.Error("Unknown response type: " + GoQuote(*type));
  }
}

void ReadThreshold(const Entry& entry, ExportItem& item) {
  item.response = entry.value.where;
  const std::string about = "Expected response threshold to be a parseable time duration, got ";
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr) return entry.Error(about + TypeOf(entry));
  const absl::StatusOr<nanoseconds> threshold = base::ParseGoDuration(*text);
  if (!threshold.ok()) return entry.Error(about + GoQuote(*text));
  item.out.response_threshold = *threshold;
}

void ReadExportAccounts(const Entry& entry, ExportItem& item) {
  const Array* list = entry.List();
  for (size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const Entry one{entry.key, (*list)[i], entry.reading};
    if (const std::string* name = one.String()) item.out.accounts.push_back(*name);
  }
}

// A percentage, or "headers", which is 0.
std::optional<int64_t> LatencySampling(const Value& value, Problems& problems) {
  std::optional<int64_t> per_cent;
  if (const int64_t* number = value.As<int64_t>()) {
    per_cent = *number;
  } else if (const std::string* text = value.As<std::string>()) {
    if (LowerCase(*text) == "headers") return 0;
    const std::string digits = text->ends_with('%') ? text->substr(0, text->size() - 1) : *text;
    per_cent = base::ParseGoInt(digits);
    if (!per_cent) {
      problems.Error(value.where, "Failed to parse latency sample: strconv.Atoi: parsing " +
                                      GoQuote(digits) + ": invalid syntax");
      return std::nullopt;
    }
  } else {
    problems.Error(value.where, "Expected latency sample to be a string or map/struct, got " +
                                    std::string(value.type_name()));
    return std::nullopt;
  }
  if (*per_cent >= 1 && *per_cent <= 100) return per_cent;
  problems.Error(value.where, "bad sampling percentage, should be 1-100");
  return std::nullopt;
}

void ReadLatency(const Entry& entry, ExportItem& item) {
  item.latency = entry.value.where;
  item.out.latency_sampling = 100;
  if (const std::string* subject = entry.value.As<std::string>()) {
    item.out.latency_subject = *subject;
    return;
  }
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Expected latency entry to be a map/struct or string, got " + TypeOf(entry));
  }
  if (const Value* sampling = map->Find("sampling")) {
    const auto per_cent = LatencySampling(*sampling, entry.reading.problems);
    if (!per_cent) return;
    item.out.latency_sampling = *per_cent;
  }
  const Value* subject = map->Find("subject");
  if (subject == nullptr) return entry.Error("Latency subject required, but missing");
  const std::string* text = subject->As<std::string>();
  if (text == nullptr) {
    return entry.reading.problems.Error(subject->where,
                                        "Expected latency subject to be a string, got string");
  }
  item.out.latency_subject = *text;
}

constexpr Key<ExportItem> kExportKeys[] = {
    {{"stream"}, "string", "", kHot, &ReadExportStream, "Subject that others may subscribe to"},
    {{"service"}, "string", "", kHot, &ReadExportService, "Subject that others may request"},
    {{"accounts"}, "array of strings", "all", kHot, &ReadExportAccounts, "Who may import it"},
    {{"response_type", "response"},
     "string",
     "singleton",
     kHot,
     &ReadResponseType,
     "singleton, stream or chunked"},
    {{"response_threshold", "threshold", "response_max_time", "response_time"},
     "duration",
     "2m",
     kHot,
     &ReadThreshold,
     "Time for a response"},
    {{"latency"}, "string or map", "", kHot, &ReadLatency, "Where its latencies are told"},
    {{"account_token_position"},
     "integer",
     "0",
     kHot,
     [](const Entry& entry, ExportItem& item) {
       if (const int64_t* at = entry.Integer()) {
         item.out.account_token_position = static_cast<uint64_t>(*at);
       }
     },
     "Token of the subject that has to be the importing account"},
    {{"allow_trace"},
     "boolean",
     "false",
     kHot,
     [](const Entry& entry, ExportItem& item) {
       item.trace = entry.value.where;
       ReadInto(entry, item.out.allow_trace);
     },
     "Traces of messages go through"},
};

void CheckStreamOnly(const ExportItem& item, Problems& problems) {
  if (!item.has_stream) return;
  if (item.response) problems.Error(*item.response, "Detected response directive on non-service");
  if (item.latency) problems.Error(*item.latency, "Detected latency directive on non-service");
  if (item.trace) problems.Error(*item.trace, "Detected allow_trace directive on non-service");
}

/// An item of `imports`, while it is read.
struct ImportItem {
  Import out;
  bool has_stream = false;
  bool has_service = false;
  bool has_to = false;
  std::optional<Location> to;
  std::optional<Location> trace;
};

// {account: A, subject: s}; false after an error.
bool ReadOrigin(const Map& map, const Entry& entry, ImportItem& item) {
  static constexpr Key<Import> kKeys[] = {
      {{"account"}, "string", "", kHot, &Read<&Import::from>, "Account that exports it"},
      {{"subject"}, "string", "", kHot, &Read<&Import::subject>, "Its subject there"},
  };
  ReadBlock<Import>(kKeys, map, item.out, entry.reading);
  if (!item.out.from.empty() && !item.out.subject.empty()) return true;
  entry.Error("Expect an account name and a subject");
  return false;
}

void ReadImportStream(const Entry& entry, ImportItem& item) {
  if (item.has_service) return entry.Error("Detected stream but already saw a service");
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Stream entry should be an account map, got " + TypeOf(entry));
  }
  item.has_stream = ReadOrigin(*map, entry, item);
}

void ReadImportService(const Entry& entry, ImportItem& item) {
  if (item.has_stream) return entry.Error("Detected service but already saw a stream");
  const Map* map = entry.value.map();
  if (map == nullptr) {
    return entry.Error("Service entry should be an account map, got " + TypeOf(entry));
  }
  item.has_service = item.out.is_service = ReadOrigin(*map, entry, item);
}

constexpr Key<ImportItem> kImportKeys[] = {
    {{"stream"}, "map", "", kHot, &ReadImportStream, "account and subject of a stream"},
    {{"service"}, "map", "", kHot, &ReadImportService, "account and subject of a service"},
    {{"prefix"},
     "string",
     "",
     kHot,
     [](const Entry& entry, ImportItem& item) { ReadInto(entry, item.out.prefix); },
     "What the stream's subject gets in front"},
    {{"to"},
     "string",
     "",
     kHot,
     [](const Entry& entry, ImportItem& item) {
       item.to = entry.value.where;
       ReadInto(entry, item.out.to);
     },
     "Its subject here"},
    {{"share"},
     "boolean",
     "false",
     kHot,
     [](const Entry& entry, ImportItem& item) { ReadInto(entry, item.out.share); },
     "The service learns who asks"},
    {{"allow_trace"},
     "boolean",
     "false",
     kHot,
     [](const Entry& entry, ImportItem& item) {
       item.trace = entry.value.where;
       ReadInto(entry, item.out.allow_trace);
     },
     "Traces of messages go through"},
};

// Once all accounts are known.

class Sharing {
 public:
  explicit Sharing(Reading& reading) : reading_(reading), config_(reading.config) {}

  void Check() {
    for (const bool service : {false, true}) {
      for (const Export& item : config_.exports) {
        if (item.is_service == service) CheckExport(item);
      }
    }
    for (const bool service : {false, true}) {
      for (const Import& item : config_.imports) {
        if (item.is_service == service) CheckImport(item);
      }
    }
  }

 private:
  void Error(std::string text) { reading_.problems.Error(config_.accounts_at, std::move(text)); }

  bool IsAccount(std::string_view name) const {
    return std::any_of(config_.accounts.begin(), config_.accounts.end(),
                       [&](const Account& account) { return account.name == name; });
  }

  void CheckExport(const Export& item) {
    const std::string kind = item.is_service ? "service" : "stream";
    for (const std::string& name : item.accounts) {
      if (!IsAccount(name)) Error(GoQuote(name) + " account not defined for " + kind + " export");
    }
    if (!TokenIsWildcard(item)) {
      return Error("Error adding " + kind + " export " + GoQuote(item.subject) +
                   ": invalid subject");
    }
    exports_.push_back(&item);
    if (!item.is_service || item.latency_subject.empty()) return;
    const std::string about = "Error adding service latency sampling for " + GoQuote(item.subject);
    if (config_.no_system_account) return Error(about + ": system account not setup");
    if (!IsValidSubject(item.latency_subject) || subject::HasWildcard(item.latency_subject)) {
      Error(about + " on subject " + GoQuote(item.latency_subject) + ": invalid publish subject");
    } else if (!item.response_type.empty() && item.response_type != "singleton") {
      Error(about + " on subject " + GoQuote(item.latency_subject) + ": bad service response type");
    }
  }

  static bool TokenIsWildcard(const Export& item) {
    if (item.account_token_position == 0) return true;
    uint64_t at = 0;
    bool wildcard = false;
    subject::ForEachToken(item.subject, [&](std::string_view token) {
      if (++at == item.account_token_position) wildcard = token == "*";
      return true;
    });
    return wildcard;
  }

  void CheckImport(const Import& item) {
    const std::string kind = item.is_service ? "service" : "stream";
    if (!IsAccount(item.from)) {
      return Error(GoQuote(item.from) + " account not defined for " + kind + " import");
    }
    const std::string wrong = item.is_service ? ServiceImport(item) : StreamImport(item);
    if (wrong.empty()) {
      imports_.push_back(&item);
    } else {
      const std::string& subject = item.subject;
      Error("Error adding " + kind + " import " + GoQuote(subject) + ": " + wrong);
    }
  }

  // Whether the account exports the subject to the importing one.
  bool Approved(const Import& item) const {
    const Export* found = nullptr;
    for (const Export* offer : exports_) {
      if (offer->account != item.from || offer->is_service != item.is_service) continue;
      if (offer->subject == item.subject) {
        found = offer;
        break;
      }
      if (found == nullptr && Covers(offer->subject, item.subject)) found = offer;
    }
    if (found == nullptr) return false;
    if (found->account_token_position > 0) {
      uint64_t at = 0;
      bool own = false;
      subject::ForEachToken(item.subject, [&](std::string_view token) {
        if (++at == found->account_token_position) own = token == item.account;
        return true;
      });
      return own;
    }
    return found->accounts.empty() || std::find(found->accounts.begin(), found->accounts.end(),
                                                item.account) != found->accounts.end();
  }

  std::string ServiceImport(const Import& item) const {
    const std::string& from = item.to.empty() ? item.subject : item.to;
    if (!IsValidSubject(from) || !IsValidSubject(item.subject)) return "invalid subject";
    if (!Approved(item)) return "service import not authorized";
    if (FormsCycle(item, from)) return "import forms a cycle";
    return {};
  }

  std::string StreamImport(const Import& item) const {
    if (!IsValidSubject(item.subject) || !Approved(item)) return "stream import not authorized";
    std::string to = item.to;
    if (!item.prefix.empty()) {
      if (subject::HasWildcard(item.prefix)) {
        return "stream import prefix can not contain wildcard tokens";
      }
      to = item.prefix + (item.prefix.ends_with('.') ? "" : ".") + item.subject;
    }
    if (to.empty()) to = item.subject;
    if (FormsCycle(item, to) || FormsCycle(item, item.subject)) return "import forms a cycle";
    if (subject::HasWildcard(item.subject) && to != item.subject) {
      const std::string wrong = CheckTransform(item.subject, WithPlaceholders(to), true);
      if (!wrong.empty()) {
        return "failed to create mapping transform for stream import subject from " +
               GoQuote(item.subject) + " to " + GoQuote(to) + ": " + wrong;
      }
    }
    for (const Import* other : imports_) {
      if (!other->is_service && other->account == item.account && other->from == item.from &&
          other->subject == item.subject) {
        return "stream import already exists";
      }
    }
    return {};
  }

  // Whether what comes in as `subject` goes out again to an account it came through.
  bool FormsCycle(const Import& item, const std::string& subject) const {
    std::set<std::string> visited = {item.account};
    return Visit(item.from, subject, item.is_service, visited);
  }
  bool Visit(const std::string& account, const std::string& subject, bool service,
             std::set<std::string>& visited) const {
    for (const Import* other : imports_) {
      if (other->account != account || other->is_service != service) continue;
      if (!Collide(subject, other->subject)) continue;
      if (visited.contains(other->from)) return true;
      visited.insert(other->from);
      if (Visit(other->from, other->subject, service, visited)) return true;
    }
    return false;
  }

  Reading& reading_;
  Config& config_;
  std::vector<const Export*> exports_;
  std::vector<const Import*> imports_;
};

}  // namespace

void ReadExports(const Entry& entry, AccountReading& out) {
  const Array* list = entry.value.array();
  if (list == nullptr) return entry.Error("Exports should be an array, got " + TypeOf(entry));
  for (const Value& element : *list) {
    const Map* map = element.map();
    if (map == nullptr) {
      entry.reading.problems.Error(
          element.where,
          "Export Items should be a map with type entry, got " + std::string(element.type_name()));
      continue;
    }
    ExportItem item;
    ReadBlock<ExportItem>(kExportKeys, *map, item, entry.reading);
    CheckStreamOnly(item, entry.reading.problems);
    if (!item.has_stream && !item.has_service) continue;
    item.out.account = out.account.name;
    entry.reading.config.exports.push_back(std::move(item.out));
  }
}

void ReadImports(const Entry& entry, AccountReading& out) {
  const Array* list = entry.value.array();
  if (list == nullptr) return entry.Error("Imports should be an array, got " + TypeOf(entry));
  std::vector<Import> services;
  for (const Value& element : *list) {
    const Map* map = element.map();
    if (map == nullptr) {
      entry.reading.problems.Error(
          element.where,
          "Import Items should be a map with type entry, got " + std::string(element.type_name()));
      continue;
    }
    ImportItem item;
    ReadBlock<ImportItem>(kImportKeys, *map, item, entry.reading);
    if (item.has_service && item.trace) {
      entry.reading.problems.Error(*item.trace, "Detected allow_trace directive on a non-stream");
      continue;
    }
    if (item.has_stream && item.to && !item.out.prefix.empty()) {
      entry.reading.problems.Error(*item.to,
                                   "Stream import can not have a 'prefix' and a 'to' property");
    }
    if (!item.has_stream && !item.has_service) continue;
    Import& import = item.out;
    if (import.is_service) {
      if (import.to.empty()) import.to = import.subject;
      const auto same = std::find_if(services.begin(), services.end(), [&](const Import& other) {
        return other.to == import.to && other.from == import.from;
      });
      if (same != services.end()) {
        entry.reading.problems.Error(
            element.where, "Duplicate service import subject " + GoQuote(import.to) +
                               ", previously used in import for account " + GoQuote(same->from) +
                               ", subject " + GoQuote(same->subject));
        continue;
      }
      services.push_back(import);
    }
    import.account = out.account.name;
    entry.reading.config.imports.push_back(std::move(import));
  }
}

void FinishAccounts(Reading& reading) {
  // They would only add to what is wrong already.
  if (reading.problems.errors().empty()) Sharing(reading).Check();
}

}  // namespace martlet::config
