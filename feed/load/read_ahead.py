"""Reading ahead: a thread reads and checks the package's next files while the database works on those before.

What it reads waits on disk (`feed.load.spool`), so that it goes on while the database inserts a large file, and the
next file is there when its turn comes.

A small package is read when its parts are asked for: two threads of Python that take turns by the millisecond cost more
than there is to read.
"""

from __future__ import annotations

import gc
import queue
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Self

from core.feedspec import Stage
from feed.load.findings import Findings
from feed.load.reading import FileReader, Part
from feed.load.spool import Spool, Spooled
from feed.package.files import Package

# How many parts may wait, each about a quarter of a megabyte: what the reader is ahead, and the disk that it costs.
# Most of a large file should wait when its turn comes, because the database copies it faster than it's read.
AHEAD = 512
# Bytes of all its files up to which a package is read without a thread.
SMALL = 1024**2


@dataclass(frozen=True)
class _Waiting:
    """A part whose text is on disk."""

    text: Spooled
    seen: int


@dataclass(frozen=True)
class _End:
    """The end of a file. `spoiled`: the package so far has errors of form; `faulty`: of any kind."""

    spoiled: bool
    faulty: bool


class ReadAhead:
    """Reads files in order, large packages in a thread of its own that never touches the database. Use it as a context
    manager.

    `spoiled` and `faulty` are as of the last file whose parts were taken. The reader's findings belong to the thread;
    they may be read when the parts of the last file were taken.
    """

    def __init__(self, package: Package, readers: Sequence[FileReader], findings: Findings) -> None:
        self._package = package
        self._readers = readers
        self._findings = findings
        self._queue: queue.Queue[_Waiting | _End | BaseException] = queue.Queue(maxsize=AHEAD)
        self._spool = Spool()
        self._is_abandoned = False
        self._items = self._read()
        self._thread: Thread | None = None
        if sum(package.sizes[reader.table_map.file] for reader in readers) > SMALL:
            self._thread = Thread(target=self._read_on, name="feed-read-ahead")
        self._collects = False
        self.spoiled = False
        self.faulty = False

    def __enter__(self) -> Self:
        # The cycle collector would walk a batch's thousands of lists, none of which is in a cycle.
        self._collects = gc.isenabled()
        gc.disable()
        if self._thread:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_abandoned = True
        while self._thread and self._thread.is_alive():
            # A full queue keeps the thread from seeing that nobody waits any more.
            with suppress(queue.Empty):
                self._queue.get(timeout=0.05)
        self._spool.close()
        if not self._thread:
            self._items.close()
        if self._collects:
            gc.enable()

    def parts(self) -> Iterator[Part]:
        """Yield the parts of the next file; wait for each. Raises what the reader raised."""
        while not isinstance(item := self._next(), _End):
            if isinstance(item, BaseException):
                raise item
            yield item
        self.spoiled, self.faulty = item.spoiled, item.faulty

    def _next(self) -> Part | _End | BaseException:
        item = self._queue.get() if self._thread else next(self._items)
        return Part(self._spool.take(item.text), item.seen) if isinstance(item, _Waiting) else item

    def _read(self) -> Generator[Part | _End]:
        for reader in self._readers:
            yield from reader.parts(self._package)
            spoiled = self._findings.has_errors(Stage.PACKAGE, Stage.SCHEMA)
            yield _End(spoiled=spoiled, faulty=self._findings.has_errors())

    # The thread.

    def _read_on(self) -> None:
        try:
            for item in self._items:
                waits = _Waiting(self._spool.put(item.text), item.seen) if isinstance(item, Part) else item
                self._queue.put(waits)
                if self._is_abandoned:
                    return
        except BaseException as error:  # noqa: BLE001  # raised where the parts are waited for
            self._queue.put(error)
