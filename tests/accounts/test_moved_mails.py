"""Mails that waited in the outbox when mails became rows of their own."""

from __future__ import annotations

import json

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import AccountLink, Purpose
from core.models import Mail, OutboxMessage
from tests.factories import UserFactory

BEFORE = [("accounts", "0005_guessing_and_factors"), ("core", "0003_append_only")]


def put_into_the_outbox(topic: str, key: str, payload: dict[str, object], status: str = "waiting") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_outboxmessage (topic, key, payload, status, created_at, attempts, next_attempt_at)"
            " VALUES (%s, %s, %s, %s, now(), 2, now() + interval '1 hour')",
            [topic, key, json.dumps(payload), status],
        )


@pytest.mark.django_db(transaction=True)
def test_no_mail_and_no_message_is_lost_when_mails_leave_the_outbox() -> None:
    mona = UserFactory.create(username="mona")
    link = AccountLink.issue(mona, Purpose.ACTIVATION, email=mona.email, by=None)
    everything = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate(BEFORE)
        put_into_the_outbox("account.link", link.public_id, {"link": link.public_id})
        put_into_the_outbox("account.notice", "n1", {"user": mona.public_id, "notice": "wrong_codes", "off": True})
        put_into_the_outbox("policy.cancelled", "p1", {"policy": "abc"})
        put_into_the_outbox("policy.cancelled", "p2", {"policy": "def"}, status="failed")
    finally:
        MigrationExecutor(connection).migrate(everything)
    mails = Mail.objects.order_by("name").values_list("name", "to", "context", "status")
    assert list(mails) == [
        ("activation", mona.email, {"link": link.public_id}, "queued"),
        ("wrong_codes", mona.email, {"off": True}, "queued"),
    ]
    left = (
        OutboxMessage.objects.order_by("key").filter(topic="policy.cancelled").values_list("key", "status", "attempts")
    )
    assert list(left) == [("p1", "queued", 2), ("p2", "failed", 2)]
    assert not OutboxMessage.objects.filter(topic__startswith="account.", status="queued").exists()
