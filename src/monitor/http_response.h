// Answers over HTTP/1.x.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "monitor/http_request.h"

namespace martlet::monitor {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kTextType = "text/plain; charset=utf-8";
inline constexpr std::string_view kHtmlType = "text/html; charset=utf-8";

/// What an endpoint has to say.
struct Response {
  int status = 200;
  std::string_view type = kTextType;  // one of the constants above
  bool any_origin = false;            // pages of other sites may read it
  bool no_sniff = false;              // browsers are to believe the type
  std::string body;
};

/// An object of the monitor.
inline Response JsonResponse(std::string body, int status = 200) {
  return {.status = status, .type = kJsonType, .any_origin = true, .body = std::move(body)};
}
inline Response TextResponse(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}
/// For a path that nobody knows.
Response NotFound();

/// Status line and headers of the answer to `request`; the body follows, except for HEAD.
/// `unix_seconds`: now.
std::string HeadOf(const Response& response, const HttpRequest& request, int64_t unix_seconds);
inline bool SendsBody(const HttpRequest& request) { return request.method != "HEAD"; }

/// The whole answer to what is no request; the connection ends behind it.
/// Source: Go's net/http, which sends neither a date nor a length here.
std::string AnswerTo(const HttpError& error);

}  // namespace martlet::monitor
