#include "session/route_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/go_text.h"
#include "base/net_address.h"
#include "proto/pool_slot.h"
#include "proto/route_lines.h"
#include "session/delivery.h"
#include "session/interest_board.h"
#include "session/message_writer.h"
#include "subject/subject.h"

namespace martlet::session {

using base::LogLevel;

namespace {

// A few bytes unfold to megabytes, and a few kilobytes to what takes a second. After so much it is
// the turn of others.
constexpr size_t kDecodedBytesMax = size_t{8} << 20;
constexpr uint64_t kOthersTurnMs = 1;
constexpr size_t kCompressedPartsMax = 64;  // of the output, for one flush

constexpr uint64_t kFirstPingMs = 1000;
constexpr uint32_t kFirstPingSpreadMs = 200;

// A wildcard has to be covered as it stands.
template <class Rules>
bool MayPass(const Rules& rules, std::string_view subject) {
  const auto matches = [&](const std::string& rule) { return subject::Matches(rule, subject); };
  const auto any = [&](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(), matches);
  };
  return (rules.allow.empty() || any(rules.allow)) && !any(rules.deny);
}

subject::RouteKey NextKey(ShardContext& context) {
  // 24 bits come round again after 16 million routes; those that are still there are left out.
  subject::RouteKey key = 0;
  do {
    context.route_keys = (context.route_keys + 1) & 0xffffff;
    key = context.shard << 24U | context.route_keys;
  } while (context.route_keys == 0 || context.routes.contains(key));
  return key;
}

}  // namespace

bool RouteSession::MayExport(std::string_view subject) const {
  return MayPass(context_.facts->options.cluster.exports, subject);
}

RouteSession::RouteSession(ShardContext& context, Transport& transport, RouteHost& host,
                           uint64_t id, Peer peer, bool solicited)
    : Session(context, transport),
      host_(host),
      id_(id),
      key_(NextKey(context)),
      peer_(std::move(peer)),
      solicited_(solicited),
      interest_(context.index, context.shard),
      plain_(context.pool),
      last_active_ns_(context.now_ns),
      start_ns_(context.now_ns) {
  interest_.set_route(key_);
}

RouteSession::~RouteSession() { DCHECK(!started_); }

void RouteSession::Start() {
  started_ = true;
  context_.stats.routes.Add();
  ArmPing(kFirstPingMs + context_.random.Below(kFirstPingSpreadMs));
}

void RouteSession::Detach() {
  if (!std::exchange(started_, false)) return;
  // Messages that were published before the end go out, or are counted as lost on every shard.
  context_.drain_inbound();
  ForgetInterest(interest_.size());
  if (registered_) {
    context_.interest->Leave(*this);
    context_.routes.erase(key_);
    for (subject::AccountId account = 0; account < std::size(kAccountNames); ++account) {
      const size_t count = interest_.Clear(account);
      if (count > 0 && Logs(LogLevel::kDebug)) {
        Log(LogLevel::kDebug, "Removing " + std::to_string(count) + " subscriptions for account " +
                                  base::GoQuote(AccountName(account)));
      }
    }
  }
  DropBarriers();
  unread_.clear();
  ping_timer_.Disarm();
  check_timer_.Disarm();
  others_timer_.Disarm();
  std::erase(context_.waiting_for_rings, this);
  context_.stats.routes.Subtract();
}

// Input ------------------------------------------------------------------------------------------

void RouteSession::OnBytes(std::string_view bytes, base::KeptMemory* memory) {
  if (closing()) return;
  if (paused() || !unread_.empty()) return ReadLater(bytes, memory, false);
  if (reader_ != nullptr) {
    if (!ReadCompressed(bytes) && !bytes.empty()) ReadLater(bytes, memory, false);
    return;
  }
  const std::string_view rest = Read(bytes, memory);
  if (!rest.empty()) ReadLater(rest, memory, false);
}

// Works off a chunk of what is not compressed (any more); returns what a pause has left of it.
std::string_view RouteSession::Read(std::string_view bytes, base::KeptMemory* memory) {
  input_memory_ = memory;
  parser_.Push(bytes);
  Process();
  const std::string_view rest = paused() ? parser_.TakeRest() : std::string_view();
  parser_.Save();
  input_memory_ = nullptr;
  return rest;
}

// Takes off the front of `bytes` what is done. False when a pause has come, or the end.
bool RouteSession::ReadCompressed(std::string_view& bytes) {
  if (std::exchange(decoded_at_ns_, context_.now_ns) != context_.now_ns) decoded_bytes_ = 0;
  while (!bytes.empty()) {
    // Block by block: what a pause leaves behind stays compressed, but for one.
    const absl::Status status = reader_->ReadSome(bytes, [&](std::string_view decoded) {
      decoded_bytes_ += decoded.size();
      const std::string_view rest = Read(decoded, nullptr);
      if (!rest.empty()) ReadLater(rest, nullptr, true);
    });
    if (!status.ok()) {
      Log(LogLevel::kError, "read error: " + std::string(status.message()));
      Close(CloseReason::kReadError);
    }
    if (decoded_bytes_ >= kDecodedBytesMax) PauseForOthers();
    if (paused() || closing()) return false;
  }
  return true;
}

void RouteSession::ReadLater(std::string_view bytes, base::KeptMemory* memory, bool plain) {
  if (memory == nullptr) {
    auto* copy = new base::KeptText(std::string(bytes));
    memory = copy;
    bytes = copy->text;
  }
  unread_.push_back({base::Keeper(memory), bytes, plain});
}

void RouteSession::OnResume() {
  while (!unread_.empty() && !paused() && !closing()) {
    Unread next = std::move(unread_.front());
    unread_.pop_front();
    if (reader_ != nullptr && !next.plain) {
      // What it unfolds to comes before what is compressed behind it.
      std::deque<Unread> behind = std::exchange(unread_, {});
      if (!ReadCompressed(next.bytes) && !next.bytes.empty()) unread_.push_back(std::move(next));
      for (Unread& piece : behind) unread_.push_back(std::move(piece));
      continue;
    }
    next.bytes = Read(next.bytes, next.memory.get());
    if (!next.bytes.empty()) unread_.push_front(std::move(next));
  }
}

size_t RouteSession::unread_bytes() const {
  size_t bytes = 0;
  for (const Unread& piece : unread_) bytes += piece.bytes.size();
  return bytes;
}

// The memory that the operation lies in, where that can be kept.
base::KeptMemory* RouteSession::KeepInput() {
  if (!parser_.holds()) return input_memory_;
  std::string text = parser_.TakeHeld();
  return text.empty() ? nullptr : new base::KeptText(std::move(text));
}

// A message did not fit into the ring of another shard: what follows waits behind it.
void RouteSession::PauseForRings() {
  if (std::exchange(waits_for_rings_, true)) return;
  context_.waiting_for_rings.push_back(this);
  UpdatePause();
}

void RouteSession::OnRingsFree() {
  waits_for_rings_ = false;
  UpdatePause();
}

void RouteSession::PauseForOthers() {
  if (std::exchange(waits_for_others_, true)) return;
  context_.timers.Arm(others_timer_, kOthersTurnMs);
  UpdatePause();
}

void RouteSession::OnOthersHadTurn() {
  waits_for_others_ = false;
  decoded_bytes_ = 0;
  UpdatePause();
}

void RouteSession::UpdatePause() {
  set_paused(waits_for_control_ || waits_for_rings_ || waits_for_others_);
}

// Output -----------------------------------------------------------------------------------------

void RouteSession::PrepareOutput() {
  while (!plain_.empty()) {
    std::array<iovec, kCompressedPartsMax> parts;
    const size_t count = plain_.Gather(parts, SIZE_MAX);
    size_t bytes = 0;
    for (size_t i = 0; i < count; ++i) bytes += parts[i].iov_len;
    context_.s2.Flush(*level_, std::span(parts).first(count),
                      [this](std::string_view piece) { outbound().Append(piece); });
    plain_.Consume(bytes);
  }
}

void RouteSession::SendLine(std::string_view line) {
  out().Append(line);
  Touch();
}

void RouteSession::SendError(std::string_view text) {
  if (Logs(LogLevel::kTrace)) TraceOut("-ERR " + std::string(text));
  SendLine("-ERR '" + std::string(text) + "'\r\n");
}

void RouteSession::CloseWith(std::string_view error, CloseReason reason) {
  SendError(error);
  Close(reason);
}

void RouteSession::Deliver(const Message& message, std::string_view queues) {
  const std::string_view account =
      role_.account.empty() ? AccountName(message.account) : std::string_view();
  AppendRouteMessage(message, account, queues, role_.headers, out());
  const uint64_t bytes = message.count * message.payload.size();
  context_.stats.route_out_messages.Add(message.count);
  context_.stats.route_out_bytes.Add(bytes);
  CountOut(message.count, bytes);
  if (Logs(LogLevel::kTrace)) [[unlikely]]
    TraceOut("RMSG " + std::string(account) + " " + std::string(message.subject));
  Touch();
}

void RouteSession::TellInterest(const subject::Filter& filter, uint32_t weight) {
  if (MayPass(context_.facts->options.cluster.import, filter.text())) WriteInterest(filter, weight);
}

void RouteSession::WriteInterest(const subject::Filter& filter, uint32_t weight) {
  const std::string_view account =
      role_.account.empty() ? AccountName(filter.account()) : std::string_view();
  std::string line;
  if (weight == 0) {
    proto::AppendRoutedUnsub(account, filter.text(), filter.queue(), line);
  } else if (filter.queued()) {
    proto::AppendRoutedSub(account, filter.text(), filter.queue(), weight, line);
  } else {
    proto::AppendRoutedSub(account, filter.text(), line);
  }
  told_interest_ = told_interest_ || weight > 0;
  if (Logs(LogLevel::kTrace)) TraceOut(std::string_view(line).substr(0, line.size() - 2));
  SendLine(line);
}

// Source: spec cluster-behaviour.md section 10; reference updateRemoteRoutePerms.
void RouteSession::OnPermissions(const ClusterOptions& before) {
  const ClusterOptions& now = context_.facts->options.cluster;
  if (!registered_) return;
  if (!(before.import == now.import)) {
    context_.interest->ForEach([&](const subject::Filter& filter, uint32_t weight) {
      const bool may = MayPass(now.import, filter.text());
      if (!Carries(filter.account()) || may == MayPass(before.import, filter.text())) return;
      WriteInterest(filter, may ? weight : 0);
    });
  }
  if (!(before.exports == now.exports)) {
    ForgetInterest(interest_.RemoveIf(
        [&](const subject::Filter& filter) { return !MayPass(now.exports, filter.text()); }));
  }
}

void RouteSession::OnToldAll() {
  told_all_ = true;
  for (; pongs_owed_ > 0; --pongs_owed_) AnswerPing();
  for (const uint64_t barrier : std::exchange(barriers_to_ask_, {})) AskPong(barrier);
  if (told_interest_ && Logs(LogLevel::kDebug)) {
    Log(LogLevel::kDebug, "Sent local subscriptions to route");
  }
  SendChecks();
}

WriteLimit RouteSession::write_limit() const {
  const Options& options = context_.facts->options;
  const ClusterOptions& cluster = options.cluster;
  return {.deadline =
              cluster.write_deadline.count() > 0 ? cluster.write_deadline : options.write_deadline,
          .whole = cluster.close_at_write_deadline};
}

void RouteSession::OnWriteDeadline(size_t chunks, size_t bytes) {
  Log(LogLevel::kInfo, "Slow Consumer Detected: WriteDeadline of " +
                           base::GoDuration(write_limit().deadline) + " exceeded with " +
                           std::to_string(chunks) + " chunks of " + std::to_string(bytes) +
                           " total bytes.");
  context_.stats.slow_routes.Add();
  Close(CloseReason::kSlowConsumerWriteDeadline);
}

// Wishes of the control shard --------------------------------------------------------------------

void RouteSession::Send(std::string_view bytes, bool awaits_pong) {
  if (closing()) return;
  if (awaits_pong) awaited_pongs_.push_back({++pings_sent_, 0});
  SendLine(bytes);
}

void RouteSession::Proceed() {
  waits_for_control_ = false;
  UpdatePause();
}

void RouteSession::CompressOutput(s2::Level level, bool automatic) {
  level_ = level;
  reports_round_trip_ = reports_round_trip_ || automatic;
}

void RouteSession::DecompressInput() {
  if (reader_ == nullptr) reader_ = std::make_unique<s2::Reader>();
}

void RouteSession::Register(RouteRole role) {
  if (closing()) return;
  role_ = std::move(role);
  SetAccounts();
  if (!std::exchange(registered_, true)) context_.routes.emplace(key_, this);
  context_.interest->Join(*this);
}

void RouteSession::Reassign(std::string account, int64_t slot, int64_t pool_size,
                            std::vector<std::string> without) {
  if (!registered_) return;
  role_.account = std::move(account);
  role_.slot = slot;
  role_.pool_size = pool_size;
  role_.without = std::move(without);
  for (const std::string& name : role_.without) {
    if (const auto gone = FindAccount(name)) ForgetInterest(interest_.Clear(*gone));
  }
  const auto before = carries_;
  SetAccounts();
  if (carries_ == before) return;
  context_.interest->Leave(*this);
  told_all_ = false;
  context_.interest->Join(*this);
}

// Source: spec cluster-behaviour.md section 10; reference updateRemoteRoutePerms.
void RouteSession::OnPeerPermissions(proto::SubjectLists exports) {
  if (!registered_) return;
  const proto::SubjectLists before = std::exchange(role_.exports, std::move(exports));
  if (before == role_.exports) return;
  context_.interest->ForEach([&](const subject::Filter& filter, uint32_t weight) {
    if (!Carries(filter.account()) || MayPass(before, filter.text())) return;
    if (MayPass(role_.exports, filter.text())) TellInterest(filter, weight);
  });
}

void RouteSession::SetAccounts() {
  const auto& without = role_.without;
  carries_.reset();
  for (size_t account = 0; account < std::size(kAccountNames); ++account) {
    const std::string_view name = kAccountNames[account];
    if (!role_.account.empty()) {
      carries_[account] = role_.account == name;
      if (carries_[account]) own_account_ = static_cast<subject::AccountId>(account);
    } else if (role_.pool_size < 1) {
      carries_[account] = true;
    } else {
      const bool has_own_route = std::find(without.begin(), without.end(), name) != without.end();
      carries_[account] = !has_own_route && proto::PoolSlot(name, role_.pool_size) == role_.slot;
    }
  }
}

void RouteSession::Log(LogLevel level, std::string_view text) const {
  std::string line = base::JoinHostPort(peer_.ip, peer_.port);
  line += " - rid:" + std::to_string(id_) + " - ";
  line += text;
  context_.log.Write(level, line);
}

}  // namespace martlet::session
