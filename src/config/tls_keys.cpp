// The keys of tls blocks.
#include <algorithm>

#include "base/go_parse.h"
#include "base/go_text.h"
#include "config/keys.h"
#include "config/reading.h"

namespace martlet::config {
namespace {

using base::GoQuote;

constexpr std::string_view kAbout = "error parsing tls config, ";
constexpr nanoseconds kHandshakeFirstFallback = std::chrono::milliseconds(50);

// Names of Go's crypto/tls.
constexpr std::string_view kCipherSuites[] = {
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
};
constexpr std::string_view kInsecureCipherSuites[] = {
    "TLS_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
};
constexpr std::string_view kCurves[] = {
    "CurveP256",          "CurveP384", "CurveP521",      "SecP256r1MLKEM768",
    "SecP384r1MLKEM1024", "X25519",    "X25519MLKEM768",
};

bool IsOneOf(std::span<const std::string_view> words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

template <std::string Tls::*kMember>
void ReadFileName(const Entry& entry, Tls& tls) {
  const std::string* name = entry.value.As<std::string>();
  if (name == nullptr) {
    return entry.Error(std::string(kAbout) + "expected '" + LowerCase(entry.key) +
                       "' to be filename");
  }
  tls.*kMember = *name;
}

std::optional<bool> Truth(const Entry& entry) {
  const bool* truth = entry.value.As<bool>();
  if (truth != nullptr) return *truth;
  entry.Error(std::string(kAbout) + "expected '" + LowerCase(entry.key) + "' to be a boolean");
  return std::nullopt;
}

template <bool Tls::*kMember>
void ReadSwitch(const Entry& entry, Tls& tls) {
  if (const std::optional<bool> truth = Truth(entry)) tls.*kMember = *truth;
}

void ReadVerifyAndMap(const Entry& entry, Tls& tls) {
  const std::optional<bool> truth = Truth(entry);
  if (!truth) return;
  tls.verify_and_map = *truth;
  if (*truth) tls.verify = true;
}

void ReadCheckKnownUrls(const Entry& entry, Tls& tls) {
  const std::optional<bool> truth = Truth(entry);
  if (!truth) return;
  tls.check_known_urls = *truth;
  if (*truth) tls.verify = true;
}

void ReadCipherSuites(const Entry& entry, Tls& tls) {
  const Array* list = entry.List();
  if (list == nullptr) return;
  if (list->empty()) {
    return entry.Error(std::string(kAbout) + "'cipher_suites' cannot be empty");
  }
  for (const Value& element : *list) {
    const Entry one{entry.key, element, entry.reading};
    const std::string* name = one.String();
    if (name == nullptr) continue;
    if (!IsOneOf(kCipherSuites, *name) && !IsOneOf(kInsecureCipherSuites, *name)) {
      one.Error("unrecognized cipher " + *name);
    }
    tls.cipher_suites.push_back(*name);
  }
}

void ReadCurves(const Entry& entry, Tls& tls) {
  const Array* list = entry.List();
  if (list == nullptr) return;
  if (list->empty()) {
    return entry.Error(std::string(kAbout) + "'curve_preferences' cannot be empty");
  }
  for (const Value& element : *list) {
    const Entry one{entry.key, element, entry.reading};
    const std::string* name = one.String();
    if (name == nullptr) continue;
    if (!IsOneOf(kCurves, *name)) one.Error("unrecognized curve preference " + *name);
    tls.curve_preferences.push_back(*name);
  }
}

void ReadTimeout(const Entry& entry, Tls& tls) {
  if (const std::optional<double> seconds = entry.Seconds("tls config")) {
    tls.timeout_seconds = *seconds;
  }
}

void ReadRateLimit(const Entry& entry, Tls& tls) {
  const int64_t* limit = entry.value.As<int64_t>();
  if (limit == nullptr) {
    return entry.Error(std::string(kAbout) + "'connection_rate_limit' wrong type");
  }
  tls.connections_per_second = *limit;
}

void ReadPinnedCerts(const Entry& entry, Tls& tls) {
  const std::string form = "hex-encoded sha256 of DER encoded SubjectPublicKeyInfo";
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error(std::string(kAbout) + "expected 'pinned_certs' to be a list of " + form);
  }
  for (const Value& element : *list) {
    const Entry one{entry.key, element, entry.reading};
    const std::string* text = one.String();
    if (text == nullptr) continue;
    const std::string lower = LowerCase(*text);
    if (lower.size() != 64 || lower.find_first_not_of("0123456789abcdef") != lower.npos) {
      one.Error(std::string(kAbout)
                    .append("'pinned_certs' key ")
                    .append(lower)
                    .append(" does not look like ")
                    .append(form));
    }
    tls.pinned_certs.push_back(lower);
  }
}

// Stores of certificates are a matter of Windows; elsewhere the reference refuses them, too.
void ReadCertStore(const Entry& entry, Tls& tls) {
  const std::string* store = entry.value.As<std::string>();
  if (store == nullptr || store->empty()) {
    return entry.Error("expected 'cert_store' to be a valid non-empty string");
  }
  const std::string lower = LowerCase(*store);
  if (lower != "windowscurrentuser" && lower != "windowslocalmachine") {
    return entry.Error("cert store type not implemented");
  }
  entry.Error("cert_store not compatible with current operating system");
  tls.cert_store = lower;
}

template <const std::string_view& kName>
void ReadStoreText(const Entry& entry, Tls&) {
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr || text->empty()) {
    entry.Error("expected '" + std::string(kName) + "' to be a valid non-empty string");
  }
}
constexpr std::string_view kCertMatchBy = "cert_match_by";
constexpr std::string_view kCertMatch = "cert_match";

void ReadSkipInvalid(const Entry& entry, Tls&) {
  if (entry.value.As<bool>() == nullptr) {
    entry.Error("expected 'cert_match_skip_invalid' to be a boolean");
  }
}

void ReadHandshakeFirst(const Entry& entry, Tls& tls) {
  if (const bool* on = entry.value.As<bool>()) {
    tls.handshake_first = *on;
    return;
  }
  const std::string* text = entry.value.As<std::string>();
  if (text == nullptr) {
    return entry.Error("field " + GoQuote(entry.key) + " should be a boolean or a string, got " +
                       std::string(entry.value.type_name()));
  }
  const std::string lower = LowerCase(*text);
  tls.handshake_first = lower != "false" && lower != "off";
  if (lower == "true" || lower == "on" || !tls.handshake_first) return;
  if (lower == "auto" || lower == "auto_fallback") {
    tls.handshake_first_fallback = kHandshakeFirstFallback;
    return;
  }
  const absl::StatusOr<nanoseconds> delay = base::ParseGoDuration(*text);
  if (!delay.ok()) {
    return entry.Error("field " + GoQuote(entry.key) + "'s value " + GoQuote(*text) +
                       " is invalid");
  }
  tls.handshake_first_fallback = *delay;
}

void ReadOcspPeer(const Entry& entry, Tls&) {
  entry.Needs("OCSP");
  CheckOcspPeer(entry);
}

bool ReadPair(const Value& value, Reading& reading, Tls::Pair& pair) {
  const std::string about = "error parsing certificates config: ";
  const Map* map = value.map();
  if (map == nullptr) {
    reading.problems.Error(value.where,
                           about + "unsupported type " + std::string(value.type_name()));
    return false;
  }
  for (const Map::Entry& entry : map->entries()) {
    const std::string* file = entry.value.As<std::string>();
    if (file == nullptr) {
      reading.problems.Error(entry.value.where,
                             about + "unsupported type " + std::string(entry.value.type_name()));
      return false;
    }
    if (entry.key == "cert_file") {
      pair.cert_file = *file;
    } else if (entry.key == "key_file") {
      pair.key_file = *file;
    } else {
      reading.problems.Error(entry.value.where,
                             "error parsing tls certs config, unknown field " + GoQuote(entry.key));
      return false;
    }
  }
  if (!pair.cert_file.empty() && !pair.key_file.empty()) return true;
  const Location& where = map->empty() ? value.where : map->entries().back().value.where;
  reading.problems.Error(where, about + "both 'cert_file' and 'cert_key' options are required");
  return false;
}

void ReadCertificates(const Entry& entry, Tls& tls) {
  const Array* list = entry.value.array();
  if (list == nullptr) {
    return entry.Error(
        "error parsing certificates config: unsupported type "
        "map[string]interface {}");
  }
  for (const Value& element : *list) {
    Tls::Pair pair;
    if (ReadPair(element, entry.reading, pair)) tls.certificates.push_back(std::move(pair));
  }
}

void ReadMinVersion(const Entry& entry, Tls& tls) {
  const std::string about = "error parsing tls config: ";
  const std::string* version = entry.value.As<std::string>();
  if (version == nullptr) {
    return entry.Error(about + "'min_version' wrong type: " + entry.value.text());
  }
  if (*version == "1.0" || *version == "1.1") {
    return entry.Error(about + "unsupported TLS version: TLS " + *version);
  }
  if (*version != "1.2" && *version != "1.3") {
    return entry.Error(about + "unknown version: " + *version);
  }
  tls.min_version = *version;
}

// clang-format off
constexpr Key<Tls> kTlsKeys[] = {
    {{"cert_file"}, "string", "", kHot, &ReadFileName<&Tls::cert_file>, "Certificate, in PEM"},
    {{"key_file"}, "string", "", kHot, &ReadFileName<&Tls::key_file>, "Its key, in PEM"},
    {{"ca_file"}, "string", "", kHot, &ReadFileName<&Tls::ca_file>,
     "Authorities of the other side's certificates, in PEM"},
    {{"certs", "certificates"}, "array of maps", "", kHot, &ReadCertificates,
     "Several certificates: cert_file and key_file of each"},
    {{"insecure"}, "boolean", "false", kHot, &ReadSwitch<&Tls::insecure>,
     "As a client, do not check the other side's certificate"},
    {{"verify"}, "boolean", "false", kHot, &ReadSwitch<&Tls::verify>,
     "Require a certificate of the other side"},
    {{"verify_and_map"}, "boolean", "false", kHot, &ReadVerifyAndMap,
     "... and take the user from it"},
    {{"verify_cert_and_check_known_urls"}, "boolean", "false", kHot, &ReadCheckKnownUrls,
     "... and check its names against the known URLs (routes and gateways)"},
    {{"timeout"}, "seconds or duration", "2", kHot, &ReadTimeout, "Time for the handshake"},
    {{"handshake_first", "first", "immediate"}, "boolean, auto or duration", "false", kHot,
     &ReadHandshakeFirst, "Begin with the handshake, before INFO"},
    {{"min_version"}, "string", "1.2", kHot, &ReadMinVersion, "1.2 or 1.3"},
    {{"cipher_suites"}, "array of strings", "", kHot, &ReadCipherSuites,
     "Cipher suites of TLS 1.2, by their names in Go"},
    {{"allow_insecure_cipher_suites"}, "boolean", "false", kHot,
     &ReadSwitch<&Tls::allow_insecure_ciphers>, "Let weak ones be named there"},
    {{"curve_preferences"}, "array of strings", "", kHot, &ReadCurves,
     "Curves, by their names in Go"},
    {{"pinned_certs"}, "array of strings", "", kHot, &ReadPinnedCerts,
     "SHA-256 of the public keys that are accepted, in hex"},
    {{"connection_rate_limit"}, "integer", "0", kHot, &ReadRateLimit, "Handshakes a second"},
    {{"ocsp_peer"}, "boolean or map", "false", kHot, &ReadOcspPeer,
     "Check the other side's certificate with OCSP"},
    {{"cert_store"}, "string", "", kHot, &ReadCertStore, "Windows only"},
    {{"cert_match"}, "string", "", kHot, &ReadStoreText<kCertMatch>, "Windows only"},
    {{"cert_match_by"}, "string", "", kHot, &ReadStoreText<kCertMatchBy>, "Windows only"},
    {{"cert_match_skip_invalid"}, "boolean", "false", kHot, &ReadSkipInvalid, "Windows only"},
    {{"ca_certs_match"}, "string or array", "", kHot, [](const Entry&, Tls&) {}, "Windows only"},
};
// clang-format on

void UnknownTlsField(const Entry& entry, const std::vector<std::string_view>& known) {
  const std::string_view nearest = NearestWord(entry.key, known);
  entry.reading.problems.Error(
      entry.value.where, std::string(kAbout) + "unknown field " + GoQuote(entry.key),
      nearest.empty() ? std::string() : "did you mean " + GoQuote(nearest) + "?");
}

// The files, as the reference loads them.
std::string CheckFiles(const Tls& tls, Environment& environment) {
  if (!tls.cert_file.empty() && tls.key_file.empty()) {
    return "missing 'key_file' in TLS configuration";
  }
  if (tls.cert_file.empty() && !tls.key_file.empty()) {
    return "missing 'cert_file' in TLS configuration";
  }
  if (!tls.cert_file.empty()) {
    const absl::Status status = environment.CheckKeyPair(tls.cert_file, tls.key_file);
    if (!status.ok()) {
      return "error parsing X509 certificate/key pair: " + std::string(status.message());
    }
  }
  for (size_t i = 0; tls.cert_file.empty() && i < tls.certificates.size(); ++i) {
    const Tls::Pair& pair = tls.certificates[i];
    const absl::Status status = environment.CheckKeyPair(pair.cert_file, pair.key_file);
    if (!status.ok()) {
      return "error parsing X509 certificate/key pair " + std::to_string(i + 1) + "/" +
             std::to_string(tls.certificates.size()) + ": " + std::string(status.message());
    }
  }
  if (!tls.ca_file.empty()) {
    const absl::Status status = environment.CheckCertificates(tls.ca_file);
    if (!status.ok()) return std::string(status.message());
  }
  return {};
}

}  // namespace

std::span<const Key<Tls>> TlsKeys() { return kTlsKeys; }

bool ReadTls(const Entry& entry, bool of_clients, Tls& tls) {
  const Map* map = entry.Block();
  if (map == nullptr) return false;
  Problems& problems = entry.reading.problems;
  const size_t errors_before = problems.errors().size();
  ReadBlock<Tls>(kTlsKeys, *map, tls, entry.reading, &UnknownTlsField);
  if (problems.errors().size() != errors_before) return false;
  if (tls.check_known_urls && of_clients) {
    const Value* value = map->Find("verify_cert_and_check_known_urls");
    problems.Error(value == nullptr ? entry.value.where : value->where,
                   "verify_cert_and_check_known_urls not supported in this context");
    return false;
  }
  if (!tls.certificates.empty() && !tls.cert_file.empty()) {
    entry.Error(std::string(kAbout) + "cannot combine 'cert_file' option with 'certs' option");
    return false;
  }
  std::string insecure;
  for (const std::string& name : tls.cipher_suites) {
    if (IsOneOf(kInsecureCipherSuites, name)) insecure += (insecure.empty() ? "" : ", ") + name;
  }
  if (!insecure.empty() && !tls.allow_insecure_ciphers) {
    entry.Error(
        "insecure cipher suites configured without 'allow_insecure_cipher_suites' option set: " +
        insecure);
    return false;
  }
  if (const std::string wrong = CheckFiles(tls, entry.reading.environment); !wrong.empty()) {
    entry.Error(wrong);
    return false;
  }
  return true;
}

}  // namespace martlet::config
