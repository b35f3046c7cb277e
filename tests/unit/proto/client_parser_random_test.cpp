// Random streams against a second parser, which is slow and plain.
#include <cctype>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "client_parser_feeder.h"
#include "proto/client_parser.h"

namespace martlet::proto {
namespace {

// The grammar again, slow and plain: one byte at a time, nothing clever, from the spec.
class ReferenceParser {
 public:
  explicit ReferenceParser(const ParserLimits& limits) : limits_(limits) {}

  Outcome Parse(std::string_view input) {
    for (const char c : input) {
      Step(c);
      if (outcome_.error != ParseError::kNone) break;
    }
    return outcome_;
  }

 private:
  enum class State { kVerb, kAfterVerb, kJunk, kLine, kPayload, kPayloadCr, kPayloadLf };

  static bool Blank(char c) { return c == ' ' || c == '\t'; }

  void Step(char c) {
    switch (state_) {
      case State::kVerb:
        return OnVerb(c);
      case State::kAfterVerb:
        if (!Blank(c)) return Fail(ParseError::kUnknownOperation);
        state_ = State::kLine;
        return;
      case State::kJunk:
        if (c == '\n') Finish();
        return;
      case State::kLine:
        if (c == '\n') return OnLine();
        if (text_.empty() && Blank(c)) return;
        text_ += c;
        if (TextBytes() > limits_.control_line_bytes_max) Fail(ParseError::kControlLine);
        return;
      case State::kPayload:
        event_.payload += c;
        if (event_.payload.size() == size_) state_ = State::kPayloadCr;
        return;
      case State::kPayloadCr:
        if (c != '\r') return Fail(ParseError::kUnknownOperation);
        state_ = State::kPayloadLf;
        return;
      case State::kPayloadLf:
        if (c != '\n') return Fail(ParseError::kUnknownOperation);
        return Finish();
    }
  }

  void OnVerb(char c) {
    static const std::vector<std::pair<std::string, OpKind>> kVerbs = {
        {"PUB", OpKind::kPub},     {"HPUB", OpKind::kHpub},       {"SUB", OpKind::kSub},
        {"UNSUB", OpKind::kUnsub}, {"CONNECT", OpKind::kConnect}, {"INFO", OpKind::kInfo},
        {"PING", OpKind::kPing},   {"PONG", OpKind::kPong},       {"+OK", OpKind::kOk},
        {"-ERR", OpKind::kErr}};
    verb_ += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    bool possible = false;
    for (const auto& [text, kind] : kVerbs) {
      if (text == verb_) {
        event_.kind = kind;
        if (kind == OpKind::kPing || kind == OpKind::kPong || kind == OpKind::kOk) {
          state_ = State::kJunk;
        } else if (kind == OpKind::kConnect || kind == OpKind::kInfo) {
          state_ = State::kLine;
        } else {
          state_ = State::kAfterVerb;
        }
        return;
      }
      possible = possible || text.starts_with(verb_);
    }
    if (!possible) Fail(ParseError::kUnknownOperation);
  }

  size_t TextBytes() const { return text_.size() - (text_.ends_with('\r') ? 1 : 0); }

  std::vector<std::string> Words(bool at_cr) const {
    std::vector<std::string> words(1);
    for (const char c : event_.argument) {
      if (Blank(c) || (at_cr && c == '\r')) {
        if (!words.back().empty()) words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    if (words.back().empty()) words.pop_back();
    return words;
  }

  static std::optional<size_t> Size(const std::string& text) {
    if (text.empty() || text.size() > 9) return std::nullopt;
    if (text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
    return std::stoul(text);
  }

  void OnLine() {
    event_.argument = text_.substr(0, TextBytes());
    switch (event_.kind) {
      case OpKind::kPub:
      case OpKind::kHpub:
        return OnPub(event_.kind == OpKind::kHpub);
      case OpKind::kSub: {
        const auto words = Words(true);
        if (words.size() < 2 || words.size() > 3) return Fail(ParseError::kSubArguments);
        event_.subject = words.front();
        event_.sid = words.back();
        if (words.size() == 3) event_.queue = words[1];
        return Finish();
      }
      case OpKind::kUnsub: {
        const auto words = Words(true);
        if (words.empty() || words.size() > 2) return Fail(ParseError::kUnsubArguments);
        event_.sid = words[0];
        if (words.size() == 2) event_.max = words[1];
        return Finish();
      }
      default:
        return Finish();
    }
  }

  void OnPub(bool headers) {
    if (headers && !limits_.headers) return Fail(ParseError::kHeadersNotSupported);
    auto words = Words(false);
    const size_t least = headers ? 3 : 2;
    if (words.size() < least || words.size() > least + 1) {
      return Fail(headers ? ParseError::kHpubArguments : ParseError::kPubArguments);
    }
    event_.subject = words[0];
    if (words.size() == least + 1) event_.reply = words[1];
    event_.size = words.back();
    const auto total = Size(event_.size);
    if (headers) {
      event_.header_size = words[words.size() - 2];
      const auto header = Size(event_.header_size);
      if (!header) return Fail(ParseError::kHpubHeaderSize);
      if (!total) return Fail(ParseError::kHpubTotalSize);
      if (*header > *total) return Fail(ParseError::kHpubSizeOrder);
      event_.header_bytes = static_cast<uint32_t>(*header);
    }
    if (!total) return Fail(ParseError::kPubSize);
    if (static_cast<int64_t>(*total) > limits_.payload_bytes_max) {
      return Fail(ParseError::kPayloadSize);
    }
    size_ = *total;
    state_ = size_ == 0 ? State::kPayloadCr : State::kPayload;
  }

  void Finish() {
    outcome_.events.push_back(event_);
    event_ = {};
    verb_.clear();
    text_.clear();
    state_ = State::kVerb;
  }
  void Fail(ParseError error) { outcome_.error = error; }

  const ParserLimits limits_;
  State state_ = State::kVerb;
  std::string verb_, text_;
  size_t size_ = 0;
  Event event_;
  Outcome outcome_;
};

// Mostly sound streams, some of them damaged.
class StreamMaker {
 public:
  explicit StreamMaker(uint64_t seed) : random_(seed) {}

  size_t Below(size_t bound) { return random_() % bound; }

  std::string Make() {
    std::string stream;
    for (size_t i = 1 + Below(5); i > 0; --i) {
      std::string operation = Operation();
      if (operation.size() > 4 && Below(3) == 0) {
        stream += operation;  // the same again, with another end at times
        if (Below(3) == 0) Damage(operation);
      }
      stream += operation;
    }
    if (Below(3) == 0) Damage(stream);
    return stream;
  }

 private:
  std::string Pick(std::initializer_list<const char*> of) { return of.begin()[Below(of.size())]; }
  std::string Blanks() { return Pick({" ", " ", " ", "\t", "  ", " \t "}); }
  std::string Word() { return Pick({"a", "foo", "foo.bar", ">", "*", "a.*", "x\r", "9", "\xff"}); }
  std::string End() { return Pick({"\r\n", "\r\n", "\r\n", "\n", "\r\r\n"}); }
  std::string Cased(std::string verb) {
    if (Below(3) != 0) return verb;
    for (char& c : verb) {
      if (Below(2) == 0) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return verb;
  }
  std::string Words(size_t count) {
    std::string text;
    for (size_t i = 0; i < count; ++i) text += Blanks() + Word();
    if (Below(6) == 0) text += Blanks();
    return text;
  }

  std::string Operation() {
    switch (Below(9)) {
      case 0:
        return Cased(Pick({"PING", "PONG", "+OK"})) + Pick({"", "", " ", "x y"}) + End();
      case 1:
        return Cased("SUB") + Words(1 + Below(4)) + End();
      case 2:
        return Cased("UNSUB") + Words(Below(4)) + End();
      case 3:
        return Cased("CONNECT") + Pick({"{}", " {}", " {\"a\": 1} ", ""}) + End();
      case 4:
        return Cased("INFO") + Pick({"{}", " {}", ""}) + End();
      case 5:
        return Cased("-ERR") + Words(Below(3)) + End();
      case 6: {
        const size_t total = Below(19);
        const size_t header = Below(10) == 0 ? Below(20) : Below(total + 1);
        return Cased("HPUB") + Words(1 + Below(2)) + Blanks() + std::to_string(header) + Blanks() +
               std::to_string(total) + End() + Payload(total) + "\r\n";
      }
      default: {
        const size_t total = Below(18);
        return Cased("PUB") + Words(1 + Below(2)) + Blanks() + Pick({"", "0", "00"}) +
               std::to_string(total) + End() + Payload(total) + "\r\n";
      }
    }
  }

  std::string Payload(size_t bytes) {
    std::string payload(bytes, 'x');
    for (char& c : payload) c = "xy \r\nPING"[Below(9)];
    return payload;
  }

  void Damage(std::string& stream) {
    const size_t at = Below(stream.size());
    switch (Below(5)) {
      case 0:
        stream.erase(at, 1 + Below(3));
        break;
      case 1:
        stream.insert(at, Pick({"\r", "\n", " ", "x", "0", "PUB "}));
        break;
      case 2:
        stream[at] = static_cast<char>(Below(256));
        break;
      case 3:
        stream.resize(at);
        break;
      default:
        stream.insert(at, Below(60), Below(2) == 0 ? 'x' : ' ');
        break;
    }
  }

  std::mt19937_64 random_;
};

TEST(ClientParser, AgreesWithASlowParserOnRandomStreams) {
  constexpr uint64_t kSeed = 20240607;
  StreamMaker maker(kSeed);
  for (int i = 0; i < 100'000; ++i) {
    const std::string stream = maker.Make();
    ParserLimits limits = {.control_line_bytes_max = 24, .payload_bytes_max = 16, .headers = true};
    limits.headers = maker.Below(8) != 0;
    const Outcome expected = ReferenceParser(limits).Parse(stream);

    Feeder feeder(limits);
    size_t at = 0;
    while (at < stream.size()) {
      const size_t bytes = maker.Below(4) == 0 ? 1 : 1 + maker.Below(stream.size());
      const size_t operations = maker.Below(4) == 0 ? maker.Below(3) : SIZE_MAX;
      feeder.FeedAndTake(std::string_view(stream).substr(at, bytes), operations);
      at += bytes;
    }
    feeder.Resume(SIZE_MAX);
    ASSERT_EQ(feeder.outcome(), expected) << "seed " << kSeed << ", stream " << i << ":\n"
                                          << stream;
    ASSERT_EQ(Whole(stream, limits), expected) << "stream " << i << ":\n" << stream;
  }
}

}  // namespace
}  // namespace martlet::proto
