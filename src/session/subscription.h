// One subscription of one client.
#pragma once

#include <cstdint>
#include <new>
#include <string_view>

#include "subject/filter.h"

namespace martlet::session {

class ClientSession;

/// Stands in the index as a Subscriber; the filter's text is the index's. The sid lies behind the
/// object, so that a million subscriptions need one allocation each.
class Subscription : public subject::Subscriber {
 public:
  static Subscription* Create(ClientSession& client, std::string_view sid) {
    return new (::operator new(sizeof(Subscription) + sid.size())) Subscription(client, sid);
  }
  static void Destroy(Subscription* subscription) {
    subscription->~Subscription();
    ::operator delete(subscription);
  }

  ClientSession& client() const { return client_; }
  std::string_view sid() const { return {reinterpret_cast<const char*>(this + 1), sid_bytes_}; }

 private:
  uint32_t sid_bytes_;  // first: behind the base's last member is room for it

 public:
  /// Ends after this many messages in total; 0: never.
  int64_t max = 0;
  int64_t delivered = 0;

  bool used_up() const { return max > 0 && delivered >= max; }

 private:
  Subscription(ClientSession& client, std::string_view sid)
      : sid_bytes_(static_cast<uint32_t>(sid.size())), client_(client) {
    for (size_t i = 0; i < sid.size(); ++i) reinterpret_cast<char*>(this + 1)[i] = sid[i];
  }
  ~Subscription() = default;

  ClientSession& client_;
};

static_assert(sizeof(Subscription) == 40, "a million of them");

/// Finds subscriptions by sid without a key of their own.
struct SidHash {
  using is_transparent = void;
  size_t operator()(std::string_view sid) const { return std::hash<std::string_view>()(sid); }
  size_t operator()(const Subscription* s) const { return (*this)(s->sid()); }
};
struct SidEqual {
  using is_transparent = void;
  static std::string_view Sid(std::string_view sid) { return sid; }
  static std::string_view Sid(const Subscription* s) { return s->sid(); }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const {
    return Sid(a) == Sid(b);
  }
};

}  // namespace martlet::session
