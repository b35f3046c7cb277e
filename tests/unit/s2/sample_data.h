// The data that the streams in golden/ were made of, and which other tests use, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace martlet::s2 {

/// Numbers below 2^31 that are the same everywhere.
class Numbers {
 public:
  size_t Next() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<size_t>(state_ >> 33);
  }
  size_t Next(size_t limit) { return Next() % limit; }

 private:
  uint64_t state_ = 1;
};

inline std::string RandomData(size_t bytes) {
  Numbers numbers;
  std::string data(bytes, '\0');
  for (char& c : data) c = static_cast<char>(numbers.Next(256));
  return data;
}

inline std::string TextData(size_t bytes) {
  constexpr const char* kWords[] = {"the",  "of",     "server", "route",   "and",     "to",
                                    "in",   "client", "is",     "cluster", "subject", "that",
                                    "for",  "it",     "was",    "message", "on",      "are",
                                    "with", "as",     "queue",  "his",     "they",    "be"};
  Numbers numbers;
  std::string data;
  while (data.size() < bytes) {
    data += kWords[numbers.Next(24)];
    data += numbers.Next(12) == 0 ? ".\n" : " ";
  }
  data.resize(bytes);
  return data;
}

/// What a route sends: messages on some subjects with payloads of JSON.
inline std::string ProtocolData(size_t bytes) {
  Numbers numbers;
  std::string data;
  for (size_t id = 0; data.size() < bytes; ++id) {
    const std::string price = std::to_string(numbers.Next(1000));
    const char* side = numbers.Next(2) == 0 ? "buy" : "sell";
    const std::string subject = "orders." + std::to_string(numbers.Next(20)) + ".created";
    const std::string payload =
        "{\"id\":" + std::to_string(id) + ",\"price\":" + price + ",\"side\":\"" + side + "\"}";
    data += "RMSG $G " + subject + " " + std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
  }
  data.resize(bytes);
  return data;
}

/// The same 2048 bytes over and over, each time with a few more of them changed, near and far from
/// each other: behind each, the last offset is used again for 5 to 70000 bytes.
inline std::string RepeatingData(size_t bytes) {
  constexpr size_t kPeriod = 2048;
  constexpr size_t kGaps[] = {5, 9, 12, 20, 300, 3000, 70000};
  std::string data = RandomData(kPeriod);
  size_t change_at = kPeriod + 100;
  size_t changes = 0;
  while (data.size() < bytes) {
    char c = data[data.size() - kPeriod];
    if (data.size() == change_at) {
      c = static_cast<char>(c ^ 0x55);
      change_at += kGaps[changes++ % 7];
    }
    data += c;
  }
  data.resize(bytes);
  return data;
}

}  // namespace martlet::s2
