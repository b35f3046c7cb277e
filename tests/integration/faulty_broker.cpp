#include "faulty_broker.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

#include "delivery_ledger.h"

namespace delivery {
namespace {

std::vector<std::string> Words(std::string_view line) {
  std::vector<std::string> words;
  while (!line.empty()) {
    const size_t blank = line.find(' ');
    words.emplace_back(line.substr(0, blank));
    line.remove_prefix(blank == line.npos ? line.size() : blank + 1);
  }
  return words;
}

}  // namespace

FaultyBroker::FaultyBroker(Fault fault, uint64_t at) : fault_(fault), at_(at) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener_, generic, bytes) != 0 || listen(listener_, 512) != 0 ||
      getsockname(listener_, generic, &bytes) != 0) {
    perror("faulty broker");
    exit(2);
  }
  port_ = ntohs(address.sin_port);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  thread_ = std::thread([this] { Serve(); });
}

FaultyBroker::~FaultyBroker() {
  stop_ = true;
  thread_.join();
  for (auto& [fd, client] : clients_) close(fd);
  close(listener_);
  close(epoll_);
}

void FaultyBroker::Serve() {
  epoll_event events[64];
  while (!stop_) {
    const int count = epoll_wait(epoll_, events, 64, 20);
    for (int i = 0; i < count; ++i) {
      const int fd = events[i].data.fd;
      if (fd == listener_) {
        Accept();
        continue;
      }
      const auto found = clients_.find(fd);
      if (found != clients_.end() && !Receive(*found->second)) Close(fd);
    }
    std::vector<int> broken;
    for (auto& [fd, client] : clients_) {
      if (!Flush(*client)) broken.push_back(fd);
    }
    for (const int fd : broken) Close(fd);
  }
}

void FaultyBroker::Accept() {
  const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  auto client = std::make_unique<Client>();
  client->fd = fd;
  client->out = "INFO {\"headers\":true,\"max_payload\":1048576} \r\n";
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  clients_[fd] = std::move(client);
}

void FaultyBroker::Close(int fd) {
  close(fd);
  clients_.erase(fd);
}

bool FaultyBroker::Receive(Client& client) {
  char bytes[64 << 10];
  const ssize_t got = recv(client.fd, bytes, sizeof(bytes), 0);
  if (got < 0) return errno == EAGAIN;
  if (got == 0) return false;
  client.in.append(bytes, static_cast<size_t>(got));
  size_t at = 0;
  while (const size_t used = Handle(client, std::string_view(client.in).substr(at))) at += used;
  client.in.erase(0, at);
  return true;
}

size_t FaultyBroker::Handle(Client& client, std::string_view in) {
  const size_t end = in.find("\r\n");
  if (end == in.npos) return 0;
  const std::string_view line = in.substr(0, end);
  const std::vector<std::string> words = Words(line);
  if (words[0] == "PUB" || words[0] == "HPUB") {
    const size_t bytes = std::stoul(words.back());
    if (in.size() < end + 4 + bytes) return 0;
    Route(words, in.substr(end + 2, bytes));
    return end + 4 + bytes;
  }
  if (words[0] == "CONNECT") client.headers = line.find("\"headers\":true") != line.npos;
  if (words[0] == "SUB") OnSubscribe(client, words);
  if (words[0] == "UNSUB") OnUnsubscribe(client, words);
  if (words[0] == "PING" && !stalled_) {
    client.out += "PONG\r\n";
    if (client.held_late) client.out += std::exchange(client.held, "");
  }
  return end + 2;
}

void FaultyBroker::OnSubscribe(Client& client, const std::vector<std::string>& words) {
  Client::Sub& sub = client.subs[words.back()];
  sub.filter = words[1];
  if (words.size() == 4) sub.queue = words[2];
}

void FaultyBroker::OnUnsubscribe(Client& client, const std::vector<std::string>& words) {
  const auto found = client.subs.find(words[1]);
  if (found == client.subs.end()) return;
  if (words.size() == 3) found->second.max = std::stoul(words[2]);
  if (words.size() == 3 && found->second.count < found->second.max) return;
  client.subs.erase(found);
}

// True exactly once: at the at_-th chance to commit the fault.
bool FaultyBroker::Strike(Fault fault) {
  if (fault != fault_ || fitting_++ != at_) return false;
  applied_ = true;
  return true;
}

void FaultyBroker::Route(const std::vector<std::string>& words, std::string_view body) {
  std::map<std::string, std::vector<std::pair<Client*, std::string>>> groups;
  std::vector<std::pair<Client*, std::string>> plain;
  for (auto& [fd, client] : clients_) {
    for (auto& [sid, sub] : client->subs) {
      if (!Matches(sub.filter, words[1])) continue;
      if (sub.queue.empty()) {
        plain.emplace_back(client.get(), sid);
      } else {
        groups[sub.queue].emplace_back(client.get(), sid);
      }
    }
  }
  for (auto& [client, sid] : plain) Deliver(*client, sid, words, body);
  for (auto& [queue, members] : groups) {
    ++chooser_;
    const auto& [client, sid] = members[chooser_ % members.size()];
    Deliver(*client, sid, words, body);
    if (members.size() < 2 || !Strike(Fault::kTwice)) continue;
    const auto& [other, other_sid] = members[(chooser_ + 1) % members.size()];
    Deliver(*other, other_sid, words, body);
  }
}

void FaultyBroker::Deliver(Client& client, const std::string& sid,
                           const std::vector<std::string>& words, std::string_view body) {
  if (stalled_ || (stalled_ = Strike(Fault::kStall)) || Strike(Fault::kDrop)) return;
  const bool strip = words[0] == "HPUB" && !client.headers;
  if (strip) body.remove_prefix(std::stoul(words[words.size() - 2]));
  std::string frame = words[0] == "HPUB" && !strip ? "HMSG " : "MSG ";
  frame += words[1] + " " + (Strike(Fault::kStray) ? "999999" : sid);
  const size_t numbers = words[0] == "HPUB" ? 2 : 1;
  for (size_t i = 2; i < words.size() - (strip ? numbers : 1); ++i) frame += " " + words[i];
  frame += " " + std::to_string(body.size()) + "\r\n";
  frame += body;
  if (Strike(Fault::kFlip)) frame[frame.size() - body.size() / 2] ^= 4;
  frame += "\r\n";
  Client::Sub& sub = client.subs[sid];
  if (++sub.count == sub.max) client.subs.erase(sid);
  const bool late = Strike(Fault::kLate);
  if (late || Strike(Fault::kSwap)) {
    client.held = std::move(frame);
    client.held_late = late;
    return;
  }
  if (Strike(Fault::kDuplicate)) client.out += frame;
  client.out += frame;
  if (!client.held_late) client.out += std::exchange(client.held, "");
}

bool FaultyBroker::Flush(Client& client) {
  if (client.out.empty()) return true;
  const ssize_t sent = send(client.fd, client.out.data(), client.out.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  client.out.erase(0, static_cast<size_t>(sent));
  return true;
}

}  // namespace delivery
