#include "session/message_writer.h"

#include <charconv>
#include <cstring>

namespace martlet::session {
namespace {

// Up to this size header line and payload go out as one contiguous piece.
constexpr size_t kContiguousBytesMax = 8192;

char* Put(char* to, std::string_view text) {
  std::memcpy(to, text.data(), text.size());
  return to + text.size();
}

char* PutWord(char* to, std::string_view text) {
  to = Put(to, text);
  *to = ' ';
  return to + 1;
}

// What of a message a subscriber gets, and how its sizes read.
struct Shape {
  bool with_headers;
  std::string_view header_size;  // empty for MSG
  std::string_view size;
  std::string_view payload;  // CR LF follows in memory
  char digits[12];           // holds `size` when it is not the publisher's text

  Shape(const Message& message, bool headers) {
    with_headers = headers && message.header_bytes > 0;
    payload = message.payload;
    size = message.size_text;
    if (with_headers) {
      header_size = message.header_size_text;
    } else if (message.header_bytes > 0) {
      payload.remove_prefix(message.header_bytes);
      const auto end = std::to_chars(digits, digits + sizeof digits, payload.size());
      size = {digits, static_cast<size_t>(end.ptr - digits)};
    }
  }
  Shape(const Shape&) = delete;
  Shape& operator=(const Shape&) = delete;

  size_t LineBytes(const Message& message, std::string_view sid) const {
    return sizeof("HMSG ") + message.subject.size() + 1 + sid.size() + 1 + message.reply.size() +
           1 + header_size.size() + 1 + size.size() + 2;
  }

  char* PutLine(const Message& message, std::string_view sid, char* to) const {
    to = Put(to, with_headers ? std::string_view("HMSG ") : std::string_view("MSG "));
    to = PutWord(to, message.subject);
    to = PutWord(to, sid);
    if (!message.reply.empty()) to = PutWord(to, message.reply);
    if (with_headers) to = PutWord(to, header_size);
    return Put(to, size);
  }
};

}  // namespace

void AppendMessage(const Message& message, std::string_view sid, bool headers, Outbound& out) {
  const Shape shape(message, headers);
  const std::string_view payload_line(shape.payload.data(), shape.payload.size() + 2);
  const size_t line_bytes = shape.LineBytes(message, sid);
  const bool contiguous = line_bytes + payload_line.size() <= kContiguousBytesMax;

  char* const start = out.Reserve(line_bytes + (contiguous ? payload_line.size() : 0));
  char* to = Put(shape.PutLine(message, sid, start), "\r\n");
  if (contiguous) to = Put(to, payload_line);
  out.Commit(static_cast<size_t>(to - start));
  if (!contiguous) out.Append(payload_line);
}

SharedBytes WriteShared(const Message& message, std::string_view sid, bool headers,
                        ChunkPool& pool) {
  const Shape shape(message, headers);
  const std::string_view payload_line(shape.payload.data(), shape.payload.size() + 2);
  SharedBlock& block = pool.BlockFor(shape.LineBytes(message, sid) + payload_line.size());
  char* const start = block.data() + block.size;
  const char* const end = Put(Put(shape.PutLine(message, sid, start), "\r\n"), payload_line);
  const SharedBytes written = {&block, block.size, static_cast<uint32_t>(end - start)};
  block.size += written.bytes;
  return written;
}

std::string MessageLine(const Message& message, std::string_view sid, bool headers) {
  const Shape shape(message, headers);
  std::string line(shape.LineBytes(message, sid), '\0');
  line.resize(static_cast<size_t>(shape.PutLine(message, sid, line.data()) - line.data()));
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
