"""Changing the email: it counts only once it's confirmed from the new address."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountLink, DetailChange, Purpose, User
from accounts.services import email_change
from core.mail import deliver
from core.models import Event, Mail, OutboxMessage
from tests.accounts.people import is_in
from tests.cast import Browse
from tests.factories import UserFactory
from tests.helpers import at_once
from tests.reading import words

pytestmark = pytest.mark.django_db

HUB = "/accounts/preferences/"
NEW = "countess@example.test"
OLD = "ada@example.test"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def owner(ada: User) -> User:
    return with_email(ada, OLD)


@pytest.fixture
def hers(owner: User, browse: Browse) -> Client:
    return browse(owner)


def with_email(user: User, email: str) -> User:
    User.objects.filter(pk=user.pk).update(email=email)
    User.objects.filter(pk=user.pk).update(email_confirmed_at=timezone.now())
    user.refresh_from_db()
    return user


def post() -> dict[str, str]:
    """Send what waits, and return the latest body of each address's mails."""
    mail.outbox.clear()
    for each in Mail.objects.filter(status="queued").order_by("pk"):
        deliver(each.pk)
    return {each.to[0]: str(each.body) for each in mail.outbox}


def link_in(body: str) -> str:
    return re.findall(r"https?://[^/]+(/accounts/link/\S+)", body)[0]


def ask(client: Client, email: str = NEW) -> Any:
    return client.post(f"{HUB}email/", {"email": email})


def confirm(body: str, client: Client | None = None) -> Any:
    client = client or Client()
    assert client.get(link_in(body)).headers["Location"] == "/accounts/confirm-email/"
    assert client.get("/accounts/confirm-email/").status_code == 200
    return client.post("/accounts/confirm-email/")


def test_a_new_email_changes_nothing_until_it_is_confirmed_from_the_new_address(hers, owner):
    assert ask(hers).headers["Location"] == HUB
    page = words(hers.get(HUB))
    assert f"We sent a link to {NEW}." in page
    assert f"Until then, your email is {OLD}." in page
    owner.refresh_from_db()
    assert (owner.email, owner.email_confirmed_at is None) == (OLD, False)
    mails = post()
    assert set(mails) == {NEW, OLD}
    assert "takes effect once it’s confirmed" in mails[OLD]
    assert confirm(mails[NEW]).status_code == 200
    owner.refresh_from_db()
    assert owner.email == NEW
    assert owner.email_confirmed_at is not None


def test_opening_the_link_changes_nothing_since_mail_scanners_do_it_too(hers, owner):
    ask(hers)
    client = Client()
    client.get(link_in(post()[NEW]))
    client.get("/accounts/confirm-email/")
    owner.refresh_from_db()
    assert owner.email == OLD


def test_both_addresses_are_told_and_the_carrier_hears_of_it(hers, owner):
    ask(hers)
    confirm(post()[NEW])
    mails = post()
    assert set(mails) == {NEW, OLD}
    assert all("The email of your account was changed." in body for body in mails.values())
    assert DetailChange.objects.get().former["email"] == OLD
    assert OutboxMessage.objects.get().payload["fields"] == ["email"]
    assert [event.tag for event in Event.objects.filter(tag__startswith="account:email:").order_by("pk")] == [
        "account:email:asked",
        "account:email:confirmed",
    ]


def test_confirming_ends_every_other_session_and_revokes_devices(hers, owner, browse: Browse):
    other, epoch = browse(owner), owner.security_epoch
    ask(hers)
    confirm(post()[NEW], hers)
    assert is_in(hers)
    assert not is_in(other)
    owner.refresh_from_db()
    assert owner.security_epoch > epoch


def test_a_link_confirms_once(hers, owner):
    ask(hers)
    body = post()[NEW]
    confirm(body)
    client = Client()
    client.get(link_in(body))
    assert client.post("/accounts/confirm-email/").status_code == 410


def test_a_link_confirms_for_24_hours(hers, owner):
    ask(hers)
    body = post()[NEW]
    client = Client()
    client.get(link_in(body))
    with time_machine.travel(timezone.now() + dt.timedelta(hours=24, seconds=1), tick=False):
        assert client.post("/accounts/confirm-email/").status_code == 410


def test_an_expired_request_says_so_and_another_link_can_be_sent(hers, owner):
    ask(hers)
    AccountLink.objects.filter(purpose=Purpose.CONFIRM_EMAIL).update(expires_at=timezone.now())
    assert "has expired" in words(hers.get(HUB))
    hers.post(f"{HUB}email/resend/")
    assert f"We sent a link to {NEW}." in words(hers.get(HUB))


def test_another_link_voids_the_one_before(hers, owner):
    ask(hers)
    first = post()[NEW]
    hers.post(f"{HUB}email/resend/")
    second = post()[NEW]
    client = Client()
    client.get(link_in(first))
    assert client.get("/accounts/confirm-email/").status_code == 410
    assert confirm(second).status_code == 200


def test_a_request_can_be_cancelled(hers, owner):
    ask(hers)
    body = post()[NEW]
    hers.post(f"{HUB}email/cancel/")
    assert NEW not in words(hers.get(HUB))
    client = Client()
    client.get(link_in(body))
    assert client.get("/accounts/confirm-email/").status_code == 410
    assert Event.objects.filter(tag="account:email:cancelled").count() == 1
    hers.post(f"{HUB}email/cancel/")
    assert Event.objects.filter(tag="account:email:cancelled").count() == 1


@pytest.mark.parametrize("act", ["password", "lock"])
def test_a_change_of_password_and_a_lock_void_a_request(hers, owner, act):
    ask(hers)
    body = post()[NEW]
    if act == "password":
        owner.set_password("another long password 93")
        owner.save(update_fields=["password", "password_changed_at"])
    else:
        owner.locks.create(reason="test")
    client = Client()
    client.get(link_in(body))
    assert client.post("/accounts/confirm-email/").status_code == 410
    owner.refresh_from_db()
    assert owner.email == OLD


def test_an_email_not_confirmed_so_far_is_confirmed_without_telling_anyone_of_a_change(ada: User, browse: Browse):
    User.objects.filter(pk=ada.pk).update(email=OLD, email_confirmed_at=None)
    client = browse(ada)
    assert "isn’t confirmed" in words(client.get(HUB))
    client.post(f"{HUB}email/resend/")
    mails = post()
    assert set(mails) == {OLD}
    confirm(mails[OLD], client)
    ada.refresh_from_db()
    assert ada.email_confirmed_at is not None
    assert post() == {}
    assert not DetailChange.objects.exists()


def test_resending_without_a_request_does_nothing(hers, owner):
    hers.post(f"{HUB}email/resend/")
    assert not Mail.objects.exists()


# An address that is another account's


def test_an_address_of_another_account_is_not_given_away_and_its_reader_is_told(hers, owner):
    with_email(UserFactory.create(username="other"), NEW)
    free = "free@example.test"
    page_of_taken = words(ask(hers, NEW)), words(hers.get(HUB)).replace(NEW, "x")
    hers.post(f"{HUB}email/cancel/")
    hers.get(HUB)
    page_of_free = words(ask(hers, free)), words(hers.get(HUB)).replace(free, "x")
    strip = re.compile(r"Open it by [^.]*\.[^.]*\.[^.]*\.")
    assert strip.sub("", page_of_taken[1]) == strip.sub("", page_of_free[1])
    assert page_of_taken[0] == page_of_free[0]


def test_the_reader_of_a_taken_address_gets_a_mail_without_a_link(hers, owner):
    with_email(UserFactory.create(username="other"), NEW.upper())
    ask(hers, NEW)
    post()
    mails = post()
    assert "already the email of an account" in mails[NEW]
    assert "/link/" not in mails[NEW]
    assert AccountLink.objects.get(purpose=Purpose.CONFIRM_EMAIL).token_hash == ""


def test_an_unconfirmed_address_of_another_account_is_free(hers, owner):
    UserFactory.create(username="other", email=NEW, email_confirmed_at=None)
    ask(hers, NEW)
    confirm(post()[NEW])
    owner.refresh_from_db()
    assert owner.email == NEW


def test_a_link_made_before_another_account_confirmed_the_address_is_void(hers, owner):
    ask(hers, NEW)
    body = post()[NEW]
    with_email(UserFactory.create(username="other"), NEW)
    client = Client()
    client.get(link_in(body))
    assert client.post("/accounts/confirm-email/").status_code == 410


@pytest.mark.django_db(transaction=True)
def test_of_two_accounts_that_confirm_one_address_at_once_one_gets_it(browse: Browse):
    browsers = []
    for name in ("first", "second"):
        user = with_email(UserFactory.create(username=name), f"{name}@example.test")
        email_change.ask(user=user, email=NEW)
        link = user.links.get(purpose=Purpose.CONFIRM_EMAIL)
        client = Client()
        client.get(f"/accounts/link/{link.draw_token()}/")
        browsers.append(client)
    statuses = at_once(*[lambda c=c: c.post("/accounts/confirm-email/").status_code for c in browsers])
    assert sorted(statuses) == [200, 410]
    assert User.objects.filter(email=NEW).count() == 1


# Limits


def test_one_account_has_five_mails_an_hour_sent(hers, owner):
    for number in range(5):
        assert ask(hers, f"n{number}@example.test").status_code == 302
    refused = ask(hers, "n6@example.test")
    assert refused.status_code == 429
    assert "We’ve sent too many emails for now." in words(refused)
    hers.post(f"{HUB}email/resend/")
    assert Mail.objects.filter(name="confirm_email").count() == 5


def test_one_address_gets_five_mails_an_hour_no_matter_who_asks(browse: Browse):
    for number in range(6):
        client = browse(UserFactory.create(username=f"user{number}"))
        assert ask(client).status_code == (302 if number < 5 else 429)


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("", "Enter your new email."),
        ("nobody", "Enter an email like name@example.com."),
        (OLD.upper(), "This is your email already."),
    ],
)
def test_a_mistake_is_named(hers, owner, email, sentence):
    response = ask(hers, email)
    assert response.status_code == 422
    assert sentence in words(response)
