#include "session/barriers.h"

#include <utility>

#include "json/writer.h"
#include "session/delivery.h"
#include "session/route_session.h"
#include "session/shard_context.h"

namespace martlet::session {

void Barriers::Begin(const Message& message, const ClientSession&) {
  if (message.reply.empty()) return;
  Request request = {.account = message.account,
                     .reply = std::string(message.reply),
                     .shards_missing = 0,
                     .routes = 0};
  if (requests_.size() >= kWaitingMax) return Answer(request, false);
  const subject::ShardSet shards =
      context_.mailroom.interconnect().interest_listeners().load(std::memory_order_relaxed);
  request.shards_missing = static_cast<uint32_t>(__builtin_popcountll(shards));
  if (request.shards_missing == 0) return Answer(request, true);
  const uint64_t id = ++last_id_;
  const subject::AccountId account = request.account;
  requests_.emplace(id, std::move(request));
  deadlines_.push_back({id, context_.timers.now() + kPatienceMs});
  ArmTimer();
  for (subject::ShardSet left = shards; left != 0; left &= left - 1) {
    const auto shard = static_cast<unsigned>(__builtin_ctzll(left));
    if (shard == context_.shard) {
      Ask(shard, id, account);
    } else {
      context_.mailroom.SendPlain(
          shard,
          BarrierRecord{RecordKind::kBarrier, static_cast<uint8_t>(context_.shard), account, id});
    }
  }
}

void Barriers::OnRecord(const BarrierRecord& record) {
  Ask(record.origin, record.request, record.account);
}

void Barriers::OnRecord(const BarrierDoneRecord& record) {
  PartDone(context_.shard, record.request, record.routes);
}

void Barriers::Ask(unsigned origin, uint64_t request, subject::AccountId account) {
  const uint64_t id = ++last_id_;
  Part part = {.origin = origin, .request = request, .missing = 0, .routes = 0};
  for (const auto& [key, route] : context_.routes) {
    if (!route->Carries(account) || route->closing()) continue;
    route->AskPong(id);
    ++part.missing;
  }
  if (part.missing == 0) return PartDone(origin, request, 0);
  parts_.emplace(id, part);
}

void Barriers::OnPong(uint64_t id, bool came) {
  const auto found = parts_.find(id);
  if (found == parts_.end()) return;
  Part& part = found->second;
  part.routes += came ? 1 : 0;
  if (--part.missing > 0) return;
  const Part done = part;
  parts_.erase(found);
  PartDone(done.origin, done.request, done.routes);
}

void Barriers::PartDone(unsigned origin, uint64_t request, uint32_t routes) {
  if (origin != context_.shard) {
    return context_.mailroom.SendPlain(
        origin, BarrierDoneRecord{RecordKind::kBarrierDone, routes, request});
  }
  const auto found = requests_.find(request);
  if (found == requests_.end()) return;  // its time was up
  found->second.routes += routes;
  if (--found->second.shards_missing > 0) return;
  const Request done = std::move(found->second);
  requests_.erase(found);
  Answer(done, true);
}

void Barriers::Answer(const Request& request, bool complete) {
  std::string body;
  json::Writer writer(body);
  writer.BeginObject();
  writer.Member("server", std::string_view(context_.facts->info.server_name));
  writer.Member("complete", complete);
  writer.Member("routes", request.routes);
  writer.EndObject();
  const size_t bytes = body.size();
  const std::string size = std::to_string(bytes);
  body += "\r\n";
  const Message answer = {.account = request.account,
                          .subject = request.reply,
                          .size_text = size,
                          .payload = std::string_view(body).substr(0, bytes)};
  context_.delivery->Publish(answer, nullptr);
}

void Barriers::ArmTimer() {
  if (timer_.armed() || deadlines_.empty()) return;
  const uint64_t now = context_.timers.now();
  const uint64_t due = deadlines_.front().at_ms;
  context_.timers.Arm(timer_, due > now ? due - now : 1);
}

void Barriers::OnTimer() {
  const uint64_t now = context_.timers.now();
  while (!deadlines_.empty() && deadlines_.front().at_ms <= now) {
    const auto found = requests_.find(deadlines_.front().request);
    deadlines_.pop_front();
    if (found == requests_.end()) continue;
    const Request late = std::move(found->second);
    requests_.erase(found);
    Answer(late, false);
  }
  ArmTimer();
}

}  // namespace martlet::session
