"""A forger of journals: takes a folder's segments apart, and writes them anew with every checksum, sequence number and hash made to fit.

The format is that of docs/journal.md, written here a second time.
"""

import hashlib
import pathlib
import struct

HEADER = struct.Struct("<8sII16sQQQQ32s24s")
SHARE = 1


def _table() -> list:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Journal:
    """records: for each segment a list of [type, payload], to be changed at will; numbers: their first sequence numbers."""

    def __init__(self, folder: pathlib.Path):
        self.paths = sorted(folder.glob("*.journal"))
        self.headers, self.records, self.first = [], [], []
        for path in self.paths:
            data = path.read_bytes()
            fields = HEADER.unpack_from(data)
            self.headers.append(fields)
            self.first.append(fields[5])
            records, at = [], fields[2]
            while at < len(data):
                length, = struct.unpack_from("<I", data, at)
                records.append([data[at + 4], data[at + 13:at + 4 + length]])
                at += 8 + length
            self.records.append(records)

    def where(self, sequence: int) -> tuple:
        """(segment, place) of a record."""
        segment = max(i for i, first in enumerate(self.first) if first <= sequence)
        return segment, sequence - self.first[segment]

    def write(self):
        sequence, previous = self.first[0], self.headers[0][6:9]
        for path, fields, records in zip(self.paths, self.headers, self.records):
            head = HEADER.pack(*fields[:5], sequence, *previous, bytes(24))
            data = bytearray(head + struct.pack("<II", crc32c(head), 0))
            for kind, payload in records:
                body = struct.pack("<IBQ", 9 + len(payload), kind, sequence) + payload
                data += body + struct.pack("<I", crc32c(body))
                sequence += 1
            path.write_bytes(data)
            previous = (fields[4], len(data), hashlib.sha256(data).digest())
