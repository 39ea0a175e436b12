"""Checks of a zip archive's end and directory, before `zipfile` opens it.

`zipfile` builds an object for every entry as soon as it opens an archive, about 700 bytes for every 46 in the archive.
So the end record is read first, and the directory is walked in constant memory. An archive is refused if it's too
large or isn't laid out as in APPNOTE.TXT 6.3.10 (4.3.6), without a gap or a prefix.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import IO, Any

MAX_ENTRIES = 200_000
MAX_DIRECTORY_BYTES = 64 * 1024**2

# 4.3.16 end of central directory record, 4.3.15 its ZIP64 locator, 4.3.14 the ZIP64 record, 4.3.12 a file header.
END = struct.Struct("<4s4H2LH")
LOCATOR_64 = struct.Struct("<4sLQL")
END_64 = struct.Struct("<4sQ2H2L4Q")
HEADER = struct.Struct("<4s24x3H12x")
END_MARK, LOCATOR_64_MARK, END_64_MARK, HEADER_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x01\x02"
MAX_COMMENT = 0xFFFF


class ArchiveError(Exception):
    """The archive can't be read. Has the finding's code and sentence."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def _damaged() -> ArchiveError:
    return ArchiveError("archive", "The package isn't a zip archive, or it is damaged.")


@dataclass(frozen=True)
class Directory:
    """Place of the central directory, and the number of entries it claims to have."""

    offset: int
    size: int
    entries: int


def check_archive(stream: IO[bytes]) -> None:
    """Check an archive by its end and its directory only. Raises ArchiveError if it shouldn't be opened."""
    directory = _directory(stream)
    if directory.entries > MAX_ENTRIES:
        raise ArchiveError("too-large", f"The archive has more than {MAX_ENTRIES:,} files.")
    if directory.size > MAX_DIRECTORY_BYTES:
        raise ArchiveError("too-large", f"The archive's directory is larger than {MAX_DIRECTORY_BYTES:,} bytes.")
    _walk(stream, directory)


def _directory(stream: IO[bytes]) -> Directory:
    """Return what the archive's end says; the directory ends where the end record begins."""
    end_at, end = _end(stream)
    _, disk, first_disk, entries_here, entries, size, offset, _ = end
    directory_end = end_at
    if (wide := _end_64(stream, end_at)) is not None:
        directory_end, (disk, first_disk, entries_here, entries, size, offset) = wide
    if disk or first_disk or entries_here != entries:
        raise ArchiveError("archive", "The archive is split into parts; a package must be one file.")
    if offset + size != directory_end:
        raise _damaged()
    return Directory(offset, size, entries)


def _end(stream: IO[bytes]) -> tuple[int, tuple[bytes, int, int, int, int, int, int, int]]:
    """Return the place and the fields of the end record; only the archive's comment may follow it."""
    length = stream.seek(0, 2)
    tail_at = max(0, length - END.size - MAX_COMMENT)
    stream.seek(tail_at)
    tail = stream.read(END.size + MAX_COMMENT)
    # Look for a record without a comment first, as `zipfile` does, so that both read the same one.
    at = len(tail) - END.size
    if at < 0 or not (tail.startswith(END_MARK, at) and tail.endswith(b"\0\0")):
        at = tail.rfind(END_MARK)
    if at < 0 or len(tail) - at < END.size:
        raise _damaged()
    end = END.unpack_from(tail, at)
    if at + END.size + end[-1] != len(tail):
        raise _damaged()
    return tail_at + at, end


def _end_64(stream: IO[bytes], end_at: int) -> tuple[int, tuple[int, int, int, int, int, int]] | None:
    """Return the place of the ZIP64 end record and its fields from the disk number on, or None."""
    locator = _read(stream, end_at - LOCATOR_64.size, LOCATOR_64)
    if locator is None or locator[0] != LOCATOR_64_MARK:
        return None
    at = end_at - LOCATOR_64.size - END_64.size
    record = _read(stream, at, END_64)
    if record is None or record[0] != END_64_MARK or locator[2] != at or locator[3] > 1:
        raise _damaged()
    disk, first_disk, entries_here, entries, size, offset = record[4:]
    return at, (disk, first_disk, entries_here, entries, size, offset)


def _read(stream: IO[bytes], at: int, what: struct.Struct) -> tuple[Any, ...] | None:
    if at < 0:
        return None
    stream.seek(at)
    data = stream.read(what.size)
    return what.unpack(data) if len(data) == what.size else None


def _walk(stream: IO[bytes], directory: Directory) -> None:
    """Raise ArchiveError unless the directory has exactly the entries the end record counts, without gaps."""
    at = directory.offset
    end = directory.offset + directory.size
    stream.seek(at)
    for _ in range(directory.entries):
        data = stream.read(HEADER.size)
        if len(data) < HEADER.size or not data.startswith(HEADER_MARK):
            raise _damaged()
        _, name, extra, comment = HEADER.unpack(data)
        stream.seek(name + extra + comment, 1)
        at += HEADER.size + name + extra + comment
        if at > end:
            raise _damaged()
    if at != end:
        raise _damaged()
