"""Checks of a package as a whole, before a row is read: its files, its time, and its place in the source's sequence
(docs/feed-format.md#checks)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from core.feedspec import Severity, Stage
from feed.load.findings import Found, counted
from feed.package.manifest import MANIFEST

if TYPE_CHECKING:
    from feed.models import Run, Source
    from feed.package.files import Package
    from feed.package.manifest import Manifest

# Of a package full of files that don't belong there, so many are named; the rest are only counted, because each would
# be a line of its own on the run's page.
MOST_NAMED = 100
# Other clocks may be a little ahead of ours.
CLOCK_SLACK = dt.timedelta(hours=1)


def check_files(package: Package, manifest: Manifest, known: Collection[str], now: dt.datetime) -> Iterator[Found]:
    """Find unknown, missing, and unlisted files of the feed, and a time in the future. `known`: the feed's files."""
    unknown = [name for name in manifest.files if name not in known]
    for name in unknown[:MOST_NAMED]:
        yield _error("unknown-file", f"{name} isn't a file of the feed.", file=name)
    if more := len(unknown[MOST_NAMED:]):
        yield _error("unknown-file", f"The manifest lists {counted(more, 'more file')} that the feed doesn't have.")
    for name in manifest.files:
        if name in known and name not in package.sizes:
            yield _error("file-missing", f"{name} is in the manifest but not in the package.", file=name)
    for name in sorted(set(known) & set(package.sizes) - set(manifest.files)):
        yield _error("file-not-listed", f"{name} is in the package but not in the manifest.", file=name)
    if not manifest.files:
        yield _warning("no-files", "The manifest lists no files, so only the time of the data changes.")
    if manifest.as_of > now + CLOCK_SLACK:
        yield _warning("as-of-future", f"The package is as of {_minute(manifest.as_of)}, which is in the future.")


def check_unused(package: Package, manifest: Manifest, named: Collection[str]) -> Iterator[Found]:
    """Warn of entries that neither the manifest nor a row of a file names (`named`: the paths in rows)."""
    unused = sorted(set(package.sizes) - set(manifest.files) - set(named) - {MANIFEST})
    for name in unused[:MOST_NAMED]:
        yield _warning("file-unused", "Nothing in the package names this file, so it wasn't read.", file=name)
    if more := len(unused[MOST_NAMED:]):
        yield _warning("file-unused", f"Nothing names {counted(more, 'more file')} of the package.")


def may_wait(run: Run, manifest: Manifest, source: Source | None) -> bool:
    """Whether the package may wait for those before it. Nobody waits days for a command or a dry run."""
    leaves_a_gap = source is None or manifest.sequence > source.sequence + 1
    return leaves_a_gap and not (manifest.is_full or run.dry_run or run.belongs_to_a_command)


def behind(earlier: Run) -> str:
    """Return what a run waits for, in words."""
    if earlier.can_be_released:
        return f"Waiting for a decision about number {earlier.sequence} (run {earlier.pk}), which is held"
    return f"Waiting for number {earlier.sequence} (run {earlier.pk}), which comes first"


def check_sequence(manifest: Manifest, source: Source | None, *, missing: Run | None = None) -> Iterator[Found]:
    """Find what keeps the package from following the last one applied. `missing`: the run of one between them."""
    sequence = manifest.sequence
    if source is None:
        if not manifest.is_full:
            yield _error(
                "delta-first",
                f"The first package of a source must be full, and there is none from ‘{manifest.source}’ yet.",
            )
        return
    if sequence < source.sequence:
        yield _error("sequence-lower", f"Sequence {sequence} is too low: {source.sequence} was already applied.")
    elif sequence == source.sequence and manifest.digest != source.digest:
        yield _error("sequence-reused", f"Sequence {sequence} was already applied with different content.")
    elif sequence > source.sequence + 1 and not manifest.is_full:
        yield _error(
            "sequence-gap",
            f"The delta after {source.sequence} must have sequence {source.sequence + 1}, not {sequence}."
            f"{_became_of(missing)}",
        )
    if manifest.as_of < source.as_of:
        yield _warning(
            "as-of-older", f"The package is as of {_minute(manifest.as_of)}, older than the last one applied."
        )


def _became_of(run: Run | None) -> str:
    """Return a sentence about what became of a package before this one."""
    if run is None:
        return ""
    ends = {
        run.Status.HELD: "is held for review",
        run.Status.DROPPED: "was held, and dropped",
        run.Status.REFUSED: "was refused",
        run.Status.FAILED: "couldn't be loaded",
    }
    words = ends.get(run.Status(run.status), "wasn't applied")
    reason = f": {run.outcome}" if run.status == run.Status.DROPPED else "."
    return f" Number {run.sequence} (run {run.pk}) {words}{reason}"


def was_applied(manifest: Manifest, source: Source | None, now_stored: str) -> bool:
    """Whether this package was the last one applied. A new version of the portal may store more of a package
    (`now_stored`); then the same one is applied again."""
    return source is not None and (source.sequence, source.digest, source.fingerprint) == (
        manifest.sequence,
        manifest.digest,
        now_stored,
    )


def _error(code: str, sentence: str, *, file: str = MANIFEST) -> Found:
    return Found(Stage.PACKAGE, Severity.ERROR, code, sentence, file=file)


def _warning(code: str, sentence: str, *, file: str = MANIFEST) -> Found:
    return Found(Stage.PACKAGE, Severity.WARNING, code, sentence, file=file)


def _minute(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
