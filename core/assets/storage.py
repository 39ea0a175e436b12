"""Collected files with hashed names, compressed in a hurry: for the demo, whose first start shouldn't wait."""

from __future__ import annotations

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class QuicklyCompressedStorage(CompressedManifestStaticFilesStorage):
    """With gzip only: brotli at its best takes half a minute for admin's scripts."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        """Return a compressor without brotli."""
        return Compressor(**kwargs, use_brotli=False)
