"""Names of a package's entries: paths below the package, with `/` between folders.

Names are compared in Unicode's normal form NFC, whatever form a file system or an archive has.
"""

from __future__ import annotations

import unicodedata

MAX_NAME = 200
# Folders that say where something is instead of what it is called.
_STEPS = {"", ".", ".."}


class UnsafePathError(ValueError):
    """The path could lead out of the package, or can't be stored. The message says why."""


def safe_path(name: str) -> str:
    """Return a path of a package's entry in NFC. Raises UnsafePathError unless it's a plain relative path.

    For the names of entries, and for the paths that a column of a file has (docs/feed-format.md#entries).
    """
    path = unicodedata.normalize("NFC", name)
    if not path.isprintable():
        raise UnsafePathError("has characters that can't be printed, or isn't UTF-8")
    if "\\" in path:
        raise UnsafePathError("has a backslash; folders are divided by '/'")
    if not _STEPS.isdisjoint(path.split("/")):
        raise UnsafePathError("isn't a path below the package's top level")
    if len(path) > MAX_NAME:
        raise UnsafePathError(f"is longer than {MAX_NAME} characters")
    return path


def is_table(path: str) -> bool:
    """Whether an entry is a CSV file of the feed by its place and name; everything else is a document."""
    return "/" not in path and path.endswith(".csv")
