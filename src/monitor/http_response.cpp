#include "monitor/http_response.h"

#include <ctime>

namespace martlet::monitor {
namespace {

std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

std::string Date(int64_t unix_seconds) {
  const auto moment = static_cast<time_t>(unix_seconds);
  tm parts{};
  gmtime_r(&moment, &parts);
  char buffer[64];
  return {buffer, strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

Response NotFound() { return {.status = 404, .no_sniff = true, .body = "404 page not found\n"}; }

std::string HeadOf(const Response& response, const HttpRequest& request, int64_t unix_seconds) {
  std::string head = request.minor_version == 0 ? "HTTP/1.0 " : "HTTP/1.1 ";
  head.append(std::to_string(response.status)).append(" ").append(Reason(response.status));
  const auto header = [&head](std::string_view name, std::string_view value) {
    head.append("\r\n").append(name).append(": ").append(value);
  };
  if (response.any_origin) header("Access-Control-Allow-Origin", "*");
  header("Content-Type", response.type);
  if (response.no_sniff) header("X-Content-Type-Options", "nosniff");
  header("Date", Date(unix_seconds));
  header("Content-Length", std::to_string(response.body.size()));
  if (!request.keep_alive && request.minor_version > 0) header("Connection", "close");
  if (request.keep_alive && request.minor_version == 0) header("Connection", "keep-alive");
  return head + "\r\n\r\n";
}

std::string AnswerTo(const HttpError& error) {
  std::string status = std::to_string(error.status) + " ";
  status += Reason(error.status);
  if (!error.detail.empty() && error.status != 501) status += ": " + error.detail;
  const std::string& body = error.status == 501 ? error.detail : status;
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" + body;
}

}  // namespace martlet::monitor
