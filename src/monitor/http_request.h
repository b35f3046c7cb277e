// Requests over HTTP/1.x: bytes of one connection to requests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::monitor {

/// A request, less what no endpoint asks about.
struct HttpRequest {
  std::string method;
  std::string path;           // without escapes
  std::string query;          // as it came, without '?'
  int minor_version = 1;      // of HTTP/1.x
  bool keep_alive = true;     // the peer wants more answers on this connection
  bool told_to_keep = false;  // ... and said so
};

/// What is wrong with a request. All of them end the connection.
struct HttpError {
  int status = 400;
  std::string detail;  // behind the status in the answer; may be empty
};

/// Cuts a byte stream into requests. Pure: no I/O, no clock.
///
/// Use: Push() what has come, Next() until it says kNeedMore or the caller has enough to do.
///
/// Bodies mean nothing here: short ones are skipped, behind others the connection ends.
/// Bound:      kHeadBytesMax for line and headers of a request; what follows it is kept as it came,
///             so the caller stops pushing while held_bytes() is large.
/// Invariants: cutting the input anywhere gives the same requests, and the same end. After kError
///             every call gives kError.
/// Source:     RFC 9112; what is refused, and in which words, is as in Go's net/http.
class HttpParser {
 public:
  enum class Result : uint8_t { kRequest, kNeedMore, kError };

  static constexpr size_t kHeadBytesMax = size_t{16} << 10;
  static constexpr size_t kBodyBytesMax = size_t{256} << 10;

  void Push(std::string_view bytes);
  Result Next(HttpRequest& request);

  const HttpError& error() const { return error_; }
  /// Bytes that wait to be read.
  size_t held_bytes() const { return held_.size() - read_; }
  /// Whether a request has begun and is not there yet.
  bool in_request() const { return head_bytes_ > 0 || held_bytes() > 0 || body_left_ > 0; }

 private:
  // What is known of the request whose head is being read.
  struct Head {
    HttpRequest request;
    int major_version = 1;
    int hosts = 0;
    bool has_line = false;
    bool chunked = false;
    bool says_close = false;
    bool says_keep = false;
    bool expects_continue = false;
    bool has_length = false;
    uint64_t body_bytes = 0;
  };

  bool SkipBody();
  Result Finish(HttpRequest& request);
  bool ReadLine(std::string_view line);
  bool ReadRequestLine(std::string_view line);
  bool ReadTarget(std::string_view target);
  bool ReadHeader(std::string_view line);
  bool ReadLength(std::string_view value);
  void ReadConnection(std::string_view value);
  bool Refuse(int status, std::string_view detail = {});

  std::string held_;
  size_t read_ = 0;        // of held_: what is done with
  size_t head_bytes_ = 0;  // of the present request, in lines done with
  uint64_t body_left_ = 0;
  Head head_;
  HttpError error_;
  bool failed_ = false;
};

}  // namespace martlet::monitor
