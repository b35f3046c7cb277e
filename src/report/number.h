// Numbers as people read them: thousands separated, a few digits, a unit of the right size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace martlet::report {

/// "1,234,567.50"; a dash for what is no finite number.
std::string Decimal(double value, int decimals);

/// How values of one kind are shown: multiplied by `factor`, with `decimals`, in `unit`.
struct Scale {
  double factor = 1;
  int decimals = 0;
  std::string unit;  // "µs", "MiB", "/s"; may be empty

  std::string Number(double value) const { return Decimal(value * factor, decimals); }
  std::string Text(double value) const { return Number(value) + (unit.empty() ? "" : " " + unit); }
};

/// The scale that shows `typical` with about four digits. `unit` is a figure's: bytes become KiB,
/// MiB and GiB, microseconds and nanoseconds µs, ms and s; others stay as they are.
Scale ScaleFor(double typical, std::string_view unit);

/// `value` in a scale of its own: "1,234,567 /s", "12.30 MiB", "0.4120 µs".
std::string FigureText(double value, std::string_view unit);

/// A latency for a column of them: two decimals and a unit of two letters, "12.30 µs", "1.05 s ".
std::string LatencyText(int64_t ns);

/// "37 %" of a share between 0 and 1, "0.4 %" of a small one.
std::string PercentText(double share);

/// How many characters of a terminal `text`, UTF-8 without wide ones, takes.
size_t Width(std::string_view text);
std::string PadLeft(std::string text, size_t width);
std::string PadRight(std::string text, size_t width);

/// `text` fit for a terminal: control characters and bytes that are no UTF-8 become '?', so that
/// what a server calls itself cannot move the cursor.
std::string Printable(std::string_view text);

}  // namespace martlet::report
