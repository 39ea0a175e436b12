"""Loading the carrier's feed, against COPY of the same rows straight into twins of its tables."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from bench.measure import Figure, cpu_of
from core.feedspec import Kind
from feed.example import write_example_feed
from feed.load.loader import load_package
from feed.load.table_map import TableMap, table_maps
from feed.models import Run

# Rows of all files together; `BENCH_FEED_ROWS=50000 make bench ONLY=feed_load` is a quick look.
ROWS = int(os.environ.get("BENCH_FEED_ROWS", "1000000"))
# So many rows are loaded in all: smaller books are loaded several times.
ENOUGH = 400_000
MOST_ROUNDS = 5
# A book of so many policies says how many rows there are to a policy.
SAMPLE = 400
# Of the book of `feed_changed`, one row in so many has another text.
ONE_IN = 100
NAMES = ("feed_load", "feed_unchanged", "feed_changed")
SCHEMA = "bench_floor"
CHUNK = 1 << 18


@dataclass
class _Sample:
    """What one load or copy cost: seconds on the clock and of CPU, here and in the database, and megabytes at most."""

    wall: float = 0.0
    cpu: float = 0.0
    rss: int = 0
    timings: dict[str, float] = field(default_factory=dict)


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figures `feed_load` (a new book), `feed_unchanged` (the next package, with nothing different), and
    `feed_changed` (the one after it, in which no file is the same).

    Each round is the three, and a floor after each; each round comes from a source of its own.
    """
    if not set(NAMES) & set(names):
        return
    package = Path(settings.DATA_DIR) / "bench-feed"
    policies, rows = write_book(package)
    rounds = max(1, min(MOST_ROUNDS, ENOUGH // rows))
    changed = package.with_name("bench-feed-changed")
    write_changed(package, changed)
    samples: dict[str, list[_Sample]] = {name: [] for name in (*NAMES, "floor")}
    sources = [f"benchmark-{number}" for number in range(rounds)]
    with override_settings(FEED_KNOWN_SOURCES=sources):
        for source in sources:
            for sequence, name in enumerate(NAMES, start=1):
                samples[name].append(_load(changed if name == "feed_changed" else package, source, sequence))
                samples["floor"].append(_copy_straight(source))
    floor = _median(samples["floor"])
    for name in NAMES:
        if name in names:
            sample = _median(samples[name])
            more: dict[str, Any] = {"policies": policies, "rows": rows, "rounds": rounds, "rss_mb": sample.rss}
            more |= {"cpu": round(sample.cpu, 2), "floor_cpu": round(floor.cpu, 2)}
            more |= {"cpu_ratio": round(sample.cpu / floor.cpu, 2), **sample.timings}
            yield Figure(name, sample.wall * 1000, floor.wall * 1000, "ms", more)


def _median(samples: list[_Sample]) -> _Sample:
    """Return the medians of wall and CPU, the greatest memory, and the phases of the first."""
    return _Sample(
        wall=statistics.median(sample.wall for sample in samples),
        cpu=statistics.median(sample.cpu for sample in samples),
        rss=max(sample.rss for sample in samples),
        timings=samples[0].timings,
    )


def write_book(package: Path) -> tuple[int, int]:
    """Write a book of at least `ROWS` rows; return its policies and rows."""
    rows, policies = 0, SAMPLE
    while rows < ROWS:
        if rows:
            # A little more than in proportion: the first policies have more rows than the rest.
            policies = ROWS * policies // rows * 101 // 100 + 1
        shutil.rmtree(package, ignore_errors=True)
        before = timezone.now() - dt.timedelta(hours=1)
        write_example_feed(package, policies=policies, seed=7, today=timezone.localdate(), as_of=before)
        manifest = json.loads((package / "manifest.json").read_text())
        rows = sum(entry["rows"] for entry in manifest["files"].values())
    return policies, rows


def write_changed(package: Path, changed: Path) -> None:
    """Write the package again with other bytes in every file: lines end otherwise, and where a column may have any
    text, every hundredth row has another one."""
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(package, changed)
    manifest = json.loads((changed / "manifest.json").read_text())
    for table_map in table_maps():
        if table_map.file in manifest["files"]:
            path = changed / table_map.file
            _rewrite(package / table_map.file, path, _free_column(table_map))
            with path.open("rb") as stream:
                manifest["files"][table_map.file]["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
    (changed / "manifest.json").write_text(json.dumps(manifest))


def _rewrite(path: Path, changed: Path, free: str) -> None:
    """Write one file again, row by row; `free` is the column that changes, if any does."""
    with path.open(newline="", encoding="utf-8") as stream, changed.open("w", newline="", encoding="utf-8") as out:
        rows, writer = csv.reader(stream), csv.writer(out, lineterminator="\n")
        header = next(rows)
        writer.writerow(header)
        for number, row in enumerate(rows):
            if free and number % ONE_IN == 0:
                row[header.index(free)] = f"{row[header.index(free)][:20]} (changed)".strip()
            writer.writerow(row)


def _free_column(table_map: TableMap) -> str:
    """Return a column whose text means nothing to a rule, or an empty string if the file has none."""
    table = table_map.table
    known = {*table.key_columns, *table.track, *table_map.references_by_column}
    free = (
        column.name
        for column in table.columns
        if column.kind is Kind.TEXT
        and not (column.pattern or column.fault or column.fold or column.store)
        and column.name not in known
        and table_map.stored_in(column) is not None
        and (table_map.max_length(column) or 0) >= 40
    )
    return next(free, "")


@contextmanager
def _measured(sample: _Sample) -> Iterator[None]:
    """Measure what happens inside, on the clock and in CPU of this process and its connection's backend."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pids = [os.getpid(), cursor.fetchone()[0]]
    # Forget the greatest size so far (proc(5)).
    Path("/proc/self/clear_refs").write_text("5")
    wall, cpu = time.perf_counter(), cpu_of(pids)
    yield
    sample.wall = time.perf_counter() - wall
    sample.cpu = (cpu_of(pids) - cpu) / 1000
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    sample.rss = int(peak.split()[1]) // 1024


def _load(package: Path, source: str, sequence: int) -> _Sample:
    """Load the package as the next one of a source."""
    manifest = json.loads((package / "manifest.json").read_text())
    as_of = timezone.now() - dt.timedelta(hours=1)
    manifest |= {"source": source, "sequence": sequence, "as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ")}
    (package / "manifest.json").write_text(json.dumps(manifest))
    sample = _Sample()
    with _measured(sample):
        run = load_package(package)
    if run.status != Run.Status.APPLIED:
        raise RuntimeError(f"The package was not loaded: {run.get_status_display()}. {run.outcome}")
    sample.timings = run.timings
    return sample


def _copy_straight(source: str) -> _Sample:
    """Write the source's rows into the twins by COPY."""
    tables = table_maps()
    sample = _Sample()
    with _twins(tables), connection.cursor() as cursor, tempfile.TemporaryDirectory() as folder:
        saved = [(table_map, _save(table_map, source, Path(folder))) for table_map in tables]
        with _measured(sample), transaction.atomic():
            for table_map, path in saved:
                into = f"COPY {SCHEMA}.{table_map.db_table} ({_columns(table_map)}) FROM STDIN (FORMAT binary)"
                with path.open("rb") as rows, cursor.copy(into) as copy:
                    while chunk := rows.read(CHUNK):
                        copy.write(chunk)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    return sample


def _columns(table_map: TableMap) -> str:
    """Return the table's columns for COPY, without generated ones."""
    with connection.cursor() as names:
        names.execute(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
            "FROM information_schema.columns "
            "WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
            [table_map.model._meta.db_table],  # public in Django's documentation
        )
        return str(names.fetchone()[0])


def _save(table_map: TableMap, source: str, folder: Path) -> Path:
    """Write the source's rows of one table to a file, in PostgreSQL's binary format."""
    path = folder / table_map.table.name
    query = f"SELECT {_columns(table_map)} FROM {table_map.db_table} WHERE source = '{source}'"  # noqa: S608  # our own
    copying = f"COPY ({query}) TO STDOUT (FORMAT binary)"
    with connection.cursor() as reader, path.open("wb") as rows, reader.copy(copying) as copy:
        for chunk in copy:
            rows.write(chunk)
    return path


@contextmanager
def _twins(tables: tuple[TableMap, ...]) -> Iterator[None]:
    """Create empty twins of the tables in a separate schema, with the same defaults, checks, indexes, and keys."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for table_map in tables:
            cursor.execute(
                f"CREATE TABLE {SCHEMA}.{table_map.db_table} (LIKE public.{table_map.db_table} INCLUDING ALL)"
            )
        # Unqualified names in the definitions now mean the twins.
        cursor.execute(f"SET search_path = {SCHEMA}")
        for table_map in tables:
            cursor.execute(
                "SELECT conname, replace(pg_get_constraintdef(oid), 'REFERENCES public.', 'REFERENCES ') "
                "FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
                [f"public.{table_map.db_table}"],
            )
            for name, definition in cursor.fetchall():
                cursor.execute(f'ALTER TABLE {SCHEMA}.{table_map.db_table} ADD CONSTRAINT "{name}" {definition}')
        cursor.execute("SET search_path = public")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {SCHEMA} CASCADE")
