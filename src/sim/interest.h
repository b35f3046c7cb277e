// Who wants what: a model of the interest that servers tell each other.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace martlet::sim {

/// Account and subject; with each the number of subscribers.
using Interest = std::map<std::pair<std::string, std::string>, int>;

/// The accounts that a connection carries, as Register and Reassign tell it.
struct Carried {
  std::string account;
  int64_t slot = 0;
  int64_t pool_size = 0;
  std::vector<std::string> without;

  bool Has(const std::string& name) const;
};

/// What one connection has been told and has heard.
class InterestOnLink {
 public:
  /// All the lines that must be sent for the other side to know `local`.
  std::vector<std::string> TellAll(const Interest& local, const Carried& carried);
  /// One line for what has changed; empty: it is not this connection's.
  std::string Tell(const std::pair<std::string, std::string>& what, int count,
                   const Carried& carried);
  /// RS+ or RS-. False: it is none.
  bool Hear(const std::string& line, const Carried& carried);
  /// What the other side had said of accounts that are not carried here any more does not count.
  void Forget(const Carried& carried);

  const Interest& heard() const { return heard_; }

 private:
  Interest told_;
  Interest heard_;
};

}  // namespace martlet::sim
