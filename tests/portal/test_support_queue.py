"""The queue of requests in admin: filters, assignment, answers, and what is recorded."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core.models import Event
from portal.models import SupportMessage, SupportRequest
from portal.staff import make_staff_groups
from tests.cast import Browse, Cast
from tests.factories import UserFactory
from tests.reading import words

pytestmark = pytest.mark.django_db
LIST = "/admin/portal/supportrequest/"


def member_of(group: str, username: str = "sam") -> User:
    make_staff_groups()
    user = UserFactory.create(username=username, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.fixture
def sam() -> User:
    """Is in web support."""
    return member_of("Web support")


@pytest.fixture
def desk(sam: User, browse: Browse) -> Client:
    return browse(sam)


@pytest.fixture
def asked(cast: Cast) -> SupportRequest:
    cast.paula.email = "paula@group.example"
    cast.paula.save()
    request = SupportRequest.objects.create(
        user=cast.paula, kind="missing", topic="missing", place="policy", policy=cast.policy
    )
    SupportMessage.objects.create(request=request, author=cast.paula, text="The May endorsement.")
    return request


def page_of(asked: SupportRequest, act: str = "change") -> str:
    return f"{LIST}{asked.pk}/{act}/"


def test_the_desk_says_how_many_wait_and_names_those_that_are_overdue(asked: SupportRequest, desk: Client) -> None:
    assert "Requests to support 1 waiting Open list" in words(desk.get("/admin/"))
    SupportRequest.objects.update(due_at=timezone.now() - dt.timedelta(hours=1))
    assert "Overdue: A missing policy or document" in words(desk.get("/admin/"))
    asked.answer(text="Here.", by=asked.user, key=uuid.uuid4())
    assert "Requests to support None waiting" in words(desk.get("/admin/"))


def test_staff_read_a_request_with_its_facts_and_the_look_is_recorded(
    asked: SupportRequest, desk: Client, cast: Cast, sam: User
) -> None:
    said = words(desk.get(page_of(asked)))
    for fact in ("The May endorsement.", cast.policy.number, "A policy’s page", "paula"):
        assert fact in said
    event = Event.objects.get(tag="support:request:viewed")
    assert (event.actor_id, event.subject_id, event.on_behalf_of_id) == (sam.pk, str(asked.pk), cast.paula.pk)


def test_staff_take_a_request_and_answer_it(asked: SupportRequest, desk: Client, sam: User) -> None:
    assert desk.post(page_of(asked, "assign"), {"assigned_to": sam.pk}).status_code == 302
    asked.refresh_from_db()
    assert (asked.assigned_to, asked.status) == (sam, "in_progress")
    answer = {"idempotency_key": uuid.uuid4(), "text": "It’s there now."}
    for _ in range(2):
        assert desk.post(page_of(asked, "answer"), answer).status_code == 302
    asked.refresh_from_db()
    assert (asked.status, asked.messages.filter(from_staff=True).count()) == ("answered", 1)
    tags = list(Event.objects.filter(tag__startswith="support:").order_by("pk").values_list("tag", flat=True))
    assert tags == ["support:request:taken", "support:request:answered"]


def test_an_answer_can_close_it_and_a_request_can_be_closed_without_one(asked: SupportRequest, desk: Client) -> None:
    desk.post(page_of(asked, "answer"), {"idempotency_key": uuid.uuid4(), "text": "Done.", "closes": "on"})
    asked.refresh_from_db()
    assert asked.status == "closed"
    SupportRequest.objects.update(status="open")
    desk.post(page_of(asked, "close"))
    asked.refresh_from_db()
    assert asked.status == "closed"
    assert not desk.get(page_of(asked)).content.count(b"Close without an answer")


def test_an_answer_without_words_is_refused_and_changes_nothing(asked: SupportRequest, desk: Client) -> None:
    response = desk.post(page_of(asked, "answer"), {"idempotency_key": uuid.uuid4(), "text": " "})
    assert response.status_code == 422
    assert "Write an answer." in words(response)
    asked.refresh_from_db()
    assert (asked.status, asked.messages.count()) == ("open", 1)


def test_it_is_assigned_to_staff_who_may_answer_and_to_nobody_else(
    asked: SupportRequest, desk: Client, cast: Cast, sam: User
) -> None:
    publisher = member_of("Publishing", "pia")
    for other in (publisher, cast.paula):
        desk.post(page_of(asked, "assign"), {"assigned_to": other.pk})
        asked.refresh_from_db()
        assert asked.assigned_to is None
    desk.post(page_of(asked, "assign"), {"assigned_to": sam.pk})
    desk.post(page_of(asked, "assign"), {"assigned_to": ""})
    asked.refresh_from_db()
    assert (asked.assigned_to, asked.status) == (None, "open")


def test_who_may_not_answer_can_not_act_on_it(asked: SupportRequest, browse: Browse) -> None:
    browser = browse(member_of("Publishing", "pia"))
    assert browser.get(page_of(asked)).status_code == 403
    for act in ("answer", "assign", "close"):
        assert browser.post(page_of(asked, act), {"text": "x"}).status_code == 403
        assert browser.get(page_of(asked, act)).status_code == 403
    asked.refresh_from_db()
    assert asked.status == "open"


def test_a_get_never_acts(asked: SupportRequest, desk: Client) -> None:
    for act in ("answer", "assign", "close"):
        assert desk.get(page_of(asked, act)).status_code == 404
    asked.refresh_from_db()
    assert asked.status == "open"


@pytest.mark.parametrize(
    ("query", "topics"),
    [
        ("clock=waiting", {"missing", "billing"}),
        ("clock=overdue", {"billing"}),
        ("desk=web", {"missing"}),
        ("desk=service", {"billing", "coverage"}),
        ("desk=kitchen", {"missing", "billing", "coverage"}),
        ("assigned=me", {"billing"}),
        ("assigned=nobody", {"missing", "coverage"}),
        ("status__exact=closed", {"coverage"}),
    ],
)
def test_the_queue_is_narrowed_by_clock_desk_and_assignment(
    asked: SupportRequest, desk: Client, sam: User, cast: Cast, query: str, topics: set[str]
) -> None:
    late = timezone.now() - dt.timedelta(hours=1)
    SupportRequest.objects.create(user=cast.ana, kind="question", topic="billing", due_at=late, assigned_to=sam)
    SupportRequest.objects.create(user=cast.ana, kind="question", topic="coverage", status="closed", due_at=late)
    page: Any = desk.get(f"{LIST}?{query}")
    shown = page.context_data["cl"].queryset
    assert {request.topic for request in shown} == topics
