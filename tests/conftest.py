"""The services that the tests run on, and what every test may rely on."""

from __future__ import annotations

import os
import signal
import time
import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from embedded import client
from embedded.addresses import on_another_day
from embedded.processes import EmbeddedError, end_with_parent

if TYPE_CHECKING:
    from django.conf import LazySettings
    from django.db.backends.base.operations import BaseDatabaseOperations as DatabaseOperations
    from django.test import Client
    from pytest_django.plugin import DjangoDbBlocker
    from redis import Redis

    from accounts.models import User
    from tests.cast import Browse, Cast
    from tests.leaks import Watch


# No test is bound to a time: a busy machine isn't a mistake.
hypothesis.settings.register_profile("portal", deadline=None)
hypothesis.settings.load_profile("portal")


def pytest_configure(config: pytest.Config) -> None:
    """INT and TERM end the run in order, even where a shell has set INT to be ignored; so does the end of `make`."""
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    if is_worker or os.environ.get("PORTAL_END_WITH_PARENT"):
        end_with_parent(signal.SIGTERM)


# Files with the longest tests.
LONG = (
    "portal/test_compose.py",
    "docs/test_adding_an_area.py",
    "demo/test_demo.py",
    "demo/test_develop.py",
    "test_fuzz.py",
    "feed/test_sequences.py",
    "embedded/test_embedded.py",
    "accounts/test_outages.py",
    "browser/test_axe.py",
    "credentialing/test_killed_batches.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests come first: an xdist worker that is done can take over short ones of the other, but not half a one."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start one PostgreSQL and one Redis for the whole run; the xdist workers use those of their parent."""
    if session.config.option.collectonly:
        return
    if "PYTEST_XDIST_WORKER" in os.environ:
        copy_what_is_migrated(session, make=False)
        return
    from django.conf import settings

    from portal.checks import missing_pango

    if missing := missing_pango():
        pytest.exit(missing, returncode=3)
    if not settings.EMBEDDED_SERVICES:
        return
    try:
        client.start(settings.DATA_DIR)
    except EmbeddedError as error:
        pytest.exit(f"The embedded services did not start. {error}", returncode=3)
    if on_another_day():
        refuse_servers_of_yet_another_day(settings)
    copy_what_is_migrated(session, make=True)


def copy_what_is_migrated(session: pytest.Session, *, make: bool) -> None:
    """Copy the tests' databases from one with the migrations applied; the process that starts the servers makes it."""
    from django.conf import settings
    from pytest_django.plugin import blocking_manager_key

    from tests import migrated

    if not settings.EMBEDDED_SERVICES:
        return
    name = migrated.name_of_it()
    if make:
        migrated.make(name, unblocked=session.config.stash[blocking_manager_key].unblock())
    migrated.copy_from_it(name)


def refuse_servers_of_yet_another_day(settings: LazySettings) -> None:
    """Both servers go by the clock of the process that started them: a second run may have another one."""
    import psycopg
    import redis

    database = settings.DATABASES["default"]
    with psycopg.connect(
        host=database["HOST"], port=database["PORT"], user=database["USER"], dbname=database["NAME"]
    ) as connection:
        (postgres,) = typing.cast(
            "tuple[float]", connection.execute("SELECT extract(epoch FROM now())::float8").fetchone()
        )
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        seconds, _ = client.time()
    if max(abs(postgres - time.time()), abs(seconds - time.time())) > 60:
        pytest.exit("The embedded services run on yet another day: wait until the other run has ended.", returncode=3)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the services that this process has started."""
    client.stop_all()


@pytest.fixture(scope="session", name="own_redis")
def _own_redis() -> Iterator[Redis]:
    """Yield a connection to the worker's own Redis database; each test asks it something before and after."""
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _clean_redis(own_redis: Redis) -> None:
    """Each test starts with an empty cache and empty queues."""
    own_redis.flushdb()


@pytest.fixture(scope="session", name="the_watch")
def _the_watch() -> Iterator[Watch]:
    """Watch for secrets where none may be (tests/leaks.py)."""
    from tests.leaks import watching

    with watching() as watch:
        yield watch


@pytest.fixture(autouse=True)
def _no_secret_leaks(the_watch: Watch, own_redis: Redis, _clean_redis: None) -> Iterator[None]:
    """Fail a test that leaves a code, password, token, or seed in the log, a task's message, Redis, or an address."""
    from tests.leaks import look_into_redis

    the_watch.begin()
    yield
    if the_watch.secrets:
        look_into_redis(the_watch, own_redis)
        found = the_watch.leaks()
        assert not found, "\n".join(found)


@pytest.fixture(autouse=True)
def _nothing_is_closed() -> None:
    """Each test starts with a portal that is open, and that knows it."""
    from portal.maintenance import closing

    closing.forget()
    closing.know(())


# What migrations made, and every test finds: a flush leaves it, so that nothing has to make it again.
KEPT = {
    "django_content_type",
    "auth_permission",
    "django_migrations",
    "credentialing_lossrunrule",
    "policies_fraudwarning",
}


@pytest.fixture(autouse=True, scope="session")
def _flush_what_a_test_left() -> Iterator[None]:
    """Let a test with real transactions leave empty tables, at the cost of the rows that it wrote.

    Django truncates every table, and makes permissions again. Here, rows are deleted where there are any. Triggers of
    the event log and of legal evidence refuse that whatever a session sets; this flush alone goes past them, as the
    tables' owner.
    """
    from django.core.management.commands import flush as command
    from django.db import connection, transaction

    def flush(self: DatabaseOperations, _sql_list: list[str]) -> None:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            tables = [f'"{name}"' for name in self.connection.introspection.table_names(cursor) if name not in KEPT]
            # Names of the catalogue, quoted.
            asked = (f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)  # noqa: S608
            cursor.execute(" UNION ALL ".join(asked))
            full = [table for (table,) in cursor.fetchall()]
            cursor.execute(
                "SELECT format('\"%s\"', relname), tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
                "WHERE tgenabled = 'A'"
            )
            triggers = [(table, name) for table, name in cursor.fetchall() if table in full]
            for table, trigger in triggers:
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
            for table in full:
                cursor.execute(f"DELETE FROM {table}")  # noqa: S608
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for table, trigger in triggers:
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")

    kind = type(connection.ops)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kind, "execute_sql_flush", flush)
        patch.setattr(command, "emit_post_migrate_signal", lambda *_args, **_kwargs: None)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """End the sessions that are left when the tests have ended: a database that one still uses can't be dropped.

    The server that browsers talk to is the last to let go of its connections. The question goes over a connection of
    its own: while Playwright's event loop runs, Django keeps another connection for this thread than before and after,
    and the browser tests have ended that one.
    """
    yield
    from django.db import connections

    own = connections.create_connection("default")
    with django_db_blocker.unblock(), own.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    own.close()


# The cast is imported when it is needed: its models want Django set up, with the services that it runs on.


@pytest.fixture(name="cast")
def the_cast(db: None) -> Cast:
    """Return the people and policies that tests speak of (tests/cast.py)."""
    from tests.cast import make_cast

    return make_cast()


@pytest.fixture
def browse() -> Browse:
    """Return what signs a user in, and returns their test client."""
    from tests.cast import browser_of

    return browser_of


@pytest.fixture
def ada(db: None) -> User:
    """Has an authenticator, once a test asks for `adas_app` or signs her in."""
    from tests.factories import UserFactory

    return UserFactory.create(username="ada", first_name="Ada", last_name="Byron")


@pytest.fixture
def stan(db: None) -> User:
    """Is a superuser."""
    from tests.factories import UserFactory

    return UserFactory.create(username="stan", first_name="Stan", last_name="Webb", is_staff=True, is_superuser=True)


@pytest.fixture
def staff(stan: User) -> Client:
    """Return Stan's browser: what is refused here is refused to everyone."""
    from tests.cast import browser_of

    return browser_of(stan)
