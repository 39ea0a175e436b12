"""Loading the carrier's feed, against COPY of the same rows straight into twins of its tables."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from bench.measure import Figure
from feed.example import write_example_feed
from feed.load.loader import load_package
from feed.load.table_map import TableMap, table_maps
from feed.models import Run

POLICIES = 5_000
SOURCE = "benchmark"
SCHEMA = "bench_floor"


def measure(names: list[str]) -> Iterator[Figure]:
    """Yield the figures `feed_load` (a new book) and `feed_unchanged` (the next package, with nothing different)."""
    if not {"feed_load", "feed_unchanged"} & set(names):
        return
    package = Path(settings.DATA_DIR) / "bench-feed"
    shutil.rmtree(package, ignore_errors=True)
    now = timezone.now()
    before = now - dt.timedelta(hours=1)
    write_example_feed(package, policies=POLICIES, seed=7, today=timezone.localdate(), as_of=before)
    loaded = _load(package, sequence=1, as_of=before, expect=Run.Status.APPLIED)
    unchanged = _load(package, sequence=2, as_of=now, expect=Run.Status.UNCHANGED)
    rows, floor = _copy_straight()
    more = {"policies": POLICIES, "rows": rows}
    for name, seconds in (("feed_load", loaded), ("feed_unchanged", unchanged)):
        if name in names:
            yield Figure(name, seconds * 1000, floor * 1000, "ms", more)


def _load(package: Path, *, sequence: int, as_of: dt.datetime, expect: str) -> float:
    """Return the seconds one load takes, from the benchmark's own source."""
    manifest = json.loads((package / "manifest.json").read_text())
    manifest |= {"source": SOURCE, "sequence": sequence, "as_of": as_of.strftime("%Y-%m-%dT%H:%M:%SZ")}
    (package / "manifest.json").write_text(json.dumps(manifest))
    start = time.perf_counter()
    run = load_package(package)
    seconds = time.perf_counter() - start
    if run.status not in (expect, Run.Status.APPLIED):
        raise RuntimeError(f"The package was not loaded: {run.get_status_display()}. {run.outcome}")
    return seconds


def _copy_straight() -> tuple[int, float]:
    """Return the source's number of rows, and the seconds COPY takes to write them into the twins."""
    tables = table_maps()
    with _twins(tables), connection.cursor() as cursor:
        held = [(table_map, _columns(table_map), _read(table_map)) for table_map in tables]
        start = time.perf_counter()
        with transaction.atomic():
            for table_map, columns, rows in held:
                with cursor.copy(f"COPY {SCHEMA}.{table_map.db_table} ({columns}) FROM STDIN (FORMAT binary)") as copy:
                    for chunk in rows:
                        copy.write(chunk)
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        seconds = time.perf_counter() - start
        count = 0
        for table_map in tables:
            cursor.execute(f"SELECT count(*) FROM {SCHEMA}.{table_map.db_table}")  # noqa: S608  # our own table names
            count += cursor.fetchone()[0]
    return count, seconds


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


def _read(table_map: TableMap) -> list[bytes]:
    """Return the source's rows of one table in PostgreSQL's binary format."""
    with connection.cursor() as reader:
        columns = _columns(table_map)
        query = f"SELECT {columns} FROM {table_map.db_table} WHERE source = '{SOURCE}'"  # noqa: S608  # our own names
        with reader.copy(f"COPY ({query}) TO STDOUT (FORMAT binary)") as copy:
            return [bytes(chunk) for chunk in copy]


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
