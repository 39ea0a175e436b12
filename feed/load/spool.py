"""Spool: text that waits, in temporary files without a name, so that it takes room on disk and none in memory.

One thread puts, and another takes in the same order. A file is closed, and so is gone, once all of it was taken; what
a process that dies has open goes with it.
"""

from __future__ import annotations

import os
import tempfile
from collections import deque
from dataclasses import dataclass
from typing import IO

# Bytes of a file after which the next one begins, so that what was taken gives its room back.
SEGMENT = 16 * 1024**2


@dataclass(frozen=True)
class Spooled:
    """Where a text is, in the oldest file that is still open. `is_last`: nothing follows it there."""

    offset: int
    size: int
    is_last: bool


class Spool:
    """Texts that were put and not taken yet."""

    def __init__(self) -> None:
        # The oldest is taken from, the newest is put into.
        self._files: deque[IO[bytes]] = deque()
        self._size = SEGMENT

    def put(self, text: bytes) -> Spooled:
        """Write a text. Raises OSError if the disk is full."""
        if self._size >= SEGMENT:
            self._files.append(tempfile.TemporaryFile(prefix="feed-", buffering=0))  # noqa: SIM115  # closed in turn
            self._size = 0
        offset, rest = self._size, memoryview(text)
        while rest:
            rest = rest[self._files[-1].write(rest) :]
        self._size += len(text)
        return Spooled(offset, len(text), is_last=self._size >= SEGMENT)

    def take(self, spooled: Spooled) -> bytes:
        """Read the next text."""
        # Without moving the place where the other thread writes.
        text = os.pread(self._files[0].fileno(), spooled.size, spooled.offset)
        if spooled.is_last:
            self._files.popleft().close()
        return text

    def close(self) -> None:
        """Drop what wasn't taken."""
        while self._files:
            self._files.popleft().close()
