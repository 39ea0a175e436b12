"""A forgotten username: asked for by policy number and identity, mailed to the confirmed email, never shown."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine
from django.core import mail
from django.db import connection
from django.test import Client
from pytest_django import Settings

from accounts.models import Registration, User, UsernameReminder
from core.models import Event, Mail, Throttle
from tests.accounts.mails import mail_out
from tests.accounts.telling import plain, statements
from tests.cast import Cast
from tests.policies.registering import on_file, typed
from tests.reading import words

pytestmark = pytest.mark.django_db

FORGOT, SENT = "/accounts/forgot-username/", "/accounts/forgot-username/sent/"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def ana(cast: Cast) -> User:
    """Is insured, has an account, and is on file with her date of birth."""
    on_file(cast.anas.insured, email="ana@clinic.example")
    return cast.ana


def forget(browser: Client | None = None, **more: str) -> Any:
    """Send the form as Ana fills it in, let the worker answer, and return the page's answer."""
    form = {name: value for name, value in typed(**more).items() if name not in {"email", "idempotency_key"}}
    answer = (browser or Client()).post(FORGOT, form)
    mail_out()
    return answer


def test_ana_gets_her_username_by_mail_and_sees_it_nowhere(client: Client, ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(username="Ana.At.Riverbend")
    answer = forget(client)
    assert answer["Location"] == SENT
    page = client.get(SENT)
    assert "Ana.At.Riverbend" not in answer.content.decode() + page.content.decode()
    (message,) = mail.outbox
    # To the account's email, not to the one that the carrier has on file.
    assert message.to == [ana.email]
    assert "Ana.At.Riverbend" in str(message.body)
    assert "Ana.At.Riverbend" not in message.subject + str(Mail.objects.values())
    event = Event.objects.get(tag="account:username:asked")
    assert (event.subject_id, event.data, event.ip) == (str(ana.pk), {"answer": "mail"}, "127.0.0.1")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy_number", "MPL-999-999999"),
        ("full_name", "Bea Nunez"),
        ("date_of_birth", "10/03/1975"),
        ("zip", "99501"),
    ],
)
def test_who_knows_only_part_of_it_gets_nothing(ana: User, field: str, value: str) -> None:
    assert forget(**{field: value})["Location"] == SENT
    assert mail.outbox == []
    assert not Event.objects.filter(tag="account:username:asked").exists()


def test_an_email_that_nobody_confirmed_gets_nothing(ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(email_confirmed_at=None)
    forget()
    assert mail.outbox == []
    assert Event.objects.get(tag="account:username:asked").data["answer"] == "nothing: email not confirmed"


def test_a_person_without_an_account_gets_nothing_and_no_registration(ana: User) -> None:
    ana.memberships.all().delete()
    forget()
    assert mail.outbox == []
    assert not Registration.objects.exists()


def test_an_inactive_account_is_not_told(ana: User) -> None:
    User.objects.filter(pk=ana.pk).update(is_active=False)
    forget()
    assert mail.outbox == []


def test_what_was_typed_is_encrypted_and_erased_and_the_date_of_birth_is_only_a_hash(client: Client, ana: User) -> None:
    form = {name: value for name, value in typed().items() if name not in {"email", "idempotency_key"}}
    client.post(FORGOT, form)
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed, born_hash FROM accounts_usernamereminder")
        stored, born = cursor.fetchone()
        assert "118832" not in stored
        assert "Nunez" not in stored
        assert len(born) == 64
        assert "1975" not in UsernameReminder.objects.get().typed
        mail_out()
        cursor.execute("SELECT typed, born_hash, status FROM accounts_usernamereminder")
        assert cursor.fetchone() == ("", "", "done")
    assert "118832" not in str(Throttle.objects.values()) + str(Event.objects.values())


def test_everyone_gets_the_same_answer_by_the_same_statements_and_nobody_is_looked_up(ana: User) -> None:
    def asked(**more: str) -> tuple[Any, list[str]]:
        form = {name: value for name, value in typed(**more).items() if name not in {"email", "idempotency_key"}}
        with statements() as asked_for:
            browser = Client()
            answers = [plain(browser.post(FORGOT, form)), plain(browser.get(SENT))]
            return answers, asked_for()

    known = asked()
    assert known == asked(full_name="Zoe Nobody", policy_number="XX 1")
    ana.memberships.all().delete()
    assert known == asked()
    assert not any("policies_" in each or "accounts_user " in each for each in known[1])


def test_a_policy_number_can_be_asked_for_5_times_an_hour_known_or_not(ana: User) -> None:
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False):
        for number in ("MPL-204-118832", "XX-1"):
            answers = [forget(policy_number=number) for _ in range(5)]
            assert {answer.status_code for answer in answers} == {302}
            again = forget(policy_number=number.lower().replace("-", " "))
            assert again.status_code == 429
            assert "asked several times" in words(again)
        # Ten from this network by now.
        assert forget(policy_number="YY-2").status_code == 429
    assert len(mail.outbox) == 5


def test_an_incomplete_form_is_refused_next_to_its_field_with_what_was_typed(client: Client, db: None) -> None:
    answer = client.post(FORGOT, {"policy_number": "MPL-1", "full_name": "Ana", "date_of_birth": "x", "zip": "1"})
    assert answer.status_code == 422
    assert "Enter your first and last name." in words(answer)
    assert 'value="MPL-1"' in answer.content.decode()
    assert not UsernameReminder.objects.exists()
