"""Heartbeats of the Celery workers: each tells Redis every ten seconds which queues it serves, and what it has counted.

They come from a separate thread, because a worker without a pool answers nothing while it works on a task. The
scheduler (beat) sends one whenever it hands over a task, which happens every few seconds: a thread might outlive it.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import redis
import structlog
from celery.signals import after_task_publish, beat_init, worker_ready, worker_shutdown
from django.conf import settings
from prometheus_client import REGISTRY

log = structlog.get_logger(__name__)
BEAT_SECONDS = 10
# A worker that hasn't been heard from for this long counts as gone.
GONE_SECONDS = 35
# The scheduler's name, next to the workers' queues.
BEAT = "beat"
# What all workers have counted.
COUNTED = "portal:counted"
_stop = threading.Event()


def connect() -> redis.Redis:
    """Return a connection that gives up after a second: a health check wants an answer."""
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, decode_responses=True
    )
    return client


def key(queue: str) -> str:
    """Return the sorted set of a queue's workers: name → time of the last heartbeat, in seconds since 1970."""
    return f"portal:workers:{queue}"


def sign(client: redis.Redis, *, name: str, queues: list[str], now: float) -> None:
    """Write one heartbeat for each queue, and forget workers that are gone."""
    with client.pipeline() as pipe:
        for queue in queues:
            pipe.zadd(key(queue), {name: now})
            pipe.zremrangebyscore(key(queue), 0, now - 10 * GONE_SECONDS)
        pipe.execute()


def counted() -> dict[str, float]:
    """Return this process's own counters of the portal, by name and labels."""
    return {
        json.dumps([family.name, sample.labels]): sample.value
        for family in REGISTRY.collect()
        if family.type == "counter" and family.name.startswith("portal_")
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def tell(client: redis.Redis, told: dict[str, float]) -> dict[str, float]:
    """Add what was counted since `told` to what all workers have counted, and return what is told now."""
    now = counted()
    changed = {field: value - told.get(field, 0) for field, value in now.items() if value != told.get(field, 0)}
    with client.pipeline() as pipe:
        for field, value in changed.items():
            pipe.hincrbyfloat(COUNTED, field, value)
        pipe.execute()
    return now


def all_counted(client: redis.Redis) -> dict[str, list[tuple[dict[str, str], float]]]:
    """Return what all workers have counted: for each counter its labels and values."""
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for field, value in client.hgetall(COUNTED).items():
        name, labels = json.loads(field)
        found.setdefault(name, []).append((labels, float(value)))
    return found


def working(client: redis.Redis, *, now: float) -> dict[str, int]:
    """Return the number of workers of each queue; raise redis.RedisError if Redis doesn't answer."""
    with client.pipeline() as pipe:
        for queue in settings.CELERY_TASK_QUEUES_NAMES:
            pipe.zcount(key(queue), now - GONE_SECONDS, "+inf")
        return dict(zip(settings.CELERY_TASK_QUEUES_NAMES, pipe.execute(), strict=True))


def waiting(client: redis.Redis) -> dict[str, int]:
    """Return the number of tasks waiting in each queue; raise redis.RedisError if Redis doesn't answer."""
    with client.pipeline() as pipe:
        for queue in settings.CELERY_TASK_QUEUES_NAMES:
            pipe.llen(queue)
        return dict(zip(settings.CELERY_TASK_QUEUES_NAMES, pipe.execute(), strict=True))


@worker_ready.connect
def start_signs(sender: Any, **_kwargs: object) -> None:
    """Start the thread once the worker takes tasks."""
    name = str(sender.hostname)
    queues = [str(queue) for queue in sender.app.amqp.queues.consume_from]
    threading.Thread(target=_signs, args=(name, queues), name="signs-of-life", daemon=True).start()


@worker_shutdown.connect
def stop_signs(**_kwargs: object) -> None:
    """End the thread with the worker."""
    _stop.set()


@beat_init.connect
def start_signs_of_beat(**_kwargs: object) -> None:
    """Count each task that the scheduler hands over as its heartbeat."""
    after_task_publish.connect(_sign_of_beat)


def _sign_of_beat(**_kwargs: object) -> None:
    try:
        with connect() as client:
            sign(client, name=f"{BEAT}@{socket.gethostname()}", queues=[BEAT], now=time.time())
    except redis.RedisError as error:
        log.warning("heartbeat not written", error=type(error).__name__)


def _signs(name: str, queues: list[str]) -> None:
    told: dict[str, float] = {}
    with connect() as client:
        while True:
            try:
                sign(client, name=name, queues=queues, now=time.time())
                told = tell(client, told)
            except redis.RedisError as error:
                log.warning("heartbeat not written", error=type(error).__name__)
            if _stop.wait(BEAT_SECONDS):
                return
