// One connection to a broker on the loopback interface.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/unique_fd.h"
#include "client/out_buffer.h"

namespace martlet::peers {

/// A socket that never waits, with what was written and not sent, and the beginning of what was not
/// received to its end.
///
/// Thread: one.
class Link {
 public:
  /// Reads at most so much at a time.
  static constexpr size_t kReadBytes = size_t{256} << 10;

  absl::Status Connect(uint16_t port);

  client::OutBuffer& out() { return out_; }
  size_t unsent_bytes() const { return out_.size() - sent_; }
  /// Sends what there is; what the kernel does not take stays.
  absl::Status Flush();

  /// Reads once and calls `consume(bytes)`, which returns how many it has used; the rest comes
  /// again in front of what is read next. False: there was nothing. `scratch` is shared by all
  /// links of a thread.
  template <typename Consume>
  absl::StatusOr<bool> Read(std::string& scratch, Consume&& consume);

  int fd() const { return fd_.get(); }

 private:
  absl::StatusOr<size_t> Receive(char* to);

  base::UniqueFd fd_;
  client::OutBuffer out_;
  size_t sent_ = 0;   // of out_
  std::string held_;  // a message that is cut
};

template <typename Consume>
absl::StatusOr<bool> Link::Read(std::string& scratch, Consume&& consume) {
  const size_t held = held_.size();
  if (scratch.size() < held + kReadBytes) scratch.resize(held + kReadBytes);
  held_.copy(scratch.data(), held);
  const auto got = Receive(scratch.data() + held);
  if (!got.ok()) return got.status();
  if (*got == 0) return false;
  const std::string_view in(scratch.data(), held + *got);
  held_.assign(in.substr(consume(in)));
  return true;
}

}  // namespace martlet::peers
