// Subscribes, leaves and reconnects over and over, and judges what comes in between.
#include "delivery_churners.h"

#include <algorithm>
#include <optional>
#include <string>

namespace delivery {

Churners::Churners(const Plan& plan, uint64_t seed, Tracker& tracker, Sockets& sockets,
                   Report& report)
    : plan_(plan),
      random_(seed),
      tracker_(tracker),
      sockets_(sockets),
      report_(report),
      churners_(plan.churners.size()) {
  for (uint32_t index = 0; index < churners_.size(); ++index) {
    churners_[index].socket.side = Side::kChurner;
    churners_[index].socket.index = index;
    const std::string& queue = plan.churners[index].queue;
    if (!queue.empty()) churners_[index].group = tracker.FindGroup(queue);
  }
}

void Churners::Connect() {
  for (Churner& churner : churners_) Connect(churner);
}

void Churners::Connect(Churner& churner) {
  if (!sockets_.Open(churner.socket)) return;
  churner.order.assign(plan_.publishers, 0);
  // INFO is not waited for: the others must not stand still meanwhile.
  sockets_.Send(churner.socket, "CONNECT {" + ConnectOptions(true) + "}\r\n");
  Subscribe(churner);
}

void Churners::Reconnect(Churner& churner) {
  ++report_.reconnects;
  churner.socket.connection.Close(random_.Below(2) == 0);
  Connect(churner);
}

void Churners::Subscribe(Churner& churner) {
  const auto& [filter, queue] = PlanOf(churner);
  churner.state = State::kSubscribing;
  churner.received = 0;
  churner.wanted = 1 + random_.Below(2000);
  // A queue member must drain to its last message, so it always says itself when it leaves.
  const bool server_ends = queue.empty() && random_.Below(3) == 0;
  churner.auto_unsub = server_ends ? churner.wanted : 0;
  churner.begun.assign(tracker_.streams().size(), false);
  churner.tracks.assign(tracker_.streams().size(), StreamTrack());
  const std::string sid = std::to_string(++churner.sid);
  std::string line = "SUB " + filter + " ";
  if (!queue.empty()) line += queue + " ";
  line += sid + "\r\n";
  if (server_ends) line += "UNSUB " + sid + " " + std::to_string(churner.auto_unsub) + "\r\n";
  sockets_.Send(churner.socket, line + "PING\r\n");
}

void Churners::Leave(Churner& churner) {
  churner.state = State::kLeaving;
  sockets_.Send(churner.socket, "UNSUB " + std::to_string(churner.sid) + "\r\nPING\r\n");
}

// The PONG after UNSUB has arrived: nothing of this subscription may come any more.
void Churners::EndEpoch(Churner& churner) {
  ++report_.epochs;
  // Other threads may deliver more than the limit between SUB and UNSUB; then none may follow.
  const uint64_t limit = std::max(churner.auto_unsub, churner.received_early);
  if (churner.auto_unsub != 0 && churner.received > limit) {
    report_.Count(report_.stray, "stray: " + std::to_string(churner.received) +
                                     " messages after UNSUB " + std::to_string(churner.auto_unsub));
  }
  if (random_.Below(5) < 2) {
    churner.state = State::kLeft;
  } else {
    Subscribe(churner);
  }
}

void Churners::OnPong(Churner& churner) {
  if (churner.state == State::kLeaving) return EndEpoch(churner);
  if (churner.state != State::kSubscribing) return;
  churner.state = State::kReceiving;
  churner.received_early = churner.received;
  churner.give_up = Clock::now() + std::chrono::milliseconds(random_.Below(40));
  churner.published.clear();
  for (const Tracker::Stream& stream : tracker_.streams()) {
    churner.published.push_back(stream.published);
  }
}

void Churners::TakePlain(Churner& churner, const Stamp& stamp) {
  StreamTrack& track = churner.tracks[stamp.stream];
  if (!churner.begun[stamp.stream]) {
    churner.begun[stamp.stream] = true;
    // What was published after the PONG for this SUB must be here from its first message on.
    const bool bounded = churner.state != State::kSubscribing;
    if (bounded && stamp.stream_seq > churner.published[stamp.stream]) {
      report_.Count(report_.lost, "lost: before " + Where(stamp, "a new subscription"));
    }
    track.StartAt(stamp.stream_seq);
  }
  const Verdict verdict = track.Take(stamp.stream_seq);
  if (verdict == Verdict::kInOrder) return tracker_.CheckOrder(churner.order, stamp, "a churner");
  const std::string where = Where(stamp, "a churner");
  if (verdict == Verdict::kGap) {
    report_.Count(report_.lost, "lost: before " + where);
  } else if (verdict == Verdict::kLate) {
    report_.Count(report_.reordered, "reordered: " + where);
  } else {
    report_.Count(report_.duplicated, "duplicated: " + where);
  }
}

void Churners::OnMessage(Churner& churner, const raw::Frame& frame) {
  const auto& [filter, queue] = PlanOf(churner);
  const std::optional<Stamp> stamp = tracker_.Check(frame, true);
  if (!stamp) return;
  if (frame.sid != churner.sid || !Matches(filter, frame.subject)) {
    return report_.Count(
        report_.stray,
        "stray: " + Where(*stamp, "sid " + std::to_string(frame.sid) + " of a churner"));
  }
  ++churner.received;
  if (queue.empty()) return TakePlain(churner, *stamp);
  tracker_.TakeMember(churner.group, churner.order, *stamp, frame.payload.size());
}

bool Churners::OnFrame(Churner& churner, const raw::Frame& frame) {
  if (frame.verb == raw::Verb::kMsg || frame.verb == raw::Verb::kHmsg) {
    OnMessage(churner, frame);
    return true;
  }
  if (frame.verb == raw::Verb::kPong) OnPong(churner);
  return sockets_.OnControl(churner.socket, frame);
}

void Churners::OnEvent(uint32_t index) {
  Churner& churner = churners_[index];
  sockets_.Read(churner.socket, 4,
                [&](const raw::Frame& frame) { return OnFrame(churner, frame); });
  if (churner.state == State::kLeft) Reconnect(churner);
}

void Churners::Tick(Clock::time_point now) {
  for (Churner& churner : churners_) {
    if (churner.state != State::kReceiving) continue;
    if (churner.received < churner.wanted && now < churner.give_up) continue;
    // A plain one sometimes just hangs up with everything unread.
    if (PlanOf(churner).queue.empty() && random_.Below(8) == 0) {
      Reconnect(churner);
    } else {
      Leave(churner);
    }
  }
}

}  // namespace delivery
