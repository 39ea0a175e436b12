"""The files of a package, one after the other: staged, checked, and applied while the next ones are read.

Each file comes after those that it refers to, so its checks need none of the later ones. It's applied as soon as it has
passed them; what applying it notices at no cost, broken references and most keys twice, is only checked apart to say
where. Where a package brings many documents, the files that name them are read first, and the documents are
stored before anything else is applied, so that no row stays locked meanwhile. If a later file has an error, everything
is rolled back, and findings of checks that wouldn't have been made are left out: what a package's findings are doesn't
depend on when a file is applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol

from core.dates import carrier_today
from core.feedspec import Stage
from feed.load.apply import Applier, Counts, keys_add_up
from feed.load.assets import Assets
from feed.load.checks import Checker
from feed.load.context import LoadContext
from feed.load.findings import Findings
from feed.load.read_ahead import ReadAhead
from feed.load.reading import FileReader, Part
from feed.load.staging import Staging, copy_staging, create_no_changes, create_staging
from feed.load.table_map import TableMap
from feed.load.unread import names_what_went
from feed.package.files import Package
from feed.package.manifest import Manifest

# Documents in a package, and their bytes, from which on they are stored first.
MANY_DOCUMENTS, MANY_BYTES = 500, 256 * 1024**2
# Called with how many bytes of the current file have been read.
Progress = Callable[[int], None]


class Timed(Protocol):
    """Reports a step and times it."""

    def __call__(self, words: str, phase: str, *, file: str = "") -> AbstractContextManager[None]: ...


class FileByFile:
    """Loads the files of one package. `counts` and `stagings` are what was applied and staged; `unread` has the files
    that are as they were, so that nothing was."""

    def __init__(
        self, cursor: Any, context: LoadContext, checker: Checker, assets: Assets, applier: Applier, timed: Timed
    ) -> None:
        self._cursor = cursor
        self._context = context
        self._checker = checker
        self._assets = assets
        self._applier = applier
        self._timed = timed
        # What is found in the form of files that were read ahead, and of others; a thread has the first while it runs.
        self._form, self._late = Findings(), Findings()
        self._is_full = True
        self._is_faulty = False
        # Files whose documents were taken before their turn.
        self._early: dict[str, Staging] = {}
        self.unread: set[str] = set()
        self.stagings: list[Staging] = []
        self.counts: dict[str, Counts] = {}

    def load(
        self,
        package: Package,
        manifest: Manifest,
        tables: Sequence[TableMap],
        progress: Progress,
        same: Collection[str] = (),
    ) -> None:
        """Stage and check every file, and apply it if nothing so far is wrong.

        `same`: files that the portal has applied before, byte for byte. They are read only if rows that they may name
        have gone, or something is wrong.
        """
        today, self._is_full = carrier_today(), manifest.is_full
        first = [one for one in tables if one.files] if _has_many(package) else []
        readers = {
            one.file: FileReader(
                one,
                manifest.files[one.file],
                is_full=manifest.is_full,
                findings=self._late if one.file in same else self._form,
                today=today,
            )
            for one in [*first, *(one for one in tables if one not in first)]
        }
        ahead_of = [reader for file, reader in readers.items() if file not in same]
        with ReadAhead(package, ahead_of, self._form) as ahead:
            for one in first:
                self._early[one.file] = self._stage(readers[one.file], ahead.parts(), progress)
                self._take_early(one.file, ahead)
            for one in tables:
                reader = readers[one.file]
                if one.file in same and (ahead.spoiled or self._leave(one, manifest.files[one.file].rows)):
                    continue
                parts = reader.parts(package) if one.file in same else ahead.parts()
                staging = self._early.get(one.file) or self._stage(reader, parts, progress)
                self.stagings.append(staging)
                if ahead.spoiled:
                    continue
                self._is_faulty |= ahead.faulty or self._late.has_errors()
                self._check(staging)
                if not self._has_errors():
                    self._apply(staging)
        self._form.merge(self._late)
        if not ahead.spoiled and not self._checker.schema.has_errors():
            self._checker.check_inbound()

    def collected(self) -> Iterator[Findings]:
        """Yield what the checks found in their order, up to the first that found errors, in whatever file."""
        checker, assets = self._checker, self._assets
        yield self._form
        # Values may also have findings of a later stage, such as a date in the future.
        if self._form.has_errors(Stage.PACKAGE, Stage.SCHEMA):
            return
        yield checker.schema
        if checker.schema.has_errors():
            return
        yield checker.references
        yield assets.missing
        if not checker.references.has_errors() and not assets.missing.has_errors():
            yield checker.rules

    def _has_errors(self) -> bool:
        """Return whether anything is wrong with the files so far, so that no more is applied."""
        checker, assets = self._checker, self._assets
        found = (checker.schema, checker.references, checker.rules, assets.missing, assets.findings)
        return self._is_faulty or any(findings.has_errors() for findings in found)

    def _leave(self, table_map: TableMap, rows: int) -> bool:
        """Leave a file unread that is the same as before, and return whether that may be.

        It must be read if rows that it may name have gone, and if anything else is wrong, because then it's checked for
        nothing but its findings. The portal's number of rows is compared in any case.
        """
        file = table_map.file
        if self._has_errors() or names_what_went(table_map, self.counts):
            return False
        with self._timed(f"leaving {file} as it is", "apply", file=file):
            if not self._applier.has_just(table_map, rows):
                return False
            create_no_changes(self._cursor, table_map)
        for unread in (self.unread, self._checker.unread, self._context.unread):
            unread.add(file)
        self.stagings.append(Staging(table_map, rows=rows, deletes=0, is_first=False))
        self.counts[file] = Counts(
            rows=rows, inserted=0, updated=0, unretired=0, unchanged=rows, retired=0, before=rows
        )
        return True

    def _stage(self, reader: FileReader, parts: Iterator[Part], progress: Progress) -> Staging:
        table_map = reader.table_map

        def texts() -> Iterator[bytes]:
            for part in parts:
                yield part.text
                progress(part.seen)

        with self._timed(f"reading {table_map.file}", "stage", file=table_map.file):
            # A hook may give the portal's rows other keys before they are compared.
            is_first = not table_map.table.before and not self._applier.has_rows(table_map)
            create_staging(self._cursor, table_map, with_ids=is_first)
            copy_staging(self._cursor, table_map, texts())
        return Staging(
            table_map, rows=reader.rows, deletes=reader.deletes, is_first=is_first, keys_ascend=reader.keys_ascend
        )

    def _take_early(self, file: str, ahead: ReadAhead) -> None:
        """Take a file's documents before any file is applied, if nothing so far is wrong."""
        if ahead.spoiled:
            return
        self._is_faulty |= ahead.faulty
        staging = self._early[file]
        with self._timed(f"checking {file}", "check"):
            self._checker.check_keys(staging)
            self._checker.check_schema(staging)
            if not self._checker.schema.has_errors():
                self._assets.find(staging)
        if not self._has_errors():
            self._take(staging)

    def _check(self, staging: Staging) -> None:
        """Check a file, but for what applying it notices; that, too, if it won't be applied."""
        checker = self._checker
        with self._timed(f"checking {staging.table_map.file}", "check"):
            is_early = staging.table_map.file in self._early
            if not is_early:
                if not keys_add_up(staging, is_full=self._is_full):
                    checker.check_keys(staging)
                checker.check_schema(staging)
            if not checker.schema.has_errors():
                checker.check_own_references(staging)
                if not is_early:
                    self._assets.find(staging)
                if not checker.references.has_errors() and not self._assets.missing.has_errors():
                    checker.check_rules(staging)
        if self._has_errors():
            self._check_rest(staging)

    def _check_rest(self, staging: Staging) -> bool:
        """Check a file for what `Applier.apply` only notices, and return whether there are errors now."""
        with self._timed(f"checking {staging.table_map.file}", "check"):
            if staging.table_map.file not in self._early and keys_add_up(staging, is_full=self._is_full):
                self._checker.check_keys(staging)
            if not self._checker.schema.has_errors():
                self._checker.check_references(staging)
        return self._has_errors()

    def _apply(self, staging: Staging) -> None:
        file = staging.table_map.file
        if staging.table_map.files and file not in self._early:
            self._take(staging)
            if self._assets.findings.has_errors():
                self._check_rest(staging)
                return
        with self._timed(f"applying {file}", "apply", file=file):
            for hook in staging.table_map.table.before:
                hook(self._context)
            counts = self._applier.apply(staging, partial(self._check_rest, staging))
            if counts:
                self.counts[file] = counts
                self._assets.fill(staging)

    def _take(self, staging: Staging) -> None:
        with self._timed(f"reading the documents of {staging.table_map.file}", "documents"):
            self._assets.take(staging)


def _has_many(package: Package) -> bool:
    """Whether the package's documents take long to store."""
    documents = package.documents()
    return len(documents) >= MANY_DOCUMENTS or sum(package.sizes[name] for name in documents) >= MANY_BYTES
