// Question: what does it cost to cut a client's bytes into operations, and how much of that is the
// cutting of operations by segment ends?
//
// Compared: streams of one operation in chunks of 64 KiB (what a busy receive gives) against
// pieces of 1448 bytes (one TCP segment each), for PUB with 16, 128 and 1024 bytes, HPUB, and
// SUB with UNSUB. Minds change: if 16-byte PUBs cost more than some 100 ns each, the line parser
// deserves a table; if split ones cost more than twice the whole ones, partial operations should
// resume in the middle instead of being read again.
#include <algorithm>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "proto/client_parser.h"

namespace martlet::proto {
namespace {

constexpr size_t kStreamBytes = size_t{64} * 1024;

std::string Repeat(std::string_view operation) {
  std::string stream;
  while (stream.size() + operation.size() <= kStreamBytes) stream += operation;
  return stream;
}

std::string Pub(size_t payload_bytes) {
  return "PUB orders.eu.created " + std::to_string(payload_bytes) + "\r\n" +
         std::string(payload_bytes, 'x') + "\r\n";
}

std::string Hpub() {
  const std::string block = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";
  const std::string body(128, 'x');
  return "HPUB orders.eu.created _INBOX.abc.1 " + std::to_string(block.size()) + " " +
         std::to_string(block.size() + body.size()) + "\r\n" + block + body + "\r\n";
}

void Parse(benchmark::State& state, const std::string& operation) {
  const std::string stream = Repeat(operation);
  const auto chunk = static_cast<size_t>(state.range(0));
  const ParserLimits limits = {.headers = true};
  ClientParser parser;
  Op op;
  int64_t operations = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (std::string_view rest = stream; !rest.empty();) {
      const size_t bytes = std::min(chunk, rest.size());
      parser.Push(rest.substr(0, bytes));
      while (parser.Next(limits, op) == ClientParser::Result::kOp) {
        benchmark::DoNotOptimize(op);
        ++operations;
      }
      parser.Save();
      rest.remove_prefix(bytes);
    }
  }
  if (parser.error().error != ParseError::kNone) state.SkipWithError("the stream is not sound");
  state.SetItemsProcessed(operations);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(stream.size()));
}

void ChunkSizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("chunk")->Arg(kStreamBytes)->Arg(1448);
}

BENCHMARK_CAPTURE(Parse, Pub16, Pub(16))->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Pub128, Pub(128))->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Pub1024, Pub(1024))->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, Hpub128, Hpub())->Apply(ChunkSizes);
BENCHMARK_CAPTURE(Parse, SubUnsub, std::string("SUB _INBOX.abcdef.* 17\r\nUNSUB 17 1\r\n"))
    ->Apply(ChunkSizes);

}  // namespace
}  // namespace martlet::proto

BENCHMARK_MAIN();
