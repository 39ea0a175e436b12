"""Stored files: certificates, later documents and uploads. Private, outside the web root, without an address.

What a customer downloads goes through a view and its row filter (`core.downloads`); `settings.STORAGES["private"]` may
be a bucket instead of a folder.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage, Storage, storages


class PrivateFileSystemStorage(FileSystemStorage):
    """A folder that only the portal's own user reads: files 0600, folders 0700, no address.

    A file appears whole or not at all: it is written beside its place and moved there, so a process that is killed
    leaves nothing that looks like a document.
    """

    def __init__(self, **options: Any) -> None:
        options.setdefault("file_permissions_mode", 0o600)
        options.setdefault("directory_permissions_mode", 0o700)
        super().__init__(**options)

    def url(self, name: str | None) -> str:
        """Refused: a private file has no address. Raises ValueError."""
        raise ValueError("A private file has no address; it is served by a view through the row filter.")

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        part = target.with_name(f".{secrets.token_hex(8)}.part")
        # Documented for subclasses, but not typed.
        written = super()._save(str(Path(name).with_name(part.name)), content)  # type: ignore[misc]
        Path(self.path(written)).replace(target)
        return name


def private_storage() -> Storage:
    """The storage of private files, a folder or a bucket by setting."""
    return storages["private"]
