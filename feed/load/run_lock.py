"""Locks and progress of a run, on a connection outside the load's transaction.

A run's lock is a session lock in PostgreSQL, so it's released when its worker dies: a run that is 'checking' while its
lock is free has lost its worker, however long it has been running.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from django.db import connections

# Advisory locks are pairs of numbers. LOAD_LOCK is shared by all loads, RUN_LOCK with its id belongs to one run.
LOAD_LOCK = (7_203_001, 0)
RUN_LOCK = 7_203_002
# Seconds between two updates of the progress.
NOTE_EVERY = 0.5


class RunKeeper:
    """Holds a run's lock while it's worked on, and stores its progress outside the load's transaction.

    Use it as a context manager; `held` says whether the lock was free. `tell` is called with each phase.
    """

    def __init__(self, run_id: int, *, tell: Callable[[str], None] | None = None) -> None:
        self._run_id = run_id
        self._tell = tell
        # A separate connection, because the thread's own may be inside a transaction.
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
        """Store the current phase, and pass it to `tell`."""
        self._write("phase = %s", [words])
        if self._tell:
            self._tell(words)

    def progress(self, done: int) -> None:
        """Store how many bytes have been read, at most twice a second."""
        if time.monotonic() - self._noted >= NOTE_EVERY:
            self._noted = time.monotonic()
            self._write("bytes_done = %s", [done])

    def progress_from(self, before: int) -> Callable[[int], None]:
        """Return a `progress` for one file that adds the bytes of the files before it."""
        return lambda seen: self.progress(before + seen)

    def total(self, size: int) -> None:
        """Store how many bytes there are to read."""
        self._write("bytes_done = 0, bytes_total = %s", [size])

    def _write(self, assignment: str, values: list[Any]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"UPDATE feed_run SET {assignment} WHERE id = %s", [*values, self._run_id])


def take_load_lock(cursor: Any, *, wait: bool) -> bool:
    """Take the lock that allows one load at a time, and return whether we have it; the transaction's end releases it.

    `wait`: wait as long as it takes; otherwise, return at once.
    """
    if wait:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOAD_LOCK)
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOAD_LOCK)
    return bool(cursor.fetchone()[0])
