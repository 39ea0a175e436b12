"""The mail about a sign-in from a browser or network that the account never used."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core import mail as outbox
from django.test import Client
from django.utils import timezone

from accounts.models import AccountLink, AuthenticatorDevice, FamiliarPlace, Purpose, User
from accounts.services.familiar import rough_network
from accounts.tasks import purge_sessions
from core.mail import deliver
from core.models import Event, Mail
from tests.accounts.people import app_code, type_code, type_password
from tests.factories import CHROME, UserFactory
from tests.helpers import at_once

NOON = "2026-03-02 12:00:00+00:00"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
OFFICE, CAFE = "203.0.113.9", "198.51.100.7"

pytestmark = pytest.mark.time_machine(NOON, tick=False)


@pytest.fixture(autouse=True)
def _proxy(settings: Any) -> None:
    settings.TRUSTED_PROXY_HOPS = 1


def come_from(clock: Any, app: AuthenticatorDevice, ip: str, agent: str = CHROME, **more: str) -> Client:
    """Sign Ada in from an address and a browser, two minutes later: a code opens once."""
    clock.shift(dt.timedelta(minutes=2))
    browser = Client(HTTP_USER_AGENT=agent, HTTP_X_FORWARDED_FOR=ip)
    type_password(browser)
    assert type_code(browser, app, app_code(app), **more).status_code == 302
    return browser


def mails() -> list[Mail]:
    return list(Mail.objects.filter(name="unfamiliar_sign_in").order_by("pk"))


def test_the_first_sign_in_of_an_account_is_not_news(adas_app: AuthenticatorDevice, time_machine: Any) -> None:
    come_from(time_machine, adas_app, OFFICE)
    assert mails() == []
    assert FamiliarPlace.objects.count() == 1


def test_a_new_browser_or_network_is_mailed_once(adas_app: AuthenticatorDevice, time_machine: Any) -> None:
    come_from(time_machine, adas_app, OFFICE)
    come_from(time_machine, adas_app, OFFICE)
    assert mails() == []
    come_from(time_machine, adas_app, CAFE)
    come_from(time_machine, adas_app, CAFE)
    assert len(mails()) == 1
    come_from(time_machine, adas_app, OFFICE, FIREFOX)
    assert len(mails()) == 2
    told = Event.objects.filter(tag="account:session:unfamiliar")
    # The portal did that, not who signed in.
    assert [(event.actor_id, event.ip) for event in told] == [(None, None)] * 2


def test_an_updated_browser_and_another_address_of_the_same_provider_are_no_news(
    adas_app: AuthenticatorDevice, time_machine: Any
) -> None:
    come_from(time_machine, adas_app, OFFICE)
    come_from(time_machine, adas_app, "203.0.77.200", CHROME.replace("141.0", "150.0"))
    assert mails() == []


def test_a_wrong_code_from_elsewhere_is_not_a_sign_in(adas_app: AuthenticatorDevice, time_machine: Any) -> None:
    come_from(time_machine, adas_app, OFFICE)
    browser = Client(HTTP_USER_AGENT=FIREFOX, HTTP_X_FORWARDED_FOR=CAFE)
    type_password(browser)
    type_code(browser, adas_app, "000000")
    assert mails() == []
    assert FamiliarPlace.objects.count() == 1


def test_a_remembered_device_vouches_for_its_browser_on_a_new_network(
    adas_app: AuthenticatorDevice, time_machine: Any
) -> None:
    browser = come_from(time_machine, adas_app, OFFICE, remember="on")
    browser.post("/accounts/sign-out/")
    browser.defaults["HTTP_X_FORWARDED_FOR"] = CAFE
    assert type_password(browser)["Location"] == "/"
    assert mails() == []


def test_the_mail_says_when_and_from_where_roughly_and_locks(
    adas_app: AuthenticatorDevice, ada: User, time_machine: Any
) -> None:
    User.objects.filter(pk=ada.pk).update(time_zone="America/Chicago")
    come_from(time_machine, adas_app, OFFICE)
    come_from(time_machine, adas_app, CAFE, FIREFOX)
    stored = mails()[0]
    assert stored.to == ada.email
    assert CAFE not in str(stored.context)
    deliver(stored.pk)
    sent = outbox.outbox[-1]
    link = AccountLink.objects.usable().get(purpose=Purpose.LOCK)
    assert "Mar 2, 2026, 6:04 a.m. CST" in sent.body
    assert "Firefox on Linux" in sent.body
    assert "198.51.100.0/24" in sent.body
    assert CAFE not in sent.body
    assert "Ada" not in sent.body
    assert "/accounts/link/" in sent.body
    assert link.token_hash
    assert link.change == "sign_in"


def test_at_most_three_a_day(adas_app: AuthenticatorDevice, time_machine: Any) -> None:
    for number in range(6):
        come_from(time_machine, adas_app, f"198.{number}.100.7")
    assert len(mails()) == 3
    time_machine.shift(dt.timedelta(days=1))
    come_from(time_machine, adas_app, "192.0.2.1")
    assert len(mails()) == 4


def test_an_account_without_email_signs_in_all_the_same(
    adas_app: AuthenticatorDevice, ada: User, time_machine: Any
) -> None:
    User.objects.filter(pk=ada.pk).update(email="")
    come_from(time_machine, adas_app, OFFICE)
    come_from(time_machine, adas_app, CAFE)
    assert mails() == []


def test_a_place_is_kept_as_a_keyed_hash_that_differs_by_account(
    adas_app: AuthenticatorDevice, ada: User, time_machine: Any
) -> None:
    come_from(time_machine, adas_app, OFFICE)
    place = FamiliarPlace.objects.values().get()
    assert OFFICE not in str(place)
    assert "Chrome" not in str(place)
    from accounts.models import Session
    from accounts.services.familiar import fingerprint

    session = Session.objects.latest("created_at")
    assert fingerprint(UserFactory(), session) != fingerprint(ada, session) == place["fingerprint"]


def test_a_place_is_forgotten_after_400_days(adas_app: AuthenticatorDevice, time_machine: Any) -> None:
    come_from(time_machine, adas_app, OFFICE)
    come_from(time_machine, adas_app, CAFE)
    FamiliarPlace.objects.filter(pk=FamiliarPlace.objects.earliest("pk").pk).update(
        last_seen_at=timezone.now() - dt.timedelta(days=400)
    )
    purge_sessions()
    assert FamiliarPlace.objects.count() == 1


@pytest.mark.parametrize(
    ("ip", "network"),
    [("198.51.100.7", "198.51.100.0/24"), ("2001:db8:1:2::9", "2001:db8:1::/48"), (None, "")],
)
def test_a_network_is_named_roughly(ip: str | None, network: str) -> None:
    assert rough_network(ip) == network


@pytest.mark.django_db(transaction=True)
def test_two_sign_ins_from_one_new_place_at_once_are_one_mail() -> None:
    from accounts.models import Session
    from accounts.services.familiar import note_sign_in

    ada = UserFactory.create()
    known = Session.objects.create(key_hash="k", user=ada, ip=OFFICE, agent=CHROME)
    new = Session.objects.create(key_hash="n", user=ada, ip=CAFE, agent=CHROME)
    note_sign_in(user=ada, session=known)
    told = at_once(*[lambda: note_sign_in(user=ada, session=new)] * 4)
    assert sorted(told) == [False, False, False, True]
    assert len(mails()) == 1
