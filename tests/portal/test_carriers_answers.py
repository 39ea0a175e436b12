"""The carrier's own answers to requests: from its feed to the request's page, once, and never over a later word."""

from __future__ import annotations

import datetime as dt
import uuid
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import User
from core.models import Event, Mail, OutboxMessage
from core.outbox import deliver
from feed.models import Run, Source
from policies.models import RequestAnswer
from portal.models import SupportRequest
from tests.cast import Browse, Cast
from tests.factories import UserFactory
from tests.feed.packages import Row, load, row, warnings
from tests.portal.test_support_requests import opened
from tests.reading import words

pytestmark = pytest.mark.django_db
ASKED = dt.datetime(2026, 11, 18, 15, tzinfo=dt.UTC)


@pytest.fixture
def asked(cast: Cast) -> SupportRequest:
    cast.paula.email = "paula@group.example"
    cast.paula.save()
    # The package of answers is the first of its source.
    Source.objects.all().delete()
    return opened(cast, opened_at=ASKED)


@pytest.fixture
def sam() -> User:
    return UserFactory.create(username="sam", is_staff=True)


def answer(asked: SupportRequest, status: str, updated: str = "2026-11-19T10:00:00Z", message: str = "") -> Row:
    return row("requests.csv", portal_request_id=asked.public_id, status=status, updated=updated, message=message)


def brought(folder: Path, *rows: Row, sequence: int = 1) -> Run:
    """Load answers, and hand over what the load published."""
    run = load(folder, {"requests.csv": list(rows)}, sequence=sequence)
    for message in OutboxMessage.objects.filter(topic="request.answered").order_by("pk"):
        deliver(message.pk)
    return run


def mails() -> list[str]:
    return list(Mail.objects.filter(name__startswith="request_").order_by("pk").values_list("name", flat=True))


def test_an_answer_appears_on_the_request_with_its_status_and_is_mailed_once(
    tmp_path: Path, asked: SupportRequest, cast: Cast, browse: Browse, staff: object
) -> None:
    said = answer(asked, "declined", message="The form isn't filed in New York.")
    assert brought(tmp_path, said).found == ""
    (handed,) = OutboxMessage.objects.filter(topic="request.answered")
    OutboxMessage.objects.update(status=OutboxMessage.QUEUED, delivered_at=None)
    deliver(handed.pk)
    brought(tmp_path, said, sequence=2)
    asked.refresh_from_db()
    assert (asked.status, asked.messages.count(), mails()) == ("closed", 2, ["request_answered"])
    assert OutboxMessage.objects.filter(topic="request.answered").count() == 1
    page = words(browse(cast.paula).get(asked.get_absolute_url()))
    assert "We can’t do what you asked. The form isn't filed in New York." in page
    assert Event.objects.get(tag="support:request:closed").data == {"source": "feed"}
    assert "New York" not in str(Mail.objects.values_list()) + str(Event.objects.values_list("data", flat=True))
    desk = words(staff.get(f"/admin/portal/supportrequest/{asked.pk}/change/"))  # type: ignore[attr-defined]
    assert "The carrier’s feed" in desk
    assert "The form isn't filed in New York." in desk


def test_each_status_of_the_carrier_has_its_own_here(tmp_path: Path, asked: SupportRequest) -> None:
    became = []
    steps = ["received", "in_review", "needs_information", "in_review", "done"]
    for number, status in enumerate(steps, start=1):
        brought(tmp_path, answer(asked, status, f"2026-11-19T1{number}:00:00Z"), sequence=number)
        asked.refresh_from_db()
        became.append(asked.status)
    assert became == ["open", "in_progress", "answered", "in_progress", "closed"]
    assert asked.due_at > timezone.now()
    assert mails() == ["request_taken", "request_answered", "request_answered"]
    assert [message.text for message in asked.messages.all()[1:]] == [
        "We need more information from you.",
        "We’ve done what you asked.",
    ]


def test_what_staff_or_the_customer_did_later_stays_and_the_words_are_shown(
    tmp_path: Path, asked: SupportRequest, sam: User
) -> None:
    asked.answer(text="It's there now.", by=sam, key=uuid.uuid4())
    brought(tmp_path, answer(asked, "done", message="Sent."))
    asked.refresh_from_db()
    assert (asked.status, asked.messages.last().text) == ("answered", "We’ve done what you asked.\n\nSent.")  # type: ignore[union-attr]
    asked.reply(text="Not yet.", key=uuid.uuid4())
    brought(tmp_path, answer(asked, "done", "2026-11-19T11:00:00Z", message="Sent again."), sequence=2)
    asked.refresh_from_db()
    assert asked.status == "in_progress"
    later = (timezone.now() + dt.timedelta(minutes=1)).isoformat()
    brought(tmp_path, answer(asked, "done", later), sequence=3)
    asked.refresh_from_db()
    assert asked.status == "closed"


def test_an_answer_to_no_request_of_ours_is_a_warning_and_goes_nowhere(tmp_path: Path, asked: SupportRequest) -> None:
    unknown = {**answer(asked, "done"), "portal_request_id": "A-number-of-the-carrier-itself-1"}
    run = brought(tmp_path, answer(asked, "received", "2026-11-19"), unknown)
    assert (run.status, warnings(run)) == (
        "applied",
        [("requests.csv", 3, "portal_request_id", "unknown-request")],
    )
    assert RequestAnswer.objects.count() == 2
    assert [each.payload["request"] for each in OutboxMessage.objects.all()] == [asked.public_id]
    assert asked.messages.count() == 1


@pytest.mark.parametrize("updated", ["2026-11-19T10:00:00", "2026-02-30", "19.11.2026", "2026-11-19T10:00:00+17:00"])
def test_a_time_without_its_zone_is_an_error(tmp_path: Path, asked: SupportRequest, updated: str) -> None:
    run = brought(tmp_path, answer(asked, "done", updated))
    assert list(run.findings.values_list("row", "column", "code")) == [(2, "updated", "time")]
