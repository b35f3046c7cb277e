#include "report/number.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <span>

#include "base/go_text.h"

namespace martlet::report {
namespace {

/// Decimals that leave four digits; few enough that a very small number ends somewhere.
int DecimalsFor(double value) {
  const double size = std::abs(value);
  if (!std::isfinite(size) || size == 0 || size >= 1000) return 0;
  return std::min(9, 3 - static_cast<int>(std::floor(std::log10(size))));
}

struct Step {
  double from;
  double factor;
  std::string_view unit;
};
constexpr std::array kBytes = {Step{0x1p30, 0x1p-30, "GiB"}, Step{0x1p20, 0x1p-20, "MiB"},
                               Step{10240, 0x1p-10, "KiB"}};
constexpr std::array kByteRates = {Step{0x1p30, 0x1p-30, "GiB/s"}, Step{0x1p20, 0x1p-20, "MiB/s"},
                                   Step{10240, 0x1p-10, "KiB/s"}};
constexpr std::array kMicroseconds = {Step{1e6, 1e-6, "s"}, Step{1e4, 1e-3, "ms"},
                                      Step{0, 1, "µs"}};
constexpr std::array kNanoseconds = {Step{1e9, 1e-9, "s"}, Step{1e7, 1e-6, "ms"},
                                     Step{1e3, 1e-3, "µs"}};

std::span<const Step> StepsOf(std::string_view unit) {
  if (unit == "B") return kBytes;
  if (unit == "B/s") return kByteRates;
  if (unit == "us") return kMicroseconds;
  if (unit == "ns") return kNanoseconds;
  return {};
}

}  // namespace

std::string Decimal(double value, int decimals) {
  if (!std::isfinite(value)) return "–";
  char buffer[400];  // the largest double has 309 digits
  const int length = std::snprintf(buffer, sizeof buffer, "%.*f", decimals, std::abs(value));
  const std::string_view digits(buffer, static_cast<size_t>(length));
  const size_t whole = std::min(digits.find('.'), digits.size());
  const bool zero = digits.find_first_not_of("0.") == digits.npos;
  std::string out = value < 0 && !zero ? "-" : "";
  for (size_t i = 0; i < whole; ++i) {
    if (i != 0 && (whole - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  out += digits.substr(whole);
  return out;
}

Scale ScaleFor(double typical, std::string_view unit) {
  Scale scale{.unit = std::string(unit == "1/s" ? "/s" : unit)};
  for (const Step& step : StepsOf(unit)) {
    if (std::abs(typical) < step.from) continue;
    scale.factor = step.factor;
    scale.unit = step.unit;
    break;
  }
  const bool count = scale.factor == 1 && (unit.empty() || unit == "B");
  if (!count || typical != std::floor(typical)) {
    scale.decimals = DecimalsFor(typical * scale.factor);
  }
  return scale;
}

std::string FigureText(double value, std::string_view unit) {
  return ScaleFor(value, unit).Text(value);
}

std::string LatencyText(int64_t ns) {
  const auto value = static_cast<double>(ns);
  if (ns < 1'000'000) return Decimal(value / 1e3, 2) + " µs";
  if (ns < 1'000'000'000) return Decimal(value / 1e6, 2) + " ms";
  return Decimal(value / 1e9, 2) + " s ";
}

std::string PercentText(double share) {
  return Decimal(share * 100, share != 0 && std::abs(share) < 0.0095 ? 1 : 0) + " %";
}

size_t Width(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // all but what continues a character
  }));
}

std::string PadLeft(std::string text, size_t width) {
  const size_t now = Width(text);
  if (now < width) text.insert(0, width - now, ' ');
  return text;
}

std::string PadRight(std::string text, size_t width) {
  const size_t now = Width(text);
  if (now < width) text.append(width - now, ' ');
  return text;
}

std::string Printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const base::Rune rune = base::DecodeRune(text);
    const bool control = rune.code < 0x20 || (rune.code >= 0x7F && rune.code < 0xA0);
    const bool bad = rune.code == base::kBadRune && rune.bytes == 1;
    // Marks that turn the direction of writing could make a line read as another.
    const bool turns = (rune.code >= 0x202A && rune.code <= 0x202E) ||
                       (rune.code >= 0x2066 && rune.code <= 0x2069);
    if (control || bad || turns) {
      out += '?';
    } else {
      out += text.substr(0, rune.bytes);
    }
    text.remove_prefix(rune.bytes);
  }
  return out;
}

}  // namespace martlet::report
