"""The quarterly reminder to review the account's activity (S-15)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from accounts.models import AccountLock, Notice, User
from accounts.services.reviews import quarter_start
from accounts.tasks import remind_of_activity
from core.models import Event, Mail
from tests.factories import UserFactory
from tests.helpers import at_once

# The second day of a quarter, at noon in Hartford.
APRIL = "2026-04-02 16:00:00+00:00"

pytestmark = pytest.mark.time_machine(APRIL, tick=False)


def wishing(**fields: Any) -> User:
    return UserFactory.create(notices=[Notice.ACTIVITY_REVIEW], **fields)


def test_who_wishes_it_is_reminded_once_a_quarter_however_often_it_runs(db: None, time_machine: Any) -> None:
    ada = wishing()
    UserFactory.create()
    assert [remind_of_activity(), remind_of_activity()] == [1, 0]
    time_machine.shift(dt.timedelta(days=5))
    # Mails are deleted after a while; the log is not.
    Mail.objects.all().delete()
    assert remind_of_activity() == 0
    time_machine.shift(dt.timedelta(days=86))
    assert remind_of_activity() == 1
    assert Mail.objects.get().to == ada.email
    assert Event.objects.filter(tag="account:activity:reminded", subject_id=str(ada.pk)).count() == 2


def test_only_confirmed_emails_of_accounts_in_use_are_mailed(db: None) -> None:
    wishing(email_confirmed_at=None)
    wishing(is_active=False)
    AccountLock.objects.create(user=wishing(), reason="Phone stolen.")
    unlocked = wishing()
    AccountLock.objects.create(user=unlocked, reason="x", lifted_at=unlocked.date_joined, lift_reason="y")
    assert remind_of_activity() == 1
    assert Mail.objects.get().to == unlocked.email


def test_who_asks_for_it_in_mid_quarter_waits_for_the_next(db: None, time_machine: Any) -> None:
    time_machine.shift(dt.timedelta(days=13))
    wishing()
    assert remind_of_activity() == 0
    time_machine.shift(dt.timedelta(days=78))
    assert remind_of_activity() == 1


def test_the_mail_leads_to_the_page_and_tells_nothing_of_it(db: None) -> None:
    wishing(first_name="Ada")
    remind_of_activity()
    stored = Mail.objects.get()
    assert list(stored.context) == ["address"]
    assert stored.context["address"].endswith("/accounts/activity/")


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_are_one_reminder() -> None:
    wishing()
    assert sorted(at_once(remind_of_activity, remind_of_activity)) == [0, 1]
    assert Event.objects.filter(tag="account:activity:reminded").count() == 1


@pytest.mark.parametrize(
    ("day", "began"),
    [((2026, 1, 1), (2026, 1, 1)), ((2026, 3, 31), (2026, 1, 1)), ((2026, 12, 31), (2026, 10, 1))],
)
def test_a_quarter_begins_on_its_first_day(day: tuple[int, int, int], began: tuple[int, int, int]) -> None:
    assert quarter_start(dt.date(*day)) == dt.date(*began)
