// Publishes in batches, within the window.
#include "delivery_publishers.h"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace delivery {
namespace {

constexpr size_t kBatchBytes = 128 << 10;  // from here on a batch is full

}  // namespace

Publishers::Publishers(const Plan& plan, uint64_t window_bytes, const Messages& messages,
                       Tracker& tracker, Sockets& sockets)
    : window_bytes_(window_bytes),
      batch_bytes_max_(kBatchBytes + messages.bytes_max()),
      messages_(messages),
      tracker_(tracker),
      sockets_(sockets),
      publishers_(plan.publishers) {
  const std::vector<Tracker::Stream>& streams = tracker.streams();
  for (uint32_t index = 0; index < streams.size(); ++index) {
    Publisher& publisher = publishers_[streams[index].publisher];
    publisher.streams.push_back(index);
    publisher.messages += streams[index].messages;
    publisher.receivers.insert(publisher.receivers.end(), streams[index].receivers.begin(),
                               streams[index].receivers.end());
  }
  for (uint32_t index = 0; index < publishers_.size(); ++index) {
    Publisher& publisher = publishers_[index];
    publisher.socket.side = Side::kPublisher;
    publisher.socket.index = index;
    publisher.batch = std::make_unique_for_overwrite<char[]>(batch_bytes_max_);
    std::sort(publisher.receivers.begin(), publisher.receivers.end());
    const auto end = std::unique(publisher.receivers.begin(), publisher.receivers.end());
    publisher.receivers.erase(end, publisher.receivers.end());
  }
}

bool Publishers::Connect() {
  return std::all_of(publishers_.begin(), publishers_.end(), [this](Publisher& publisher) {
    return sockets_.Open(publisher.socket) && sockets_.Greet(publisher.socket, true);
  });
}

bool Publishers::MayPublish(const Publisher& publisher) const {
  if (publisher.batch_bytes != 0 || publisher.published == publisher.messages) return false;
  return std::all_of(
      publisher.receivers.begin(), publisher.receivers.end(),
      [this](uint32_t receiver) { return tracker_.outstanding(receiver) <= window_bytes_; });
}

bool Publishers::CanPublish() const {
  return std::any_of(publishers_.begin(), publishers_.end(),
                     [this](const Publisher& publisher) { return MayPublish(publisher); });
}

// Streams of one publisher take turns; they are equally long, give or take the remainder.
uint32_t Publishers::NextStream(const Publisher& publisher) const {
  const auto finished = [this](uint32_t index) {
    const Tracker::Stream& stream = tracker_.streams()[index];
    return stream.published == stream.messages;
  };
  uint32_t index = publisher.streams[publisher.published % publisher.streams.size()];
  for (size_t i = 0; finished(index); ++i) index = publisher.streams[i];
  return index;
}

void Publishers::Fill(Publisher& publisher) {
  while (publisher.batch_bytes < kBatchBytes && publisher.published < publisher.messages) {
    const uint32_t index = NextStream(publisher);
    const Tracker::Stream& stream = tracker_.streams()[index];
    const Messages::Written written =
        messages_.Write(publisher.batch.get() + publisher.batch_bytes, stream.subject,
                        {.publisher = stream.publisher,
                         .stream = index,
                         .stream_seq = stream.published,
                         .publisher_seq = publisher.published,
                         .hash = 0});
    publisher.batch_bytes += written.bytes;
    ++publisher.published;
    tracker_.OnPublished(index, written.payload_bytes);
  }
}

bool Publishers::Publish() {
  bool finished = true;
  for (Publisher& publisher : publishers_) {
    if (MayPublish(publisher)) {
      Fill(publisher);
      Write(publisher);
    }
    finished = finished && publisher.published == publisher.messages && publisher.batch_bytes == 0;
  }
  return finished;
}

// A batch ends with a whole message, so PING and PONG may stand there.
void Publishers::Append(Publisher& publisher, std::string_view control) {
  if (publisher.batch_bytes + control.size() > batch_bytes_max_) {
    return sockets_.Fail(publisher.socket, "is asked for more PONGs than it can send");
  }
  control.copy(publisher.batch.get() + publisher.batch_bytes, control.size());
  publisher.batch_bytes += control.size();
  Write(publisher);
}

void Publishers::Flush() {
  for (Publisher& publisher : publishers_) Append(publisher, "PING\r\n");
}

bool Publishers::flushed() const {
  return std::all_of(publishers_.begin(), publishers_.end(),
                     [](const Publisher& publisher) { return publisher.ponged; });
}

void Publishers::Write(Publisher& publisher) {
  while (publisher.batch_at < publisher.batch_bytes) {
    const ssize_t sent =
        send(publisher.socket.connection.fd(), publisher.batch.get() + publisher.batch_at,
             publisher.batch_bytes - publisher.batch_at, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      return sockets_.FailErrno(publisher.socket, "cannot write");
    }
    if (sent < 0) {
      if (!publisher.blocked) sockets_.WatchWritable(publisher.socket, true);
      publisher.blocked = true;
      return;
    }
    publisher.batch_at += static_cast<size_t>(sent);
  }
  if (publisher.blocked) sockets_.WatchWritable(publisher.socket, false);
  publisher.blocked = false;
  publisher.batch_at = publisher.batch_bytes = 0;
}

bool Publishers::OnFrame(Publisher& publisher, const raw::Frame& frame) {
  if (frame.verb == raw::Verb::kPing) {
    Append(publisher, "PONG\r\n");
    return true;
  }
  if (frame.verb == raw::Verb::kPong) publisher.ponged = true;
  return sockets_.OnControl(publisher.socket, frame);
}

void Publishers::OnEvent(uint32_t index, uint32_t events) {
  Publisher& publisher = publishers_[index];
  if ((events & EPOLLOUT) != 0) Write(publisher);
  if ((events & ~EPOLLOUT) == 0) return;
  sockets_.Read(publisher.socket, 1,
                [&](const raw::Frame& frame) { return OnFrame(publisher, frame); });
}

}  // namespace delivery
