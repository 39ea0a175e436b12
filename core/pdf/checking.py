"""Whether a PDF that someone else made can be opened: asked of a process of its own, within limits of time and memory
(docs/security.md#uploads)."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# Run by its path, so that the portal's own processes don't load the library.
PROGRAM = Path(__file__).with_name("opening.py")
# How long a file may take, and the memory of the process that opens it.
SECONDS = 10.0
MEMORY = 1024**3
# Programs look for the mark in so many bytes (ISO 32000-1, annex H.3, note 13).
MARK, MARK_WITHIN = b"%PDF-", 1024


@dataclass(frozen=True)
class Checked:
    """How many pages a PDF has, or why it can't be opened: `broken`, `encrypted`; or isn't wanted: `program`."""

    pages: int | None = None
    fault: str = ""


class PdfChecker:
    """Opens PDF files, one after the other, in another process. Use it as a context manager.

    The process starts with the first file. One that takes too long, or dies, counts as broken; the next file gets a new
    process. `programs`: one that carries JavaScript, or an order to start something, has the fault `program`.
    """

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY, programs: bool = False) -> None:
        self._more = ["programs"] if programs else []
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def check(self, path: Path) -> Checked:
        """Return what the file at `path`, which has no line break in it, turns out to be."""
        with path.open("rb") as stream:
            if MARK not in stream.read(MARK_WITHIN):
                return Checked(fault="broken")
        answer = self._ask(str(path))
        if answer is None:
            self._end()
            return Checked(fault="broken")
        return Checked(pages=answer.get("pages"), fault=answer.get("fault", ""))

    def _ask(self, path: str) -> dict[str, Any] | None:
        """Return the process's answer, or None if it has died or takes too long."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101  # a pipe
        assert process.stdout is not None  # noqa: S101  # a pipe
        try:
            process.stdin.write(f"{path}\n")
            process.stdin.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(self._seconds):
                return None
        line = process.stdout.readline()
        answer: dict[str, Any] | None = json.loads(line) if line.endswith("\n") else None
        return answer

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", str(PROGRAM), str(self._memory), *self._more]
        return subprocess.Popen(  # noqa: S603  # our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={}
        )

    def _end(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        with suppress(OSError):
            self._process.__exit__(None, None, None)
        self._process = None
