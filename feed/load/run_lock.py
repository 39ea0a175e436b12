"""Locks and progress of a run, on a connection outside the load's transaction.

A run's lock is a session lock in PostgreSQL, so it's released when its worker dies: a run that is 'checking' while its
lock is free has lost its worker, however long it has been running.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from django.db import connection, connections

# Advisory locks are pairs of numbers. LOAD_LOCK is shared by all loads, RUN_LOCK with its id belongs to one run.
LOAD_LOCK = (7_203_001, 0)
RUN_LOCK = 7_203_002
# Seconds between two updates of the progress.
NOTE_EVERY = 0.5
WAITING = "Waiting for another load"
# Characters of `Run.phase`.
MOST_WORDS = 120
# Steps of one file, as its line in the progress has them.
READING, READ, APPLYING, APPLIED = "reading", "read", "applying", "applied"
STEPS = {"stage": (READING, READ), "apply": (APPLYING, APPLIED)}


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
        self._sizes: dict[str, int] = {}
        self._files: dict[str, dict[str, Any]] = {}
        self._current: tuple[str, str] | None = None
        self.held = False

    def __enter__(self) -> Self:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [RUN_LOCK, self._run_id])
            self.held = cursor.fetchone()[0]
            # Progress that is lost with the server is of no use to anyone.
            cursor.execute("SET synchronous_commit = off")
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

    def expect(self, files: Mapping[str, tuple[int, int]]) -> None:
        """Store what there is to read: rows and bytes by file, in order."""
        self._sizes = {file: size for file, (_, size) in files.items()}
        self._files = {file: {"file": file, "rows": rows, "read": 0, "step": ""} for file, (rows, _) in files.items()}
        self._write(
            "bytes_done = 0, bytes_total = %s, progress = %s", [sum(self._sizes.values()), self._progress_as_json()]
        )

    def phase(self, words: str, *, file: str = "", step: str = "") -> None:
        """Store the current phase, with the file that it is about, and pass it to `tell`."""
        self._end_step()
        if file in self._files and step in STEPS:
            begun, ended = STEPS[step]
            self._files[file]["step"] = begun
            self._current = (file, ended)
        self._write(
            "phase = %s, progress = %s, bytes_done = GREATEST(bytes_done, %s)",
            [words, self._progress_as_json(), self._bytes_read()],
        )
        if self._tell:
            self._tell(words)

    def progress(self, seen: int) -> None:
        """Store how many bytes of the current file have been read, at most twice a second; rows are in proportion.
        Without a current file, they are bytes of the whole package."""
        if time.monotonic() - self._noted < NOTE_EVERY:
            return
        self._noted = time.monotonic()
        done = seen
        if self._current:
            file = self._files[self._current[0]]
            size = self._sizes[file["file"]]
            file["read"] = min(file["rows"], file["rows"] * seen // size) if size else file["rows"]
            done += self._bytes_read()
        self._write("bytes_done = %s, progress = %s", [done, self._progress_as_json()])

    def documents(self, file: str, words: str, done: int, of: int) -> None:
        """Store how many of the documents that a file names were worked on, at most twice a second."""
        if file in self._files and time.monotonic() - self._noted >= NOTE_EVERY:
            self._noted = time.monotonic()
            self._files[file]["step"] = f"{words}: {done:,} of {of:,}"
            self._write("progress = %s", [self._progress_as_json()])

    def _bytes_read(self) -> int:
        """Return the bytes of the files that have been read to their end."""
        return sum(self._sizes[name] for name, file in self._files.items() if file["step"] not in {"", READING})

    def _end_step(self) -> None:
        """Mark the last file's step as done."""
        if self._current:
            file, ended = self._current
            self._files[file] |= {"step": ended, "read": self._files[file]["rows"]}
            self._current = None

    def _progress_as_json(self) -> str:
        return json.dumps(list(self._files.values()))

    def _write(self, assignment: str, values: list[Any]) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(f"UPDATE feed_run SET {assignment} WHERE id = %s", [*values, self._run_id])


def waiting_for(run_id: int) -> str:
    """Return in words which load this run waits for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id, r.name FROM feed_run r JOIN pg_locks l ON l.locktype = 'advisory' AND l.granted
                AND l.classid = %s AND l.objid = r.id AND l.objsubid = 2
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
            WHERE r.id <> %s AND r.status = 'checking' AND r.phase NOT LIKE %s
            ORDER BY r.started_at LIMIT 1
            """,
            [RUN_LOCK, run_id, f"{WAITING}%"],
        )
        other = cursor.fetchone()
    return f"{WAITING}: run {other[0]}, {other[1]}"[:MOST_WORDS] if other else WAITING


def take_load_lock(cursor: Any, *, wait: bool) -> bool:
    """Take the lock that allows one load at a time, and return whether we have it; the transaction's end releases it.

    `wait`: wait as long as it takes; otherwise, return at once.
    """
    if wait:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", LOAD_LOCK)
        return True
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", LOAD_LOCK)
    return bool(cursor.fetchone()[0])
