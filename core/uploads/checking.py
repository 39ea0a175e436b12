"""Whether an uploaded file is one that the portal takes: by its content, never by its name or what the browser says of
it (docs/security.md#uploads)."""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from django.core.files.uploadedfile import UploadedFile
from PIL import Image, UnidentifiedImageError

from core.downloads import file_name_part
from core.pdf.checking import PdfChecker
from core.uploads.kinds import ALLOWED, HEAD, HTML, OLE_MARK, PDF_MARK, SVG, ZIP_MARK, Kind, kind_of, name_of_other
from core.uploads.office import office_kind, two_in_one
from core.uploads.refusing import RefusedError

MOST_BYTES = 10 * 1024**2
MOST_PIXELS = 250_000_000
# The file that every virus scanner is tested with. Put together here, so that this file isn't one.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
# The name of the stream in which Office keeps what has a password.
OLE_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
NOT_WHOLE = "“{}” is damaged: it isn’t a whole image. Save it again, and send that file."
TAIL = 64 * 1024
STEP = 64 * 1024


@dataclass(frozen=True)
class CheckedFile:
    """A file that is taken: its name as the sender has it, without folders; what it is; and its digest."""

    name: str
    kind: Kind
    size: int
    sha256: str
    file: BinaryIO

    @property
    def filename(self) -> str:
        """The name of a download: with the extension of what the file is."""
        return f"{self.name}.{self.kind}"


def check(uploaded: UploadedFile[Any]) -> CheckedFile:
    """Return the file as it can be stored. Raises `RefusedError` with the sentence for the sender."""
    shown = file_name_part(Path(uploaded.name or "").name) or "file"
    size = uploaded.size or 0
    if size == 0:
        raise RefusedError(f"“{shown}” is empty. Save it again, and send that file.")
    if size > MOST_BYTES:
        raise RefusedError(f"“{shown}” is larger than 10 MB. Send a smaller version, or split it into several files.")
    file = cast("BinaryIO", uploaded.file)
    digest, has_eicar = _digest(file)
    if has_eicar:
        raise RefusedError(f"“{shown}” contains a virus (the EICAR test file), so we deleted it.")
    file.seek(0)
    kind = _kind(file, name=shown, size=size)
    file.seek(0)
    return CheckedFile(name=_stem(shown, kind), kind=kind, size=size, sha256=digest, file=file)


def _stem(shown: str, kind: Kind) -> str:
    """Return the name without the extension, which a download gets by its kind: `letter.jpeg` is `letter`."""
    stem, dot, extension = shown.rpartition(".")
    known = {*Kind.values, "jpeg", "heif"}
    return (stem if dot and stem and extension.lower() in known else shown).strip(" .") or kind.label


def _digest(file: BinaryIO) -> tuple[str, bool]:
    """Return the SHA-256 of a file, and whether the EICAR string is in it."""
    digest, before, found = hashlib.sha256(), b"", False
    file.seek(0)
    while chunk := file.read(STEP):
        digest.update(chunk)
        found = found or EICAR in before + chunk
        before = chunk[-len(EICAR) :]
    return digest.hexdigest(), found


def _kind(file: BinaryIO, *, name: str, size: int) -> Kind:
    head = file.read(HEAD)
    kind = kind_of(head)
    if kind is None and head.startswith(ZIP_MARK):
        _refuse_second_kind(head, None, name=name)
        return office_kind(file, size=size, name=name)
    if kind is None:
        raise RefusedError(_why_not(file, head, name=name))
    _refuse_second_kind(head, kind, name=name)
    _refuse_archive(file, name=name)
    if kind == Kind.PDF:
        _check_pdf(file, name=name)
    elif kind in {Kind.JPG, Kind.PNG}:
        _check_image(file, kind, name=name)
    return kind


def _why_not(file: BinaryIO, head: bytes, *, name: str) -> str:
    if head.startswith(OLE_MARK):
        file.seek(0)
        if OLE_ENCRYPTED in file.read():
            return f"“{name}” is protected with a password. Remove the password, and send it again."
        return f"“{name}” is in the format of Office before 2007. Save it as DOCX, XLSX, or PDF, and send that."
    if PDF_MARK in head:
        return two_in_one(name)
    other = name_of_other(head)
    return f"“{name}” is {other}, whatever its name says. {ALLOWED}"


def _refuse_second_kind(head: bytes, kind: Kind | None, *, name: str) -> None:
    """Refuse a file of one kind that has the mark of another where programs look for it."""
    marks = [HTML.search(head), SVG.search(head), kind != Kind.PDF and PDF_MARK in head]
    if any(marks):
        raise RefusedError(two_in_one(name))


def _refuse_archive(file: BinaryIO, *, name: str) -> None:
    """ZIP archives are read from their end, so one can follow any other file; so can a web page."""
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - TAIL))
    _, ended, after = file.read().rpartition(b"%%EOF")
    if ended and HTML.search(after):
        raise RefusedError(two_in_one(name))
    file.seek(0)
    try:
        with zipfile.ZipFile(file) as archive:
            is_archive = bool(archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        is_archive = False
    if is_archive:
        raise RefusedError(two_in_one(name))


def _check_pdf(file: BinaryIO, *, name: str) -> None:
    with on_disk(file) as path, PdfChecker(programs=True) as checker:
        found = checker.check(path)
    if found.fault == "encrypted":
        raise RefusedError(f"“{name}” is protected with a password. Print it to a PDF without one, and send that.")
    if found.fault == "program":
        raise RefusedError(
            f"“{name}” contains a program (JavaScript, or an order to start something). Print it to a new PDF, and "
            "send that."
        )
    if found.fault:
        raise RefusedError(f"“{name}” is damaged: it can’t be opened. Save or print it as a PDF again, and send that.")


@contextmanager
def on_disk(file: BinaryIO) -> Iterator[Path]:
    """Yield a path of the file, readable by us alone, for the program that opens it."""
    with tempfile.NamedTemporaryFile(suffix=".pdf") as copy:
        file.seek(0)
        while chunk := file.read(STEP):
            copy.write(chunk)
        copy.flush()
        yield Path(copy.name)


def _check_image(file: BinaryIO, kind: Kind, *, name: str) -> None:
    """Only the header is read; nothing is decoded."""
    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(file, formats=["JPEG" if kind == Kind.JPG else "PNG"]) as image:
                pixels = image.width * image.height
    except Image.DecompressionBombError:
        pixels = MOST_PIXELS + 1
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise RefusedError(
            f"“{name}” is damaged: it isn’t a whole image. Save it again, and send that file."
        ) from error
    if pixels > MOST_PIXELS:
        raise RefusedError(f"“{name}” has more than 250 million pixels. Send a smaller image.")
    if kind == Kind.PNG:
        file.seek(-len(PNG_END), os.SEEK_END)
        if file.read() != PNG_END:
            raise RefusedError(NOT_WHOLE.format(name))
