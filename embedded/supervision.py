"""Keep a child process alive: start it, wait until it answers, restart it when it dies, stop it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Protocol

from embedded.processes import EmbeddedError

START_SECONDS = 180
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A process that ran this long didn't fail at its start.
SETTLED_SECONDS = 60


class Process(Protocol):
    """A running process: a `Popen`, or a `forking.Forked`."""

    def poll(self) -> int | None:
        """Return the exit code; None while it runs."""
        ...

    def send_signal(self, sig: int, /) -> None:
        """Send a signal unless it has ended."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code when it has ended; raise TimeoutExpired."""
        ...


@dataclass
class Child:
    """One process: how to start it, whether it answers, and how to stop it.

    `stop_signals` are sent in turn, `stop_seconds` apart; the last one should be KILL.
    """

    name: str
    start: Callable[[], Process]
    ready: Callable[[], bool]
    stop_signals: tuple[signal.Signals, ...]
    log: Path
    stop_seconds: float = 10
    process: Process | None = None
    pause: float = FIRST_PAUSE
    start_at: float = 0.0
    started_at: float = 0.0

    def launch(self) -> None:
        self.process = self.start()
        self.started_at = time.monotonic()

    def wait_ready(self) -> None:
        """Return when it answers; raise EmbeddedError if it ends first, or takes too long."""
        limit = time.monotonic() + START_SECONDS
        while not self.ready():
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedError(f"{self.name} ended while starting: {last_line(self.log)} (see {self.log})")
            if time.monotonic() > limit:
                raise EmbeddedError(f"{self.name} did not answer within {START_SECONDS} s (see {self.log})")
            time.sleep(0.02)

    def revive(self) -> bool:
        """Restart the process if it has died, and say whether it had.

        The pause before a restart doubles, up to half a minute, while the process keeps failing soon after its start.
        """
        now = time.monotonic()
        ended = self.process is not None and self.process.poll() is not None
        if ended:
            self.process = None
            lasted = now - self.started_at > SETTLED_SECONDS
            self.pause = FIRST_PAUSE if lasted else min(self.pause * 2, LONGEST_PAUSE)
            self.start_at = now + self.pause
        if self.process is None and now >= self.start_at:
            self.launch()
        return ended

    def ask_to_stop(self) -> None:
        """Send the first, gentlest signal, so that several children can end at the same time."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(self.stop_signals[0])

    def stop(self) -> None:
        """Send the signals in turn, and return when the process has ended."""
        if self.process is None:
            return
        for number in self.stop_signals:
            if self.process.poll() is not None:
                return
            self.process.send_signal(number)
            try:
                self.process.wait(self.stop_seconds)
            except TimeoutExpired:
                continue
        self.process.wait()


def last_line(log: Path) -> str:
    """Return the last line of the log; among JSON lines, the last exception, which says more than what followed it."""
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    for line in reversed(lines):
        if line.startswith("{") and '"exception"' in line:
            return str(json.loads(line)["exception"].strip().splitlines()[-1])
    return lines[-1] if lines else "it said nothing"
