// A server made by hand, and shards that answer from lists.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "monitor/inquiry.h"
#include "monitor/snapshot.h"

namespace martlet::monitor {

inline constexpr int64_t kSecond = 1'000'000'000;
/// 2023-11-14T22:13:20Z.
inline constexpr int64_t kStart = 1'700'000'000 * kSecond;

/// Everything that a snapshot borrows.
struct SampleServer {
  SampleServer() {
    info.server_id = "NID";
    info.server_name = "name";
    info.host = "127.0.0.1";
    info.port = 4222;
    options.http_port = 8222;
  }

  ServerSnapshot Look() const {
    return {.options = options,
            .info = info,
            .requests = requests,
            .cluster = cluster,
            .totals = totals,
            .start_ns = kStart,
            .now_ns = kStart + 65 * kSecond + 500'000'000,
            .resident_bytes = 12345,
            .cpu_percent = 1.5,
            .cores = 4,
            .shards = 2,
            .accepts = accepts,
            .config_loaded_ns = kStart,
            .config_digest = ""};
  }

  Options options;
  proto::ServerInfo info;
  RequestCounts requests;
  std::optional<ClusterSnapshot> cluster;
  Totals totals;
  bool accepts = true;
};

/// What one shard has; it answers in pieces of a few.
struct SampleShard {
  std::vector<ConnectionInfo> open;
  std::vector<ConnectionInfo> closed;
  std::vector<SubscriptionInfo> subscriptions;
  std::vector<RouteInfo> routes;
  std::vector<InterestInfo> interest;
  uint64_t cache_hits = 0;
  uint64_t cache_misses = 0;
  size_t next = 0;  // where the walk goes on

  void Answer(Piece& piece, size_t piece_size) {
    piece.ClearAnswer();
    if (piece.first) next = 0;
    switch (piece.kind) {
      case Piece::Kind::kConnections:
        return Tell(open, piece, piece_size);
      case Piece::Kind::kClosed:
        return Tell(closed, piece, piece_size);
      case Piece::Kind::kSubscriptions:
        return TellSubscriptions(piece, piece_size);
      case Piece::Kind::kCache:
        piece.cache_hits = cache_hits;
        piece.cache_misses = cache_misses;
        piece.cache_entries = 3;
        return;
      case Piece::Kind::kRoutes:
        return TellRoutes(piece, piece_size);
      case Piece::Kind::kInterest:
        return TellInterest(piece, piece_size);
    }
  }

 private:
  void Tell(const std::vector<ConnectionInfo>& from, Piece& piece, size_t piece_size) {
    piece.held = from.size();
    const size_t end = std::min(next + piece_size, from.size());
    for (; next < end; ++next) {
      if (piece.cid == 0 || from[next].cid == piece.cid) piece.connections.push_back(from[next]);
    }
    piece.last = next == from.size();
  }
  void TellRoutes(Piece& piece, size_t piece_size) {
    const size_t end = std::min(next + piece_size, routes.size());
    for (; next < end; ++next) piece.routes.push_back(routes[next]);
    piece.last = next == routes.size();
  }
  void TellInterest(Piece& piece, size_t piece_size) {
    const size_t end = std::min(next + piece_size, interest.size());
    for (; next < end; ++next) piece.interest.push_back(interest[next]);
    piece.last = next == interest.size();
  }
  // Of all, or of those that are asked for, in that order.
  void TellSubscriptions(Piece& piece, size_t piece_size) {
    std::vector<const SubscriptionInfo*> chosen;
    for (const uint64_t cid : piece.cids) {
      for (const SubscriptionInfo& info : subscriptions) {
        if (info.cid == cid) chosen.push_back(&info);
      }
    }
    if (piece.cids.empty()) {
      for (const SubscriptionInfo& info : subscriptions) chosen.push_back(&info);
    }
    const size_t end = std::min(next + piece_size, chosen.size());
    for (; next < end; ++next) {
      const SubscriptionInfo& info = *chosen[next];
      if (!piece.test.empty() && info.subject != piece.test) continue;
      ++piece.matched;
      if (piece.skip > 0) {
        --piece.skip;
      } else if (piece.take > 0) {
        --piece.take;
        piece.subscriptions.push_back(info);
      }
    }
    piece.last = next == chosen.size();
  }
};

inline bool Has(const std::string& body, std::string_view text) {
  return body.find(text) != body.npos;
}

/// Carries the pieces between an inquiry and the shards; returns its answer.
inline Response Drive(Inquiry& inquiry, std::vector<SampleShard>& shards,
                      const SampleServer& server, size_t piece_size = 2) {
  Piece piece;
  while (const std::optional<unsigned> shard = inquiry.Next(piece)) {
    shards.at(*shard).Answer(piece, piece_size);
    inquiry.Take(piece);
  }
  return inquiry.Answer(server.Look());
}

}  // namespace martlet::monitor
