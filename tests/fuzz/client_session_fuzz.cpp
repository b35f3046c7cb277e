// Two clients of a whole server, but for sockets and threads, on one shard or two.
//
// Input: a byte of settings, then what the clients send, the first one first. Bytes from 0xf8 on
// are no text but steer:
//   f8, f9  now client 0, client 1 sends         fc  two seconds pass
//   fa      each shard has a turn                fd  the client stops reading, or goes on
//   fb      one millisecond passes               fe  the client goes, another one comes
//   ff      lame duck: all are told
//
// Held to be true, whatever comes: output is well-formed server protocol; a message comes on a sid
// that the client asked for, with a filter that matches; there are no more PONGs than PINGs; the
// shards' counters agree with the sessions; when all are gone the index is empty, and nothing
// waits in the rings.
#include <array>
#include <charconv>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "fake_shards.h"
#include "input.h"
#include "json/reader.h"
#include "proto/client_parser.h"
#include "subject/subject.h"

namespace martlet::fuzz {
namespace {

Options MakeOptions(uint8_t settings) {
  Options options;
  if ((settings & 4) != 0) options.max_pending_bytes = 4096;
  if ((settings & 16) != 0) options.max_subscriptions = 3;
  if ((settings & 32) != 0) options.headers = false;
  if ((settings & 64) != 0) options.max_payload_bytes = 64;
  options.max_subscription_tokens = (settings & 128) != 0 ? 4 : 0;
  options.ping_interval = std::chrono::seconds(3);
  return options;
}

// The log's thread lives as long as the fuzzer: starting one for each input would cost the most.
base::Log& NullLog(bool chatty) {
  const auto open = [](bool all) {
    auto log = base::Log::Open({.file = "/dev/null", .debug = all, .trace = all});
    CHECK(log.ok());
    return log->release();
  };
  static base::Log* const quiet = open(false);
  static base::Log* const all = open(true);
  return chatty ? *all : *quiet;
}

// What one client has asked for, as far as the operations in its bytes go; the session may have
// refused some of it.
class Wishes {
 public:
  void Feed(std::string_view bytes) {
    const proto::ParserLimits limits = {.payload_bytes_max = -1, .headers = true};
    parser_.Push(bytes);
    proto::Op op;
    while (parser_.Next(limits, op) == proto::ClientParser::Result::kOp) {
      if (op.kind == proto::OpKind::kSub) filters_.emplace(op.sid, op.subject);
      if (op.kind == proto::OpKind::kPing) ++pings_;
    }
    if (parser_.error().error == proto::ParseError::kNone) parser_.Save();
    failed_ = failed_ || parser_.error().error != proto::ParseError::kNone;
  }
  bool failed() const { return failed_; }
  size_t pings() const { return pings_; }
  const std::multimap<std::string, std::string>& filters() const { return filters_; }
  bool Covers(std::string_view sid, std::string_view subject) const {
    const auto [begin, end] = filters_.equal_range(std::string(sid));
    for (auto at = begin; at != end; ++at) {
      if (subject::IsValidFilter(at->second) && subject::Matches(at->second, subject)) return true;
    }
    return false;
  }

 private:
  proto::ClientParser parser_;
  std::multimap<std::string, std::string> filters_;  // by sid
  size_t pings_ = 0;
  bool failed_ = false;
};

// Reads what the server sent to one client.
class OutputChecker {
 public:
  explicit OutputChecker(const Wishes& wishes) : wishes_(wishes) {}

  // `output` ends with a whole operation.
  void Check(std::string_view output) {
    while (!output.empty()) {
      const size_t end = output.find("\r\n");
      CHECK(end != output.npos);
      // A subject may hold CR, but the LF ends the line.
      CHECK(output.substr(0, end).find('\n') == output.npos);
      CheckLine(output.substr(0, end), output);
    }
    CHECK(pongs_ <= wishes_.pings());
  }

 private:
  void CheckLine(std::string_view line, std::string_view& output) {
    output.remove_prefix(line.size() + 2);
    if (!greeted_) CHECK(line.starts_with("INFO "));
    greeted_ = true;
    if (line == "PING" || line == "+OK") return;
    if (line == "PONG") {
      ++pongs_;
    } else if (line.starts_with("INFO ")) {
      const auto kind = json::ReadObject(line.substr(5), [](auto, const json::Value&) {});
      CHECK(kind.ok() && *kind == json::Kind::kObject);
    } else if (line.starts_with("-ERR '")) {
      CHECK(line.size() > 7 && line.ends_with('\''));
    } else {
      CheckMessage(line, output);
    }
  }

  void CheckMessage(std::string_view line, std::string_view& output) {
    const bool headers = line.starts_with("HMSG ");
    CHECK(headers || line.starts_with("MSG "));
    std::vector<std::string_view> words;
    for (size_t at = 0; at != line.npos;) {
      const size_t blank = line.find(' ', at);
      words.push_back(line.substr(at, blank - at));
      at = blank == line.npos ? blank : blank + 1;
    }
    const size_t fixed = headers ? 5 : 4;
    CHECK(words.size() == fixed || words.size() == fixed + 1);
    for (const std::string_view word : words) CHECK(!word.empty());
    CHECK(wishes_.Covers(words[2], words[1]));
    const size_t size = Number(words.back());
    if (headers) CHECK(Number(words[words.size() - 2]) <= size);
    CHECK(output.size() >= size + 2 && output.substr(size, 2) == "\r\n");
    output.remove_prefix(size + 2);
  }

  static size_t Number(std::string_view word) {
    size_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    CHECK(error == std::errc() && end == word.data() + word.size());
    return value;
  }

  const Wishes& wishes_;
  bool greeted_ = false;
  size_t pongs_ = 0;
};

// One client after the other, on one place of a shard.
struct Client {
  Client(FakeShard& shard, uint64_t id) : connection(shard, id), checker(wishes) {}

  void CheckOutput() { checker.Check(connection.TakeOutput()); }

  Wishes wishes;
  FakeConnection connection;
  OutputChecker checker;
  bool reads = true;
};

class World {
 public:
  explicit World(uint8_t settings)
      : shards_count_((settings & 1) != 0 ? 2 : 1),
        facts_(MakeOptions(settings), proto::ServerInfo{}),
        index_(shards_count_),
        interconnect_(shards_count_, (settings & 2) != 0 ? 1 << 15 : 1 << 18) {
    for (unsigned shard = 0; shard < shards_count_; ++shard) {
      shards_.push_back(std::make_unique<FakeShard>(shard, index_, interconnect_,
                                                    NullLog((settings & 8) != 0), facts_));
    }
    for (unsigned place = 0; place < clients_.size(); ++place) Arrive(place);
  }

  void Run(Input& input) {
    std::string_view rest = input.Rest();
    while (!rest.empty()) {
      const size_t text = rest.find_first_of("\xf8\xf9\xfa\xfb\xfc\xfd\xfe\xff");
      Say(rest.substr(0, text));
      if (text == rest.npos) break;
      Steer(static_cast<unsigned char>(rest[text]));
      rest.remove_prefix(text + 1);
    }
    Turn();
  }

  // Everybody goes; then nothing may be left.
  void End() {
    for (const auto& client : clients_) {
      client->connection.set_reads(true);
      client->connection.session().Close(session::CloseReason::kClientClosed);
    }
    size_t turns = 0;
    while (Turn()) CHECK(++turns < 100);
    for (unsigned place = 0; place < clients_.size(); ++place) Leave(place);
    for (const auto& shard : shards_) {
      session::ShardContext& context = shard->context();
      CHECK(context.clients.empty() && context.waiting_for_rings.empty());
      CHECK(context.stats.connections.Get() == 0 && context.stats.subscriptions.Get() == 0);
      CHECK(!context.mailroom.blocked());
      CHECK(!interconnect_.HasWork(context.shard));
    }
    subject::MatchResult match;
    for (const std::string& subject : subjects_) {
      index_.Match(subject::kGlobalAccount, subject, match);
      CHECK(match.empty());
    }
  }

 private:
  void Arrive(unsigned place) {
    clients_[place] = std::make_unique<Client>(*shards_[place % shards_count_], ++last_id_);
  }

  // Remembers a subject that each of its filters matches.
  void Leave(unsigned place) {
    Client& client = *clients_[place];
    CHECK(!client.connection.open());
    client.CheckOutput();
    for (const auto& [sid, filter] : client.wishes.filters()) {
      std::string subject = filter;
      for (char& c : subject) {
        if (c == '*' || c == '>') c = 'x';
      }
      subjects_.push_back(subject);
    }
    clients_[place].reset();
  }

  void Say(std::string_view bytes) {
    if (bytes.empty()) return;
    Client& client = *clients_[now_];
    if (!client.wishes.failed()) client.wishes.Feed(bytes);
    // A copy of its own size, so that reading past its end is seen.
    const std::vector<char> copy(bytes.begin(), bytes.end());
    client.connection.Feed({copy.data(), copy.size()});
  }

  void Steer(unsigned char code) {
    Client& client = *clients_[now_];
    switch (code) {
      case 0xf8:
      case 0xf9:
        now_ = code - 0xf8U;
        return;
      case 0xfa:
        Turn();
        return;
      case 0xfb:
      case 0xfc:
        now_ms_ += code == 0xfb ? 1 : 2000;
        Turn();
        return;
      case 0xfd:
        client.reads = !client.reads;
        client.connection.set_reads(client.reads);
        client.connection.session().Touch();
        return;
      case 0xfe:
        client.connection.session().Close(session::CloseReason::kClientClosed);
        Turn();
        Leave(now_);
        Arrive(now_);
        return;
      default:
        for (const auto& shard : shards_) {
          for (const auto& [id, session] : shard->context().clients) session->SendLameDuckInfo();
        }
    }
  }

  bool Turn() {
    bool busy = false;
    for (const auto& shard : shards_) busy = shard->Turn(now_ms_) || busy;
    std::vector<size_t> open(shards_count_);
    std::vector<size_t> subscriptions(shards_count_);
    for (unsigned place = 0; place < clients_.size(); ++place) {
      if (clients_[place] == nullptr) continue;
      Client& client = *clients_[place];
      if (client.connection.drained()) client.CheckOutput();
      open[place % shards_count_] += client.connection.open() ? 1 : 0;
      subscriptions[place % shards_count_] += client.connection.session().subscriptions();
    }
    for (unsigned shard = 0; shard < shards_count_; ++shard) {
      const session::ShardStats& stats = shards_[shard]->context().stats;
      CHECK(stats.connections.Get() == open[shard]);
      CHECK(stats.subscriptions.Get() == subscriptions[shard]);
    }
    return busy;
  }

  const unsigned shards_count_;
  const session::ServerFacts facts_;
  subject::SubjectIndex index_;
  session::Interconnect interconnect_;
  std::vector<std::unique_ptr<FakeShard>> shards_;
  std::array<std::unique_ptr<Client>, 2> clients_;
  std::vector<std::string> subjects_;  // of clients that are gone
  unsigned now_ = 0;                   // who sends
  uint64_t now_ms_ = FakeShard::kStartMs;
  uint64_t last_id_ = 0;
};

}  // namespace
}  // namespace martlet::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  martlet::fuzz::Input input(data, size);
  martlet::fuzz::World world(input.Byte());
  world.Run(input);
  world.End();
  return 0;
}
