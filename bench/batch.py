"""A certificate from the click to its bytes while the workers make a batch of thousands, beside that of an idle portal.

Both are measured over HTTP on the same servers: first while nothing else runs, then from the batch's first certificate
until its file is ready, or until there are enough of them.
"""

from __future__ import annotations

import os
import statistics
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import connection
from django.test import override_settings
from django.urls import reverse

from accounts.models import User
from bench.certificates import Issuer, holder
from bench.measure import Figure
from bench.papers import MANY
from bench.people import session_key
from bench.server import free_port, running
from credentialing.batches import freezing
from credentialing.batches import running as batches
from credentialing.batches.choosing import Selection, issuing_memberships
from credentialing.batches.freezing import HolderChoice
from credentialing.certificates.issuing import keep_holder
from credentialing.models import Batch
from policies.models import Coverage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NAME = "coi_under_batch"
QUEUES = ("documents", "batches")
ROUNDS, MOST, WARM_UP = 40, 400, 4
# Between two clicks, and until a batch is taken for stuck, in seconds.
PAUSE, PATIENCE = 0.25, 1200


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figure `coi_under_batch` if it's named."""
    if NAME in names:
        yield _figure()


def _figure() -> Figure:
    user = User.objects.get(username="policyholder")
    own = Coverage.objects.visible_to(user).filter(term__status="bound", term__policy__status="active", ended_reason="")
    coverages = list(own.order_by("pk"))
    batch = _draft(user, coverages)
    with running(port := free_port(), queues=QUEUES) as pids:
        clicks = _Clicks(Issuer(port, session_key(user)), coverages)
        clicks.walls(WARM_UP, lambda: False)
        idle = clicks.walls(ROUNDS, lambda: False)
        begun = time.monotonic()
        batches.start(batch, by=user)
        first = _until(batch, lambda: batch.issued > 0) - begun
        loaded = clicks.walls(MOST, lambda: _ended(batch))
        seconds = _until(batch, lambda: not batch.is_running) - begun
        # After the web server's.
        peaks = [_peak(pid) for pid in pids[1 : 1 + len(QUEUES)]]
    connection.close()
    more = {
        "p95_ms": round(_p95(loaded), 1),
        "idle_p95_ms": round(_p95(idle), 1),
        "clicks": len(loaded),
        "first_progress_s": round(first, 2),
        "certificates": batch.issued,
        "batch_s": round(seconds, 1),
        "batch_kb_each": round((batch.size or 0) / max(1, batch.issued) / 1024, 2),
        "workers_peak_mb": peaks,
        "load": round(os.getloadavg()[0], 1),
    }
    if batch.status != Batch.Status.DONE:
        raise RuntimeError(f"The batch ended as {batch.status}: {more}")
    return Figure(NAME, statistics.median(loaded), statistics.median(idle), "ms", more)


def _draft(user: User, coverages: Sequence[Coverage]) -> Batch:
    """Return a draft of as many certificates as the others of the benchmarks: all coverages, to so many holders."""
    membership = issuing_memberships(user)[0]
    with override_settings(NEW_HOLDERS_PER_USER=MANY):
        holders = [
            keep_holder(by=user, membership=membership, **holder(f"batch {number}"))
            for number in range(-(-MANY // len(coverages)))
        ]
    batch = Batch.objects.create(
        started_by=user,
        membership=membership,
        idempotency_key=uuid.uuid4(),
        selection=Selection(coverages=tuple(coverage.public_id for coverage in coverages)).stored,
    )
    choice = HolderChoice(holders=tuple(holders))
    freezing.freeze(batch, choice, by=user, delivery=Batch.Delivery.SINGLE)
    return batch


class _Clicks:
    """One person who issues a certificate after the other, each to a new holder."""

    def __init__(self, browser: Issuer, coverages: Sequence[Coverage]) -> None:
        self._browser, self._coverages = browser, coverages
        self._number = 0

    def walls(self, most: int, is_over: Callable[[], bool]) -> list[float]:
        """Return the milliseconds of each click, until there are so many or it's over."""
        walls: list[float] = []
        while len(walls) < most and not (walls and is_over()):
            self._number += 1
            page = reverse("credentialing:issue", args=[self._coverages[self._number % len(self._coverages)].public_id])
            form = self._browser.form(page) | {"recipient": "new", **holder(f"click {self._number}")}
            begin = time.perf_counter()
            pdf = self._browser.issue(page, form)
            walls.append((time.perf_counter() - begin) * 1000)
            if not pdf.startswith(b"%PDF-"):
                raise RuntimeError(f"The download isn't a PDF: {pdf[:80]!r}")
            time.sleep(PAUSE)
        return walls


def _ended(batch: Batch) -> bool:
    batch.refresh_from_db()
    return not batch.is_running


def _until(batch: Batch, done: Callable[[], bool]) -> float:
    """Wait, and return the time at which it was done."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        batch.refresh_from_db()
        if done():
            return time.monotonic()
        time.sleep(0.02)
    raise RuntimeError(f"The batch got stuck: {batch.status}, {batch.issued} of {batch.total}")


def _p95(walls: list[float]) -> float:
    return statistics.quantiles(walls, n=20)[-1]


def _peak(pid: int) -> int:
    """Return the most memory that a process has had, in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024)
