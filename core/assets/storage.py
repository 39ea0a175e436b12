"""Collected files with hashed names, compressed: for production as well as can be, for the demo in a hurry."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStorage(CompressedManifestStaticFilesStorage):
    """Keeps the addresses that it has made. Every page has seven, and the names don't change while a process runs."""

    @cached_property
    def _addresses(self) -> dict[str, str]:
        return {}

    def url(self, name: str | None, force: bool = False) -> str:
        """Return the address of a file with its hashed name."""
        if name is None or force:
            return super().url(name, force)
        if name not in self._addresses:
            self._addresses[name] = super().url(name)
        return self._addresses[name]


class QuicklyCompressedStorage(HashedStorage):
    """With gzip only, for the demo's first start: brotli at its best takes half a minute for admin's scripts."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """Return a compressor without brotli."""
        return Compressor(**kwargs, use_brotli=False)
