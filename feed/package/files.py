"""A package on disk: a folder or a `.zip`, opened so that nothing outside it is ever read.

Everything that could fill disk or memory has a limit that is checked first (docs/feed-format.md#limits). Files are
streamed, never unpacked to disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from feed.package.archive import MAX_ENTRIES, ArchiveError, check_archive
from feed.package.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, ManifestError, parse_manifest
from feed.package.paths import MAX_NAME, UnsafePathError, is_table, safe_path

MAX_CSV_BYTES = 4 * 1024**3
MAX_DOCUMENT_BYTES = 50 * 1024**2
# Unpacked to packed size of an entry. Entries that are small when unpacked do no harm, whatever their ratio.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 1024**2
READABLE_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED = 0x1
CHUNK = 1 << 20

# What reading a damaged or dishonest archive raises.
READ_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError)


def readable(name: str) -> str:
    """Return a file name that can be shown and stored, whatever bytes the file system has."""
    return os.fsencode(name).decode("utf-8", "replace")


def _shown(name: str) -> str:
    """Return an entry's name as a finding has it."""
    return readable(name)[:MAX_NAME]


class PackageError(Exception):
    """The package can't be read. Has the finding's code and sentence, and the file if it's about one."""

    def __init__(self, code: str, sentence: str, file: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.file = file


def _safe(name: str) -> str:
    """Return an entry's path. Raises PackageError for one that isn't safe."""
    try:
        return safe_path(name)
    except UnsafePathError as error:
        raise PackageError("path", f"'{_shown(name)}' {error}.", _shown(name)) from error


class Package(ABC):
    """The entries of a package by their path (`feed.package.paths`); `sizes` are unpacked bytes.

    CSV files and the manifest are at the top level; documents can be in folders.
    """

    sizes: dict[str, int]

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Return an entry's bytes as a stream. Raises KeyError for a name that isn't in `sizes`."""

    def documents(self) -> list[str]:
        """Return the paths of everything but the manifest and CSV files at the top level, in order."""
        return sorted(name for name in self.sizes if name != MANIFEST and not is_table(name))

    @abstractmethod
    def crc(self, name: str) -> int:
        """Return the CRC-32 of an entry's bytes."""

    def _documents_digest(self) -> str:
        """Return the SHA-256 of all documents' names, sizes, and CRCs: the same however they're packed."""
        marks = [(name, self.sizes[name], self.crc(name)) for name in self.documents()]
        return hashlib.sha256(json.dumps(marks).encode()).hexdigest() if marks else ""

    def manifest(self) -> Manifest:
        """Read the manifest. Raises PackageError if it's missing, too large, or invalid."""
        if MANIFEST not in self.sizes:
            raise PackageError("no-manifest", f"The package has no {MANIFEST} at its top level.")
        try:
            with self.open(MANIFEST) as stream:
                data = stream.read(MAX_MANIFEST_BYTES + 1)
        except READ_ERRORS as error:
            raise PackageError("unreadable", f"{MANIFEST} can't be read; the package is damaged.", MANIFEST) from error
        if len(data) > MAX_MANIFEST_BYTES:
            raise PackageError("too-large", f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES:,} bytes.", MANIFEST)
        try:
            return replace(parse_manifest(data), documents=self._documents_digest())
        except ManifestError as error:
            raise PackageError(error.code, error.sentence, MANIFEST) from error
        except OSError as error:
            raise PackageError("unreadable", "A document can't be read; the package is damaged.") from error

    def _add(self, name: str, size: int) -> str:
        """Enter an entry, and return its path. Raises PackageError if the name is unsafe or there already."""
        path = _safe(name)
        if path in self.sizes:
            raise PackageError("archive", f"The package contains '{path}' more than once.", path)
        self.sizes[path] = size
        return path


class FolderPackage(Package):
    """A package as a folder. Links and special files are refused, so nothing outside it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[str, str] = {}
        self.sizes = {}
        self._seen = 0
        self._enter(folder, "")

    def _enter(self, folder: Path, before: str) -> None:
        """Enter a folder's entries and those of its folders; `before` is its path in the package, with a `/`."""
        with os.scandir(folder) as entries:
            for entry in entries:
                self._seen += 1
                if self._seen > MAX_ENTRIES:
                    raise PackageError("too-large", f"The package has more than {MAX_ENTRIES:,} files and folders.")
                status, place = entry.stat(follow_symlinks=False), before + entry.name
                name = _shown(place)
                if stat.S_ISDIR(status.st_mode):
                    if len(place) > MAX_NAME:
                        raise PackageError("path", f"'{name}' is longer than {MAX_NAME} characters.", name)
                    self._enter(Path(entry.path), f"{place}/")
                elif stat.S_ISLNK(status.st_mode):
                    raise PackageError("path", f"'{name}' is a link; a package can only have regular files.", name)
                elif not stat.S_ISREG(status.st_mode):
                    raise PackageError("path", f"'{name}' isn't a regular file.", name)
                else:
                    self._places[self._add(place, status.st_size)] = place

    def open(self, name: str) -> IO[bytes]:
        """Open a file, but never through a link that has replaced it or one of its folders since."""
        *folders, file = self._places[name].split("/")
        at = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for folder in folders:
                below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at)
                os.close(at)
                at = below
            descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=at)
        finally:
            os.close(at)
        return os.fdopen(descriptor, "rb")

    def crc(self, name: str) -> int:
        """Read the file for it."""
        crc = 0
        with self.open(name) as stream:
            while data := stream.read(CHUNK):
                crc = zlib.crc32(data, crc)
        return crc


class ZipPackage(Package):
    """A package as a zip archive, read in place."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._entries: dict[str, zipfile.ZipInfo] = {}
        self.sizes = {}
        for info in archive.infolist():
            shown = _shown(info.filename)
            if info.is_dir() and not info.file_size:
                _safe(info.filename.removesuffix("/"))
                continue
            # `zipfile` cuts a name at a NUL character.
            if "\0" in info.orig_filename:
                raise PackageError("path", f"'{shown}' has a NUL character in its name.", shown)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise PackageError("path", f"'{shown}' is a link; a package can only have regular files.", shown)
            if info.flag_bits & ENCRYPTED:
                raise PackageError("archive", f"'{shown}' is encrypted.", shown)
            if info.compress_type not in READABLE_METHODS:
                raise PackageError("archive", f"'{shown}' uses a compression method other than deflate.", shown)
            if info.file_size > max(RATIO_COUNTS_FROM, MAX_RATIO * info.compress_size):
                raise PackageError(
                    "too-large", f"'{shown}' unpacks to more than {MAX_RATIO} times its packed size.", shown
                )
            self._entries[self._add(info.filename, info.file_size)] = info

    def open(self, name: str) -> IO[bytes]:
        """Return the unpacked file as a stream; it ends at the size the archive states, and its CRC is verified."""
        return self._archive.open(self._entries[name])

    def crc(self, name: str) -> int:
        """Take the archive's word for it, which is verified when the entry is read."""
        return self._entries[name].CRC


@contextmanager
def open_package(path: Path) -> Iterator[Package]:
    """Open a folder or a `.zip`. Raises PackageError if it's neither, damaged, too large, or has links or paths."""
    if path.is_dir():
        try:
            package: Package = FolderPackage(path)
        except OSError as error:
            raise PackageError("unreadable", "The package's folder can't be read.") from error
        _refuse_large(package)
        yield package
        return
    if not path.is_file():
        raise PackageError("unreadable", "No package was found at this path.")
    if path.stat().st_size > settings.FEED_MAX_BYTES:
        raise PackageError("too-large", f"The archive is larger than {filesizeformat(settings.FEED_MAX_BYTES)}.")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise PackageError("unreadable", "The package can't be opened; its file may not be readable.") from error
    with stream, _open_archive(stream) as archive:
        package = ZipPackage(archive)
        _refuse_large(package)
        yield package


def _open_archive(stream: IO[bytes]) -> zipfile.ZipFile:
    """Open the archive after checking its end."""
    try:
        check_archive(stream)
        return zipfile.ZipFile(stream)
    except ArchiveError as error:
        raise PackageError(error.code, error.sentence) from error
    except (*READ_ERRORS, ValueError) as error:
        raise PackageError("archive", "The package isn't a zip archive, or it is damaged.") from error


def _refuse_large(package: Package) -> None:
    for name, size in package.sizes.items():
        most = MAX_CSV_BYTES if is_table(name) else MAX_DOCUMENT_BYTES
        if size > most:
            raise PackageError("too-large", f"'{name}' is larger than {filesizeformat(most)}.", name)
    most = settings.FEED_MAX_UNPACKED_BYTES
    if sum(package.sizes.values()) > most:
        raise PackageError("too-large", f"The package's files are larger than {filesizeformat(most)} when unpacked.")
