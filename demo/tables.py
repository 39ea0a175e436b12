"""The tables of the demo's database."""

from __future__ import annotations

import gc

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import InconsistentMigrationHistory, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder


class OlderDataError(Exception):
    """The tables are of an older version, and nothing leads from there to here; the message says what to do."""


def migrate() -> None:
    """Bring the database's tables up to date, in a process that ends before its garbage is worth collecting.

    Raises OlderDataError.
    """
    gc.disable()
    if stopped_halfway():
        raise OlderDataError(what_to_do())
    try:
        call_command("migrate", verbosity=0, interactive=False)
    except (InconsistentMigrationHistory, NodeNotFoundError) as error:
        raise OlderDataError(what_to_do()) from error


def stopped_halfway() -> bool:
    """Whether some of the migrations that another one replaces have run, but not all.

    The missing ones are no longer there (docs/decisions/0168-one-migration-per-app.md).
    """
    have_run = MigrationRecorder(connection).applied_migrations()
    # Without a connection, it looks at the files only.
    for key, migration in MigrationLoader(None).replacements.items():
        steps = {key, *migration.replaces}
        if not steps.isdisjoint(have_run) and not have_run.keys() >= set(migration.replaces):
            return True
    return False


def what_to_do() -> str:
    """Return the sentence for the person who started the demo."""
    return (
        f"An older version of the portal made the data in {settings.DATA_DIR}, and this version can't use it. "
        "Start with --fresh to delete it, as in: manage.py demo --fresh"
    )
