"""A second database of the same cluster, for a book of another size beside the first."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, connections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.backends.base.base import BaseDatabaseWrapper

_open: dict[str, BaseDatabaseWrapper] = {}


@contextmanager
def database(name: str) -> Iterator[None]:
    """Within this block everything asks the database of that name, over a connection that stays open."""
    own = connections[DEFAULT_DB_ALIAS]
    if name not in _open:
        other = connections.create_connection(DEFAULT_DB_ALIAS)
        other.settings_dict = {**own.settings_dict, "NAME": name}
        _open[name] = other
    connections[DEFAULT_DB_ALIAS] = _open[name]
    # Django keeps these rows in the process; their ids are the database's.
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = own
        ContentType.objects.clear_cache()


def exists(name: str) -> bool:
    """Whether the cluster has a database of that name."""
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def create(name: str) -> None:
    """Create an empty database."""
    connection = connections[DEFAULT_DB_ALIAS]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {connection.ops.quote_name(name)}")
