// Many connections that only connect and subscribe.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "client/connection.h"
#include "client/runtime.h"
#include "measure/histogram.h"

namespace martlet::load {

/// Opens connections, so many at a time, and times each from the start of its connect to the PONG
/// that says its subscriptions are known.
///
/// Thread:     its runtime's.
/// Lifetime:   destroyed when CloseAll() has succeeded.
class Crowd {
 public:
  struct Options {
    size_t connections = 0;
    size_t at_once = 64;
    uint32_t subscriptions = 1;  // of each, on subjects of its own
    std::string subject = "bench";
  };

  Crowd(client::Runtime& runtime, const client::Peer& peer, const Options& options);
  ~Crowd();

  /// Starts (or, after CloseAll(), starts again); Turn the runtime until done(). With a herd
  /// every connection's time counts from now, not from when its turn comes.
  void Begin(bool herd);
  bool done() const { return joined_ == members_.size(); }
  size_t joined() const { return joined_; }
  /// The first error; connections that fail do not try again.
  const absl::Status& failure() const { return failure_; }
  const measure::Histogram& times() const { return times_; }

  /// Drops all; false when some are not gone after 10 seconds.
  bool CloseAll();

 private:
  class Member;
  void OpenMore();
  void Joined(const client::Connection& connection);
  void Left(const absl::Status& why);

  client::Runtime& runtime_;
  Options options_;
  std::vector<std::unique_ptr<Member>> members_;
  size_t opened_ = 0;
  size_t joined_ = 0;
  uint64_t herd_since_ns_ = 0;
  bool closing_ = false;
  absl::Status failure_;
  measure::Histogram times_;
};

/// Lets this process have so many descriptors, as far as its hard limit goes.
absl::Status AllowDescriptors(size_t count);

}  // namespace martlet::load
