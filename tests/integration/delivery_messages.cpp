// Writes the messages of a run and knows them again.
#include "delivery_messages.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <span>

#include "delivery_random.h"

namespace delivery {
namespace {

constexpr size_t kMaxPayload = 1 << 20;   // the server's default, headers included
constexpr size_t kNoiseStartsMax = 8192;  // places where a payload's bytes may begin in the noise

char* Put(char* at, std::string_view text) {
  if (text.empty()) return at;  // its pointer may be null
  memcpy(at, text.data(), text.size());
  return at + text.size();
}

char* PutNumber(char* at, uint64_t number) { return std::to_chars(at, at + 20, number).ptr; }

enum class Form : uint8_t { kPlain, kReply, kHeaders };

Form FormOf(bool odd_forms, uint64_t seq) {
  if (!odd_forms) return Form::kPlain;
  return seq % 8 == 5 ? Form::kReply : seq % 8 == 6 ? Form::kHeaders : Form::kPlain;
}

std::string_view ReplyOf(uint64_t seq, std::span<char, 64> space) {
  char* const end = PutNumber(Put(space.data(), "_INBOX.check."), seq);
  return {space.data(), static_cast<size_t>(end - space.data())};
}

std::string_view HeadersOf(uint64_t seq, std::span<char, 64> space) {
  char* const end = Put(PutNumber(Put(space.data(), "NATS/1.0\r\nSeq: "), seq), "\r\n\r\n");
  return {space.data(), static_cast<size_t>(end - space.data())};
}

}  // namespace

// Payload bytes are a window into this block; every byte value occurs, CR and LF among them.
Messages::Messages(const Plan& plan, uint64_t seed)
    : plan_(plan), seed_(seed), noise_(plan.payload_max + kNoiseStartsMax) {
  Random random(seed ^ 0x6e6f697365);
  for (char& byte : noise_) byte = static_cast<char>(random.Next());
}

// Most are small; one in 64 lies beside a power of two, where buffers end; a few are of full size.
size_t Messages::PayloadBytes(uint32_t stream, uint64_t seq) const {
  const size_t low = plan_.payload_min;
  const size_t high = plan_.payload_max;
  if (low == high) return low;
  Random random(seq * 1000003 + stream + seed_);
  const uint64_t dice = random.Next();
  if (dice % 8192 == 0) return high;
  if (dice % 64 == 1) {
    const uint64_t edge = 1ull << (5 + (dice >> 8) % 16);
    return std::clamp<size_t>(edge + (dice >> 16) % 3 - 1, low, high);
  }
  const double uniform = static_cast<double>(random.Next() >> 11) / 9007199254740992.0;
  const double ratio = static_cast<double>(high) / static_cast<double>(low);
  const double bytes = static_cast<double>(low) * std::pow(ratio, std::pow(uniform, 12));
  return std::clamp(static_cast<size_t>(bytes), low, high);
}

Messages::Written Messages::Write(char* at, std::string_view subject, Stamp stamp) const {
  char* const begin = at;
  const uint64_t seq = stamp.stream_seq;
  size_t bytes = PayloadBytes(stamp.stream, seq);
  const Form form = FormOf(plan_.odd_forms, seq);
  char space[64];
  std::string_view headers;
  at = Put(at, form == Form::kHeaders ? "HPUB " : "PUB ");
  at = Put(at, subject);
  *at++ = ' ';
  if (form == Form::kReply) {
    at = Put(at, ReplyOf(seq, space));
    *at++ = ' ';
  } else if (form == Form::kHeaders) {
    headers = HeadersOf(seq, space);
    bytes = std::min(bytes, kMaxPayload - headers.size());
    at = PutNumber(at, headers.size());
    *at++ = ' ';
  }
  at = PutNumber(at, headers.size() + bytes);
  at = Put(at, "\r\n");
  at = Put(at, headers);

  memcpy(at, &stamp, sizeof(stamp));
  const size_t noise_at = (seq * 1021 + uint64_t{stamp.stream} * 17) % kNoiseStartsMax;
  memcpy(at + sizeof(stamp), noise_.data() + noise_at, bytes - sizeof(stamp));
  stamp.hash = HashPayload({at, bytes});
  memcpy(at + offsetof(Stamp, hash), &stamp.hash, sizeof(stamp.hash));
  at = Put(at + bytes, "\r\n");
  return {.bytes = static_cast<size_t>(at - begin), .payload_bytes = bytes};
}

const char* Messages::Read(const raw::Frame& frame, bool headers, Stamp& stamp) const {
  if (frame.payload.size() < sizeof(Stamp)) return "too short";
  memcpy(&stamp, frame.payload.data(), sizeof(stamp));
  if (HashPayload(frame.payload) != stamp.hash) return "bytes differ";
  char space[64];
  const uint64_t seq = stamp.stream_seq;
  const Form form = FormOf(plan_.odd_forms, seq);
  if (frame.reply != (form == Form::kReply ? ReplyOf(seq, space) : "")) return "wrong reply";
  const bool with_headers = form == Form::kHeaders && headers;
  if (frame.headers != (with_headers ? HeadersOf(seq, space) : "")) return "wrong headers";
  return nullptr;
}

}  // namespace delivery
