// CRC-32C, the checksum of S2 and Snappy streams.
#pragma once

#include <cstdint>
#include <string_view>

namespace martlet::s2 {

/// The checksum of some bytes followed by `bytes`, where `crc` is that of the first ones; 0 where
/// there are none. With the CPU's own instruction where it has one.
uint32_t ExtendCrc32c(uint32_t crc, std::string_view bytes);

/// The same by tables, as on other CPUs.
uint32_t ExtendCrc32cByTable(uint32_t crc, std::string_view bytes);

/// As it stands in a stream: turned and moved, since a checksum of bytes that hold their own
/// checksum is a poor one. Source: Snappy's framing_format.txt, section 3.
constexpr uint32_t MaskCrc32c(uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8; }

}  // namespace martlet::s2
