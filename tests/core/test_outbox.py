"""The outbox: a message is there only if its transition is, and comes through in the end."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from core.alerts import alert_staff
from core.apps import CoreConfig
from core.models import Mail, OutboxMessage
from core.outbox import publish
from core.tasks import deliver, requeue_lost, send_mail
from tests.factories import UserFactory
from tests.helpers import sign_in

received: list[tuple[dict[str, Any], str]] = []
NOON = "2026-03-02 12:00:00+00:00"


def take(payload: dict[str, Any], *, key: str) -> None:
    """Take the message."""
    received.append((payload, key))


def fail(payload: dict[str, Any], *, key: str) -> None:
    """Fail, as a broken handler does."""
    raise ConnectionError(key)


@pytest.fixture(autouse=True)
def _topic(monkeypatch: pytest.MonkeyPatch) -> None:
    received.clear()
    handlers = {"test.happened": (f"{__name__}.take",), "test.broken": (f"{__name__}.fail",)}
    monkeypatch.setattr(CoreConfig, "outbox", handlers)


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the messages that were handed to the queue."""
    found: list[int] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda _self, _name, args=(), **_more: found.extend(args))
    return found


@pytest.mark.django_db(transaction=True)
def test_a_message_falls_with_its_transition(enqueued: list[int]) -> None:

    def cancel_and_fail() -> None:
        with transaction.atomic():
            publish("test.happened", {}, key="1")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cancel_and_fail()
    assert not OutboxMessage.objects.exists()
    assert enqueued == []


@pytest.mark.django_db(transaction=True)
def test_a_message_outside_a_transaction_is_refused() -> None:
    with pytest.raises(RuntimeError, match="transaction"):
        publish("test.happened", {}, key="1")


@pytest.mark.django_db(transaction=True)
def test_the_same_transition_is_told_once_and_after_it_is_committed(enqueued: list[int]) -> None:
    for _ in range(2):
        with transaction.atomic():
            publish("test.happened", {"policy": "abc"}, key="policy:abc:cancelled")
            assert enqueued == [] or OutboxMessage.objects.count() == 1
    message = OutboxMessage.objects.get()
    assert enqueued == [message.pk]
    deliver(message.pk)
    deliver(message.pk)
    assert received == [({"policy": "abc"}, "policy:abc:cancelled")]
    message.refresh_from_db()
    assert message.status == OutboxMessage.Status.DELIVERED


@pytest.mark.django_db
def test_a_message_whose_task_got_lost_is_enqueued_again(enqueued: list[int]) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        publish("test.happened", {}, key="1")
        clock.shift(dt.timedelta(seconds=9))
        assert requeue_lost() == 1
    assert enqueued == [OutboxMessage.objects.get().pk]


@pytest.mark.django_db
def test_a_handler_that_fails_is_tried_again_later_and_given_up_where_staff_see_it(
    enqueued: list[int], django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        publish("test.broken", {}, key="1")
        message = OutboxMessage.objects.get()
        for attempt in range(OutboxMessage.MAX_ATTEMPTS - 1):
            with pytest.raises(ConnectionError):
                deliver(message.pk)
            deliver(message.pk)
            message.refresh_from_db()
            assert message.attempts == attempt + 1
            assert message.last_error == "ConnectionError"
            assert message.enqueued_at == timezone.now() + dt.timedelta(seconds=15 * 2**attempt)
            assert requeue_lost() == 0
            clock.move_to(message.enqueued_at)
        with pytest.raises(ConnectionError), django_capture_on_commit_callbacks(execute=True):
            deliver(message.pk)
    message.refresh_from_db()
    assert message.status == OutboxMessage.Status.FAILED
    alert = Mail.objects.get(name="staff_alert")
    assert "outbox message" in alert.context["subject"]
    assert alert.pk in enqueued


@pytest.mark.django_db
def test_staff_try_a_failed_message_again(client: Client) -> None:
    message = OutboxMessage.objects.create(
        topic="test.happened", key="1", status="failed", attempts=OutboxMessage.MAX_ATTEMPTS
    )
    sign_in(client, UserFactory.create(is_staff=True, is_superuser=True))
    answer = client.post(
        "/admin/core/outboxmessage/", {"action": "try_again", "_selected_action": [str(message.pk)]}, follow=True
    )
    assert "1 of the selected will be tried again." in answer.content.decode()
    deliver(message.pk)
    message.refresh_from_db()
    assert message.status == OutboxMessage.Status.DELIVERED


@pytest.mark.django_db
def test_an_alert_is_mailed_to_staff_through_the_queue(
    enqueued: list[int], settings: Settings, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    settings.STAFF_ALERT_EMAILS = ["desk@portal.example"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    with django_capture_on_commit_callbacks(execute=True):
        alert_staff("Something needs a person", "What happened.")
    assert mail.outbox == []
    for mail_id in enqueued:
        send_mail(mail_id)
    (message,) = mail.outbox
    assert (message.to, message.subject) == (["desk@portal.example"], "[Larkfield Portal] Something needs a person")


@pytest.mark.django_db
def test_an_alert_never_breaks_what_it_tells_about(
    monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("celery.Celery.send_task", refuse)
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        alert_staff("x", "y")
    assert len(callbacks) == 1
