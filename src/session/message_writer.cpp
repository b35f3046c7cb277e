#include "session/message_writer.h"

#include <algorithm>
#include <charconv>

#include "base/copy.h"

namespace martlet::session {
namespace {

// Up to this size header line and payload go out as one contiguous piece.
constexpr size_t kContiguousBytesMax = 8192;

char* Put(char* to, std::string_view text) {
  base::CopyShort(to, text.data(), text.size());
  return to + text.size();
}

char* PutWord(char* to, std::string_view text) {
  to = Put(to, text);
  *to = ' ';
  return to + 1;
}

// How the line begins for its receiver, and what stands between subject and sizes.
struct LineWords {
  std::string_view plain_verb;   // with its blank
  std::string_view header_verb;  // the same with a header block
  std::string_view account;      // empty: none
  std::string_view middle;       // a client's sid; a route's queue groups; empty: none
};

LineWords ToClient(std::string_view sid) { return {"MSG ", "HMSG ", {}, sid}; }

// What of a message a subscriber gets, and how it is written.
class Form {
 public:
  Form(const Message& message, const LineWords& words, bool headers)
      : message_(message),
        words_(words),
        subject_(message.shown_subject.empty() ? message.subject : message.shown_subject),
        with_headers_(headers && message.header_bytes > 0) {
    size_ = message.size_text;
    if (message.header_bytes == 0 || with_headers_) return;
    skipped_ = message.header_bytes;
    const auto end = std::to_chars(digits_, digits_ + sizeof digits_, PayloadLine(0).size() - 2);
    size_ = {digits_, static_cast<size_t>(end.ptr - digits_)};
  }
  Form(const Form&) = delete;
  Form& operator=(const Form&) = delete;

  /// Of one message, rather too much than too little.
  size_t LineBytes() const {
    return sizeof("HMSG ") + words_.account.size() + 1 + subject_.size() + 1 +
           words_.middle.size() + 1 + message_.reply.size() + 1 + message_.header_size_text.size() +
           1 + size_.size() + 2;
  }
  size_t Bytes() const { return LineBytes() + PayloadLine(0).size(); }

  std::string_view PayloadLine(uint32_t number) const {
    return message_.payload_line(number).substr(skipped_);
  }

  /// Without the line end.
  char* PutLine(char* to) const {
    to = Put(to, with_headers_ ? words_.header_verb : words_.plain_verb);
    if (!words_.account.empty()) to = PutWord(to, words_.account);
    to = PutWord(to, subject_);
    if (!words_.middle.empty()) to = PutWord(to, words_.middle);
    if (!message_.reply.empty()) to = PutWord(to, message_.reply);
    if (with_headers_) to = PutWord(to, message_.header_size_text);
    return Put(to, size_);
  }

  /// The messages [from, end) of a run, which share their line.
  char* PutMessages(uint32_t from, uint32_t end, char* to) const {
    const char* const line = to;
    to = Put(PutLine(to), "\r\n");
    const std::string_view first_line(line, static_cast<size_t>(to - line));
    to = Put(to, PayloadLine(from));
    for (uint32_t i = from + 1; i < end; ++i) to = Put(Put(to, first_line), PayloadLine(i));
    return to;
  }

 private:
  const Message& message_;
  const LineWords words_;
  const std::string_view subject_;
  const bool with_headers_;
  std::string_view size_;
  size_t skipped_ = 0;  // header block that the subscriber does not take
  char digits_[12];     // holds `size_` when it is not the publisher's text
};

// A run goes out in pieces: as many messages as have room in the present chunk, when that is worth
// it, else in a new one of this size.
constexpr size_t kPieceBytes = 60000;
constexpr size_t kWorthFillingBytes = 4096;

// How many of `left` messages of at most `each` bytes go into a piece.
uint32_t CountFor(size_t room, size_t left, size_t each) {
  return static_cast<uint32_t>(std::min(left, std::max<size_t>(room / each, 1)));
}

// Payloads of this size are sent from where they were received; smaller ones are cheaper to copy.
constexpr size_t kShownBytesMin = 512;
// ... unless so much waits already: a subscriber that is slow must not keep what others receive
// into.
constexpr size_t kShownPendingMax = size_t{4} << 20;

// One line for all messages, and their payloads.
void AppendShown(const Message& message, const Form& form, Outbound& out) {
  SharedBlock& block = out.pool().BlockFor(form.LineBytes());
  char* const start = block.data() + block.size;
  const auto bytes = static_cast<uint32_t>(Put(form.PutLine(start), "\r\n") - start);
  block.size += bytes;
  for (uint32_t i = 0; i < message.count; ++i) {
    out.AppendShown({start, bytes}, block);
    out.AppendShown(form.PayloadLine(i), *message.memory);
  }
}

void Append(const Message& message, const Form& form, Outbound& out) {
  const size_t each = form.Bytes();
  if (message.memory != nullptr && message.payload.size() >= kShownBytesMin &&
      out.pending_bytes() < kShownPendingMax) {
    return AppendShown(message, form, out);
  }
  if (each > kContiguousBytesMax) {
    for (uint32_t i = 0; i < message.count; ++i) {
      char* const start = out.Reserve(form.LineBytes());
      out.Commit(static_cast<size_t>(Put(form.PutLine(start), "\r\n") - start));
      out.Append(form.PayloadLine(i));
    }
    return;
  }
  for (uint32_t next = 0; next < message.count;) {
    const size_t left = message.count - next;
    const size_t room =
        out.room() >= std::min(left * each, kWorthFillingBytes) ? out.room() : kPieceBytes;
    const uint32_t end = next + CountFor(room, left, each);
    char* const start = out.Reserve((end - next) * each);
    out.Commit(static_cast<size_t>(form.PutMessages(next, end, start) - start));
    next = end;
  }
}

}  // namespace

void AppendMessage(const Message& message, std::string_view sid, bool headers, Outbound& out) {
  Append(message, Form(message, ToClient(sid), headers), out);
}

void AppendRouteMessage(const Message& message, std::string_view account, std::string_view queues,
                        bool headers, Outbound& out) {
  LineWords words = {"RMSG ", "HMSG ", account, {}};
  if (queues.empty()) return Append(message, Form(message, words, headers), out);
  // The indicator says whether a reply stands in front of the groups.
  std::string middle = message.reply.empty() ? "| " : "+ " + std::string(message.reply) + " ";
  middle += queues;
  words.middle = middle;
  Message without_reply = message;
  without_reply.reply = {};
  Append(without_reply, Form(without_reply, words, headers), out);
}

SharedBytes WriteShared(const Message& message, std::string_view sid, bool headers, ChunkPool& pool,
                        uint32_t& count) {
  const Form form(message, ToClient(sid), headers);
  const size_t each = form.Bytes();
  const size_t wanted = std::min(message.count * each, std::max(each, kWorthFillingBytes));
  SharedBlock& block = pool.BlockFor(wanted);
  count = CountFor(block.room(), message.count, each);
  char* const start = block.data() + block.size;
  const char* const end = form.PutMessages(0, count, start);
  const SharedBytes written = {&block, block.size, static_cast<uint32_t>(end - start)};
  block.size += written.bytes;
  return written;
}

std::string MessageLine(const Message& message, std::string_view sid, bool headers) {
  const Form form(message, ToClient(sid), headers);
  std::string line(form.LineBytes(), '\0');
  line.resize(static_cast<size_t>(form.PutLine(line.data()) - line.data()));
  return line;
}

void AppendStatus(std::string_view subject, std::string_view sid, std::string_view block,
                  Outbound& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, block.size());
  const std::string_view size(digits, static_cast<size_t>(end.ptr - digits));
  char* const start = out.Reserve(sizeof("HMSG ") + subject.size() + sid.size() + 2 * size.size() +
                                  block.size() + 8);
  char* to = PutWord(PutWord(Put(start, "HMSG "), subject), sid);
  to = Put(PutWord(to, size), size);
  to = Put(Put(Put(to, "\r\n"), block), "\r\n");
  out.Commit(static_cast<size_t>(to - start));
}

}  // namespace martlet::session
