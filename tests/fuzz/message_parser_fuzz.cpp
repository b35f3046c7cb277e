// A strange server's bytes against the message parser: whole, and cut into pieces.
//
// Input: one byte of cuts (fuzz::Cuts), then the stream.
//
// Held to be true, whatever comes: both parsers give the same operations and the same error; views
// lie in readable memory; the sizes of a message fit its line; after an error every call is one.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "input.h"
#include "proto/message_parser.h"

namespace martlet::proto {
namespace {

class Run {
 public:
  // Takes a private copy, so that a view that outlives its chunk is seen.
  void Feed(std::string_view bytes) {
    const std::unique_ptr<char[]> chunk(new char[bytes.size()]);
    std::copy(bytes.begin(), bytes.end(), chunk.get());
    parser_.Push({chunk.get(), bytes.size()});
    Message message;
    MessageParser::Result result = MessageParser::Result::kNeedMore;
    while ((result = parser_.Next(message)) == MessageParser::Result::kMessage) Add(message);
    if (result == MessageParser::Result::kError) {
      CHECK(!parser_.error().empty());
      CHECK(parser_.Next(message) == MessageParser::Result::kError);
    }
    CHECK((result == MessageParser::Result::kError) == !parser_.error().empty());
    parser_.Save();
  }
  std::string transcript() const { return text_ + parser_.error(); }

 private:
  void Add(const Message& message) {
    const bool is_message = message.op <= ServerOp::kHmsg;
    CHECK(is_message == !message.subject.empty());
    CHECK(is_message == !message.sid.empty());
    CHECK(message.op == ServerOp::kHmsg || message.headers.empty());
    CHECK(!message.repeated || message.op == ServerOp::kMsg);
    text_ += "op " + std::to_string(static_cast<int>(message.op));
    for (const std::string_view part : {message.subject, message.sid, message.reply,
                                        message.headers, message.payload, message.text}) {
      text_ += " " + std::to_string(part.size()) + ":";
      text_ += part;
    }
    text_ += "\n";
  }

  MessageParser parser_;
  std::string text_;  // what must not depend on where the input was cut
};

}  // namespace
}  // namespace martlet::proto

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  martlet::fuzz::CheckThatCutsChangeNothing<martlet::proto::Run>(data, size);
  return 0;
}
