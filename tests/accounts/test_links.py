"""Activation links: an owner chooses a password, once, by a link that was mailed."""

from __future__ import annotations

import datetime as dt
from io import StringIO

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.models import AccountLink, Session, TrustedDevice, User
from accounts.services import links, locks
from core.mail import deliver
from core.models import Event, Mail
from demo.models import DemoMessage
from tests.accounts.people import is_in, type_password
from tests.factories import UserFactory
from tests.helpers import sign_in

pytestmark = pytest.mark.django_db

NOON = "2026-03-02 12:00:00+00:00"
ACTIVATE = "/accounts/activate/"
NEW = "violet-harbor-tram-91"


@pytest.fixture
def mona(settings: Settings) -> User:
    """Has an account that staff made: no password, and an email that nobody has proved."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return UserFactory.create(username="mona", password=make_password(None), email_confirmed_at=None)


def mail_out() -> None:
    """Do what the worker does."""
    for each in Mail.objects.filter(status="queued"):
        deliver(each.pk)


def mailed_address() -> str:
    """Return the path of the link in the newest mail."""
    mail_out()
    line = next(line for line in str(mail.outbox[-1].body).splitlines() if "/accounts/link/" in line)
    return line.removeprefix("http://localhost:8000")


def send(user: User) -> str:
    """Return a link for this user, as it arrives."""
    links.send_activation(user=user, by=None)
    return mailed_address()


def choose(browser: Client, password: str = NEW) -> int:
    return browser.post(ACTIVATE, {"new_password1": password, "new_password2": password}).status_code


def test_an_owner_opens_the_link_chooses_a_password_and_signs_in_with_it(client: Client, mona: User) -> None:
    opened = client.get(send(mona))
    assert (opened["Location"], opened["Referrer-Policy"]) == (ACTIVATE, "no-referrer")
    page = client.get(ACTIVATE)
    assert "mona" in page.content.decode()
    saved = client.post(ACTIVATE, {"new_password1": NEW, "new_password2": NEW})
    assert saved["Location"] == "/accounts/sign-in/?why=password_set"
    assert "Your password is saved" in client.get(saved["Location"]).content.decode()
    assert not is_in(client)
    assert type_password(client, "mona", NEW)["Location"] == "/accounts/mfa/setup/"
    mona.refresh_from_db()
    assert mona.email_confirmed_at is not None
    tags = list(Event.objects.filter(subject_id=str(mona.pk)).order_by("id").values_list("tag", flat=True))
    # The second link locks the account: it's in the mail that says that a password was set.
    assert tags == ["account:link:made", "account:password:set", "account:link:made", "account:password:accepted"]


def test_a_mail_names_nobody_and_holds_the_link_only(mona: User) -> None:
    send(mona)
    (message,) = mail.outbox
    assert message.to == [mona.email]
    assert "Choose your password" in message.subject
    assert "24 hours" in str(message.body)
    for word in (mona.username, mona.first_name, mona.last_name):
        assert word not in str(message.body)


def test_opening_a_link_changes_nothing_since_mail_scanners_do_it_too(mona: User) -> None:
    address = send(mona)
    for _ in range(3):
        scanner = Client()
        scanner.get(address)
        scanner.get(ACTIVATE)
        scanner.head(ACTIVATE)
    assert AccountLink.objects.usable().count() == 1
    browser = Client()
    browser.get(address)
    assert choose(browser) == 302


def test_a_link_works_once(mona: User) -> None:
    address = send(mona)
    first, second = Client(), Client()
    first.get(address)
    second.get(address)
    assert (choose(first), choose(second, "another-long-password")) == (302, 410)
    first.get(address)
    assert first.get(ACTIVATE).status_code == 410
    mona.refresh_from_db()
    assert mona.check_password(NEW)


def test_a_link_works_for_24_hours(mona: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        address = send(mona)
        browser = Client()
        browser.get(address)
        clock.shift(dt.timedelta(hours=24))
        browser.get(address)
        assert browser.get(ACTIVATE).status_code == 410


def test_a_newer_link_replaces_the_older_one(client: Client, mona: User) -> None:
    older, newer = send(mona), send(mona)
    client.get(older)
    assert client.get(ACTIVATE).status_code == 410
    client.get(newer)
    assert client.get(ACTIVATE).status_code == 200


def lock(user: User) -> None:
    stan = UserFactory.create(username="stan", is_staff=True, is_superuser=True)
    locks.lock(user=user, by=stan, reason="laptop stolen")


def get_another_password(user: User) -> None:
    user.set_password("another-long-password")
    user.save()


def become_inactive(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("change", [lock, get_another_password, become_inactive])
def test_a_link_dies_with_a_lock_another_password_or_the_account(client: Client, mona: User, change: object) -> None:
    client.get(send(mona))
    change(mona)  # type: ignore[operator]
    assert choose(client) == 410
    mona.refresh_from_db()
    assert not mona.check_password(NEW)


@pytest.mark.parametrize(
    ("first", "again", "sentence"),
    [
        ("password1234", "password1234", "lists that attackers use"),
        ("vio-let-9", "vio-let-9", "at least 12 characters"),
        ("mona-person-mona", "mona-person-mona", "too similar"),
        (NEW, NEW + "x", "password fields"),
        ("", "", "Enter a password."),
    ],
)
def test_a_weak_password_is_refused_and_the_link_still_works(
    client: Client, mona: User, first: str, again: str, sentence: str
) -> None:
    User.objects.filter(pk=mona.pk).update(last_name="mona-person")
    client.get(send(mona))
    refused = client.post(ACTIVATE, {"new_password1": first, "new_password2": again})
    assert refused.status_code == 422
    assert sentence in refused.content.decode()
    assert first == "" or first not in refused.content.decode()
    assert choose(client) == 302


def test_a_link_ends_every_session_and_forgets_every_device(client: Client, mona: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, mona)
    address = send(mona)
    client.get(address)
    assert choose(client) == 302
    assert not is_in(elsewhere)
    assert not TrustedDevice.objects.usable().exists()


def test_a_link_opens_and_sets_no_other_account(client: Client, mona: User, ada: User) -> None:
    sign_in(client, ada)
    client.get(send(mona))
    assert choose(client) == 302
    ada.refresh_from_db()
    assert not ada.check_password(NEW)
    assert is_in(client)


def test_an_email_that_changed_meanwhile_is_not_confirmed(client: Client, mona: User) -> None:
    client.get(send(mona))
    User.objects.filter(pk=mona.pk).update(email="other@clinic.example")
    assert choose(client) == 302
    mona.refresh_from_db()
    assert mona.email_confirmed_at is None


def test_the_token_is_kept_only_as_a_hash_and_a_guess_makes_no_session(client: Client, mona: User) -> None:
    token = send(mona).split("/")[-2]
    assert len(token) == 43
    assert token not in str(AccountLink.objects.values()) + str(Mail.objects.values())
    assert client.get("/accounts/link/no-such-token/")["Location"] == ACTIVATE
    assert client.get(ACTIVATE).status_code == 410
    assert not Session.objects.exists()
    client.get(f"/accounts/link/{token}/")
    assert token not in str(Session.objects.values())


def test_a_network_opens_60_links_a_minute(client: Client, mona: User) -> None:
    address = send(mona)
    with time_machine.travel(NOON, tick=False):
        statuses = [client.get("/accounts/link/guess/").status_code for _ in range(61)]
        answer = client.get(address)
    assert statuses == [302] * 60 + [429]
    assert (answer.status_code, answer["Retry-After"], answer["Referrer-Policy"]) == (429, "60", "no-referrer")


def test_the_form_needs_its_token(mona: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.get(send(mona))
    assert choose(browser) == 403


def test_a_mail_that_could_not_be_sent_is_sent_later_with_a_new_token(
    mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    links.send_activation(user=mona, by=None)
    message = Mail.objects.get()

    def refuse(*_args: object, **_more: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", refuse)
        with pytest.raises(ConnectionRefusedError):
            deliver(message.pk)
    assert AccountLink.objects.get().token_hash == ""
    Mail.objects.update(enqueued_at=message.created_at)
    browser = Client()
    browser.get(mailed_address())
    assert browser.get(ACTIVATE).status_code == 200


def test_a_link_that_is_no_longer_good_is_not_mailed(mona: User) -> None:
    links.send_activation(user=mona, by=None)
    mona.bump_epoch()
    mail_out()
    assert mail.outbox == []
    assert Mail.objects.get().status == Mail.Status.DROPPED


def test_the_demos_outbox_shows_the_link(settings: Settings, client: Client, mona: User) -> None:
    settings.EMAIL_BACKEND = "demo.outbox.DemoEmailBackend"
    links.send_activation(user=mona, by=None)
    mail_out()
    (address,) = DemoMessage.objects.get(to=mona.email).links
    client.get(address.removeprefix("http://localhost:8000"))
    assert client.get(ACTIVATE).status_code == 200


def command(username: str) -> str:
    printed = StringIO()
    call_command("activation_link", username, stdout=printed)
    return printed.getvalue().strip()


def test_an_operator_prints_a_link_for_whom_no_mail_reaches(client: Client, mona: User) -> None:
    User.objects.filter(pk=mona.pk).update(email="")
    client.get(command("MONA").removeprefix("http://localhost:8000"))
    assert choose(client) == 302
    mona.refresh_from_db()
    assert (mona.check_password(NEW), mona.email_confirmed_at) == (True, None)


def test_an_operator_prints_no_link_past_a_password_or_a_lock(mona: User, ada: User) -> None:
    with pytest.raises(CommandError, match="has a password"):
        command("ada")
    with pytest.raises(CommandError, match="Nobody"):
        command("zoe")
    lock(mona)
    with pytest.raises(CommandError, match="locked"):
        command("mona")
