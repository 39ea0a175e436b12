"""Child processes forked from this one: they have what it has imported, and can't outlive it.

The process that forks has one thread and no open connection to a server: a copy of either would be broken. On Linux, a
child gets KILL when its parent ends, however it ends.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Generic, NoReturn, TypeVar, cast

from embedded.processes import EmbeddedError, die_with_parent

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
POLL_SECONDS = 0.02
_Answer = TypeVar("_Answer")


@dataclass
class Forked:
    """A forked child, with the part of Popen's interface that `supervision` uses."""

    pid: int
    returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while the child runs."""
        if self.returncode is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            if ended:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal unless the child has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when the child has ended; raise TimeoutExpired if that takes too many seconds."""
        limit = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if limit is not None and time.monotonic() > limit:
                raise TimeoutExpired(f"process {self.pid}", cast("float", timeout))
            time.sleep(POLL_SECONDS)
        return code


def fork(work: Callable[[], object], *, log: Path | None = None) -> Forked:
    """Run `work` in a forked child, in its own session, and return the child.

    The child's exit code is 0, or 1 after an exception, or what `work` gave to `sys.exit`. Its output is added to the
    log; without one, it goes where ours goes.
    """
    if threading.active_count() > 1:
        raise RuntimeError("Only a process with one thread can be forked.")
    prepare = die_with_parent(signal.SIGKILL)
    # Until the child has signal handlers of its own, a signal for us must not run ours in it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            _run(prepare, work, log)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return Forked(pid)


def _run(prepare: Callable[[], None], work: Callable[[], object], log: Path | None) -> NoReturn:
    code = 1
    try:
        os.setsid()
        _redirect(log)
        prepare()
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # nothing may go up into what the parent was doing
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Without the parent's exit handlers, which would stop what it still uses.
        os._exit(code)


def _redirect(log: Path | None) -> None:
    """Read from nowhere, and write to the log."""
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    if log is not None:
        output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)


class Job(Generic[_Answer]):
    """Work in a forked child that ends with an answer.

    What the work raises of the kinds in `raises` comes out of `result`; a traceback of anything else is printed.
    """

    def __init__(self, work: Callable[[], _Answer], *, raises: tuple[type[Exception], ...] = ()) -> None:
        self._raises = raises
        self._reading, writing = os.pipe()
        try:
            self.process = fork(lambda: self._answer(work, writing))
        finally:
            os.close(writing)

    def _answer(self, work: Callable[[], _Answer], writing: int) -> None:
        os.close(self._reading)
        answer: _Answer | Exception
        try:
            answer = work()
        except self._raises as error:
            answer = error
        with os.fdopen(writing, "wb") as pipe:
            pickle.dump(answer, pipe)

    def result(self) -> _Answer:
        """Return the answer once it's there; raise what the work raised, or EmbeddedError if it gave no answer."""
        with os.fdopen(self._reading, "rb") as pipe:
            data = pipe.read()
        code = self.process.wait()
        if code or not data:
            raise EmbeddedError(f"A step of the start failed (exit code {code}).")
        answer = pickle.loads(data)  # noqa: S301  # from our own child, over a pipe that nobody else has
        if isinstance(answer, self._raises):
            raise answer
        return cast("_Answer", answer)

    def stop(self) -> None:
        """End the child at once, if it still works."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
