"""Rows that workers must finish: one implementation, one beat entry, tasks by name."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from core import work
from core.areas import beat_schedule
from core.models import OutboxMessage
from core.queue import queue_of
from portal.celery import app
from tests.factories import UserFactory

KINDS = work.kinds()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_names_a_task_that_exists_and_has_an_index_for_what_waits(kind: type[work.Work]) -> None:
    app.loader.import_default_modules()
    assert kind.TASK in app.tasks
    assert queue_of(kind.TASK) in {"codes", "default", "documents", "batches"}
    waiting = [index for index in kind._meta.indexes if index.fields == ["enqueued_at"]]
    assert [index.condition for index in waiting] == [work.Q(status="queued")]
    values = set(dict(kind._meta.get_field("status").choices or ()))
    assert {work.Work.QUEUED, work.Work.FAILED} < values


def test_one_beat_entry_finds_what_got_lost_of_every_kind() -> None:
    assert [entry["task"] for entry in beat_schedule().values() if "lost" in entry["task"]] == [
        "core.tasks.requeue_lost"
    ]


@pytest.fixture
def row(monkeypatch: pytest.MonkeyPatch) -> OutboxMessage:
    monkeypatch.setattr("celery.Celery.send_task", lambda _self, name, args=(), **_more: None)
    return OutboxMessage.objects.create(topic="test", key="1")


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_and_committed_before_the_work_begins(row: OutboxMessage) -> None:
    def fail() -> None:
        with work.attempt(OutboxMessage, row.pk) as leased:
            assert leased is not None
            assert leased.attempts == 1
            OutboxMessage.objects.filter(pk=row.pk).update(payload={"half": "done"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    row.refresh_from_db()
    assert (row.attempts, row.last_error, row.payload) == (1, "ZeroDivisionError", {})


@pytest.mark.django_db(transaction=True)
def test_while_one_works_no_other_gets_the_row_and_none_hands_it_over_again(row: OutboxMessage) -> None:
    OutboxMessage.objects.update(enqueued_at=timezone.now() - dt.timedelta(hours=1))
    found: list[object] = []

    def another() -> None:
        with work.attempt(OutboxMessage, row.pk) as leased:
            found.append(leased)
        found.append(work.requeue_lost())
        connection.close()

    with work.attempt(OutboxMessage, row.pk) as leased:
        assert leased is not None
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(120)
    assert found == [None, 0]
    row.refresh_from_db()
    assert row.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_a_queue_that_is_away_is_noted_on_the_row_of_any_kind(
    row: OutboxMessage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.work.enqueue", lambda *_args: False)
    work.hand_over(row)
    row.refresh_from_db()
    assert not row.is_enqueued
    monkeypatch.setattr("core.work.enqueue", lambda *_args: True)
    OutboxMessage.objects.update(enqueued_at=timezone.now() - dt.timedelta(seconds=4))
    assert work.requeue_lost() == 1
    row.refresh_from_db()
    assert row.is_enqueued


@pytest.mark.django_db
def test_only_a_failed_row_is_tried_again_and_its_attempts_count_from_zero(row: OutboxMessage) -> None:
    stan = UserFactory.create(is_staff=True)
    assert not work.retry(row, by=stan)
    OutboxMessage.objects.update(status="failed", attempts=10, last_error="x")
    assert work.retry(row, by=stan)
    assert (row.status, row.attempts, row.last_error) == ("queued", 0, "")
