"""The Celery application; its settings are Django's, with the prefix CELERY_."""

import os

from celery import Celery
from celery.signals import setup_logging, task_prerun

import portal.workers  # noqa: F401  # answers Celery's signals by heartbeats

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

# How long a page waits for a broker that accepts a connection and then says nothing.
WEB_BROKER_SECONDS = 3

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_logging(**_kwargs: object) -> None:
    """Celery leaves the logs alone where somebody answers this signal: Django has set them up already."""


@task_prerun.connect
def renew_connections(**_kwargs: object) -> None:
    """Before each task, as Django does before each request: a connection that is too old or broken is closed.

    Workers keep theirs (CELERY_DB_REUSE_MAX), and without this a restart of PostgreSQL would fail every task after it.
    """
    from django.db import close_old_connections

    close_old_connections()


def give_up_soon() -> None:
    """Wait a few seconds for a broker that hangs, not the half minute that workers wait: people are waiting for a page
    (docs/security.md#failure). For web processes."""
    app.conf.broker_transport_options = {**app.conf.broker_transport_options, "socket_timeout": WEB_BROKER_SECONDS}
