#include "config/value.h"

#include <cmath>
#include <cstdio>

#include "json/writer.h"

namespace martlet::config {
namespace {

constexpr size_t kMapScannedMax = 16;  // more entries than these are looked up by hash

// Go's %v of a float64: the fewest digits that read back, an exponent below 1e-4 and from 1e21 on.
std::string FloatText(double number) {
  if (number != 0 && std::abs(number) < 1e-4) {
    for (int digits = 0; digits < 17; ++digits) {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, "%.*e", digits, number);
      if (std::strtod(buffer, nullptr) == number) return buffer;
    }
  }
  std::string out;
  json::AppendNumber(number, out);
  return out;
}

}  // namespace

std::string Location::text() const {
  return (source == nullptr ? std::string() : source->path) + ":" + std::to_string(line) + ":" +
         std::to_string(pos);
}

std::string_view Value::type_name() const {
  static constexpr std::string_view kNames[] = {"bool",
                                                "int64",
                                                "float64",
                                                "string",
                                                "time.Time",
                                                "[]interface {}",
                                                "map[string]interface {}"};
  static_assert(std::size(kNames) == std::variant_size_v<Data>);
  return kNames[data_.index()];
}

std::string Value::text() const {
  if (const bool* truth = As<bool>()) return *truth ? "true" : "false";
  if (const int64_t* number = As<int64_t>()) return std::to_string(*number);
  if (const double* number = As<double>()) return FloatText(*number);
  if (const std::string* text = As<std::string>()) return *text;
  if (const DateTime* time = As<DateTime>()) {
    return time->text.substr(0, 10) + " " + time->text.substr(11, 8) + " +0000 UTC";
  }
  return map() != nullptr ? "map[...]" : "[...]";
}

void Map::Set(std::string key, Value value) {
  const size_t place = PlaceOf(key);
  if (place < entries_.size()) {
    entries_[place].value = std::move(value);
    return;
  }
  entries_.push_back({std::move(key), std::move(value)});
  if (entries_.size() == kMapScannedMax + 1) {
    for (size_t i = 0; i < entries_.size(); ++i) places_.emplace(entries_[i].key, i);
  } else if (entries_.size() > kMapScannedMax) {
    places_.emplace(entries_.back().key, entries_.size() - 1);
  }
}

size_t Map::PlaceOf(std::string_view key) const {
  if (entries_.size() > kMapScannedMax) {
    const auto found = places_.find(std::string(key));
    return found == places_.end() ? entries_.size() : found->second;
  }
  size_t place = 0;
  while (place < entries_.size() && entries_[place].key != key) ++place;
  return place;
}

const Value* Map::Find(std::string_view key) const {
  const size_t place = PlaceOf(key);
  return place < entries_.size() ? &entries_[place].value : nullptr;
}

Value* Map::Find(std::string_view key) {
  const size_t place = PlaceOf(key);
  return place < entries_.size() ? &entries_[place].value : nullptr;
}

}  // namespace martlet::config
