"""Telling the owner about a change of the account (S-13)."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountLink, Notice, Purpose
from accounts.services import changes
from accounts.services.changes import Change
from core.mail import deliver
from core.models import Mail
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_the_old_and_the_new_address_are_told_each_with_a_lock_link_of_its_own(settings: Settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    user = UserFactory.create(email="new@example.test")
    changes.announce(change=Change.EMAIL, user=user, by=user, former=["old@example.test", "NEW@example.test", ""])
    for each in Mail.objects.filter(status="queued"):
        deliver(each.pk)
    assert sorted(each.to[0] for each in mail.outbox) == ["new@example.test", "old@example.test"]
    links = {re.findall(r"https?://\S+/accounts/link/\S+", str(each.body))[0] for each in mail.outbox}
    assert len(links) == 2
    assert all(Change.EMAIL.label in each.body for each in mail.outbox)
    assert AccountLink.objects.usable().filter(user=user, purpose=Purpose.LOCK, change=Change.EMAIL).count() == 2


@pytest.mark.parametrize("change", Change)
def test_a_mail_about_a_change_says_what_and_when_and_nothing_that_anyone_typed(settings: Settings, change: Change):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    user = UserFactory.create(
        username="typed-username",
        first_name="Typed",
        last_name="Name",
        phone="(202) 555-0199",
        time_zone="Pacific/Honolulu",
    )
    changes.announce(change=change, user=user, by=user)
    deliver(Mail.objects.get(name="account_changed").pk)
    (sent,) = mail.outbox
    assert sent.subject == f"Larkfield Portal: {change.headline}"
    assert not sent.subject.endswith(".")
    html = str(sent.alternatives[0][0])
    for body in (str(sent.body), html):
        assert str(change.label) in body
        assert "HST" in body
        assert "Lock" in body or "lock" in body
        assert not any(typed in body for typed in ("Typed", "Name", "typed-username", "555-0199", user.email))


def test_a_lock_link_outlives_a_change_of_password_and_works_for_240_hours():
    user = UserFactory.create(email="owner@example.test")
    changes.announce(change=Change.PASSWORD, user=user, by=user)
    user.set_password("another long password 93")
    user.save(update_fields=["password", "password_changed_at"])
    links = AccountLink.objects.filter(user=user, purpose=Purpose.LOCK)
    assert links.usable().count() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(hours=239), tick=False):
        assert links.usable().count() == 1
    with time_machine.travel(timezone.now() + dt.timedelta(hours=241), tick=False):
        assert links.usable().count() == 0


def test_a_second_change_leaves_the_lock_link_of_the_first_open():
    user = UserFactory.create(email="owner@example.test")
    changes.announce(change=Change.PHONE, user=user, by=user)
    changes.announce(change=Change.ADDRESS, user=user, by=user)
    assert AccountLink.objects.usable().filter(user=user, purpose=Purpose.LOCK).count() == 2


def test_a_new_account_gets_reminders_of_renewal_and_payment_and_nothing_else():
    user = UserFactory.create()
    assert [notice for notice in Notice if user.wants(notice)] == [Notice.RENEWAL, Notice.PAYMENT]


def test_a_link_that_does_not_work_leads_to_a_page_that_says_so():
    response = Client().get("/accounts/link/guess/", follow=True)
    assert response.status_code == 410
