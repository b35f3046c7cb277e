#include "control/resolver.h"

#include <algorithm>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <utility>

#include "base/cpus.h"
#include "base/net_address.h"

namespace martlet::control {

cluster::Resolved LookUp(const cluster::Resolve& question) {
  cluster::Resolved answer{.dial = question.dial, .addresses = {}, .error = {}};
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(question.host.c_str(), nullptr, &hints, &list);
  if (error != 0) {
    const bool unknown = error == EAI_NONAME || error == EAI_NODATA;
    answer.error =
        "lookup " + question.host + ": " + (unknown ? "no such host" : ::gai_strerror(error));
    return answer;
  }
  for (const addrinfo* at = list; at != nullptr; at = at->ai_next) {
    base::SocketAddress address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.length = at->ai_addrlen;
    const cluster::Endpoint endpoint{address.host(), question.port};
    if (std::find(answer.addresses.begin(), answer.addresses.end(), endpoint) ==
        answer.addresses.end()) {
      answer.addresses.push_back(endpoint);
    }
  }
  ::freeaddrinfo(list);
  return answer;
}

Resolver::Resolver() : ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  asked_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Resolver::Ask(const cluster::Resolve& question) {
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back(question);
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { Work(); });
  asked_.notify_one();
}

std::vector<cluster::Resolved> Resolver::TakeAnswers() {
  uint64_t count;
  (void)!::read(ready_.get(), &count, sizeof count);
  const std::lock_guard lock(mutex_);
  return std::exchange(answers_, {});
}

void Resolver::Work() {
  base::NameThisThread("resolver");
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return ends_ || !questions_.empty(); });
    if (ends_) return;
    const cluster::Resolve question = std::move(questions_.front());
    questions_.pop_front();
    lock.unlock();
    cluster::Resolved answer = LookUp(question);
    lock.lock();
    answers_.push_back(std::move(answer));
    const uint64_t one = 1;
    (void)!::write(ready_.get(), &one, sizeof one);
  }
}

}  // namespace martlet::control
