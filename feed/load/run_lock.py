"""The run's own connection beside the load's transaction: it holds the run's lock and tells how far the run is.

The lock is PostgreSQL's (session level), so a worker that dies lets go of it by dying: a run that is 'checking' and
whose lock is free has lost its worker, whatever the clock says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.db import connections

# Advisory locks are pairs of numbers; these are the feed's own. LOAD stands for all loads, RUN for one run.
LOAD_LOCK = (7_203_001, 0)
RUN_LOCK = 7_203_002
# Seconds between two notes of progress.
NOTE_EVERY = 0.5


class RunKeeper:
    """Holds a run's lock while it is worked on, and writes its progress outside the load's transaction.

    Use as a context manager; `held` says whether the lock was free. `tell` hears of each phase as well.
    """

    def __init__(self, run_id: int, *, tell: Callable[[str], None] | None = None) -> None:
        self._run_id = run_id
        self._tell = tell
        # A connection of its own, even where the thread's own is inside a transaction.
        self._connection: Any = connections.create_connection("default")
        self._noted = 0.0
        self.held = False

    def __enter__(self) -> Self:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [RUN_LOCK, self._run_id])
            self.held = cursor.fetchone()[0]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self.held:
                with self._connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [RUN_LOCK, self._run_id])
        finally:
            self.held = False
            self._connection.close()

    def phase(self, words: str) -> None:
        """Say what is being done now, also to whoever started the load."""
        self._write("phase = %s", [words])
        if self._tell:
            self._tell(words)

    def progress(self, done: int) -> None:
        """Say how many bytes have been read, at most twice a second."""
        if time.monotonic() - self._noted >= NOTE_EVERY:
            self._noted = time.monotonic()
            self._write("bytes_done = %s", [done])

    def progress_from(self, before: int) -> Callable[[int], None]:
        """What to tell the bytes of one file to, after so many of the files before it."""
        return lambda seen: self.progress(before + seen)

    def total(self, size: int) -> None:
        """Say how many bytes there are to read."""
        self._write("bytes_done = 0, bytes_total = %s", [size])

    def _write(self, assignment: str, values: list[Any]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"UPDATE feed_run SET {assignment} WHERE id = %s", [*values, self._run_id])


def take_load_lock(cursor: Any, *, wait: bool) -> bool:
    """One load at a time: whether the lock is ours now. It is let go of when the transaction ends.

    `wait`: stand in line for as long as it takes; otherwise say no at once.
    """
    if wait:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOAD_LOCK)
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOAD_LOCK)
    return bool(cursor.fetchone()[0])
