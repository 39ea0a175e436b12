"""Measuring: interleaved rounds, medians, and CPU time of every process involved."""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Figure:
    """One line of the table: the value, its floor, and other observations."""

    name: str
    value: float
    floor: float
    unit: str
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        return self.value / self.floor if self.floor else float("inf")

    def as_json(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 3),
            "floor": round(self.floor, 3),
            "ratio": round(self.ratio, 3),
            "unit": self.unit,
            "more": self.more,
        }


@dataclass(frozen=True)
class Sample:
    """Milliseconds of one call: on the clock, and of CPU in this process."""

    wall: float
    cpu: float


def once(call: Callable[[], object]) -> Sample:
    """Time one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Sample((time.perf_counter() - wall) * 1000, (time.process_time() - cpu) * 1000)


def interleaved(calls: dict[str, Callable[[], object]], *, rounds: int, warm_up: int = 5) -> dict[str, Sample]:
    """Return the median of each call, run in turns so that a slow moment of the machine affects all of them."""
    for call in calls.values():
        for _ in range(warm_up):
            call()
    samples: dict[str, list[Sample]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            samples[name].append(once(call))
    return {
        name: Sample(statistics.median(s.wall for s in rows), statistics.median(s.cpu for s in rows))
        for name, rows in samples.items()
    }


def cpu_of(pids: list[int]) -> float:
    """Return the milliseconds of CPU used by these processes and their descendants, including ended ones."""
    ticks = 0
    for pid in _with_descendants(pids):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        # utime, stime, and the same for waited-for children (proc(5), fields 14 to 17).
        ticks += sum(int(value) for value in fields[11:15])
    return ticks * 1000 / TICKS


def _with_descendants(pids: list[int]) -> set[int]:
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = list(pids)
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found
