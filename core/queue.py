"""Putting work in a queue, so that a broker that is down never breaks the page (docs/security.md#failure).

Rows are the state: before a task is enqueued, a row says what is owed, and beat enqueues stale rows again.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

import redis
import structlog
from celery import Task, current_app
from celery.signals import before_task_publish, task_postrun, task_prerun
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from core.origin import acting_by_itself, current_origin

REQUEST_ID = "portal_request_id"
# What is bound for each task that runs in this process.
_bound: dict[str, ExitStack] = {}
log = structlog.get_logger(__name__)


def enqueue(task: str, *args: Any) -> bool:
    """Hand a task, by its name, to its queue now. False, and a line in the log, where the broker can't be reached.

    By name, so that services and tasks don't import each other.
    """
    try:
        current_app.send_task(task, args=args)
    except (OperationalError, RedisError, OSError) as error:
        # No traceback: it would say nothing but this place, once for every page while the broker is down.
        log.error("queue_unreachable", task=task, error=type(error).__name__)  # noqa: TRY400
        return False
    return True


def enqueue_on_commit(task: str, *args: Any) -> None:
    """Hand a task to its queue once the transaction has committed; the arguments are ids, nothing personal."""
    transaction.on_commit(partial(enqueue, task, *args))


def queue_of(task: str) -> str:
    """Return the queue that a task goes to, by its name."""
    return str(current_app.amqp.router.route({}, task)["queue"].name)


def waiting(queue: str) -> int | None:
    """How many tasks wait in a queue; None where the broker can't be reached. Gives up after a second."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
            return int(client.llen(queue))
    except (RedisError, OSError) as error:
        log.warning("queue_unreachable", queue=queue, error=type(error).__name__)
        return None


@before_task_publish.connect(dispatch_uid="core.queue.send_request_id")
def send_request_id(headers: dict[str, Any], **_kwargs: object) -> None:
    """Give the message the id of the request that enqueues it."""
    headers.setdefault(REQUEST_ID, current_origin().request_id)


@task_prerun.connect(dispatch_uid="core.queue.bind_request_id")
def bind_request_id(task_id: str, task: Task[Any, Any], **_kwargs: object) -> None:
    """Bind the id that came with the message: the task's log lines and events carry it. Nobody acts in a task."""
    request_id = str(task.request.get(REQUEST_ID) or "")
    stack = _bound[task_id] = ExitStack()
    stack.enter_context(acting_by_itself(request_id))
    if request_id:
        stack.enter_context(structlog.contextvars.bound_contextvars(request_id=request_id))


@task_postrun.connect(dispatch_uid="core.queue.unbind_request_id")
def unbind_request_id(task_id: str, **_kwargs: object) -> None:
    """Unbind it: the next task in this process belongs to another request."""
    stack = _bound.pop(task_id, None)
    if stack is not None:
        stack.close()
