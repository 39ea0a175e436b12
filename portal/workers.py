"""Signs of life of the Celery workers: each tells Redis every ten seconds which queues it serves.

A thread of its own, since a worker without a pool is busy with its task and answers nothing else meanwhile. The
schedule (beat) signs whenever it has handed over a task, which it does every few seconds: a thread would outlive it.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import redis
import structlog
from celery.signals import after_task_publish, beat_init, worker_ready, worker_shutdown
from django.conf import settings

log = structlog.get_logger(__name__)
BEAT_SECONDS = 10
# A worker that has not been heard of for so long counts as gone.
GONE_SECONDS = 35
# Under this name the schedule signs, beside the queues of the workers.
BEAT = "beat"
_stop = threading.Event()


def connect() -> redis.Redis:
    """A connection that gives up after a second: whoever asks for health wants an answer."""
    client: redis.Redis = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1, decode_responses=True
    )
    return client


def key(queue: str) -> str:
    """The sorted set of a queue's workers: name → time of the last sign of life, in seconds since 1970."""
    return f"portal:workers:{queue}"


def sign(client: redis.Redis, *, name: str, queues: list[str], now: float) -> None:
    """Writes one sign of life for each queue and forgets the workers that have gone."""
    with client.pipeline() as pipe:
        for queue in queues:
            pipe.zadd(key(queue), {name: now})
            pipe.zremrangebyscore(key(queue), 0, now - 10 * GONE_SECONDS)
        pipe.execute()


def working(client: redis.Redis, *, now: float) -> dict[str, int]:
    """How many workers serve each queue; raises redis.RedisError where Redis does not answer."""
    with client.pipeline() as pipe:
        for queue in settings.CELERY_TASK_QUEUES_NAMES:
            pipe.zcount(key(queue), now - GONE_SECONDS, "+inf")
        return dict(zip(settings.CELERY_TASK_QUEUES_NAMES, pipe.execute(), strict=True))


def waiting(client: redis.Redis) -> dict[str, int]:
    """How many tasks wait in each queue; raises redis.RedisError where Redis does not answer."""
    with client.pipeline() as pipe:
        for queue in settings.CELERY_TASK_QUEUES_NAMES:
            pipe.llen(queue)
        return dict(zip(settings.CELERY_TASK_QUEUES_NAMES, pipe.execute(), strict=True))


@worker_ready.connect
def start_signs(sender: Any, **_kwargs: object) -> None:
    """Starts the thread once the worker takes tasks."""
    name = str(sender.hostname)
    queues = [str(queue) for queue in sender.app.amqp.queues.consume_from]
    threading.Thread(target=_signs, args=(name, queues), name="signs-of-life", daemon=True).start()


@worker_shutdown.connect
def stop_signs(**_kwargs: object) -> None:
    """Ends the thread with the worker."""
    _stop.set()


@beat_init.connect
def start_signs_of_beat(**_kwargs: object) -> None:
    """In the process of the schedule, each task that is handed over is a sign of life."""
    after_task_publish.connect(_sign_of_beat)


def _sign_of_beat(**_kwargs: object) -> None:
    try:
        with connect() as client:
            sign(client, name=f"{BEAT}@{socket.gethostname()}", queues=[BEAT], now=time.time())
    except redis.RedisError as error:
        log.warning("sign of life not written", error=type(error).__name__)


def _signs(name: str, queues: list[str]) -> None:
    with connect() as client:
        while True:
            try:
                sign(client, name=name, queues=queues, now=time.time())
            except redis.RedisError as error:
                log.warning("sign of life not written", error=type(error).__name__)
            if _stop.wait(BEAT_SECONDS):
                return
