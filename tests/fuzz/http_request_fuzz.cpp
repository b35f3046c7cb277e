// A stranger's bytes against the monitor: requests, their parameters, what they ask.
//
// Input: one byte of cuts (fuzz::Cuts), then the stream. The first parser gets it whole, the second
// one in pieces.
//
// Held to be true, whatever comes: both parsers give the same requests and the same end; what is
// held stays within its bound; after an error every call is one; whatever is asked has an answer or
// a query, and a head that a client can take apart.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "input.h"
#include "monitor/endpoints.h"
#include "monitor/http_request.h"
#include "monitor/http_response.h"

namespace martlet::monitor {
namespace {

class Run {
 public:
  void Feed(std::string_view bytes) {
    if (failed_) return;
    parser_.Push(bytes);
    for (;;) {
      HttpRequest request;
      const HttpParser::Result result = parser_.Next(request);
      if (result == HttpParser::Result::kNeedMore) break;
      if (result == HttpParser::Result::kError) return Fail();
      Note(request);
    }
    CHECK(parser_.held_bytes() <= HttpParser::kHeadBytesMax);
  }
  const std::string& transcript() const { return transcript_; }

 private:
  void Fail() {
    failed_ = true;
    HttpRequest request;
    CHECK(parser_.Next(request) == HttpParser::Result::kError);
    CHECK(parser_.held_bytes() == 0);
    transcript_ += AnswerTo(parser_.error());
  }

  void Note(const HttpRequest& request) {
    CHECK(!request.method.empty());
    CHECK(!request.path.empty());
    CHECK(request.minor_version >= 0 && request.minor_version <= 9);
    transcript_ += request.method + " " + std::to_string(request.path.size()) + ":" + request.path +
                   " " + request.query + (request.keep_alive ? " keep" : " close");
    const Endpoints endpoints("/base");
    Ask(endpoints, request);
    HttpRequest known = request;
    for (const std::string_view path : {"connz", "subsz", "routez", "healthz"}) {
      known.path = "/base/" + std::string(path);
      Ask(endpoints, known);
    }
  }

  void Ask(const Endpoints& endpoints, const HttpRequest& request) {
    const Asked asked = endpoints.Read(request);
    transcript_ += " " + std::to_string(asked.wish.index()) + std::string(asked.counted);
    const auto* response = std::get_if<Response>(&asked.wish);
    if (response == nullptr) return;
    const std::string head = HeadOf(*response, request, 0);
    CHECK(head.starts_with("HTTP/1."));
    CHECK(head.find("\r\n\r\n") == head.size() - 4);
    transcript_ += response->body + "\n";
  }

  HttpParser parser_;
  std::string transcript_;
  bool failed_ = false;
};

}  // namespace
}  // namespace martlet::monitor

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  martlet::fuzz::CheckThatCutsChangeNothing<martlet::monitor::Run>(data, size);
  return 0;
}
