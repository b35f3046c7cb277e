#include "monitor/http_response.h"

#include <gtest/gtest.h>

namespace martlet::monitor {
namespace {

constexpr int64_t kNow = 1'700'000'000;  // Tue, 14 Nov 2023 22:13:20 GMT

TEST(HttpResponse, HeadOfAnObject) {
  EXPECT_EQ(HeadOf(JsonResponse("{}"), {.method = "GET"}, kNow),
            "HTTP/1.1 200 OK\r\n"
            "Access-Control-Allow-Origin: *\r\n"
            "Content-Type: application/json\r\n"
            "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
            "Content-Length: 2\r\n\r\n");
}

TEST(HttpResponse, HeadOfWhatIsNotThere) {
  EXPECT_EQ(HeadOf(NotFound(), {.method = "GET"}, kNow),
            "HTTP/1.1 404 Not Found\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
            "Content-Length: 19\r\n\r\n");
}

TEST(HttpResponse, SaysWhetherTheConnectionStays) {
  const Response response = TextResponse(400, "no");
  const auto head = [&](int minor_version, bool keep_alive) {
    return HeadOf(response, {.minor_version = minor_version, .keep_alive = keep_alive}, kNow);
  };
  EXPECT_EQ(head(1, true).find("Connection"), std::string::npos);
  EXPECT_NE(head(1, false).find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_NE(head(0, true).find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  EXPECT_EQ(head(0, false).find("Connection"), std::string::npos);
  EXPECT_TRUE(head(0, false).starts_with("HTTP/1.0 400 Bad Request\r\n"));
}

TEST(HttpResponse, AnswersToWhatIsNoRequest) {
  constexpr std::string_view kHeaders =
      "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
  EXPECT_EQ(AnswerTo({400, ""}),
            "HTTP/1.1 400 Bad Request" + std::string(kHeaders) + "400 Bad Request");
  EXPECT_EQ(AnswerTo({505, "unsupported protocol version"}),
            "HTTP/1.1 505 HTTP Version Not Supported: unsupported protocol version" +
                std::string(kHeaders) +
                "505 HTTP Version Not Supported: unsupported protocol version");
  EXPECT_EQ(
      AnswerTo({501, "Unsupported transfer encoding"}),
      "HTTP/1.1 501 Not Implemented" + std::string(kHeaders) + "Unsupported transfer encoding");
}

}  // namespace
}  // namespace martlet::monitor
