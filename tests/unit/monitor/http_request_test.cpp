#include "monitor/http_request.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace martlet::monitor {
namespace {

using namespace std::string_literals;

/// Everything that a parser says about a stream, in one text.
std::string Text(HttpParser& parser) {
  std::string text;
  HttpRequest request;
  for (;;) {
    switch (parser.Next(request)) {
      case HttpParser::Result::kRequest:
        text += request.method + "|" + request.path + "|" + request.query + "|1." +
                std::to_string(request.minor_version) + (request.keep_alive ? "|keep" : "|close") +
                "\n";
        break;
      case HttpParser::Result::kNeedMore:
        return text;
      case HttpParser::Result::kError:
        return text + "error " + std::to_string(parser.error().status) + " " +
               parser.error().detail + "\n";
    }
  }
}

std::string Whole(std::string_view stream) {
  HttpParser parser;
  parser.Push(stream);
  return Text(parser);
}

/// The same, cut in two at each place, and into single bytes.
void ExpectText(const std::string& stream, const std::string& text) {
  EXPECT_EQ(Whole(stream), text) << stream;
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    HttpParser parser;
    parser.Push(stream.substr(0, cut));
    std::string said = Text(parser);
    const bool failed = said.find("error ") != said.npos;
    parser.Push(stream.substr(cut));
    if (!failed) said += Text(parser);
    ASSERT_EQ(said, text) << stream << " cut at " << cut;
  }
  HttpParser parser;
  std::string said;
  for (size_t i = 0; i < stream.size() && said.find("error ") == said.npos; ++i) {
    parser.Push(stream.substr(i, 1));
    said += Text(parser);
  }
  ASSERT_EQ(said, text) << stream;
}

constexpr char kHost[] = "Host: h\r\n";

TEST(HttpParser, ReadsRequests) {
  struct Case {
    std::string line;
    std::string text;
  };
  const Case kCases[] = {
      {"GET / HTTP/1.1", "GET|/||1.1|keep\n"},
      {"HEAD /varz HTTP/1.1", "HEAD|/varz||1.1|keep\n"},
      {"BREW /connz?limit=3&x=%20 HTTP/1.1", "BREW|/connz|limit=3&x=%20|1.1|keep\n"},
      {"GET /a%20b?? HTTP/1.1", "GET|/a b|?|1.1|keep\n"},
      {"GET http://x:8222/varz?a HTTP/1.1", "GET|/varz|a|1.1|keep\n"},
      {"GET http://x HTTP/1.1", "GET|/||1.1|keep\n"},
      {"GET /varz HTTP/1.0", "GET|/varz||1.0|close\n"},
      {"GET /varz HTTP/1.7", "GET|/varz||1.7|keep\n"},
  };
  for (const Case& c : kCases) {
    ExpectText(c.line + "\r\n" + kHost + "\r\n", c.text);
    ExpectText(c.line + "\nhost:h\n\n", c.text);  // as a human types it
  }
}

TEST(HttpParser, KeepsOrCloses) {
  const auto with = [](const std::string& version, const std::string& headers) {
    return "GET / HTTP/" + version + "\r\n" + kHost + headers + "\r\n";
  };
  ExpectText(with("1.1", "Connection: close\r\n"), "GET|/||1.1|close\n");
  ExpectText(with("1.1", "connection: x, CLOSE\r\n"), "GET|/||1.1|close\n");
  ExpectText(with("1.1", "Connection: keep-alive\r\n"), "GET|/||1.1|keep\n");
  ExpectText(with("1.0", "Connection: Keep-Alive\r\n"), "GET|/||1.0|keep\n");
  ExpectText(with("1.0", "Connection: keep-alive, close\r\n"), "GET|/||1.0|close\n");
}

TEST(HttpParser, ReadsOneBehindTheOther) {
  const std::string first = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string second = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
  ExpectText(first + second + first, "GET|/a||1.1|keep\nGET|/b||1.1|keep\nGET|/a||1.1|keep\n");
}

TEST(HttpParser, SkipsBodies) {
  const std::string next = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
  ExpectText("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nGET / \r\n\n" + next,
             "POST|/a||1.1|keep\nGET|/b||1.1|keep\n");
  ExpectText("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n" + next,
             "POST|/a||1.1|keep\nGET|/b||1.1|keep\n");
}

TEST(HttpParser, EndsWhereItCannotKnowWhereABodyEnds) {
  const auto says = [](const std::string& header) {
    return Whole("POST /a HTTP/1.1\r\nHost: h\r\n" + header + "\r\n\r\n");
  };
  EXPECT_EQ(says("Transfer-Encoding: chunked"), "POST|/a||1.1|close\n");
  EXPECT_EQ(says("Content-Length: 262144"), "POST|/a||1.1|keep\n");
  EXPECT_EQ(says("Content-Length: 262145"), "POST|/a||1.1|close\n");
  EXPECT_EQ(says("Content-Length: 1\r\nExpect: 100-continue"), "POST|/a||1.1|close\n");
}

TEST(HttpParser, RefusesWhatIsNoRequest) {
  struct Case {
    std::string stream;
    std::string text;
  };
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  const Case kCases[] = {
      {"\r\n", "error 400 \n"},
      {"GET\r\n", "error 400 \n"},
      {"GET /\r\n", "error 400 \n"},
      {"GET  / HTTP/1.1\r\n", "error 400 \n"},
      {"GET / HTTP/1.1 \r\n", "error 400 \n"},
      {"GET / http/1.1\r\n", "error 400 \n"},
      {"GET / HTTP/11\r\n", "error 400 \n"},
      {"G(T / HTTP/1.1\r\n", "error 400 \n"},
      {"GET x HTTP/1.1\r\n", "error 400 \n"},
      {"GET * HTTP/1.1\r\n", "error 400 \n"},
      {"GET /\x01 HTTP/1.1\r\n", "error 400 \n"},
      {"GET /%zz HTTP/1.1\r\n", "error 400 \n"},
      {"INFO {\"server_id\":\"x\"}\r\n", "error 400 \n"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "error 505 unsupported protocol version\n"},
      {"GET / HTTP/0.9\r\nHost: h\r\n\r\n", "error 505 unsupported protocol version\n"},
      {"GET / HTTP/1.1\r\n\r\n", "error 400 missing required Host header\n"},
      {get + "Host: i\r\n\r\n", "error 400 \n"},
      {get + "no colon\r\n", "error 400 \n"},
      {get + "a b: c\r\n", "error 400 \n"},
      {get + " folded: c\r\n", "error 400 \n"},
      {get + "a : c\r\n", "error 400 \n"},
      {get + ": c\r\n", "error 400 \n"},
      {get + "a: b\x01\r\n", "error 400 \n"},
      {get + "a: b\rc\r\n", "error 400 \n"},
      {get + "Content-Length: -1\r\n", "error 400 \n"},
      {get + "Content-Length: 1x\r\n", "error 400 \n"},
      {get + "Content-Length:\r\n", "error 400 \n"},
      {get + "Content-Length: 99999999999999999999\r\n", "error 400 \n"},
      {get + "Content-Length: 1\r\nContent-Length: 2\r\n", "error 400 \n"},
      {get + "Transfer-Encoding: gzip\r\n", "error 501 Unsupported transfer encoding\n"},
  };
  for (const Case& c : kCases) ExpectText(c.stream, c.text);
  EXPECT_EQ(Whole("GET /\0 HTTP/1.1\r\n"s), "error 400 \n");
}

TEST(HttpParser, AHeadHasABound) {
  const std::string line = "GET / HTTP/1.1\r\nHost: h\r\n";
  const auto head = [&](size_t bytes) {
    return line + "X: " + std::string(bytes - line.size() - 7, 'x') + "\r\n\r\n";
  };
  ASSERT_EQ(head(HttpParser::kHeadBytesMax).size(), HttpParser::kHeadBytesMax);
  EXPECT_EQ(Whole(head(HttpParser::kHeadBytesMax)), "GET|/||1.1|keep\n");
  EXPECT_EQ(Whole(head(HttpParser::kHeadBytesMax + 1)), "error 431 \n");
  // Without any end of a line as well, and piece by piece.
  HttpParser parser;
  const std::string piece(1000, 'x');
  for (size_t i = 0; i < 16; ++i) {
    parser.Push(piece);
    EXPECT_EQ(Text(parser), "");
  }
  parser.Push(piece);
  EXPECT_EQ(Text(parser), "error 431 \n");
  EXPECT_EQ(Text(parser), "error 431 \n");
  parser.Push(piece);
  EXPECT_EQ(parser.held_bytes(), 0u);
}

TEST(HttpParser, KnowsWhetherARequestHasBegun) {
  HttpParser parser;
  EXPECT_FALSE(parser.in_request());
  parser.Push("G");
  EXPECT_EQ(Text(parser), "");
  EXPECT_TRUE(parser.in_request());
  parser.Push("ET / HTTP/1.1\r\nHost: h\r\n");
  EXPECT_EQ(Text(parser), "");
  EXPECT_TRUE(parser.in_request());
  EXPECT_EQ(parser.held_bytes(), 0u);
  parser.Push("Content-Length: 2\r\n\r\n");
  EXPECT_EQ(Text(parser), "GET|/||1.1|keep\n");
  EXPECT_TRUE(parser.in_request());
  parser.Push("xy");
  EXPECT_EQ(Text(parser), "");
  EXPECT_FALSE(parser.in_request());
}

}  // namespace
}  // namespace martlet::monitor
