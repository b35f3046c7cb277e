"""Attacks on a compressed route: S2 streams that are none, and those that unfold to far too much."""
import struct
import time

from harness import expect
from hostile_stage import MIB, pour
from route_peer import Peer, info_line

CRC_TABLE = []
for index in range(256):
    value = index
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    CRC_TABLE.append(value)
MAGIC = b"\xff\x06\x00\x00S2sTwO"


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def varint(number):
    out = b""
    while number >= 0x80:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def chunk(kind, body):
    return bytes([kind]) + struct.pack("<I", len(body))[:3] + body


def plain_chunk(data):
    return chunk(1, masked_crc(data) + data)


def bomb(unit, size):
    """A compressed chunk of some thirty bytes that unfolds to `size` times the byte `unit`."""
    block = varint(size) + b"\0" + unit  # a literal of one byte
    left = size - 1
    block += bytes([0b0_000_01 | 0 << 2, 1])  # copy of four bytes, offset 1
    left -= 4
    while left > 0:
        length = min(left, 65540 + (1 << 24) - 1)
        if length < 65540 + 4:
            block += bytes([6 << 2 | 1, 0]) + struct.pack("<H", length - 260) if length >= 260 \
                else bytes([5 << 2 | 1, 0, length - 8])
        else:
            block += bytes([7 << 2 | 1, 0]) + struct.pack("<I", length - 65540)[:3]
        left -= length
    return chunk(0, masked_crc(unit * size) + block)


def compress(peer):
    """Negotiates compression: behind this the victim reads an S2 stream."""
    peer.connect()
    peer.send(info_line(server_id=peer.id, server_name=peer.id, compression="s2_fast"))
    peer.send(MAGIC + plain_chunk(info_line(server_id=peer.id, server_name=peer.id,
                                            compression="s2_fast") + b"PING\r\n"))
    return peer


def bombs(victim, _):
    """Gigabytes of blanks, junk and control line out of a few kilobytes."""
    size = 4 * MIB
    blanks, junk = bomb(b" ", size), bomb(b"x", size)
    expect(len(junk) < 60, "no bomb")
    for begin, piece in ((b"PING ", junk), (b"RS+ ", blanks)):
        with compress(Peer(victim, timeout=20)) as peer:
            peer.send(MAGIC + plain_chunk(begin))
            pour(peer, [piece] * 100)
            time.sleep(1)
    for begin, piece in ((b"RS+ ", junk), (b"INFO {", junk), (b"CONNECT {", junk), (b"", junk)):
        with compress(Peer(victim, timeout=20)) as peer:
            pour(peer, [MAGIC + (plain_chunk(begin) if begin else b"")] + [piece] * 100)
            _, closed = peer.rest(5)
            expect(closed, f"still open after {begin!r}")


def message_bomb(victim, _):
    """A large message is kept while it arrives, and no longer."""
    with compress(Peer(victim, timeout=20)) as peer:
        pour(peer, [MAGIC + plain_chunk(b"RMSG $G foo 33554432\r\n")] + [bomb(b"x", 4 * MIB)] * 8)
        peer.send(plain_chunk(b"\r\n"))
        time.sleep(0.5)


NO_STREAMS = (
    ("no identifier", plain_chunk(b"PING\r\n")),
    ("plain text", b"PING\r\n" * 10),
    ("unknown identifier", b"\xff\x06\x00\x00S3sTwO"),
    ("identifier of 5 bytes", b"\xff\x05\x00\x00S2sTw"),
    ("reserved type", MAGIC + chunk(2, b"1234")),
    ("chunk of 16 MiB", MAGIC + b"\x00\xff\xff\xff" + bytes(65536)),
    ("raw chunk of 8 MiB", MAGIC + b"\x01\x00\x00\x80" + bytes(65536)),
    ("chunk shorter than its checksum", MAGIC + chunk(0, b"12")),
    ("wrong checksum", MAGIC + chunk(1, b"1234PING\r\n")),
    ("length 2^32", MAGIC + chunk(0, b"1234" + varint(1 << 32) + b"\0x")),
    ("length 2^70", MAGIC + chunk(0, b"1234" + b"\xff" * 9 + b"\x01" + b"\0x")),
    ("length 64 MiB", MAGIC + chunk(0, b"1234" + varint(64 * MIB) + b"\0x")),
    ("copy before the begin", MAGIC + chunk(0, b"1234" + varint(10) + b"\0x\x01\xff")),
    ("repeat without a copy", MAGIC + chunk(0, b"1234" + varint(10) + b"\x01\x00")),
    ("literal past the end", MAGIC + chunk(0, b"1234" + varint(100) + b"\xf0\x60x")),
)


def no_streams(victim, _):
    for name, data in NO_STREAMS:
        with Peer(victim).connect() as peer:
            peer.send(info_line(server_id=peer.id, server_name=peer.id, compression="s2_fast"))
            pour(peer, [data])
            _, closed = peer.rest(3)
            expect(closed, f"{name}: still open")
        expect(victim.alive(), f"the server died of {name}")
    return f"{len(NO_STREAMS)} streams"


def endless_padding(victim, _):
    """Skippable chunks without end."""
    with compress(Peer(victim, timeout=20)) as peer:
        padding = chunk(0xFE, bytes(65000)) * 4 + chunk(0x80, b"")
        sent = pour(peer, [padding] * 256)
        expect(sent >= 256 * len(padding), f"closed after {sent} bytes")
