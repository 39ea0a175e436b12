"""Stored files, such as certificates: private, outside the web root, without a URL.

Customers download through a view and its row filter (`core.downloads`); `settings.STORAGES["private"]` may
be a bucket instead of a folder.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages

if TYPE_CHECKING:
    from collections.abc import Iterator


class PrivateFileSystemStorage(FileSystemStorage):
    """A folder that only the portal's system user can read: files 0600, folders 0700, no URL.

    A file appears whole or not at all: it's written to a temporary name and then moved, so a killed process leaves
    nothing that looks like a document.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("file_permissions_mode", 0o600)
        options.setdefault("directory_permissions_mode", 0o700)
        super().__init__(**options)

    def url(self, name: str | None) -> str:
        """Raise ValueError: a private file has no URL."""
        raise ValueError("A private file has no address; it is served by a view through the row filter.")

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        # Documented for subclasses, but not typed.
        written = super()._save(str(Path(name).with_name(part.name)), content)  # type: ignore[misc]
        Path(self.path(written)).replace(target)
        return name


def private_storage() -> Storage:
    """Return the storage of private files, a folder or a bucket by setting."""
    return storages["private"]


@contextmanager
def local_file(name: str) -> Iterator[Path]:
    """Give a private file as a file on this machine: itself where the storage is a folder, else a copy for the block.

    Raises FileNotFoundError if it's gone.
    """
    storage = private_storage()
    try:
        path = Path(storage.path(name))
    except NotImplementedError:
        with storage.open(name, "rb") as stored, tempfile.NamedTemporaryFile(suffix=Path(name).suffix) as copy:
            shutil.copyfileobj(stored, copy, 1 << 20)
            copy.flush()
            yield Path(copy.name)
        return
    if not path.exists():
        raise FileNotFoundError(name)
    yield path


def keep_once(name: str, content: File[bytes]) -> None:
    """Store a private file under a name that its content makes, unless it's there already; it outlasts a power failure.

    A file of another size can only be a torn one, left by a machine that stopped; it is stored again.
    """
    storage = private_storage()
    if storage.exists(name):
        if storage.size(name) == content.size:
            return
        storage.delete(name)
    if storage.save(name, content) != name:
        raise FileExistsError(name)
    _settle(storage, name)


def _settle(storage: Storage, name: str) -> None:
    """Wait until the file is on the disk. A bucket answers only when it has a file."""
    try:
        path = storage.path(name)
    except NotImplementedError:
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
