// Subscribes, reads, and tells what is not meant for a connection or comes too late.
#include "delivery_subscribers.h"

#include <algorithm>
#include <optional>

namespace delivery {

Subscribers::Subscribers(const Plan& plan, Tracker& tracker, Sockets& sockets, Report& report)
    : plan_(plan),
      tracker_(tracker),
      sockets_(sockets),
      report_(report),
      subscribers_(plan.subscribers) {
  for (uint32_t index = 0; index < subscribers_.size(); ++index) {
    Subscriber& subscriber = subscribers_[index];
    subscriber.socket.side = Side::kSubscriber;
    subscriber.socket.index = index;
    subscriber.headers = !(plan.odd_forms && index % 3 == 1);
    subscriber.order.resize(plan.publishers);
  }
}

// A subscription's sid is its index in the plan and 1.
std::string Subscribers::SubscribeLines(uint32_t index) const {
  std::string lines;
  for (size_t i = 0; i < plan_.subscriptions.size(); ++i) {
    const auto& [connection, filter, queue] = plan_.subscriptions[i];
    if (connection != index) continue;
    lines += "SUB " + filter + " ";
    if (!queue.empty()) lines += queue + " ";
    lines += std::to_string(i + 1) + "\r\n";
  }
  return lines;
}

bool Subscribers::Connect() {
  return std::all_of(subscribers_.begin(), subscribers_.end(), [this](Subscriber& subscriber) {
    Socket& socket = subscriber.socket;
    return sockets_.Open(socket) && sockets_.Greet(socket, subscriber.headers) &&
           sockets_.Subscribe(socket, SubscribeLines(socket.index));
  });
}

void Subscribers::Flush() {
  for (Subscriber& subscriber : subscribers_) sockets_.Send(subscriber.socket, "PING\r\n");
}

bool Subscribers::flushed() const {
  return std::all_of(subscribers_.begin(), subscribers_.end(),
                     [](const Subscriber& subscriber) { return subscriber.ponged; });
}

void Subscribers::OnMessage(Subscriber& subscriber, const raw::Frame& frame) {
  const std::optional<Stamp> stamp = tracker_.Check(frame, subscriber.headers);
  if (!stamp) return;
  const bool known = frame.sid >= 1 && frame.sid <= plan_.subscriptions.size();
  const auto index = static_cast<uint32_t>(frame.sid - 1);
  if (!known || plan_.subscriptions[index].connection != subscriber.socket.index ||
      !Matches(plan_.subscriptions[index].filter, frame.subject)) {
    return report_.Count(report_.stray,
                         "stray: " + Where(*stamp, "sid " + std::to_string(frame.sid)));
  }
  if (subscriber.ponged) {
    report_.Count(report_.late, "late: " + Where(*stamp, plan_.subscriptions[index].filter));
  }
  tracker_.Take(index, subscriber.order, *stamp, frame.payload.size());
}

bool Subscribers::OnFrame(Subscriber& subscriber, const raw::Frame& frame) {
  if (frame.verb == raw::Verb::kMsg || frame.verb == raw::Verb::kHmsg) {
    OnMessage(subscriber, frame);
    return true;
  }
  if (frame.verb == raw::Verb::kPong) subscriber.ponged = true;
  return sockets_.OnControl(subscriber.socket, frame);
}

void Subscribers::OnEvent(uint32_t index) {
  Subscriber& subscriber = subscribers_[index];
  sockets_.Read(subscriber.socket, 4,
                [&](const raw::Frame& frame) { return OnFrame(subscriber, frame); });
}

}  // namespace delivery
