"""Loader of a package: checks in order, then everything is applied in one transaction, or nothing is
(docs/feed-format.md#checks)."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from core.feedspec import Severity, Stage
from feed.load.apply import Applier, Counts
from feed.load.assets import Assets
from feed.load.checks import Checker
from feed.load.context import LoadContext
from feed.load.difference import Samples
from feed.load.file_by_file import FileByFile
from feed.load.findings import Findings, Found, counted
from feed.load.finish import finish
from feed.load.guard import CHANGED_MEANWHILE, Guardian, does_more, is_unknown
from feed.load.package_checks import behind, check_files, check_sequence, check_unused, may_wait, was_applied
from feed.load.run_lock import RunKeeper, take_load_lock, waiting_for
from feed.load.staging import Staging
from feed.load.table_map import TableMap, fingerprint, table_maps
from feed.load.unread import Unread
from feed.models import NotHeldError, Run, Source
from feed.package.files import Package, PackageError, open_package, readable
from feed.package.hashes import verify_hashes
from feed.package.manifest import Manifest
from feed.services import drop_held

log = structlog.get_logger(__name__)

Status = Run.Status
NOTHING = "Nothing was applied."
CHANGED_SINCE = "The package has changed since it was held. Load the new one as a separate package."
# For the load's transaction only: keys of large files are sorted and hashed in memory, and the planner needs the size
# of staged files, not the distribution of their values.
SESSION_SETTINGS = (
    "SET LOCAL work_mem = '128MB'",
    "SET LOCAL jit = off",
    # Most statements of a load run once, so they are best planned for their values; pages' statements aren't.
    "SET LOCAL plan_cache_mode = auto",
    "SET LOCAL default_statistics_target = 10",
    "SET CONSTRAINTS ALL IMMEDIATE",
)


class RunBusyError(Exception):
    """Another process is working on this run."""


class LoadBusyError(Exception):
    """Another package is being loaded, and the caller doesn't wait."""


class BehindError(LoadBusyError):
    """An earlier package of the source is held or waits itself, so this delta waits for it."""

    def __init__(self, earlier: Run) -> None:
        super().__init__()
        self.earlier = earlier


class _NotAppliedError(Exception):
    """Rolls back the load's transaction; has the run's final status."""

    def __init__(self, status: str, outcome: str = "") -> None:
        super().__init__(status)
        self.status = status
        self.outcome = outcome


def load_package(
    path: Path | str,
    *,
    dry_run: bool = False,
    wait: bool = True,
    tell: Callable[[str], None] | None = None,
) -> Run:
    """Load a folder or a `.zip`, and return the run with its outcome.

    `dry_run` does everything and rolls it back. `wait`: wait for another load to end, or else raise LoadBusyError.
    `tell` is called with each step. Problems of the package never raise; they are the run's findings.
    """
    path = Path(path)
    run = Run.objects.create(
        name=readable(path.name)[:200],
        path=readable(str(path.absolute())),
        dry_run=dry_run,
    )
    return execute(run, wait=wait, tell=tell)


def execute(run: Run, *, wait: bool = True, tell: Callable[[str], None] | None = None) -> Run:
    """Finish an unfinished run. A run that has ended is returned unchanged.

    Raises RunBusyError if another process is working on it, LoadBusyError if another load is running and `wait` is
    false, BehindError if an earlier package is held (the run is then back to received), and the database's
    OperationalError, after which the run can be tried again.
    """
    with RunKeeper(run.pk, tell=tell) as keeper:
        if not keeper.held:
            raise RunBusyError
        begun = Run.objects.filter(pk=run.pk, status__in=Run.UNFINISHED).update(
            status=Status.CHECKING,
            attempts=F("attempts") + 1,
            started_at=timezone.now(),
            phase="",
            waits_for=None,
        )
        run.refresh_from_db()
        if begun:
            _Loader(run, keeper, wait=wait).load()
    return run


@contextmanager
def package_path(run: Run) -> Iterator[Path]:
    """Yield the path of the run's package; one that is stored elsewhere is copied to this machine first."""
    if not run.upload:
        yield Path(run.path)
        return
    try:
        path = Path(run.upload.path)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(suffix=".zip") as copy:
            with run.upload.open("rb") as stored:
                shutil.copyfileobj(stored, copy)
            copy.flush()
            yield Path(copy.name)
        return
    yield path


class _Loader:
    """Loads one package, from its manifest to the end of its run."""

    def __init__(self, run: Run, keeper: RunKeeper, *, wait: bool) -> None:
        self._run = run
        self._keeper = keeper
        self._wait = wait
        self._findings = Findings()
        self._now = timezone.now()
        self._by_file: Mapping[str, TableMap] = {table_map.file: table_map for table_map in table_maps()}
        self._counts: dict[str, Counts] = {}
        self._timings: dict[str, float] = {}
        self._samples: Samples | None = None

    def load(self) -> None:
        """Check and apply the package, and store the outcome with the run."""
        try:
            with package_path(self._run) as path, open_package(path) as package:
                manifest = package.manifest()
                self._check_released(manifest)
                self._run.describe(manifest)
                self._findings.extend(check_files(package, manifest, self._by_file, self._now))
                self._stop_on_errors()
                with transaction.atomic(), connection.cursor() as cursor:
                    self._load(package, manifest, cursor)
                    self._finish(Status.APPLIED)
                    self._drop_overtaken()
        except PackageError as error:
            self._findings.add(Found(Stage.PACKAGE, Severity.ERROR, error.code, error.sentence, file=error.file))
            self._finish(Status.REFUSED, NOTHING)
        except LoadBusyError as busy:
            self._put_back(busy)
            raise
        except _NotAppliedError as stop:
            if self._samples:
                self._run.difference = {**self._run.difference, "samples": self._samples.compared()}
            self._finish(stop.status, stop.outcome)
        except (IntegrityError, DataError) as error:
            # The database's message may include the row, so only the constraint's name is stored.
            diagnosis = getattr(error.__cause__, "diag", None)
            rule = getattr(diagnosis, "constraint_name", None) or type(error).__name__
            log.exception("feed_load_failed", run_id=self._run.pk, rule=rule)
            self._finish(Status.FAILED, f"The database refused a row (rule: {rule}). Nothing was applied.")

    def _put_back(self, busy: LoadBusyError) -> None:
        """Make the run received again, and say what it waits for."""
        run = self._run
        run.status, run.started_at, run.phase = Status.RECEIVED, None, waiting_for(run.pk)
        if isinstance(busy, BehindError):
            run.waits_for, run.phase = busy.earlier, behind(busy.earlier)
        run.attempts -= 1
        facts = ["source", "sequence", "mode", "as_of", "digest"] if run.waits_for else []
        run.save(update_fields=["status", "attempts", "started_at", "phase", "waits_for", *facts])

    def _finish(self, status: str, outcome: str = "") -> None:
        finish(
            self._run,
            status=status,
            outcome=outcome,
            findings=self._findings,
            counts={file: counts.as_dict() for file, counts in self._counts.items()},
            timings={phase: round(seconds, 3) for phase, seconds in self._timings.items()},
        )

    def _drop_overtaken(self) -> None:
        """Drop held packages of the source that this one makes too old to apply."""
        for held in Run.objects.overtaken_by(self._run):
            # A person may have decided a moment ago.
            with suppress(NotHeldError):
                drop_held(run=held, reason="A later package of this source was applied.")

    # Package checks.

    def _check_released(self, manifest: Manifest) -> None:
        """Refuse a released package that isn't the one that was held and reviewed."""
        if self._run.is_released and manifest.digest != self._run.digest:
            raise PackageError("changed-since-held", CHANGED_SINCE)

    def _check_released_documents(self, assets: Assets, stagings: Sequence[Staging]) -> None:
        """Refuse a released package whose documents aren't those that it was held with: a CRC can be made to fit."""
        held = self._run.difference.get("documents")
        if self._run.is_released and held and held != assets.digest(stagings):
            raise PackageError("changed-since-held", CHANGED_SINCE)

    # The load itself.

    def _load(self, package: Package, manifest: Manifest, cursor: Any) -> None:
        """Do everything that belongs to the transaction. Raises _NotAppliedError to roll it back."""
        if not take_load_lock(cursor, wait=False):
            if not self._wait:
                raise LoadBusyError
            with self._timed(waiting_for(self._run.pk), "wait"):
                take_load_lock(cursor, wait=True)
        for setting in SESSION_SETTINGS:
            cursor.execute(setting)
        source = Source.objects.filter(name=manifest.source).first()
        stored = fingerprint(tuple(self._by_file.values()))
        tables = [table_map for file, table_map in self._by_file.items() if file in manifest.files]
        self._keeper.expect({one.file: (manifest.files[one.file].rows, package.sizes[one.file]) for one in tables})
        earlier = Run.objects.between(source, manifest).exclude(pk=self._run.pk)
        if may_wait(self._run, manifest, source) and (first := earlier.filter(status__in=Run.OPEN).first()):
            raise BehindError(first)
        self._findings.extend(check_sequence(manifest, source, missing=earlier.first()))
        if was_applied(manifest, source, stored):
            with self._timed("comparing hashes", "stage"):
                verify_hashes(package, manifest, self._findings, self._keeper.progress)
            self._stop_on_errors()
            raise _NotAppliedError(Status.UNCHANGED)
        self._stop_on_errors()
        # Nobody knows what will be: of a package from the future, the data is as of now.
        as_of = min(manifest.as_of, self._now)
        context = LoadContext(cursor, manifest.source, self._run.pk, tables, self._findings, as_of=as_of, now=self._now)
        checker = Checker(cursor, manifest.files, self._by_file, source=manifest.source, is_full=manifest.is_full)
        applier = Applier(cursor, self._by_file, context, is_full=manifest.is_full)
        keep = not self._run.dry_run
        assets = Assets(package, cursor, source=manifest.source, keep=keep, tell=self._keeper.documents)
        files = FileByFile(cursor, context, checker, assets, applier, self._timed)
        unread = Unread(source, manifest, self._by_file, stored)
        with self._timed("comparing files with the last ones", "stage"):
            same = frozenset(unread.same(package, self._keeper.progress))
        files.load(package, manifest, tables, self._keeper.progress, same)
        for findings in files.collected():
            self._findings.merge(findings)
        self._stop_on_errors()
        self._findings.extend(check_unused(package, manifest, assets.named))
        self._findings.merge(assets.findings)
        self._stop_on_errors()
        self._check_released_documents(assets, files.stagings)
        self._counts = files.counts
        self._conclude(files.stagings, cursor, checker, applier, context, assets)
        Source.objects.update_or_create(
            name=manifest.source,
            defaults={
                "sequence": manifest.sequence,
                "digest": manifest.digest,
                "fingerprint": stored,
                "as_of": as_of,
                "applied_at": self._now,
                "alarmed_at": None,
                "unread": unread.remembered(self._counts, files.unread, self._findings),
            },
        )
        if self._run.dry_run:
            self._samples = Samples(cursor, files.stagings, self._by_file)
            raise _NotAppliedError(Status.REHEARSED)

    def _conclude(
        self,
        stagings: Sequence[Staging],
        cursor: Any,
        checker: Checker,
        applier: Applier,
        context: LoadContext,
        assets: Assets,
    ) -> None:
        """Check the result, run the areas' hooks, and hold the package if it needs a review."""
        with self._timed("checking the result", "check"):
            checker.check_sets(stagings, context.parameters)
        self._findings.merge(checker.sets)
        self._stop_on_errors()
        self._warn_of_references(stagings, applier)
        with self._timed("running follow-ups", "hooks"):
            for staging in stagings:
                for hook in staging.table_map.table.after:
                    hook(context)
        self._hold_for_decision(cursor, stagings, context, assets)

    def _warn_of_references(self, stagings: Sequence[Staging], applier: Applier) -> None:
        """Warn about rows that this package retires although other rows refer to them."""
        for staging in stagings:
            if self._counts[staging.table_map.file].retired:
                for file, referring, referred in applier.still_referred_to(staging.table_map):
                    sentence = (
                        f"{counted(referring, 'row')} of {file} still {'refers' if referring == 1 else 'refer'} to "
                        f"{counted(referred, 'row')} that this package retires."
                    )
                    retired = staging.table_map.file
                    self._findings.add(
                        Found(Stage.REFERENCES, Severity.WARNING, "retired-in-use", sentence, file=retired)
                    )

    def _hold_for_decision(
        self, cursor: Any, stagings: Sequence[Staging], context: LoadContext, assets: Assets
    ) -> None:
        """Hold a package that a person must review first, unless it was released and does no more than was reviewed."""
        is_new = is_unknown(context.source)
        guardian = Guardian(cursor, context, self._by_file, stagings, self._counts, is_new=is_new)
        difference = guardian.difference()
        if not difference:
            return
        if self._run.is_released:
            if not does_more(difference, self._run.difference):
                return
            difference["reasons"].insert(0, CHANGED_MEANWHILE)
            self._run.take_back_release()
        self._run.difference = {**difference, "documents": assets.digest(stagings)}
        self._samples = Samples(cursor, stagings, self._by_file)
        raise _NotAppliedError(Status.HELD, " ".join(difference["reasons"]))

    # Findings and time.

    def _stop_on_errors(self, *stages: Stage) -> None:
        """End the load as refused if there are errors, in these stages or in any if none is given."""
        if self._findings.has_errors(*stages):
            raise _NotAppliedError(Status.REFUSED, NOTHING)

    @contextmanager
    def _timed(self, words: str, phase: str, *, file: str = "") -> Iterator[None]:
        """Report a step, of one file or of all, and add its seconds to the phase."""
        self._keeper.phase(words[:1].upper() + words[1:], file=file, step=phase)
        begin = time.monotonic()
        try:
            yield
        finally:
            self._timings[phase] = self._timings.get(phase, 0.0) + time.monotonic() - begin
