// The keys of JetStream: checked only, JetStream is not there.
#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/account_reading.h"
#include "config/config.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using base::GoQuote;

struct JetStream {
  Config* config = nullptr;
  bool enabled = true;
  std::string text;
  int64_t number = 0;
};

// An integer, or a string that ends in K, M, G or T. Empty: it is one.
std::string WrongSize(const Value& value, int64_t& size) {
  if (const int64_t* number = value.As<int64_t>()) {
    size = *number;
    return {};
  }
  const std::string* text = value.As<std::string>();
  if (text == nullptr) return "must be int64 or string";
  size = 0;
  if (text->empty()) return {};
  const std::string digits = text->substr(0, text->size() - 1);
  const std::optional<int64_t> number = base::ParseGoInt(digits);
  if (!number) return "strconv.ParseInt: parsing " + GoQuote(digits) + ": invalid syntax";
  const size_t unit = std::string_view("KMGT").find(text->back());
  if (unit == std::string_view::npos) return "sizes defined as strings must end in K, M, G, T";
  size = *number * (int64_t{1} << (10 * (unit + 1)));
  return {};
}

template <const std::string_view& kName>
void CheckSize(const Entry& entry, JetStream&) {
  int64_t size = 0;
  const std::string wrong = WrongSize(entry.value, size);
  if (!wrong.empty()) entry.Error(std::string(kName) + " " + wrong);
}
constexpr std::string_view kMaxMemStore = "max_mem_store";
constexpr std::string_view kMaxFileStore = "max_file_store";

void CheckOwnSize(const Entry& entry, JetStream&) {
  int64_t size = 0;
  const std::string wrong = WrongSize(entry.value, size);
  if (!wrong.empty()) entry.Error(LowerCase(entry.key) + " " + wrong);
}

void CheckMetaCompactSize(const Entry& entry, JetStream& block) {
  int64_t size = 0;
  if (!WrongSize(entry.value, size).empty()) return CheckOwnSize(entry, block);
  if (size < 0) {
    entry.Error("Expected an absolute size for " + GoQuote(entry.key) + ", got " +
                entry.value.text());
  }
}

template <class Block>
void CheckParseable(const Entry& entry, Block&) {
  if (entry.value.As<int64_t>() == nullptr) {
    entry.Error("Expected a parseable size for " + GoQuote(entry.key) + ", got " +
                entry.value.text());
  }
}

void CheckCipher(const Entry& entry, JetStream&) {
  const std::string* name = entry.String();
  if (name == nullptr) return;
  const std::string lower = LowerCase(*name);
  if (lower != "chacha" && lower != "chachapoly" && lower != "aes") {
    entry.Error("Unknown cipher type: " + GoQuote(*name));
  }
}

void CheckStoreDir(const Entry& entry, JetStream& block) {
  if (!block.config->store_dir.empty()) return entry.Error("Duplicate 'store_dir' configuration");
  ReadInto(entry, block.config->store_dir);
}

void CheckSync(const Entry& entry, JetStream&) {
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr || LowerCase(*text) != "always") (void)entry.Duration(entry.key);
}

// A duration whose error names no place, as in the reference.
void CheckPlainDuration(const Entry& entry, JetStream&) {
  const std::string* text = entry.String();
  if (text == nullptr) return;
  const absl::StatusOr<nanoseconds> duration = base::ParseGoDuration(*text);
  if (!duration.ok()) entry.reading.problems.Error(std::string(duration.status().message()));
}

template <size_t kCount>
void CheckInner(const Entry& entry, JetStream& block, const Key<JetStream> (&keys)[kCount],
                std::string_view what) {
  if (const Map* map = entry.value.map()) {
    return ReadBlock<JetStream>(keys, *map, block, entry.reading);
  }
  entry.Error("Expected a map to define " + std::string(what) + ", got " +
              std::string(entry.value.type_name()));
}

constexpr Key<JetStream> kBatchKeys[] = {
    {{"max_inflight_per_stream"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"max_inflight_total"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"max_msgs"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"timeout"}, "duration", "", kRestart, &CheckPlainDuration, ""},
};
constexpr Key<JetStream> kServerLimitKeys[] = {
    {{"max_ack_pending"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"max_ha_assets"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"max_request_batch"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"default_max_consumers"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"duplicate_window"}, "duration", "", kRestart, &CheckPlainDuration, ""},
    {{"batch"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, JetStream& block) {
       CheckInner(entry, block, kBatchKeys, "batch limits");
     },
     ""},
};
constexpr Key<JetStream> kTpmKeys[] = {
    {{"keys_file"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"encryption_password"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"srk_password"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"pcr"}, "integer", "", kRestart, &Read<&JetStream::number>, ""},
    {{"cipher"}, "string", "", kRestart, &CheckCipher, ""},
};

constexpr Key<JetStream> kKeys[] = {
    {{"enabled", "enable"}, "boolean", "true", kRestart, &Read<&JetStream::enabled>, ""},
    {{"strict"},
     "boolean",
     "true",
     kRestart,
     [](const Entry& entry, JetStream&) {
       if (entry.value.As<bool>() == nullptr) {
         entry.Error("Expected 'true' or 'false' for bool value, got '" + entry.value.text() + "'");
       }
     },
     ""},
    {{"store_dir", "store", "storedir"}, "string", "", kRestart, &CheckStoreDir, ""},
    {{"sync_interval", "sync"}, "duration or always", "2m", kRestart, &CheckSync, ""},
    {{"max_memory_store", "max_mem_store", "max_mem"},
     "size",
     "",
     kRestart,
     &CheckSize<kMaxMemStore>,
     ""},
    {{"max_file_store", "max_file"}, "size", "", kRestart, &CheckSize<kMaxFileStore>, ""},
    {{"domain"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"encryption_key", "key", "ek"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"prev_encryption_key", "prev_key", "prev_ek"},
     "string",
     "",
     kRestart,
     &Read<&JetStream::text>,
     ""},
    {{"cipher"}, "string", "", kRestart, &CheckCipher, ""},
    {{"extension_hint"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"limits"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, JetStream& block) {
       CheckInner(entry, block, kServerLimitKeys, "JetStreamLimits");
     },
     ""},
    {{"tpm"},
     "map",
     "",
     kRestart,
     [](const Entry& entry, JetStream& block) {
       CheckInner(entry, block, kTpmKeys, "JetStreamLimits");
     },
     ""},
    {{"unique_tag"}, "string", "", kRestart, &Read<&JetStream::text>, ""},
    {{"max_outstanding_catchup"}, "size", "", kRestart, &CheckOwnSize, ""},
    {{"max_buffered_size"}, "size", "", kRestart, &CheckOwnSize, ""},
    {{"max_buffered_msgs"}, "integer", "", kRestart, &CheckParseable<JetStream>, ""},
    {{"request_queue_limit"}, "integer", "", kRestart, &CheckParseable<JetStream>, ""},
    {{"info_queue_limit"}, "integer", "", kRestart, &CheckParseable<JetStream>, ""},
    {{"meta_compact"},
     "integer",
     "",
     kRestart,
     [](const Entry& entry, JetStream&) {
       const int64_t* count = entry.value.As<int64_t>();
       if (count == nullptr || *count < 0) {
         entry.Error("Expected an absolute size for " + GoQuote(entry.key) + ", got " +
                     entry.value.text());
       }
     },
     ""},
    {{"meta_compact_size"}, "size", "", kRestart, &CheckMetaCompactSize, ""},
    {{"meta_compact_sync"}, "boolean", "", kRestart, &ReadOnly<bool, JetStream>, ""},
    {{"max_concurrent_io"},
     "integer, 4 to 8192",
     "",
     kRestart,
     [](const Entry& entry, JetStream&) {
       const int64_t* count = entry.value.As<int64_t>();
       if (count == nullptr || *count < 4 || *count > 8192) {
         entry.Error("Expected an absolute size for " + GoQuote(entry.key) +
                     " between 4 and 8192, got " + entry.value.text());
       }
     },
     ""},
};

// true and false, or "enabled" and the like; nothing for maps and after an error.
std::optional<bool> OnOrOff(const Entry& entry) {
  if (const bool* on = entry.value.As<bool>()) return *on;
  if (const std::string* text = entry.value.As<std::string>()) {
    const std::string lower = LowerCase(*text);
    if (lower == "enabled" || lower == "enable") return true;
    if (lower == "disabled" || lower == "disable") return false;
    entry.Error("Expected 'enabled' or 'disabled' for string value, got '" + *text + "'");
  } else if (entry.value.map() == nullptr) {
    entry.Error("Expected map, bool or string to define JetStream, got " +
                std::string(entry.value.type_name()));
  }
  return std::nullopt;
}

constexpr Key<Account> kAccountLimitKeys[] = {
    {{"max_memory", "max_mem", "mem", "memory"},
     "size",
     "",
     kRestart,
     &CheckParseable<Account>,
     ""},
    {{"max_store", "max_file", "max_disk", "store", "disk"},
     "size",
     "",
     kRestart,
     &CheckParseable<Account>,
     ""},
    {{"max_streams", "streams"}, "integer", "", kRestart, &CheckParseable<Account>, ""},
    {{"max_consumers", "consumers"}, "integer", "", kRestart, &CheckParseable<Account>, ""},
    {{"max_bytes_required", "max_stream_bytes", "max_bytes"},
     "boolean",
     "",
     kRestart,
     [](const Entry& entry, Account&) {
       if (entry.value.As<bool>() == nullptr) {
         entry.Error("Expected a parseable bool for " + GoQuote(entry.key) + ", got " +
                     entry.value.text());
       }
     },
     ""},
    {{"memory_max_stream_bytes", "mem_max_stream_bytes"},
     "size",
     "",
     kRestart,
     &CheckParseable<Account>,
     ""},
    {{"store_max_stream_bytes", "disk_max_stream_bytes"},
     "size",
     "",
     kRestart,
     &CheckParseable<Account>,
     ""},
    {{"max_ack_pending"}, "integer", "", kRestart, &CheckParseable<Account>, ""},
    {{"cluster_traffic"},
     "system or owner",
     "",
     kRestart,
     [](const Entry& entry, Account&) {
       const std::string* text = entry.value.As<std::string>();
       if (text == nullptr) {
         return entry.Error("Expected either 'system' or 'owner' string value for " +
                            GoQuote(entry.key) + ", got " + entry.value.text());
       }
       if (!text->empty() && *text != "system" && *text != "owner") {
         entry.Error("Expected 'system' or 'owner' string value for " + GoQuote(entry.key) +
                     ", got " + *text);
       }
     },
     ""},
};

}  // namespace

void ReadJetStream(const Entry& entry, Config& config) {
  const Map* map = entry.value.map();
  JetStream block;
  block.config = &config;
  if (map != nullptr) {
    ReadBlock<JetStream>(kKeys, *map, block, entry.reading);
  } else {
    block.enabled = OnOrOff(entry).value_or(false);
  }
  if (block.enabled) entry.Needs("JetStream");
}

void CheckAccountJetStream(const Entry& entry, Account& account) {
  if (const Map* map = entry.value.map()) {
    account.jetstream = true;
    return ReadBlock<Account>(kAccountLimitKeys, *map, account, entry.reading);
  }
  account.jetstream = OnOrOff(entry).value_or(false);
}

}  // namespace martlet::config
