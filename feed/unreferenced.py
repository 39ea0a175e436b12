"""Files of packages that no row names: left by a load that didn't end, or replaced (docs/operators.md#documents).

A load may be about to name a file that was left behind, because it's stored already. So nothing is removed while a load
is running, and none begins meanwhile: both hold the loads' own lock, and what rows name is asked again under it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from django.core.files.storage import Storage
from django.db import connection, transaction
from django.utils import timezone

from core.storage import private_storage
from feed.load.run_lock import take_load_lock
from feed.load.table_map import TableMap, table_maps

# A file without a row is kept this long.
KEPT_FOR = dt.timedelta(days=1)
# Loads wait for so many removals at most.
AT_ONCE = 200

# Folder of the private storage → the tables and fields that name its files.
Owners = Mapping[str, Sequence[tuple[TableMap, str]]]


def owners() -> Owners:
    """Return what names files, for each folder that such files are removed from."""
    found: dict[str, list[tuple[TableMap, str]]] = {}
    for table_map in table_maps():
        for column in table_map.files:
            if column.use and column.use.folder:
                found.setdefault(column.use.folder, []).append((table_map, column.use.fields["name"]))
    return found


def remove_unreferenced() -> int:
    """Remove files that are older than a day and that no row names, retired ones included. Return how many.

    Stops as soon as a load is running; the next time goes on.
    """
    storage, removed = private_storage(), 0
    for folder, tables in owners().items():
        old = _unnamed_and_old(storage, folder, tables)
        while names := list(islice(old, AT_ONCE)):
            with transaction.atomic(), connection.cursor() as cursor:
                if not take_load_lock(cursor, wait=False):
                    return removed
                for name in set(names) - _named(names, tables):
                    storage.delete(name)
                    removed += 1
    return removed


def _unnamed_and_old(storage: Storage, folder: str, tables: Sequence[tuple[TableMap, str]]) -> Iterator[str]:
    """Yield the files of a folder that no row names now and that were stored more than a day ago."""
    before = timezone.now() - KEPT_FOR
    for names in _files(storage, folder):
        for name in sorted(set(names) - _named(names, tables)):
            if storage.get_modified_time(name) < before:
                yield name


def _files(storage: Storage, folder: str) -> Iterator[list[str]]:
    """Yield the names of a folder's files, folder by folder."""
    try:
        below, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    yield [f"{folder}/{name}" for name in files]
    for name in below:
        yield from _files(storage, f"{folder}/{name}")


def _named(names: Sequence[str], tables: Sequence[tuple[TableMap, str]]) -> set[str]:
    """Return those of the files that a row names."""
    named: set[str] = set()
    for table_map, field in tables:
        rows = table_map.model.objects.filter(**{f"{field}__in": names})  # type: ignore[attr-defined]  # every model has a manager
        named.update(rows.order_by().values_list(field, flat=True))
    return named
