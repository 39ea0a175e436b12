"""The watched folder (`settings.FEED_WATCH_DIR`): complete packages are taken in order, each once.

A package is a `.zip`; it's best to move it in under its final name when it's complete. One that is still being written
is left alone until it hasn't changed for a while. A package that is taken moves to `working/`, and ends in `done/`,
`held/`, `refused/`, or `failed/` with its run's number in front of its name.
"""

from __future__ import annotations

import re
import stat
import time
import uuid
import zipfile
from functools import lru_cache
from pathlib import Path

import structlog
from django.conf import settings
from django.db import connection, transaction

from core.queue import enqueue_on_commit
from feed.models import Run
from feed.package.files import PackageError, open_package, readable
from feed.package.manifest import Manifest

log = structlog.get_logger(__name__)

WORKING = "working"
PLACES = {
    Run.Status.APPLIED: "done",
    Run.Status.UNCHANGED: "done",
    Run.Status.HELD: "held",
    Run.Status.REFUSED: "refused",
    Run.Status.DROPPED: "refused",
    Run.Status.FAILED: "failed",
}
# Seconds without a change after which a file counts as complete.
SETTLED = 30
# Seconds after which a file that isn't an archive is taken anyway, to be refused where people see it.
GIVEN_UP = 600
# The name of a package that is worked on: its run's key and the end of its own name, with these lengths.
KEY_LENGTH, NAME_LENGTH = 36, 50
TAKEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-")
WATCH_LOCK = (7_203_003, 0)


def watched_folder() -> Path | None:
    """Return the folder after creating its subfolders; None if none is set or, with a log line, if it's missing."""
    if not settings.FEED_WATCH_DIR:
        return None
    folder = Path(settings.FEED_WATCH_DIR)
    if not folder.is_dir():
        log.error("feed_watch_folder_missing")
        return None
    for name in (WORKING, *PLACES.values()):
        (folder / name).mkdir(exist_ok=True)
    return folder


def take_next() -> Run | None:
    """Take the next package and enqueue its load; None if there is none, or one is being loaded.

    Packages are taken one at a time by source and sequence, so a delta never overtakes the one before it. One that
    waits for a held package stays in `working/` and keeps nothing else waiting.
    """
    folder = watched_folder()
    if folder is None:
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", WATCH_LOCK)
            if not cursor.fetchone()[0]:
                return None
        _put_in_place(folder)
        if Run.objects.ready().filter(origin=Run.Origin.FOLDER).exists():
            return None
        path = next(iter(sorted(filter(_is_complete, folder.iterdir()), key=_order)), None)
        if path is None:
            return None
        key = uuid.uuid4()
        # Move the file first: if we crash after this, the next look finds it in `working/` and creates its run.
        return _begin(path.rename(folder / WORKING / f"{key}-{readable(path.name)[-NAME_LENGTH:]}"))


def settle(run: Run) -> None:
    """Move a finished run's package to its final folder. Doing it twice changes nothing."""
    path = Path(run.path)
    if run.origin != Run.Origin.FOLDER or not run.is_finished or not path.is_file():
        return
    folder = path.parent.parent
    target = folder / PLACES[Run.Status(run.status)] / f"{run.pk}-{run.name}"
    if target != path:
        path.rename(target)
        Run.objects.filter(pk=run.pk).update(path=str(target))
        run.path = str(target)


def _begin(path: Path) -> Run:
    """Create the run of a package in `working/`, whose name begins with the run's key."""
    run = Run.objects.create(
        idempotency_key=uuid.UUID(path.name[:KEY_LENGTH]),
        origin=Run.Origin.FOLDER,
        name=path.name[KEY_LENGTH + 1 :],
        path=str(path),
    )
    enqueue_on_commit(Run.TASK, run.pk)
    return run


def _put_in_place(folder: Path) -> None:
    """Clean up `working/` after a crash: move files whose run has ended, and create missing runs."""
    for path in sorted((folder / WORKING).iterdir()):
        if not TAKEN.match(path.name):
            continue
        run = Run.objects.filter(idempotency_key=uuid.UUID(path.name[:KEY_LENGTH])).first()
        if run is None:
            _begin(path)
        else:
            settle(run)


def _is_complete(path: Path) -> bool:
    """Return whether the path is a regular `.zip` that is no longer being written."""
    if path.suffix.lower() != ".zip" or path.name.startswith("."):
        return False
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    age = time.time() - status.st_mtime
    return stat.S_ISREG(status.st_mode) and age >= SETTLED and (age >= GIVEN_UP or zipfile.is_zipfile(path))


def _order(path: Path) -> tuple[str, int, str]:
    """Return a package's source, sequence, and name; one that can't be read sorts first and is refused."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ("", 0, str(path))
    return _order_of(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1_000)
def _order_of(path: Path, *_as_it_is: int) -> tuple[str, int, str]:
    """Return the order of an unchanged file, so that waiting files aren't opened at every look."""
    try:
        with open_package(path) as package:
            manifest: Manifest = package.manifest()
    except PackageError:
        return ("", 0, str(path))
    return (manifest.source, manifest.sequence, str(path))
