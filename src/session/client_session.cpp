#include "session/client_session.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "base/check.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "session/delivery.h"
#include "session/message_writer.h"

namespace martlet::session {

using base::LogLevel;

ClientSession::ClientSession(ShardContext& context, Transport& transport, uint64_t id, Peer peer)
    : Session(context, transport),
      id_(id),
      peer_(std::move(peer)),
      last_input_ms_(context.timers.now()),
      start_ns_(context.now_ns) {}

ClientSession::~ClientSession() { DCHECK(subscriptions_.empty()); }

void ClientSession::Start(bool over_limit) {
  started_ = true;
  context_.clients.emplace(id_, this);
  context_.roster.PushBack(*this);
  context_.stats.connections.Add();
  context_.stats.total_connections.Add();
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Client connection created");

  std::string info;
  context_.facts->first_info.Append(id_, peer_.ip, {}, info);
  SendLine(info);
  if (over_limit) return CloseForMaximumConnections();
  // Until its CONNECT a client is asked for a sign of life after the full interval.
  const auto interval = context_.facts->options.ping_interval;
  context_.timers.Arm(ping_timer_, static_cast<uint64_t>(interval / std::chrono::milliseconds(1)));
}

void ClientSession::CloseForMaximumConnections() {
  Log(LogLevel::kError, "maximum connections exceeded");
  SendError("maximum connections exceeded");
  Close(CloseReason::kMaximumConnectionsExceeded);
}

void ClientSession::Detach() {
  if (!started_) return;
  started_ = false;
  if (Logs(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "Client connection closed: " + std::string(Name(close_reason())));
  }
  // Messages that were published before the end of this client go to it first, or find it gone
  // with the same answer on every shard.
  context_.drain_inbound();
  DropSubscriptions();
  unread_.clear();
  ping_timer_.Disarm();
  stall_timer_.Disarm();
  std::erase(context_.waiting_for_rings, this);
  context_.clients.erase(id_);
  Unlink();
  context_.stats.connections.Subtract();
}

uint64_t ClientSession::last_activity_ns() const {
  const uint64_t last_ms = std::max(last_input_ms_, traffic().last_out_ms);
  return std::max(start_ns_, last_ms * 1'000'000);
}

void ClientSession::OnBytes(std::string_view bytes, base::KeptMemory* memory) {
  if (closing()) return;
  if (!paused()) stall_left_ms_ = kStallMaxMs;
  if (paused() || !unread_.empty()) return ReadLater(bytes, memory);
  const std::string_view rest = Read(bytes, memory);
  if (!rest.empty()) ReadLater(rest, memory);
}

// Works off a chunk; returns what a pause has left of it.
std::string_view ClientSession::Read(std::string_view bytes, base::KeptMemory* memory) {
  input_memory_ = memory;
  parser_.Push(bytes);
  Process();
  const std::string_view rest = paused() ? parser_.TakeRest() : std::string_view();
  parser_.Save();
  input_memory_ = nullptr;
  return rest;
}

void ClientSession::ReadLater(std::string_view bytes, base::KeptMemory* memory) {
  if (memory == nullptr) {
    auto* copy = new base::KeptText(std::string(bytes));
    memory = copy;
    bytes = copy->text;
  }
  unread_.push_back({base::Keeper(memory), bytes});
}

void ClientSession::OnResume() {
  size_t done = 0;
  for (; done < unread_.size() && !paused() && !closing(); ++done) {
    unread_[done].bytes = Read(unread_[done].bytes, unread_[done].memory.get());
    if (!unread_[done].bytes.empty()) break;
  }
  unread_.erase(unread_.begin(), unread_.begin() + static_cast<ptrdiff_t>(done));
  if (!paused()) WarnOfStall();
}

// Once a second for the whole shard is enough: a stalled producer is stalled again and again.
void ClientSession::WarnOfStall() {
  const uint32_t stalled_ms = std::exchange(stalled_ms_, 0);
  const uint64_t now = context_.timers.now();
  if (stalled_ms == 0 || now < context_.next_stall_warning_ms) return;
  context_.next_stall_warning_ms = now + 1000;
  Log(LogLevel::kWarning, "Producer was stalled for a total of " +
                              base::GoDuration(std::chrono::milliseconds(stalled_ms)));
}

// A message did not fit into the ring of another shard. It waits; so do the operations behind it,
// or a PONG would overtake it.
void ClientSession::PauseForRings() {
  if (waiting_for_rings_) return;
  waiting_for_rings_ = true;
  context_.waiting_for_rings.push_back(this);
  UpdatePause();
}

void ClientSession::OnRingsFree() {
  waiting_for_rings_ = false;
  UpdatePause();
}

void ClientSession::Stall(uint32_t milliseconds) {
  if (closing() || stall_timer_.armed()) return;
  const uint32_t granted = std::min(milliseconds, stall_left_ms_);
  if (granted == 0) return;
  stall_left_ms_ -= granted;
  stalled_ms_ += granted;
  ++stalls_;
  context_.stats.stalls.Add();
  context_.timers.Arm(stall_timer_, granted);
  UpdatePause();
}

void ClientSession::OnStallTimer() {
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Timed out of fast producer stall (2ms)");
  UpdatePause();
}

void ClientSession::UpdatePause() { set_paused(waiting_for_rings_ || stall_timer_.armed()); }

void ClientSession::Deliver(const Subscription& subscription, const Message& message) {
  AppendMessage(message, subscription.sid(), headers_, outbound());
  AfterMessage(subscription, message);
}

void ClientSession::DeliverShared(const Subscription& subscription, const Message& message,
                                  const SharedBytes& written) {
  outbound().AppendShared(written);
  AfterMessage(subscription, message);
}

void ClientSession::AfterMessage(const Subscription& subscription, const Message& message) {
  const uint64_t bytes = message.count * message.payload.size();
  context_.stats.out_messages.Add(message.count);
  context_.stats.out_bytes.Add(bytes);
  CountOut(message.count, bytes);
  if (Logs(LogLevel::kTrace)) [[unlikely]]
    TraceDelivery(subscription, message);
  AfterAppend();
}

void ClientSession::DeliverStatus(const Subscription& subscription, std::string_view reply,
                                  std::string_view block) {
  AppendStatus(reply, subscription.sid(), block, outbound());
  if (Logs(LogLevel::kTrace)) {
    TraceOut("HMSG " + std::string(reply) + " " + std::string(subscription.sid()) + " " +
             std::to_string(block.size()) + " " + std::to_string(block.size()));
  }
  AfterAppend();
}

void ClientSession::SendError(std::string_view text) {
  if (Logs(LogLevel::kTrace)) TraceOut("-ERR " + std::string(text));
  SendLine("-ERR '" + std::string(text) + "'\r\n");
}

void ClientSession::SendOk() {
  if (Logs(LogLevel::kTrace)) TraceOut("OK");
  SendLine("+OK\r\n");
}

void ClientSession::SendLine(std::string_view line) {
  outbound().Append(line);
  AfterAppend();
}

void ClientSession::AfterAppend() {
  Touch();
  const int64_t limit = context_.facts->options.max_pending_bytes;
  if (static_cast<int64_t>(outbound().pending_bytes()) <= limit || closing()) [[likely]]
    return;
  Log(LogLevel::kInfo,
      "Slow Consumer Detected: MaxPending of " + std::to_string(limit) + " Exceeded");
  context_.stats.slow_consumers.Add();
  Close(CloseReason::kSlowConsumerPendingBytes);
}

WriteLimit ClientSession::write_limit() const {
  const Options& options = context_.facts->options;
  return {.deadline = options.write_deadline, .whole = !options.retry_writes};
}

void ClientSession::OnWriteDeadline(size_t chunks, size_t bytes) {
  Log(LogLevel::kInfo, "Slow Consumer Detected: WriteDeadline of " +
                           base::GoDuration(write_limit().deadline) + " exceeded with " +
                           std::to_string(chunks) + " chunks of " + std::to_string(bytes) +
                           " total bytes.");
  context_.stats.slow_consumers.Add();
  Close(CloseReason::kSlowConsumerWriteDeadline);
}

void ClientSession::SendInfo() {
  if (closing() || !first_pong_sent_ || protocol_ < 1) return;
  std::string info;
  context_.facts->first_info.Append(id_, peer_.ip, {}, info);
  SendLine(info);
}

void ClientSession::SendLameDuckInfo() {
  if (closing() || !first_pong_sent_ || protocol_ < 1) return;
  if (Logs(LogLevel::kDebug)) Log(LogLevel::kDebug, "Sending Lame Duck Mode info to client");
  std::string info;
  context_.facts->lame_duck_info.Append(id_, peer_.ip, {}, info);
  SendLine(info);
}

void ClientSession::Log(LogLevel level, std::string_view text) const {
  std::string line = base::JoinHostPort(peer_.ip, peer_.port);
  line += " - cid:" + std::to_string(id_) + " - ";
  if (identity_ != nullptr) {
    std::string client = identity_->version.empty() ? "" : "v" + identity_->version;
    for (const std::string* part : {&identity_->lang, &identity_->name}) {
      if (part->empty()) continue;
      if (!client.empty()) client += ':';
      client += *part;
    }
    if (!client.empty()) line += base::GoQuote(client) + " - ";
    if (!identity_->label.empty()) line += base::GoQuote(identity_->label) + " - ";
  }
  line += text;
  context_.log.Write(level, line);
}

}  // namespace martlet::session
