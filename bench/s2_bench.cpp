// Question: what does compression cost a route, in each direction?
//
// Compared, on messages as a route carries them: a flush compressed and not, and read back, for
// flushes of 1 KiB, 16 KiB and 1 MiB; our decoder of blocks against Snappy's on the same blocks;
// the checksum by instruction and by table. Bytes are those before compression. Minds change: if
// our decoder were slower than Snappy's by more than a third, blocks without repeats should go to
// Snappy's. The checksum is in three lanes since a single one took a quarter of a read.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>
#include <snappy.h>

#include "s2/block.h"
#include "s2/crc32c.h"
#include "s2/reader.h"
#include "s2/writer.h"

namespace martlet::s2 {
namespace {

constexpr size_t kBlockBytes = size_t{64} << 10;

std::string Messages(size_t bytes) {
  std::string data;
  uint32_t random = 1;
  for (size_t id = 0; data.size() < bytes; ++id) {
    random = random * 1103515245 + 12345;
    const std::string payload = "{\"id\":" + std::to_string(id) +
                                ",\"price\":" + std::to_string((random >> 16) % 1000) +
                                ",\"side\":\"" + (random >> 31 ? "buy" : "sell") + "\"}";
    data += "RMSG $G orders." + std::to_string((random >> 26) % 20) + ".created " +
            std::to_string(payload.size()) + "\r\n" + payload + "\r\n";
  }
  data.resize(bytes);
  return data;
}

std::string Flush(Writer& writer, Level level, std::string& data) {
  const iovec piece = {data.data(), data.size()};
  std::string stream;
  writer.Flush(level, {&piece, 1}, [&](std::string_view bytes) { stream += bytes; });
  return stream;
}

void Processed(benchmark::State& state, size_t bytes) {
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(bytes));
}

void Encode(benchmark::State& state, Level level) {
  std::string data = Messages(static_cast<size_t>(state.range(0)));
  const iovec piece = {data.data(), data.size()};
  Writer writer;
  size_t written = 0;
  for ([[maybe_unused]] auto _ : state) {
    written = 0;
    writer.Flush(level, {&piece, 1}, [&](std::string_view bytes) { written += bytes.size(); });
    benchmark::DoNotOptimize(written);
  }
  state.counters["ratio"] = static_cast<double>(data.size()) / static_cast<double>(written);
  Processed(state, data.size());
}

void Decode(benchmark::State& state, Level level) {
  std::string data = Messages(static_cast<size_t>(state.range(0)));
  Writer writer;
  const std::string stream = Flush(writer, level, data);
  Reader reader;
  size_t decoded = 0;
  for ([[maybe_unused]] auto _ : state) {
    decoded = 0;
    const absl::Status status =
        reader.Read(stream, [&](std::string_view bytes) { decoded += bytes.size(); });
    if (!status.ok()) state.SkipWithError("the stream is not sound");
  }
  if (decoded != data.size()) state.SkipWithError("bytes are missing");
  Processed(state, data.size());
}

void FlushSizes(benchmark::internal::Benchmark* bench) {
  bench->ArgName("flush")->Arg(1 << 10)->Arg(16 << 10)->Arg(1 << 20);
}

BENCHMARK_CAPTURE(Encode, Compressed, Level::kFast)->Apply(FlushSizes);
BENCHMARK_CAPTURE(Encode, Uncompressed, Level::kUncompressed)->Apply(FlushSizes);
BENCHMARK_CAPTURE(Decode, Compressed, Level::kFast)->Apply(FlushSizes);
BENCHMARK_CAPTURE(Decode, Uncompressed, Level::kUncompressed)->Apply(FlushSizes);

std::string CompressedBlock() {
  const std::string data = Messages(kBlockBytes);
  std::string block;
  snappy::Compress(data.data(), data.size(), &block);
  return block;
}

void BlockByOurs(benchmark::State& state) {
  const std::string block = CompressedBlock();
  const std::unique_ptr<char[]> out(new char[kBlockBytes]);
  for ([[maybe_unused]] auto _ : state) {
    if (!DecodeBlock(block, {out.get(), kBlockBytes}).ok()) state.SkipWithError("corrupt");
    benchmark::ClobberMemory();
  }
  Processed(state, kBlockBytes);
}
BENCHMARK(BlockByOurs);

void BlockBySnappys(benchmark::State& state) {
  const std::string block = CompressedBlock();
  const std::unique_ptr<char[]> out(new char[kBlockBytes]);
  for ([[maybe_unused]] auto _ : state) {
    if (!snappy::RawUncompress(block.data(), block.size(), out.get())) {
      state.SkipWithError("corrupt");
    }
    benchmark::ClobberMemory();
  }
  Processed(state, kBlockBytes);
}
BENCHMARK(BlockBySnappys);

void Checksum(benchmark::State& state, uint32_t (*extend)(uint32_t, std::string_view)) {
  const std::string data = Messages(kBlockBytes);
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(extend(0, data));
  Processed(state, kBlockBytes);
}
BENCHMARK_CAPTURE(Checksum, Best, ExtendCrc32c);
BENCHMARK_CAPTURE(Checksum, ByTable, ExtendCrc32cByTable);

}  // namespace
}  // namespace martlet::s2

BENCHMARK_MAIN();
