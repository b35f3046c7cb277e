// The name of a configuration: a hash of its values, whatever the file looks like.
#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "base/check.h"
#include "config/value.h"
#include "json/writer.h"

namespace martlet::config {
namespace {

class Hasher {
 public:
  Hasher() : context_(EVP_MD_CTX_new()) {
    CHECK(context_ != nullptr);
    CHECK(EVP_DigestInit_ex(context_, EVP_sha256(), nullptr) == 1);
  }
  ~Hasher() { EVP_MD_CTX_free(context_); }
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  // In pieces: the whole of it could be large.
  std::string& text() {
    if (text_.size() > size_t{64} << 10) Flush();
    return text_;
  }
  std::string Finish() {
    Flush();
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
    unsigned size = 0;
    CHECK(EVP_DigestFinal_ex(context_, hash.data(), &size) == 1);
    std::string out = "sha256:";
    for (unsigned i = 0; i < size; ++i) {
      constexpr char kDigits[] = "0123456789abcdef";
      out += kDigits[hash[i] >> 4];
      out += kDigits[hash[i] & 15];
    }
    return out;
  }

 private:
  void Flush() {
    CHECK(EVP_DigestUpdate(context_, text_.data(), text_.size()) == 1);
    text_.clear();
  }

  EVP_MD_CTX* context_;
  std::string text_;
};

void Append(const Map& map, Hasher& hasher);

void Append(const Value& value, Hasher& hasher) {
  if (const bool* truth = value.As<bool>()) {
    hasher.text() += *truth ? "true" : "false";
  } else if (const int64_t* integer = value.As<int64_t>()) {
    hasher.text() += std::to_string(*integer);
  } else if (const double* number = value.As<double>()) {
    json::AppendNumber(*number, hasher.text());
  } else if (const std::string* text = value.As<std::string>()) {
    json::AppendQuoted(*text, hasher.text());
  } else if (const DateTime* time = value.As<DateTime>()) {
    json::AppendQuoted(time->text, hasher.text());
  } else if (const Array* array = value.array()) {
    char before = '[';
    for (const Value& element : *array) {
      hasher.text() += before;
      Append(element, hasher);
      before = ',';
    }
    hasher.text() += array->empty() ? "[]" : "]";
  } else {
    Append(*value.map(), hasher);
  }
}

// As Go writes a map: keys in the order of their bytes.
void Append(const Map& map, Hasher& hasher) {
  std::vector<const Map::Entry*> sorted;
  sorted.reserve(map.size());
  for (const Map::Entry& entry : map.entries()) sorted.push_back(&entry);
  std::sort(sorted.begin(), sorted.end(),
            [](const Map::Entry* a, const Map::Entry* b) { return a->key < b->key; });
  char before = '{';
  for (const Map::Entry* entry : sorted) {
    hasher.text() += before;
    json::AppendQuoted(entry->key, hasher.text());
    hasher.text() += ':';
    Append(entry->value, hasher);
    before = ',';
  }
  hasher.text() += map.empty() ? "{}" : "}";
}

}  // namespace

std::string Digest(const Map& map) {
  Hasher hasher;
  Append(map, hasher);
  hasher.text() += '\n';
  return hasher.Finish();
}

}  // namespace martlet::config
