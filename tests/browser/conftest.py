"""Browser tests: Debian's Chromium against the live server, with a worker that does what is enqueued."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from celery.signals import task_postrun
from django.conf import settings as django_settings
from django.db import connection, connections
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from core.system import needs
from embedded.addresses import on_another_day
from embedded.processes import CLOCK
from portal.celery import app

CHROMIUM = needs()["chromium"]
# Ends a test that hangs; a busy machine isn't a mistake.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
# Playwright's own event loop runs in the test's thread; the tests themselves use the database one step at a time.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a browser these tests are skipped, and say what to install."""
    for need in (CHROMIUM, needs()["libatomic"]):
        if need.missing:
            for item in items:
                if "/browser/" in item.path.as_posix():
                    item.add_marker(pytest.mark.skip(reason=need.sentence))


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Return the system's Chromium, quiet, and without its sandbox where root runs it (it refuses otherwise).

    On another day it keeps the real clock, as a visitor's may be wrong: with a moved one, it hardly starts.
    """
    real = {name: value for name, value in os.environ.items() if name not in CLOCK} if on_another_day() else {}
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    own = {"executable_path": CHROMIUM.program, "args": [*quiet, *sandbox, "--disable-gpu"]}
    return {**browser_type_launch_args, **own, **({"env": real} if real else {})}


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Yield a Celery worker for every queue, in a thread of this process, on the tests' database and Redis."""
    queues = ",".join(django_settings.CELERY_TASK_QUEUES_NAMES)

    def close_connections(**_: object) -> None:
        """In the worker's own thread: an open connection would keep the tests' database from being dropped."""
        connections.close_all()

    task_postrun.connect(close_connections)
    try:
        with start_worker(app, pool="solo", perform_ping_check=False, queues=queues, loglevel="WARNING"):
            yield
    finally:
        task_postrun.disconnect(close_connections)


@pytest.fixture
def site(live_server: LiveServer, worker: None) -> Iterator[str]:
    """Yield the portal's address, with everything running behind it."""
    yield str(live_server.url).replace("127.0.0.1", "localhost")
    # The server's threads keep their connections for as long as the browser keeps its own.
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture
def other_browser(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Open a page in a browser that shares nothing with the first one."""
    contexts: list[BrowserContext] = []

    def open_page() -> Page:
        contexts.append(browser.new_context())
        return contexts[-1].new_page()

    yield open_page
    for context in contexts:
        context.close()
