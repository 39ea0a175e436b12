"""Certificates set from pieces, one and by the thousand, against plain: `weasyprint.HTML(string=…).write_pdf()` of the
same page, one by one in a warm process.

The certificates are made in memory: snapshots of the example book with other names, holders, and numbers. Plain is
measured in between, so that a busy moment of the machine slows both.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import os
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast
from unittest import mock

import weasyprint
from django.utils import timezone

from bench.measure import Figure, once
from credentialing.certificates import bulk, rendering
from credentialing.certificates.details import Details
from credentialing.certificates.numbers import new_serial, new_verification_code
from credentialing.certificates.snapshot import build_snapshot
from credentialing.models import Certificate, Holder
from policies.eligibility import judge_parts
from policies.models import Coverage

NAMES = ("coi_single", "coi_single_signed", "coi_bulk_pdf", "coi_bulk_zip", "coi_bulk_zip_signed")
MANY = int(os.environ.get("BENCH_PAPERS", "5000"))
ROUNDS = 200
# Plain is measured so many times beside a figure.
PLAIN = 16
GIVEN = (
    "Ana Ben Carla Dmitri Elena François Grace Héctor Inés Jamal Keiko Liam Mary-Jo Noor Olga Paul Quentin Rosa".split()
)
LAST = "Abernathy Brandt Castellanos D’Amico Eriksen Fairweather García Holloway Ito Jansen Kowalski Lindqvist".split()
LAST += (
    "McAllister Núñez Okafor Petrov Quigley Rasmussen Süleyman Thorne Underhill Vandersloot Whitcombe Yıldız".split()
)
HOLDERS = [
    Holder(name=name, address1=street, city=city, state="NY", zip=code)
    for name, street, city, code in (
        ("Saint Brendan Medical Center", "One Hospital Plaza", "Kingston", "12401"),
        ("Mercy Hospital", "1 Main Street", "Albany", "12207"),
        ("Riverside Ambulatory Surgery Center", "200 Water Street, Suite 14", "Troy", "12180"),
        (
            "Regional Medical Center of the Upper Hudson Valley, Office of Medical Staff Services",
            "9 Elm Road",
            "Hudson",
            "12534",
        ),
        ("Adirondack Children’s Hospital", "77 Lake Avenue", "Saratoga Springs", "12866"),
    )
]


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figures that are named."""
    if not set(names) & set(NAMES):
        return
    rendering.warm_up()
    book = _book()
    figures: dict[str, Callable[[], Figure]] = {
        "coi_single": lambda: _single("coi_single", book, rendering.layout().make),
        "coi_single_signed": lambda: _single("coi_single_signed", book, None),
        "coi_bulk_pdf": lambda: _bulk("coi_bulk_pdf", book, bulk.single_pdf),
        "coi_bulk_zip": lambda: _unsigned(lambda: _bulk("coi_bulk_zip", book, bulk.zip_of)),
        "coi_bulk_zip_signed": lambda: _bulk("coi_bulk_zip_signed", book, bulk.zip_of),
    }
    for name, figure in figures.items():
        if name in names:
            yield figure()


def _book() -> list[dict[str, Any]]:
    """Return the snapshots of every certificate that the example book gives today."""
    together: dict[tuple[int, int], list[Coverage]] = {}
    for coverage in Coverage.objects.with_policy().order_by("pk"):
        together.setdefault((coverage.insured_id, coverage.term_id), []).append(coverage)
    found = []
    for coverages in together.values():
        given = [part for part in judge_parts(coverages) if part.gives.allows and not part.gives.is_letter]
        parts = [part for part in given if part.gives.kind == given[0].gives.kind]
        if parts and parts[0].gives.as_of is not None:
            today = parts[0].coverage.term.policy.today()
            details = Details([part.coverage for part in parts])
            as_of = parts[0].gives.as_of
            found.append(build_snapshot(parts, None, day=today, about=today, as_of=as_of, details=details))
    return found


def _papers(book: list[dict[str, Any]], count: int, seed: int) -> Iterator[Certificate]:
    """Yield so many certificates, never the same twice."""
    pick = random.Random(seed)  # noqa: S311
    now = timezone.now()
    for number in range(count):
        snapshot = copy.deepcopy(book[number % len(book)])
        last = f"{pick.choice(LAST)}{pick.choice(['', '', '-' + pick.choice(LAST)])}"
        snapshot["insured"] |= {
            "name": f"{pick.choice(GIVEN)} {pick.choice('ABCDEFGH')}. {last}, {pick.choice(['MD', 'DO', 'NP'])}",
            "last_name": last,
            "npi": str(pick.randint(10**9, 2 * 10**9)),
        }
        holder = pick.choice([None, *HOLDERS])
        snapshot["holder"] = {"name": holder.name, "address": holder.address_lines} if holder else None
        yield Certificate(
            kind=str(snapshot["kind"]),
            snapshot=snapshot,
            serial=new_serial("COI", now.year),
            verification_code=new_verification_code(),
            issued_on=dt.date.fromisoformat(str(snapshot["issued_on"])),
            issued_at=now,
        )


def _plain(certificate: Certificate) -> float:
    html = rendering.certificate_html(certificate)
    return once(lambda: weasyprint.HTML(string=html).write_pdf()).cpu


def _single(name: str, book: list[dict[str, Any]], make: Callable[..., object] | None) -> Figure:
    papers = list(_papers(book, 2 * ROUNDS, seed=1))
    plain, cpu, wall = [], [], []
    for number, certificate in enumerate(papers):
        call = (
            (lambda one=certificate: rendering.certificate_pdf(one))
            if make is None
            else (lambda one=certificate: make(rendering.pages_of(one)))
        )
        sample = once(call)
        # The first half fills the caches.
        if number >= ROUNDS:
            cpu.append(sample.cpu)
            wall.append(sample.wall)
        if number % (2 * ROUNDS // PLAIN) == 0:
            plain.append(_plain(certificate))
    more = {
        "p95_cpu_ms": round(statistics.quantiles(cpu, n=20)[-1], 2),
        "p95_ms": round(statistics.quantiles(wall, n=20)[-1], 2),
        "mean_cpu_ms": round(statistics.fmean(cpu), 2),
        "rounds": ROUNDS,
        "load": round(os.getloadavg()[0], 1),
    }
    return Figure(name, statistics.median(cpu), statistics.median(plain), "ms of CPU", more)


class Counting(io.RawIOBase):
    """A file that only counts what is written to it."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, content: bytes) -> int:  # type: ignore[override]
        self.size += len(content)
        return len(content)


@dataclass
class Clock:
    """CPU of a batch without that of plain in between, and when the first certificate was done."""

    book: list[dict[str, Any]]
    start: float = field(default_factory=time.perf_counter)
    first: float = 0.0
    plain: list[float] = field(default_factory=list)

    def progress(self, done: int) -> None:
        """Note the first certificate, and measure plain now and then."""
        self.first = self.first or time.perf_counter() - self.start
        if done % max(1, MANY // PLAIN) == 0:
            self.plain.append(_plain(next(_papers(self.book, 1, seed=done))))


def _bulk(name: str, book: list[dict[str, Any]], make: Callable[..., bulk.Outcome]) -> Figure:
    _plain(next(_papers(book, 1, seed=0)))
    before = _resident()
    clock, to = Clock(book), Counting()
    used = time.process_time()
    outcome = make(_papers(book, MANY, seed=2), cast(BinaryIO, to), on_progress=clock.progress)
    used = (time.process_time() - used) * 1000 - sum(clock.plain)
    more = {
        "certificates": outcome.certificates,
        "plain": outcome.plain,
        "kb_each": round(to.size / outcome.certificates / 1024, 2),
        "first_progress_s": round(clock.first, 2),
        "resident_mb": [round(before), round(_resident())],
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "load": round(os.getloadavg()[0], 1),
    }
    return Figure(name, used / outcome.certificates, statistics.median(clock.plain), "ms of CPU each", more)


def _unsigned(call: Callable[[], Figure]) -> Figure:
    with mock.patch.object(rendering, "sealer", return_value=None):
        return call()


def _resident() -> float:
    """Return the memory of this process in MB."""
    with open("/proc/self/statm") as statm:  # noqa: PTH123
        return int(statm.read().split()[1]) * resource.getpagesize() / 1024**2
