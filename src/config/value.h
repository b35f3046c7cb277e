// What a configuration file says, as a tree; every value knows where it stands.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <absl/container/flat_hash_map.h>

namespace martlet::config {

/// A file that was read, with its text for messages. Kept as long as anything points into it.
struct Source {
  std::string path;  // as told in messages
  std::string text;
};

/// Where a value stands: of its key, where it has one.
struct Location {
  std::shared_ptr<const Source> source;
  int line = 0;  // counts from 1
  int pos = 0;   // from the newline before, or from the start of the text (lexer.h)

  /// "path:line:pos", as the reference's messages begin.
  std::string text() const;
};

/// A moment, as the file spells it: "2006-01-02T15:04:05Z".
struct DateTime {
  std::string text;
};

class Map;
class Value;
using Array = std::vector<Value>;

/// One value. Copies share what arrays and maps hold, which never changes once they are whole.
class Value {
 public:
  using Data = std::variant<bool, int64_t, double, std::string, DateTime,
                            std::shared_ptr<const Array>, std::shared_ptr<const Map>>;

  Value(Data data, Location place, size_t count = 1)
      : where(std::move(place)), count_(count), data_(std::move(data)) {}

  template <class T>
  const T* As() const {
    return std::get_if<T>(&data_);
  }
  const Array* array() const {
    const auto* pointer = As<std::shared_ptr<const Array>>();
    return pointer == nullptr ? nullptr : pointer->get();
  }
  const Map* map() const {
    const auto* pointer = As<std::shared_ptr<const Map>>();
    return pointer == nullptr ? nullptr : pointer->get();
  }
  const Data& data() const { return data_; }

  /// Go's name of the type, as the reference's messages have it: "map[string]interface {}".
  std::string_view type_name() const;
  /// Go's %v of it.
  std::string text() const;
  /// Values in it, itself included, each as often as it is referred to. Saturates.
  size_t count() const { return count_; }

  Location where;
  /// Something refers to it as $name: then it may have a name that is no known key.
  bool used_as_variable = false;

 private:
  size_t count_;
  Data data_;
};

/// Keys and values in the order of their first appearance; the last value of a key counts.
class Map {
 public:
  struct Entry {
    std::string key;
    Value value;
  };

  void Set(std::string key, Value value);
  /// By the exact key; null: none.
  const Value* Find(std::string_view key) const;
  Value* Find(std::string_view key);

  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  size_t size() const { return entries_.size(); }

 private:
  size_t PlaceOf(std::string_view key) const;

  std::vector<Entry> entries_;
  absl::flat_hash_map<std::string, size_t> places_;  // once there are many
};

/// SHA-256 of the map as JSON, the way the reference names a configuration: "sha256:" and 64 hex
/// digits. Source: reference conf/parse.go, configDigest.
std::string Digest(const Map& map);

}  // namespace martlet::config
