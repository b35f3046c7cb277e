// Question: what does it cost to cut a route's bytes into operations, and how much does a run save?
//
// Compared: streams of one operation in chunks of 64 KiB (what a busy receive gives) against
// pieces of 1448 bytes (one TCP segment each), for RMSG in its forms, HMSG, and RS+ with RS-; and
// RMSG taken in runs. Minds change: a core should cut several million messages a second, so if an
// RMSG of the usual form costs more than some 50 ns, its line deserves less general code; if RS+
// costs more than 200 ns, so does that, for a peer that joins sends a million.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "proto/route_parser.h"

namespace martlet::proto {
namespace {

constexpr size_t kStreamBytes = size_t{64} * 1024;

std::string Rmsg(const std::string& between, size_t payload_bytes) {
  return "RMSG $G orders.eu.created " + between + std::to_string(payload_bytes) + "\r\n" +
         std::string(payload_bytes, 'x') + "\r\n";
}

std::string Hmsg() {
  const std::string block = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";
  const std::string body(128, 'x');
  return "HMSG $G orders.eu.created _INBOX.abc.1 " + std::to_string(block.size()) + " " +
         std::to_string(block.size() + body.size()) + "\r\n" + block + body + "\r\n";
}

void Parse(benchmark::State& state, const std::string& operation, bool takes_runs) {
  std::string stream;
  while (stream.size() + operation.size() <= kStreamBytes) stream += operation;
  const auto chunk = static_cast<size_t>(state.range(0));
  const RouteParserLimits limits;
  RouteParser parser;
  RouteOp op;
  int64_t operations = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (std::string_view rest = stream; !rest.empty();) {
      const size_t bytes = std::min(chunk, rest.size());
      parser.Push(rest.substr(0, bytes));
      while (parser.Next(limits, op) == RouteParser::Result::kOp) {
        benchmark::DoNotOptimize(op);
        ++operations;
        if (takes_runs) operations += parser.TakeRun(kStreamBytes).count;
      }
      parser.Save();
      rest.remove_prefix(bytes);
    }
  }
  if (parser.error().error != RouteParseError::kNone)
    state.SkipWithError("the stream is not sound");
  state.SetItemsProcessed(operations);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(stream.size()));
}

void ChunkSizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("chunk")->Arg(kStreamBytes)->Arg(1448);
}

const std::string kInbox = "_INBOX.Q6qVEsZoNyjd0KGPp2NqBk.AbCdEfGh ";

BENCHMARK_CAPTURE(Parse, Rmsg16, Rmsg("", 16), false)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Rmsg16Reply, Rmsg(kInbox, 16), false)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Rmsg16Queues, Rmsg("| workers audit ", 16), false)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Rmsg1024, Rmsg("", 1024), false)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Hmsg128, Hmsg(), false)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, RmsgRuns16, Rmsg("", 16), true)->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Interest,
                  std::string("RS+ $G _INBOX.abcdef.*\r\nRS- $G _INBOX.abcdef.*\r\n"), false)
    ->Apply(ChunkSizes);

}  // namespace
}  // namespace martlet::proto

BENCHMARK_MAIN();
