"""Yearly partitions of the event log, and its retention (docs/security.md#audit).

Rows can't be deleted one by one, so what is past its time goes with its whole partition. A default partition catches
whatever falls outside the years that exist, so that an event is never lost.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from core.events import LogEvent, record_event

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

PARENT = "core_event"


def partition_name(year: int) -> str:
    """The table that holds one year's events."""
    return f"{PARENT}_{year}"


def existing_years(using: BaseDatabaseWrapper = connection) -> list[int]:
    """The years that have a partition of their own, oldest first."""
    with using.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'core_event'::regclass"
        )
        names = [name.removeprefix(f"{PARENT}_") for (name,) in cursor.fetchall()]
    return sorted(int(name) for name in names if name.isdigit())


def add_year(year: int, using: BaseDatabaseWrapper = connection) -> bool:
    """Give a year its partition. False where it has one, or where the default partition holds rows of it already
    (they stay there: rows can't be moved without deleting them)."""
    if year in existing_years(using):
        return False
    bounds = [f"{year}-01-01 00:00:00+00", f"{year + 1}-01-01 00:00:00+00"]
    with transaction.atomic(using=using.alias), using.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM core_event_default WHERE at >= %s AND at < %s)",
            bounds,
        )
        (taken,) = cursor.fetchone()
        if taken:
            return False
        name = partition_name(year)
        cursor.execute(f"CREATE TABLE {name} PARTITION OF {PARENT} FOR VALUES FROM (%s) TO (%s)", bounds)
        cursor.execute(
            f"CREATE TRIGGER no_truncate_partition BEFORE TRUNCATE ON {name} "
            "FOR EACH STATEMENT EXECUTE FUNCTION core_event_refuse()"
        )
        cursor.execute(f"ALTER TABLE {name} ENABLE ALWAYS TRIGGER no_truncate_partition")
    return True


def may_keep_partitions() -> bool:
    """Whether this process may: partitions are made and dropped by the role that owns the table, which need not be the
    portal's own (docs/operators.md)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'core_event'::regclass")
        return bool(cursor.fetchone()[0])


def keep_partitions(now: datetime | None = None) -> tuple[list[int], list[int]]:
    """Make sure that this year and the next have partitions, and drop the years that are past retention as a whole.

    Returns the years added and the years dropped.
    """
    now = (now or timezone.now()).astimezone(UTC)
    added = [year for year in (now.year, now.year + 1) if add_year(year)]
    # A year's last event is past its time when as many whole years have followed: leap days make no difference.
    dropped = [year for year in existing_years() if year + settings.EVENT_RETENTION_YEARS < now.year]
    for year in dropped:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {partition_name(year)}")
            record_event(LogEvent.YEARS_DROPPED, year=year)
    return added, dropped
