"""Who acts, from where, in which request: bound by middleware, carried into tasks."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog
from celery import shared_task
from celery.app.trace import trace_task
from django.conf import settings
from django.test import Client, RequestFactory
from kombu import Connection

from core.events import record_event
from core.middleware import acting_in
from core.models import Event
from core.origin import acting_by_itself, current_origin
from core.queue import REQUEST_ID, enqueue
from tests.factories import UserFactory
from tests.helpers import sign_in


@shared_task(name="tests.core.test_origin.note")
def note() -> None:
    record_event("test:task:ran")
    structlog.get_logger("test").info("task_ran")


@pytest.fixture
def message() -> Any:
    """Enqueue the task, and take its message from the broker as a worker would."""

    def taken() -> Any:
        with Connection(settings.CELERY_BROKER_URL) as broker, broker.SimpleQueue("default") as queue:
            queue.clear()
            assert enqueue(note.name)
            found = queue.get(timeout=60)
            found.ack()
            return found

    return taken


def request_of(user: Any = None) -> Any:
    request = RequestFactory(REMOTE_ADDR="192.0.2.7", HTTP_USER_AGENT="Netscape").get("/")
    request.request_id = "abc123def456"
    request.user = user
    return request


@pytest.mark.django_db
def test_a_message_carries_the_id_of_its_request_and_neither_user_nor_address(message: Any) -> None:
    with acting_in(request_of(UserFactory.create(username="mona"))):
        headers = message().headers
    assert headers[REQUEST_ID] == "abc123def456"
    assert "192.0.2.7" not in str(headers)
    assert "mona" not in str(headers)


@pytest.mark.django_db(transaction=True)
def test_a_tasks_event_and_log_line_carry_the_id_of_the_request_that_enqueued_it(
    message: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with acting_in(request_of(UserFactory.create())):
        headers = message().headers
    with caplog.at_level(logging.INFO, logger="test"):
        trace_task(note, headers["id"], [], {}, request=headers, app=note.app)
    event = Event.objects.get(tag="test:task:ran")
    assert (event.request_id, event.actor_id, event.ip) == ("abc123def456", None, None)
    (line,) = [record for record in caplog.records if record.name == "test"]
    assert "abc123def456" in str(line.msg)


@pytest.mark.django_db(transaction=True)
def test_a_task_that_runs_within_a_request_leaves_the_requests_origin_as_it_was() -> None:
    user = UserFactory.create()
    with acting_in(request_of(user)):
        note.apply()
        assert current_origin().user == user
    assert (Event.objects.get().actor_id, Event.objects.get().request_id) == (None, "")


@pytest.mark.django_db
def test_what_the_portal_does_by_itself_within_a_request_names_the_request_and_nobody() -> None:
    with acting_in(request_of(UserFactory.create())), acting_by_itself():
        event = record_event("test:thing:done")
    assert (event.actor_id, event.ip, event.request_id) == (None, None, "abc123def456")


@pytest.mark.django_db
def test_a_page_binds_its_request_and_nothing_stays_bound_after_it(client: Client) -> None:
    user = UserFactory.create(is_staff=True, is_superuser=True)
    session = sign_in(client, user)
    response = client.get(f"/admin/accounts/user/{user.pk}/change/", HTTP_USER_AGENT="Netscape")
    event = Event.objects.get(tag="staff:user:viewed")
    assert (event.actor_id, event.session_id, event.agent) == (user.pk, session.public_id, "Netscape")
    assert event.request_id == response["X-Request-ID"]
    assert event.ip == "127.0.0.1"
    assert current_origin().request_id == ""
