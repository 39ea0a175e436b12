"""A package on disk: a folder or a `.zip`, opened so that nothing outside it is ever read.

Everything that could fill disk or memory has a limit that is checked first (docs/feed-format.md#limits). Files are
streamed, never unpacked to disk.
"""

from __future__ import annotations

import itertools
import os
import stat
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.template.defaultfilters import filesizeformat

from feed.package.archive import MAX_ENTRIES, ArchiveError, check_archive
from feed.package.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, ManifestError, parse_manifest

MAX_CSV_BYTES = 4 * 1024**3
MAX_DOCUMENT_BYTES = 50 * 1024**2
# Unpacked to packed size of an entry. Entries that are small when unpacked do no harm, whatever their ratio.
MAX_RATIO = 200
RATIO_COUNTS_FROM = 1024**2
READABLE_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
ENCRYPTED = 0x1


# What reading a damaged or dishonest archive raises.
READ_ERRORS = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError)


def readable(name: str) -> str:
    """Return a file name that can be shown and stored, whatever bytes the file system has."""
    return os.fsencode(name).decode("utf-8", "replace")


class PackageError(Exception):
    """The package can't be read. Has the finding's code and sentence, and the file if it's about one."""

    def __init__(self, code: str, sentence: str, file: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.file = file


class Package(ABC):
    """The files of a package by name; `sizes` are unpacked bytes."""

    sizes: dict[str, int]

    @abstractmethod
    def open(self, name: str) -> IO[bytes]:
        """Return a file's bytes as a stream."""

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
            return parse_manifest(data)
        except ManifestError as error:
            raise PackageError(error.code, error.sentence, MANIFEST) from error


class FolderPackage(Package):
    """A package as a folder. Links and special files are refused, so nothing outside it is read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.sizes = {}
        with os.scandir(folder) as entries:
            found = list(itertools.islice(entries, MAX_ENTRIES + 1))
        if len(found) > MAX_ENTRIES:
            raise PackageError("too-large", f"The package has more than {MAX_ENTRIES:,} files.")
        for entry in found:
            status, name = entry.stat(follow_symlinks=False), readable(entry.name)[:80]
            if stat.S_ISLNK(status.st_mode):
                raise PackageError("path", f"'{name}' is a link; a package can only have regular files.", name)
            if not stat.S_ISREG(status.st_mode):
                raise PackageError("path", f"'{name}' isn't a regular file.", name)
            self.sizes[entry.name] = status.st_size

    def open(self, name: str) -> IO[bytes]:
        """Open a file, but never a link that has replaced it since."""
        descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW)
        return os.fdopen(descriptor, "rb")


class ZipPackage(Package):
    """A package as a zip archive, read in place."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.sizes = {}
        for info in archive.infolist():
            name = info.filename
            shown = name[:80]
            if "/" in name or "\\" in name or name in {"", ".", ".."} or "\0" in info.orig_filename:
                raise PackageError("path", f"'{shown}' isn't at the top level of the archive.")
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
            if name in self.sizes:
                raise PackageError("archive", f"The archive contains '{shown}' more than once.", shown)
            self.sizes[name] = info.file_size

    def open(self, name: str) -> IO[bytes]:
        """Return the unpacked file as a stream; it ends at the size the archive states, and its CRC is verified."""
        return self._archive.open(name)


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
    with path.open("rb") as stream, _open_archive(stream) as archive:
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
        most = MAX_CSV_BYTES if name.endswith(".csv") else MAX_DOCUMENT_BYTES
        if size > most:
            shown = readable(name)[:80]
            raise PackageError("too-large", f"'{shown}' is larger than {filesizeformat(most)}.", shown)
    most = settings.FEED_MAX_UNPACKED_BYTES
    if sum(package.sizes.values()) > most:
        raise PackageError("too-large", f"The package's files are larger than {filesizeformat(most)} when unpacked.")
