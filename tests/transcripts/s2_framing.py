"""The stream format of compressed routes: S2 framing, read in full, written as plain chunks.

Enough to play a peer: what is written is never compressed, which every reader has to take.
"""
import struct

STREAM_START = b"\xff\x06\x00\x00S2sTwO"
CHUNK_BYTES_MAX = 60000


def _crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = _crc_table()


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def write(data):
    """One flush: the start of a stream and chunks that are not compressed."""
    out = bytearray(STREAM_START)
    for at in range(0, len(data), CHUNK_BYTES_MAX):
        piece = data[at:at + CHUNK_BYTES_MAX]
        out += b"\x01" + struct.pack("<I", len(piece) + 4)[:3]
        out += struct.pack("<I", masked_crc(piece)) + piece
    return bytes(out)


def _number(data, at, size):
    return int.from_bytes(data[at:at + size], "little"), at + size


def _literal(tag, data, at):
    length = tag >> 2
    if length >= 60:
        length, at = _number(data, at, length - 59)
    return length + 1, at


def _repeat_length(tag, data, at):
    length = tag >> 2 & 7
    if length < 5:
        return length + 4, at
    size = length - 4
    more, at = _number(data, at, size)
    return more + (0, 8, 260, 65540)[size], at


def read_block(data):
    """An S2 block, which may repeat the last offset, where Snappy may not."""
    size = shift = at = 0
    while True:
        byte = data[at]
        at += 1
        size |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    out, offset = bytearray(), 0
    while at < len(data):
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            length, at = _literal(tag, data, at)
            out += data[at:at + length]
            at += length
            continue
        if kind == 1:
            near = tag >> 5 << 8 | data[at]
            at += 1
            if near:
                length, offset = (tag >> 2 & 7) + 4, near
            else:
                length, at = _repeat_length(tag, data, at)
        else:
            length = (tag >> 2) + 1
            offset, at = _number(data, at, 2 if kind == 2 else 4)
        if not 0 < offset <= len(out):
            raise ValueError("S2: offset %d with %d bytes written" % (offset, len(out)))
        for _ in range(length):
            out.append(out[-offset])
    if len(out) != size:
        raise ValueError("S2: %d bytes instead of %d" % (len(out), size))
    return bytes(out)


class Reader:
    """Bytes of a stream in any pieces; gives what they hold."""

    def __init__(self):
        self.pending = b""
        self.compressed_chunks = 0

    def feed(self, data):
        self.pending += data
        out = b""
        while len(self.pending) >= 4:
            size = int.from_bytes(self.pending[1:4], "little")
            if len(self.pending) < 4 + size:
                break
            out += self._chunk(self.pending[0], self.pending[4:4 + size])
            self.pending = self.pending[4 + size:]
        return out

    def _chunk(self, kind, body):
        if kind == 0xFF:
            if body != STREAM_START[4:]:
                raise ValueError("S2: stream starts with %r" % body)
            return b""
        if kind >= 0x80:
            return b""
        if kind > 1:
            raise ValueError("S2: chunk of kind %d" % kind)
        self.compressed_chunks += kind == 0
        data = body[4:] if kind == 1 else read_block(body[4:])
        if masked_crc(data) != int.from_bytes(body[:4], "little"):
            raise ValueError("S2: a chunk's CRC is wrong")
        return data
