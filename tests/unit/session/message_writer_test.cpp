#include "session/message_writer.h"

#include <array>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace martlet::session {
namespace {

std::string TakeAll(Outbound& out) {
  std::string text;
  std::array<iovec, 4> parts;
  while (const size_t count = out.Gather(parts, SIZE_MAX)) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) {
      text.append(static_cast<const char*>(parts[i].iov_base), parts[i].iov_len);
      bytes += parts[i].iov_len;
    }
    out.Consume(bytes);
  }
  return text;
}

struct Vector {
  std::string_view reply;
  std::string_view header_size;
  std::string_view size;
  uint32_t header_bytes;
  std::string_view payload_line;
  std::string_view with_headers;
  std::string_view without;
};

// Source: spec client-protocol.md section 7.
constexpr Vector kVectors[] = {
    {"", "", "5", 0, "hello\r\n", "MSG s 9 5\r\nhello\r\n", "MSG s 9 5\r\nhello\r\n"},
    {"r", "", "5", 0, "hello\r\n", "MSG s 9 r 5\r\nhello\r\n", "MSG s 9 r 5\r\nhello\r\n"},
    {"", "", "0", 0, "\r\n", "MSG s 9 0\r\n\r\n", "MSG s 9 0\r\n\r\n"},
    {"", "", "000000001", 0, "x\r\n", "MSG s 9 000000001\r\nx\r\n", "MSG s 9 000000001\r\nx\r\n"},
    {"r", "3", "5", 3, "hhhbo\r\n", "HMSG s 9 r 3 5\r\nhhhbo\r\n", "MSG s 9 r 2\r\nbo\r\n"},
    {"", "03", "003", 3, "hhh\r\n", "HMSG s 9 03 003\r\nhhh\r\n", "MSG s 9 0\r\n\r\n"},
    {"", "0", "02", 0, "bo\r\n", "MSG s 9 02\r\nbo\r\n", "MSG s 9 02\r\nbo\r\n"},
};

Message MessageOf(const Vector& v) {
  return {.subject = "s",
          .reply = v.reply,
          .header_size_text = v.header_size,
          .size_text = v.size,
          .header_bytes = v.header_bytes,
          .payload = v.payload_line.substr(0, v.payload_line.size() - 2)};
}

TEST(MessageWriter, WritesMsgAndHmsg) {
  ChunkPool pool;
  for (const Vector& v : kVectors) {
    Outbound out(pool);
    AppendMessage(MessageOf(v), "9", true, out);
    EXPECT_EQ(TakeAll(out), v.with_headers);
    AppendMessage(MessageOf(v), "9", false, out);
    EXPECT_EQ(TakeAll(out), v.without);
  }
}

TEST(MessageWriter, LineIsTheControlLineAlone) {
  for (const Vector& v : kVectors) {
    EXPECT_EQ(MessageLine(MessageOf(v), "9", true),
              v.with_headers.substr(0, v.with_headers.find("\r\n")));
    EXPECT_EQ(MessageLine(MessageOf(v), "9", false), v.without.substr(0, v.without.find("\r\n")));
  }
}

TEST(MessageWriter, PayloadOfAnySizeIsWhole) {
  ChunkPool pool;
  Outbound out(pool);
  for (const size_t bytes : {8000, 8150, 8160, 8170, 8180, 8192, 8193, 70'000, 1'048'576}) {
    std::string line(bytes, '\0');
    for (size_t i = 0; i < bytes; ++i) line[i] = static_cast<char>(i * 7 >> 2);
    line += "\r\n";
    const std::string size = std::to_string(bytes);
    const Message message = {
        .subject = "s", .size_text = size, .payload = std::string_view(line).substr(0, bytes)};
    AppendMessage(message, "sid", false, out);
    AppendMessage(message, "sid", false, out);
    const std::string expected = "MSG s sid " + size + "\r\n" + line;
    EXPECT_TRUE(TakeAll(out) == expected + expected) << bytes;
  }
}

TEST(MessageWriter, LongNamesFit) {
  ChunkPool pool;
  Outbound out(pool);
  const std::string subject(4000, 's'), reply(4000, 'r'), sid(4000, 'i');
  const Message message = {.subject = subject,
                           .reply = reply,
                           .header_size_text = "000000001",
                           .size_text = "000000001",
                           .header_bytes = 1,
                           .payload = std::string_view("x\r\n").substr(0, 1)};
  AppendMessage(message, sid, true, out);
  EXPECT_TRUE(TakeAll(out) ==
              "HMSG " + subject + " " + sid + " " + reply + " 000000001 000000001\r\nx\r\n");
}

TEST(MessageWriter, StatusHasNoBody) {
  ChunkPool pool;
  Outbound out(pool);
  AppendStatus("in.1", "7", "NATS/1.0 503\r\n\r\n", out);
  EXPECT_EQ(TakeAll(out), "HMSG in.1 7 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
}

}  // namespace
}  // namespace martlet::session
