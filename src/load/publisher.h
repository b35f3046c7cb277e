// Sends the messages of one publisher, by schedule or as fast as the window allows.
#pragma once

#include <deque>

#include "load/role.h"

namespace martlet::load {

/// With a rate it is an open loop: a message goes out when it is due, however late the server is,
/// and when the sender itself is late its due time still counts. Without one it keeps as many bytes
/// on the way as the window allows, measured by what its audience has received (publish only: by
/// PONGs).
class Publisher final : public Role {
 public:
  Publisher(WorkerContext& context, uint32_t index);

  int64_t Produce(uint64_t now) override;
  void OnPong(client::Connection& connection, uint64_t number) override;

 private:
  struct Mark {
    uint64_t ping = 0;  // its number; its PONG says that ...
    uint64_t sent = 0;  // ... so many messages are processed
  };

  int64_t ProduceDue(uint64_t now);
  int64_t ProduceFast();
  int64_t Finish();
  uint64_t Room();
  void Append(int64_t due);

  PublisherState& state_;
  uint32_t first_stream_;
  Arrivals arrivals_;
  SubjectPicker picker_;
  std::string before_;      // "PUB ", or with one subject the whole line
  std::string after_;       // " 128\r\n" and the headers
  size_t frame_bytes_max_;  // of one message
  int64_t next_due_;
  uint64_t left_;          // messages to send; UINT64_MAX: until the time is up
  uint64_t window_;        // messages on the way at most
  uint64_t received_ = 0;  // as last asked
  std::deque<Mark> marks_;
};

}  // namespace martlet::load
