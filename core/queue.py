"""Putting work in a queue, so that a broker that is down never breaks the page (docs/security.md#failure).

Rows are the state: whoever enqueues has stored a row that says what is owed, and beat enqueues stale rows again.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import redis
import structlog
from celery import Task
from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)


def enqueue(task: Task[Any, Any], *args: Any) -> bool:
    """Hand a task to its queue now. False, and a line in the log, where the broker can't be reached."""
    try:
        task.apply_async(args=args)
    except (OperationalError, RedisError, OSError) as error:
        # No traceback: it would say nothing but where we stand, once for every page while the broker is down.
        log.error("queue_unreachable", task=task.name, error=type(error).__name__)  # noqa: TRY400
        return False
    return True


def enqueue_on_commit(task: Task[Any, Any], *args: Any) -> None:
    """Hand a task to its queue once the transaction has committed; the arguments are ids, nothing personal."""
    transaction.on_commit(partial(enqueue, task, *args))


def waiting(queue: str) -> int | None:
    """How many tasks wait in a queue; None where the broker can't be reached. Gives up after a second."""
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1) as client:
            return int(client.llen(queue))
    except (RedisError, OSError) as error:
        log.warning("queue_unreachable", queue=queue, error=type(error).__name__)
        return None
