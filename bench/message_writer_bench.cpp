// Question: what does one delivery cost a subscriber's output, apart from the send?
//
// Compared: MSG and HMSG with bodies of 16 bytes to 64 KiB (above 8 KiB the payload is copied apart
// from its line), and the cutting of headers for a subscriber without them; 64 messages between two
// sends, as a busy turn has them. Minds change: if a small MSG costs more than some 40 ns, the
// control line should be prepared once for all subscribers of a filter; if large ones stay below
// half of the memory's bandwidth, payloads should be shared instead of copied.
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include "session/chunk_pool.h"
#include "session/message_writer.h"
#include "session/outbound.h"

namespace martlet::session {
namespace {

constexpr int kMessagesPerSend = 64;
constexpr std::string_view kBlock = "NATS/1.0\r\nNats-Msg-Id: 0123456789\r\n\r\n";

void Write(benchmark::State& state, bool with_block, bool subscriber_takes_headers) {
  const auto body_bytes = static_cast<size_t>(state.range(0));
  const std::string payload_line =
      std::string(with_block ? kBlock : "") + std::string(body_bytes, 'x') + "\r\n";
  const std::string header_size = std::to_string(kBlock.size());
  const std::string size = std::to_string(payload_line.size() - 2);
  const Message message = {
      .subject = "orders.eu.created",
      .header_size_text = header_size,
      .size_text = size,
      .header_bytes = with_block ? static_cast<uint32_t>(kBlock.size()) : 0,
      .payload = std::string_view(payload_line).substr(0, payload_line.size() - 2),
  };
  ChunkPool pool;
  Outbound out(pool);
  int64_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) {
    for (int i = 0; i < kMessagesPerSend; ++i) {
      AppendMessage(message, "17", subscriber_takes_headers, out);
    }
    bytes += static_cast<int64_t>(out.pending_bytes());
    out.Consume(out.pending_bytes());
  }
  state.SetItemsProcessed(state.iterations() * kMessagesPerSend);
  state.SetBytesProcessed(bytes);
}

BENCHMARK_CAPTURE(Write, Msg, false, false)->Arg(16)->Arg(128)->Arg(1024)->Arg(65536);
BENCHMARK_CAPTURE(Write, Hmsg, true, true)->Arg(16)->Arg(128)->Arg(1024);
BENCHMARK_CAPTURE(Write, HeadersCut, true, false)->Arg(128);

}  // namespace
}  // namespace martlet::session

BENCHMARK_MAIN();
