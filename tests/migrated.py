"""The database that the tests' own databases are copied from: it holds what the migrations make.

To run the migrations takes Django a quarter of a minute, to copy their outcome a second. The copy is kept in the tests'
cluster from run to run, under a name that changes with any migration. On a PostgreSQL that
`DATABASE_URL` names, none is made.
"""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

PREFIX = "portal_migrated_"
MAKING = f"{PREFIX}in_the_making"


def name_of_it() -> str:
    """Return the name that goes with the migrations as they are, those of other packages included."""
    digest = hashlib.sha256()
    for key, migration in sorted(MigrationLoader(None, ignore_no_migrations=True).disk_migrations.items()):
        digest.update(repr((key, inspect.getsource(inspect.getmodule(type(migration))))).encode())  # type: ignore[arg-type]
    digest.update(repr(sorted(config.name for config in apps.get_app_configs())).encode())
    return PREFIX + digest.hexdigest()[:16]


def copy_from_it(name: str) -> None:
    """Let the test database of this process be a copy."""
    tests: dict[str, Any] = settings.DATABASES["default"]["TEST"]
    tests["TEMPLATE"] = name


def make(name: str, *, unblocked: AbstractContextManager[None]) -> None:
    """Make it, unless it is there, and drop those of former migrations."""
    with unblocked, connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]  # as Django's own tests do
        # One run at a time: a second one beside it finds it made.
        cursor.execute("SELECT pg_advisory_lock(hashtext(%s))", [PREFIX])
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX])
        there = {row[0] for row in cursor.fetchall()}
        for former in there - {name}:
            cursor.execute(f'DROP DATABASE "{former}" WITH (FORCE)')
        if name in there:
            return
        cursor.execute(f'CREATE DATABASE "{MAKING}"')
        usual = connection.settings_dict["NAME"]
        connection.close()
        connection.settings_dict["NAME"] = MAKING
        try:
            call_command("migrate", verbosity=0, interactive=False)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = usual
        # Renamed last: what a run leaves half-made when it is ended isn't taken for whole.
        cursor.execute(f'ALTER DATABASE "{MAKING}" RENAME TO "{name}"')
