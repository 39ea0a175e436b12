"""The demo's tables, and those that an older version made."""

from __future__ import annotations

import pickle

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from demo.tables import OlderDataError, migrate


def replaced(app: str) -> list[str]:
    """Return the names of the migrations that the app's first one replaces."""
    return [name for _, name in MigrationLoader(None).replacements[app, "0001_initial"].replaces]


def forget(app: str, *names: str) -> None:
    """Make the database one in which these migrations haven't run."""
    MigrationRecorder(connection).migration_qs.filter(app=app, name__in=names).delete()


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["accounts", "core", "credentialing", "feed", "policies", "portal"])
@pytest.mark.parametrize("had_run", ["all but the last one", "the first one alone"])
def test_tables_of_an_older_version_end_a_start_with_a_sentence(app: str, had_run: str) -> None:
    MigrationRecorder(connection).record_applied(app, "0001_initial")
    forget(app, *(replaced(app)[-1:] if had_run == "all but the last one" else replaced(app)))
    with pytest.raises(OlderDataError, match=r"An older version of the portal .* manage\.py demo --fresh$"):
        migrate()


@pytest.mark.django_db
def test_tables_without_a_migration_that_others_rest_on_end_a_start_with_a_sentence() -> None:
    forget("auth", "0001_initial")
    with pytest.raises(OlderDataError, match="--fresh") as said:
        migrate()
    # It comes to the command out of a child process.
    assert str(pickle.loads(pickle.dumps(said.value))) == str(said.value)  # noqa: S301  # our own, of this line


@pytest.mark.django_db
def test_tables_that_all_former_migrations_made_are_up_to_date() -> None:
    """They're the same tables."""
    for (app, name), migration in MigrationLoader(None).replacements.items():
        for each in (name, *(former for _, former in migration.replaces)):
            MigrationRecorder(connection).record_applied(app, each)
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    migrate()
