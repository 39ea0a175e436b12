"""Files that a full package brings byte for byte as the portal has applied them: their hash is compared, and nothing
else (docs/decisions/0146-files-that-stay-unread.md).

A source remembers its files that were applied whole and without a finding, until something could make the portal's
rows differ from them, or make a check of the same bytes come out another way.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

from core.crypto import keyed_hash
from feed.load.apply import Counts
from feed.load.findings import Findings
from feed.load.table_map import TableMap
from feed.models import Source
from feed.package.files import READ_ERRORS, Package
from feed.package.manifest import Manifest

_STAGE = re.compile(r"\{stage(?: (\w+\.csv))?\}")


def may_stay_unread(by_file: Mapping[str, TableMap]) -> frozenset[str]:
    """Return the files whose rows follow from nothing but the file itself and which rows those that it names are.

    The others are read in every package: their hooks or checks look at rows that haven't changed, they name documents,
    or the portal changes their rows itself.
    """
    looked_at: set[str] = set()
    for table_map in by_file.values():
        for check in table_map.table.set_checks:
            looked_at.update(file or table_map.file for file in _STAGE.findall(check.sql))
        looked_at.update(inbound.file for inbound in table_map.table.inbound)
    return frozenset(
        file
        for file, table_map in by_file.items()
        if file not in looked_at
        and not (table_map.table.every_row or table_map.table.before or table_map.table.stays)
        and not (table_map.table.learned or table_map.files)
        and not any(by_file[parent].table.before for parent in table_map.parents)
    )


@lru_cache(maxsize=1)
def _code() -> bytes:
    """Return a digest of the portal's own code, and of what else its reading depends on."""
    digest = hashlib.sha256(sys.version.encode())
    base = Path(settings.BASE_DIR)
    for path in sorted(Path(config.path) for config in apps.get_app_configs()):
        if path.is_relative_to(base):
            for module in sorted(path.rglob("*.py")):
                digest.update(hashlib.sha256(module.read_bytes()).digest())
    digest.update(keyed_hash("feed-unread", "").encode())
    return digest.digest()


class Unread:
    """Which files of one package may stay unread, and what its source remembers after it."""

    def __init__(
        self, source: Source | None, manifest: Manifest, by_file: Mapping[str, TableMap], fingerprint: str
    ) -> None:
        self._manifest = manifest
        self._by_file = by_file
        self._code = hashlib.sha256(_code() + fingerprint.encode()).hexdigest()
        remembered: dict[str, Any] = source.unread if source else {}
        known = remembered.get("code") == self._code
        self._files: dict[str, list[Any]] = dict(remembered["files"]) if known else {}

    def same(self, package: Package, progress: Callable[[int], None]) -> Iterator[str]:
        """Yield the package's files that are those that were applied last, by their bytes, not by the manifest's word.

        `progress` is called with how many bytes of all of them were read.
        """
        done = 0
        for file, entry in self._manifest.files.items():
            if not self._manifest.is_full or self._files.get(file) != [entry.rows, entry.sha256]:
                continue
            digest = hashlib.sha256()
            try:
                with package.open(file) as stream:
                    while data := stream.read(1 << 20):
                        digest.update(data)
                        done += len(data)
                        progress(done)
            except READ_ERRORS:
                continue
            if digest.hexdigest() == entry.sha256:
                yield file

    def remembered(self, counts: Mapping[str, Counts], unread: Collection[str], findings: Findings) -> dict[str, Any]:
        """Return what the source remembers once this package is applied. `unread`: its files that weren't read."""
        fit, files = may_stay_unread(self._by_file), dict(self._files)
        for file, entry in self._manifest.files.items():
            files.pop(file, None)
            if self._manifest.is_full and file in fit and not findings.are_about(file):
                files[file] = [entry.rows, entry.sha256]
        for file in list(files):
            was_read = file in self._manifest.files and file not in unread
            if not was_read and names_what_went(self._by_file[file], counts):
                del files[file]
        return {"code": self._code, "files": files}


def names_what_went(table_map: TableMap, counts: Mapping[str, Counts]) -> bool:
    """Return whether a file's rows may name rows that were retired by what was applied so far."""
    return any(counts[parent].retired for parent in table_map.parents if parent in counts)
