"""A program of ours that works on PDF files which others made, in a process of its own, within limits of time and
memory (docs/security.md#uploads)."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# How long one file may take, and the memory of the process.
SECONDS = 10.0
MEMORY = 1024**3


class Apart:
    """Runs a program that answers each line with a line of JSON. Use it as a context manager.

    The process starts with the first question. One that takes too long, or dies, is ended; the next question gets a new
    process. The program is run by its path, so that the portal's own processes don't load what it uses.
    """

    def __init__(self, program: Path, *more: str, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        """`more`: what else the program gets as arguments, after its memory."""
        self._program = program
        self._more = more
        self._seconds = seconds
        self._memory = memory
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._process.pid if self._process is not None else None

    def ask(self, line: str) -> dict[str, Any] | None:
        """Return the program's answer, or None where it died or took too long. The line has no line break in it."""
        answer = self._ask(line)
        if answer is None:
            self._end()
        return answer

    def _ask(self, line: str) -> dict[str, Any] | None:
        process = self._process = self._process or self._start()
        assert process.stdin is not None  # noqa: S101  # a pipe
        assert process.stdout is not None  # noqa: S101  # a pipe
        try:
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            if not selector.select(self._seconds):
                return None
        said = process.stdout.readline()
        answer: dict[str, Any] | None = json.loads(said) if said.endswith("\n") else None
        return answer

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-I", str(self._program), str(self._memory), *self._more]
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
