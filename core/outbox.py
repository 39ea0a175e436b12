"""Publishing to the outbox (docs/architecture.md#outbox). Areas announce handlers by topic, as
dotted paths to callables `(payload: dict, *, key: str)`; each may be called twice with the same key and must do its
work once."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from core import work
from core.areas import outbox_handlers
from core.models import OutboxMessage
from core.setwise import insert_sql


def publish(topic: str, payload: dict[str, Any], *, key: str) -> None:
    """Store a message in the current transaction; a topic and key that were published before are left alone.

    payload: JSON with public ids, nothing personal. Raises RuntimeError outside a transaction: a transition and its
    message must stand or fall together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("Call publish() inside the transaction that makes the change.")
    message, created = OutboxMessage.objects.get_or_create(topic=topic, key=key, defaults={"payload": payload})
    if created:
        work.hand_over(message)


def deliver(message_id: int) -> None:
    """Hand one message to its topic's handlers. Runs in a worker.

    A handler's own error goes on, and the message comes back, later each time.
    """
    with work.attempt(OutboxMessage, message_id) as message:
        if message is None:
            return
        for path in outbox_handlers(message.topic):
            import_string(path)(message.payload, key=message.key)
        OutboxMessage.objects.filter(pk=message.pk).update(
            status=OutboxMessage.Status.DELIVERED, delivered_at=timezone.now()
        )


def publish_sql(found: str) -> str:
    """Return an INSERT that publishes one message for each row of the query `found`, for the carrier feed.

    `found` has the columns `key` and `payload`. The statement takes the parameters `now` and `topic`, and whatever
    `found` takes. What was published before under the same key is left alone. Beat hands the messages over.
    """
    columns = {
        "topic": "%(topic)s",
        "key": "found.key",
        "payload": "found.payload",
        "status": f"'{OutboxMessage.QUEUED}'",
        "created_at": "%(now)s",
        "enqueued_at": "%(now)s",
    }
    return f"{insert_sql(OutboxMessage, columns, found)} ON CONFLICT (topic, key) DO NOTHING"


def published_sql() -> str:
    """Return a query of the messages that the carrier feed published at `%(now)s`: `topic` and `payload`."""
    table = OutboxMessage._meta.db_table
    return (
        f"SELECT topic, payload FROM {table} "  # noqa: S608  # our own names
        f"WHERE status = '{OutboxMessage.QUEUED}' AND enqueued_at = %(now)s"
    )
