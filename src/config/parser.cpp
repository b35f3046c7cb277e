#include "config/parser.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <utility>
#include <vector>

#include "config/lexer.h"

namespace martlet::config {
namespace {

absl::Status Invalid(const std::string& text) { return absl::InvalidArgumentError(text); }

// What all files of one configuration share.
struct Session {
  Environment& environment;
  const ParseLimits& limits;
  size_t bytes = 0;
  size_t values = 0;
  std::vector<std::string> open_files;      // from the first one to that which is being read
  std::vector<std::string> open_variables;  // of the environment, being looked up
};

constexpr std::string_view kBcryptPrefix = "2a$";

// Go's filepath.Join of the including file's directory and the included path.
std::string JoinPath(const std::string& including, const std::string& included) {
  const std::filesystem::path directory = std::filesystem::path(including).parent_path();
  const std::filesystem::path relative = std::filesystem::path(included).relative_path();
  std::string joined = (directory / relative).lexically_normal().string();
  if (joined.size() > 1 && joined.back() == '/') joined.pop_back();
  return joined.empty() ? "." : joined;
}

/// Builds the values of one text.
class Parser {
 public:
  Parser(std::shared_ptr<const Source> source, Session& session)
      : source_(std::move(source)), session_(session), lexer_(source_->text) {}

  absl::StatusOr<Map> Parse();

 private:
  /// An array or a map that is not whole yet.
  struct Open {
    bool is_map = true;
    Map map;
    Array array;
    size_t count = 1;
  };
  struct Key {
    std::string text;
    Location where;
  };

  absl::Status Process(Item& item);
  absl::Status Add(const Item& item, Value::Data data, size_t count = 1);
  absl::Status Store(Value value);
  absl::Status Close(const Item& item);
  absl::Status AddInteger(const Item& item);
  absl::Status AddFloat(const Item& item);
  absl::Status AddBool(const Item& item);
  absl::Status AddDatetime(const Item& item);
  absl::Status AddVariable(const Item& item);
  absl::Status AddFromEnvironment(const Item& item);
  absl::Status Include(const Item& item);
  Location At(const Item& item) const { return {source_, item.line, item.pos}; }

  const std::shared_ptr<const Source> source_;
  Session& session_;
  Lexer lexer_;
  std::vector<Open> open_;
  std::vector<Key> keys_;
};

absl::StatusOr<Map> Parser::Parse() {
  open_.emplace_back();
  bool after_key = false;  // any but a closing brace, which ends JSON
  for (;;) {
    Item item = lexer_.Next();
    if (item.type == ItemType::kEnd) {
      if (after_key) {
        return Invalid("config is invalid (" + source_->path + ":" + std::to_string(item.line) +
                       ":" + std::to_string(item.pos) + ")");
      }
      return std::move(open_.front().map);
    }
    after_key = item.type == ItemType::kKey && item.text != "}";
    if (const absl::Status status = Process(item); !status.ok()) return status;
  }
}

absl::Status Parser::Process(Item& item) {
  switch (item.type) {
    case ItemType::kError:
      return Invalid("Parse error on line " + std::to_string(item.line) + ": '" + item.text + "'");
    case ItemType::kKey:
      keys_.push_back({std::move(item.text), At(item)});
      return absl::OkStatus();
    case ItemType::kMapStart:
    case ItemType::kArrayStart:
      open_.push_back({.is_map = item.type == ItemType::kMapStart});
      return absl::OkStatus();
    case ItemType::kMapEnd:
    case ItemType::kArrayEnd:
      return Close(item);
    case ItemType::kString:
      return Add(item, std::move(item.text));
    case ItemType::kInteger:
      return AddInteger(item);
    case ItemType::kFloat:
      return AddFloat(item);
    case ItemType::kBool:
      return AddBool(item);
    case ItemType::kDatetime:
      return AddDatetime(item);
    case ItemType::kVariable:
      return AddVariable(item);
    case ItemType::kInclude:
      return Include(item);
    case ItemType::kEnd:
      break;
  }
  return absl::OkStatus();
}

absl::Status Parser::Add(const Item& item, Value::Data data, size_t count) {
  return Store(Value(std::move(data), At(item), count));
}

// Into the innermost array or map. In a map a value stands where its key does.
absl::Status Parser::Store(Value value) {
  session_.values += value.count();
  if (session_.values > session_.limits.values_max) {
    return Invalid("configuration has more than " + std::to_string(session_.limits.values_max) +
                   " values");
  }
  Open& inner = open_.back();
  inner.count += value.count();
  if (!inner.is_map) {
    inner.array.push_back(std::move(value));
    return absl::OkStatus();
  }
  if (keys_.empty()) return Invalid("config is invalid (" + value.where.text() + ")");
  // A key without a value is skipped by the lexer: then this is not the key that was meant, here
  // as in the reference.
  Key key = std::move(keys_.back());
  keys_.pop_back();
  value.where.line = key.where.line;
  value.where.pos = key.where.pos;
  inner.map.Set(std::move(key.text), std::move(value));
  return absl::OkStatus();
}

absl::Status Parser::Close(const Item& item) {
  Open whole = std::move(open_.back());
  open_.pop_back();
  session_.values -= whole.count - 1;  // counted again with the whole
  if (whole.is_map) {
    return Add(item, std::make_shared<const Map>(std::move(whole.map)), whole.count);
  }
  return Add(item, std::make_shared<const Array>(std::move(whole.array)), whole.count);
}

absl::Status Parser::AddInteger(const Item& item) {
  struct Unit {
    std::string_view suffix;
    int64_t factor;
  };
  constexpr int64_t kKilo = 1000;
  constexpr int64_t kKibi = 1024;
  static constexpr Unit kUnits[] = {
      {"", 1},
      {"k", kKilo},
      {"kb", kKibi},
      {"ki", kKibi},
      {"kib", kKibi},
      {"m", kKilo * kKilo},
      {"mb", kKibi * kKibi},
      {"mi", kKibi * kKibi},
      {"mib", kKibi * kKibi},
      {"g", kKilo * kKilo * kKilo},
      {"gb", kKibi * kKibi * kKibi},
      {"gi", kKibi * kKibi * kKibi},
      {"gib", kKibi * kKibi * kKibi},
      {"t", kKilo * kKilo * kKilo * kKilo},
      {"tb", kKibi * kKibi * kKibi * kKibi},
      {"ti", kKibi * kKibi * kKibi * kKibi},
      {"tib", kKibi * kKibi * kKibi * kKibi},
      {"p", kKilo * kKilo * kKilo * kKilo * kKilo},
      {"pb", kKibi * kKibi * kKibi * kKibi * kKibi},
      {"pi", kKibi * kKibi * kKibi * kKibi * kKibi},
      {"pib", kKibi * kKibi * kKibi * kKibi * kKibi},
      {"e", kKilo * kKilo * kKilo * kKilo * kKilo * kKilo},
      {"eb", kKibi * kKibi * kKibi * kKibi * kKibi * kKibi},
      {"ei", kKibi * kKibi * kKibi * kKibi * kKibi * kKibi},
      {"eib", kKibi * kKibi * kKibi * kKibi * kKibi * kKibi},
  };
  const size_t digits = std::min(item.text.find_first_not_of("-0123456789"), item.text.size());
  int64_t number = 0;
  const char* end = item.text.data() + digits;
  const auto result = std::from_chars(item.text.data(), end, number);
  if (result.ec == std::errc::result_out_of_range) {
    return Invalid("integer '" + item.text + "' is out of the range");
  }
  if (result.ec != std::errc() || result.ptr != end) {
    return Invalid("expected integer, but got '" + item.text + "'");
  }
  std::string suffix = item.text.substr(digits);
  std::transform(suffix.begin(), suffix.end(), suffix.begin(),
                 [](char c) { return static_cast<char>(c | 0x20); });
  const auto* unit = std::find_if(std::begin(kUnits), std::end(kUnits),
                                  [&](const Unit& known) { return known.suffix == suffix; });
  // The reference drops such a value without a word, and one too large wraps around there.
  if (unit == std::end(kUnits)) {
    return Invalid("integer '" + item.text + "' on line " + std::to_string(item.line) +
                   " has an unknown unit");
  }
  int64_t product = 0;
  if (__builtin_mul_overflow(number, unit->factor, &product)) {
    return Invalid("integer '" + item.text + "' is out of the range");
  }
  return Add(item, product);
}

absl::Status Parser::AddFloat(const Item& item) {
  // Digits and a dot: it can be too large, but not malformed.
  const double number = std::strtod(item.text.c_str(), nullptr);
  if (std::isinf(number)) return Invalid("float '" + item.text + "' is out of the range");
  return Add(item, number);
}

absl::Status Parser::AddBool(const Item& item) {
  const char first = static_cast<char>(item.text[0] | 0x20);
  const char second = static_cast<char>(item.text[1] | 0x20);
  return Add(item, first == 't' || first == 'y' || (first == 'o' && second == 'n'));
}

// "YYYY-MM-DDThh:mm:ssZ", of which the lexer has seen the shape.
absl::Status Parser::AddDatetime(const Item& item) {
  const auto number = [&](size_t at, size_t digits) {
    return std::atoi(item.text.substr(at, digits).c_str());
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  static constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool valid = month >= 1 && month <= 12 && day >= 1 &&
                     day <= kDays[month - 1] + (month == 2 && leap ? 1 : 0) && number(11, 2) < 24 &&
                     number(14, 2) < 60 && number(17, 2) < 60;
  if (!valid) return Invalid("expected Zulu formatted DateTime, but got '" + item.text + "'");
  return Add(item, DateTime{item.text});
}

// Looks outward through the maps that are open, then into the environment.
absl::Status Parser::AddVariable(const Item& item) {
  // Not to have to quote passwords.
  if (item.text.starts_with(kBcryptPrefix)) return Add(item, "$" + item.text);
  for (auto open = open_.rbegin(); open != open_.rend(); ++open) {
    if (!open->is_map) continue;
    Value* known = open->map.Find(item.text);
    if (known == nullptr) continue;
    known->used_as_variable = true;
    return Add(item, known->data(), known->count());
  }
  return AddFromEnvironment(item);
}

absl::Status Parser::AddFromEnvironment(const Item& item) {
  const std::string about =
      "variable reference for '" + item.text + "' on line " + std::to_string(item.line);
  std::vector<std::string>& open = session_.open_variables;
  if (std::find(open.begin(), open.end(), item.text) != open.end()) {
    return Invalid(about + " could not be parsed: variable reference cycle for '" + item.text +
                   "'");
  }
  const std::optional<std::string> text = session_.environment.Variable(item.text);
  if (!text) return Invalid(about + " can not be found");
  session_.bytes += text->size();
  if (session_.bytes > session_.limits.bytes_max) return Invalid("configuration is too large");
  open.push_back(item.text);
  // What stands there is read like the value of a key.
  constexpr char kName[] = "pk";
  auto source = std::make_shared<const Source>(Source{"", kName + ("=" + *text)});
  const absl::StatusOr<Map> map = Parser(std::move(source), session_).Parse();
  open.pop_back();
  if (!map.ok()) {
    return Invalid(about + " could not be parsed: " + std::string(map.status().message()));
  }
  const Value* value = map->Find(kName);
  if (value == nullptr) return Invalid(about + " can not be found");
  return Add(item, value->data(), value->count());
}

absl::StatusOr<Map> ParseSource(const std::string& path, Session& session) {
  if (session.open_files.size() > session.limits.include_depth_max) {
    return Invalid("includes are nested too deeply");
  }
  if (std::find(session.open_files.begin(), session.open_files.end(), path) !=
      session.open_files.end()) {
    return Invalid("the file includes itself");
  }
  absl::StatusOr<std::string> text =
      session.environment.ReadFile(path, session.limits.bytes_max - session.bytes);
  if (absl::IsResourceExhausted(text.status())) {
    return Invalid("configuration is larger than " +
                   std::to_string(session.limits.bytes_max >> 20) + " MiB");
  }
  if (!text.ok()) return text.status();
  session.bytes += text->size();
  session.open_files.push_back(path);
  Parser parser(std::make_shared<const Source>(Source{path, *std::move(text)}), session);
  absl::StatusOr<Map> map = parser.Parse();
  session.open_files.pop_back();
  return map;
}

absl::Status Parser::Include(const Item& item) {
  absl::StatusOr<Map> map = ParseSource(JoinPath(source_->path, item.text), session_);
  if (!map.ok()) {
    return Invalid("error parsing include file '" + item.text + "', " +
                   std::string(map.status().message()));
  }
  for (const Map::Entry& entry : map->entries()) {
    open_.back().map.Set(entry.key, entry.value);
    open_.back().count += entry.value.count();
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Map> ParseFile(const std::string& path, Environment& environment,
                              const ParseLimits& limits) {
  Session session{environment, limits, 0, 0, {}, {}};
  return ParseSource(path, session);
}

}  // namespace martlet::config
