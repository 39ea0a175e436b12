"""Word documents and Excel workbooks: ZIP archives, looked into without believing what they say of themselves."""

from __future__ import annotations

import zipfile
import zlib
from typing import BinaryIO

from core.uploads.kinds import ALLOWED, Kind
from core.uploads.refusing import RefusedError

MOST_UNPACKED = 256 * 1024**2
MOST_PARTS = 10_000
MOST_TYPES = 1024**2
STEP = 1024**2
LOCAL_HEADER = 30
TYPES = "[Content_Types].xml"
MAIN = {
    b"wordprocessingml.document.main+xml": Kind.DOCX,
    b"spreadsheetml.sheet.main+xml": Kind.XLSX,
}
# Where programs lie in an Office file.
PROGRAMS = ("vbaproject.bin", "vbadata.xml", "/activex/", "/macrosheets/")
ENCRYPTED = 0x1


def office_kind(file: BinaryIO, *, size: int, name: str) -> Kind:
    """Return whether an archive is a Word document or an Excel workbook. Raises `RefusedError` for any other archive,
    and for one with macros, a password, unsafe names, anything around it, or far too much in it."""
    damaged = RefusedError(f"“{name}” is damaged: it can’t be opened. Save it again, and send that file.")
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise damaged from error
    with archive:
        parts = archive.infolist()
        _refuse_what_surrounds(archive, parts, name=name)
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
            raise _too_much(name)
        names = [part.filename for part in parts]
        if any(_is_unsafe(each) for each in names):
            raise RefusedError(f"“{name}” has files in it whose names lead elsewhere on a computer. {ALLOWED}")
        if any(part.flag_bits & ENCRYPTED for part in parts):
            raise RefusedError(f"“{name}” is protected with a password. Remove the password, and send it again.")
        if TYPES not in names:
            raise RefusedError(f"“{name}” is a ZIP archive. Unpack it, and send the files in it one by one. {ALLOWED}")
        folded = [f"/{each.lower()}" for each in names]
        try:
            _count_unpacked(file, parts, name=name)
            if archive.getinfo(TYPES).file_size > MOST_TYPES:
                raise damaged
            types = archive.read(TYPES)
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, OSError) as error:
            raise damaged from error
    if b"macroEnabled" in types or any(mark in each for each in folded for mark in PROGRAMS):
        raise RefusedError(
            f"“{name}” contains macros, which are programs. Save it without macros, or as a PDF, and send that."
        )
    found = {kind for mark, kind in MAIN.items() if mark in types}
    if len(found) != 1:
        raise RefusedError(f"“{name}” is neither a Word document nor an Excel workbook. {ALLOWED}")
    return found.pop()


def _refuse_what_surrounds(archive: zipfile.ZipFile, parts: list[zipfile.ZipInfo], *, name: str) -> None:
    """Word and Excel write nothing before, after, or beside the archive; what is two files in one does."""
    starts = min((part.header_offset for part in parts), default=0)
    if archive.comment or starts > 0:
        raise RefusedError(two_in_one(name))


def _is_unsafe(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or ":" in name


def _count_unpacked(file: BinaryIO, parts: list[zipfile.ZipInfo], *, name: str) -> None:
    """Unpack every part and count, without keeping anything: what an archive says of its sizes may be a lie."""
    total = 0
    for part in parts:
        file.seek(part.header_offset)
        header = file.read(LOCAL_HEADER)
        file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
        left = part.compress_size
        if part.compress_type == zipfile.ZIP_STORED:
            total += left
        elif part.compress_type == zipfile.ZIP_DEFLATED:
            unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
            while left > 0 and (packed := file.read(min(left, STEP))):
                left -= len(packed)
                while packed:
                    total += len(unpacking.decompress(packed, STEP))
                    packed = unpacking.unconsumed_tail
                    if total > MOST_UNPACKED:
                        raise _too_much(name)
        else:
            raise NotImplementedError
        if total > MOST_UNPACKED:
            raise _too_much(name)


def _too_much(name: str) -> RefusedError:
    return RefusedError(f"“{name}” unpacks to far more than an ordinary file of its kind. Save it again, or as a PDF.")


def two_in_one(name: str) -> str:
    """Return the sentence for a file that is of two kinds at once."""
    return (
        f"“{name}” holds two kinds of file in one, which is how harmful files hide. Save or print it as a PDF, and "
        "send that."
    )
