"""The services that the tests run on, and what every test may rely on."""

import os

import pytest

from portal.embedded import client
from portal.embedded.processes import EmbeddedError


def pytest_sessionstart(session: pytest.Session) -> None:
    """Starts one PostgreSQL and one Redis for the whole run; the xdist workers use those of their parent."""
    if "PYTEST_XDIST_WORKER" in os.environ or session.config.option.collectonly:
        return
    from django.conf import settings

    if not settings.EMBEDDED_SERVICES:
        return
    try:
        client.start(settings.DATA_DIR)
    except EmbeddedError as error:
        pytest.exit(f"The embedded services did not start. {error}", returncode=3)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the services that this process has started."""
    client.stop_all()


@pytest.fixture(autouse=True)
def _clean_redis() -> None:
    """Each test starts with an empty cache and empty queues (its worker's own Redis database)."""
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.REDIS_URL) as connection:
        connection.flushdb()
