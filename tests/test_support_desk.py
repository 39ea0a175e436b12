"""Admin's start page: what it reports, and to whom."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.models import AccountLock, User
from accounts.services import signing_in
from core.models import Event, Mail, OutboxMessage
from feed.models import Run, Source
from portal.staff import make_staff_groups
from tests.factories import UserFactory
from tests.helpers import sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

DESK = "/admin/"


def desk_of(group: str) -> Client:
    """Return the browser of someone who is in this group only."""
    make_staff_groups()
    staff = UserFactory.create(username="sam", is_staff=True)
    staff.groups.add(Group.objects.get(name=group))
    browser = Client()
    sign_in(browser, staff)
    return browser


def lock(user: User) -> None:
    AccountLock.objects.create(user=user, reason="Stolen phone")


def test_web_support_sees_who_is_locked_and_opens_the_account() -> None:
    ada = UserFactory.create(username="ada")
    UserFactory.create(username="ben")
    lock(ada)
    browser = desk_of("Web support")

    desk = browser.get(DESK)

    assert "Locked accounts 1 ada" in words(desk)
    assert "ben" not in words(desk)
    assert f'href="/admin/accounts/user/{ada.pk}/change/"' in desk.content.decode()
    assert Event.objects.filter(tag="staff:list:viewed", data__model="accounts.user", data__found=1).count() == 1
    listed = words(browser.get("/admin/accounts/user/", {"sign_in": "locked"}))
    assert "ada" in listed
    assert "ben" not in listed


def test_a_password_that_cools_off_is_a_locked_account_until_the_time_is_over(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleo = UserFactory.create(username="cleo")
    browser = Client()
    for _ in range(signing_in.PASSWORDS.times):
        browser.post("/accounts/sign-in/", {"username": "cleo", "password": "not the password"})
    assert "Locked accounts 1 cleo" in words(staff.get(DESK))

    signing_in.forget_failures(cleo)

    assert "Locked accounts None" in words(staff.get(DESK))


def test_nobody_locked_is_said_and_nothing_recorded(staff: Client) -> None:
    assert "Locked accounts None" in words(staff.get(DESK))
    assert not Event.objects.filter(tag="staff:list:viewed").exists()


def test_the_last_package_is_shown_with_its_age_and_what_waits_for_a_decision() -> None:
    now = timezone.now()
    Source.objects.create(name="core", sequence=7, as_of=now, applied_at=now)
    Run.objects.create(name="a.zip", status=Run.Status.APPLIED, finished_at=now - dt.timedelta(hours=2))
    Run.objects.create(name="b.zip", status=Run.Status.HELD, finished_at=now - dt.timedelta(hours=1))
    browser = desk_of("Feed release")

    desk = browser.get(DESK)

    assert "Last package" in words(desk)
    assert "1 hour ago core: data as of" in words(desk)
    assert "Packages held for review 1" in words(desk)
    assert "b.zip" in words(browser.get("/admin/feed/run/?status__exact=held"))


def test_failed_messages_and_mails_lead_to_their_lists(staff: Client) -> None:
    OutboxMessage.objects.create(topic="account.notice", key="1", status=OutboxMessage.Status.FAILED)
    Mail.objects.create(name="lock", to="ada@people.example", status=Mail.FAILED)
    desk = staff.get(DESK)
    assert "Failed outbox messages 1" in words(desk)
    assert "Failed mails 1" in words(desk)
    for model in ("outboxmessage", "mail"):
        assert f"/admin/core/{model}/?status__exact=failed" in desk.content.decode()


@pytest.mark.parametrize(
    ("group", "seen", "unseen"),
    [
        ("Web support", ["Find a person", "Find a policy", "Locked accounts", "Failed certificates"], ["Last package"]),
        (
            "Customer service",
            ["Find a policy", "Failed certificates"],
            ["Find a person", "Locked accounts", "Failed m"],
        ),
        ("Claims", ["Find a policy"], ["Find a person", "Locked accounts", "Failed certificates", "Last package"]),
        ("Feed upload", ["Last package"], ["Find a person", "Find a policy", "Locked accounts", "Failed"]),
        ("Publishing", [], ["Find", "Locked accounts", "Failed", "Last package"]),
    ],
)
def test_each_group_sees_its_own_part_of_the_desk(group: str, seen: list[str], unseen: list[str]) -> None:
    lock(UserFactory.create(username="ada"))
    found = words(desk_of(group).get(DESK))
    assert "Support desk" in found
    for part in seen:
        assert part in found
    for part in [*unseen, *([] if "Locked accounts" in seen else ["ada"])]:
        assert part not in found


def test_the_desk_asks_little(staff: Client, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(38):  # type: ignore[operator]
        staff.get(DESK)
