"""Background work survives what happens to the services around it."""

import pytest
from celery.signals import task_prerun
from django.conf import settings
from django.db import OperationalError, connection, connections

from portal.celery import app


def test_the_broker_is_set_as_decided() -> None:
    assert app.conf.result_backend is None
    assert app.conf.task_acks_late
    assert app.conf.task_reject_on_worker_lost
    options = app.conf.broker_transport_options
    assert (options["visibility_timeout"], options["unacked_restore_interval"]) == (300, 1)
    assert options["unacked_restore_throttle"] == 1
    # The name that Celery's Django support reads, not one of its own settings.
    assert app.conf.get("CELERY_DB_REUSE_MAX") >= 10_000


def queue_of(name: str) -> str:
    """Return the queue that a message for this task goes to: the task's own, or by route, or the default one."""
    own = getattr(app.tasks[name], "queue", None)
    return str(app.amqp.router.route({"queue": own} if own else {}, name)["queue"].name)


def test_every_scheduled_task_exists_and_goes_to_a_queue_that_a_worker_serves() -> None:
    app.loader.import_default_modules()

    for entry in app.conf.beat_schedule.values():
        assert queue_of(entry["task"]) in settings.CELERY_TASK_QUEUES_NAMES


def test_every_task_goes_to_a_queue_that_a_worker_serves() -> None:
    app.loader.import_default_modules()

    ours = [name for name in app.tasks if not name.startswith("celery.")]
    assert ours
    assert {queue_of(name) for name in ours} <= set(settings.CELERY_TASK_QUEUES_NAMES)


@pytest.mark.django_db(transaction=True)
def test_a_task_after_a_restart_of_the_database_gets_a_connection_that_works() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [pid] = cursor.fetchone()
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 1")

    task_prerun.send(sender=None)

    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)
