"""A forgotten password: a link or a code by mail, and nothing that tells whether there is an account."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AccountLink, AuthenticatorDevice, PasswordReset, Session, TrustedDevice, User
from accounts.services import locks
from core import easy_codes
from core.models import Event, Mail, Throttle
from tests.accounts.mails import code_in, link_in, mail_out, mails_to, newest
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.accounts.telling import plain, statements
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

NOON = "2026-03-02 12:00:00+00:00"
FORGOT, CODE, RESET = "/accounts/forgot-password/", "/accounts/forgot-password/code/", "/accounts/reset/"
NEW = "violet-harbor-tram-91"
SUBJECT = "Choose a new password"


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


def forget(browser: Client, typed: str = "ada") -> str:
    """Ask for a link, and return the mail as it arrives; empty where none does."""
    assert browser.post(FORGOT, {"username": typed})["Location"] == CODE
    sent = len(mail.outbox)
    mail_out()
    return str(mail.outbox[-1].body) if len(mail.outbox) > sent else ""


def choose(browser: Client, password: str = NEW) -> Any:
    return browser.post(RESET, {"new_password1": password, "new_password2": password})


def type_reset_code(browser: Client, code: str) -> Any:
    return browser.post(CODE, {"code": code})


def has_password(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


def test_ada_opens_the_mailed_link_and_chooses_another_password(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    body = forget(client)
    assert "30 minutes" in body
    opened = client.get(link_in(body))
    assert (opened["Location"], opened["Referrer-Policy"]) == (RESET, "no-referrer")
    assert "ada" in words(client.get(RESET))
    saved = choose(client)
    assert saved["Location"] == "/accounts/sign-in/?why=password_set"
    assert has_password(ada, NEW)
    # Neither signed in, nor without her second factor.
    assert not is_in(client)
    assert type_password(client, "ada", NEW)["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    assert type_code(client, adas_app, app_code(adas_app))["Location"] == "/"


def test_ada_types_the_code_instead(client: Client, ada: User) -> None:
    code = code_in(forget(client))
    answer = type_reset_code(client, f" {code.lower()} ")
    assert answer["Location"] == RESET
    assert choose(client).status_code == 302
    assert has_password(ada, NEW)


def test_the_link_asked_for_by_email_is_of_the_account_that_confirmed_it(client: Client, ada: User) -> None:
    assert "/accounts/link/" in forget(client, ada.email.upper())


def test_opening_the_link_changes_nothing_since_mail_scanners_do_it_too(client: Client, ada: User) -> None:
    address = link_in(forget(client))
    for _ in range(3):
        scanner = Client()
        scanner.get(address)
        scanner.get(RESET)
    assert has_password(ada, PASSWORD)
    client.get(address)
    assert choose(client).status_code == 302


def test_link_and_code_work_once_whichever_comes_first(client: Client, ada: User) -> None:
    body = forget(client)
    other = Client()
    other.get(link_in(body))
    assert type_reset_code(client, code_in(body))["Location"] == RESET
    # The code is spent, even in the browser that asked.
    assert type_reset_code(client, code_in(body)).status_code == 429
    assert choose(client).status_code == 302
    assert choose(other, "another-long-password").status_code == 410
    other.get(link_in(body))
    assert other.get(RESET).status_code == 410
    assert has_password(ada, NEW)


def test_a_code_works_only_in_the_browser_that_asked(client: Client, ada: User) -> None:
    code = code_in(forget(client))
    stranger = Client()
    assert type_reset_code(stranger, code)["Location"] == FORGOT
    forget(stranger, "zoe")
    assert type_reset_code(stranger, code).status_code == 422
    assert type_reset_code(client, code).status_code == 302


def test_five_wrong_codes_void_the_code_and_not_the_link(client: Client, ada: User) -> None:
    body = forget(client)
    wrong = "0000-0000" if code_in(body) != "0000-0000" else "1111-1111"
    answers = [type_reset_code(client, wrong) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422] * 4 + [429]
    assert "You have 1 attempt left" in words(answers[3])
    assert type_reset_code(client, code_in(body)).status_code == 429
    client.get(link_in(body))
    assert choose(client).status_code == 302


@pytest.mark.parametrize("typed", ["", "1234", "K7QM-2XW!", "K7QM-2XWDD"])
def test_what_cannot_be_a_code_is_refused_and_counts_as_no_try(client: Client, ada: User, typed: str) -> None:
    code = code_in(forget(client))
    for _ in range(6):
        assert type_reset_code(client, typed).status_code == 422
    assert type_reset_code(client, code).status_code == 302


def test_link_and_code_work_for_30_minutes(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        browser = Client()
        body = forget(browser)
        clock.shift(dt.timedelta(minutes=29))
        browser.get(link_in(body))
        assert browser.get(RESET).status_code == 200
        clock.shift(dt.timedelta(minutes=1))
        assert choose(browser).status_code == 410
        # A cookie has gone with its time; one that was kept is of no use.
        assert type_reset_code(browser, code_in(body)).status_code in {302, 422}
        browser.cookies["reset"] = PasswordReset.objects.get().public_id
        assert type_reset_code(browser, code_in(body)).status_code == 422


def test_a_newer_request_voids_the_link_and_the_code_of_the_older_one(ada: User) -> None:
    older, newer = Client(), Client()
    first = forget(older)
    second = forget(newer)
    assert type_reset_code(older, code_in(first)).status_code == 422
    older.get(link_in(first))
    assert older.get(RESET).status_code == 410
    assert type_reset_code(newer, code_in(second)).status_code == 302


def another_password(user: User) -> None:
    user.set_password("another-long-password")
    user.save()


def another_hash(user: User) -> None:
    """Change only the stored hash, and leave the epoch as it is."""
    User.objects.filter(pk=user.pk).update(password=make_password("another-long-password"))


def another_epoch(user: User) -> None:
    user.bump_epoch()


def lock(user: User) -> None:
    user.locks.create(reason="laptop stolen")


def switch_off(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("change", [another_password, another_hash, another_epoch, lock, switch_off])
def test_a_link_dies_with_the_password_that_was_forgotten_the_epoch_or_the_account(
    client: Client, ada: User, change: Any
) -> None:
    client.get(link_in(forget(client)))
    change(ada)
    assert choose(client).status_code == 410
    assert not has_password(ada, NEW)


def test_a_reset_ends_every_session_forgets_every_device_and_tells_the_owner(client: Client, ada: User) -> None:
    elsewhere = Client()
    sign_in(elsewhere, ada)
    TrustedDevice.objects.create(
        user=ada, token_hash="x", label="Chrome", epoch=1, expires_at=timezone.now() + dt.timedelta(days=30)
    )
    client.get(link_in(forget(client)))
    assert choose(client).status_code == 302
    assert not is_in(elsewhere)
    assert not TrustedDevice.objects.usable().exists()
    assert User.objects.get(pk=ada.pk).security_epoch == 2
    mail_out()
    told = newest("Your password was changed")
    assert "Your password was changed." in told
    assert link_in(told)
    assert AccountLink.objects.usable().get().purpose == "lock"
    tags = list(Event.objects.filter(subject_id=str(ada.pk)).order_by("id").values_list("tag", flat=True))
    assert tags == ["account:link:made", "account:reset:asked", "account:password:set", "account:link:made"]


def test_a_reset_in_a_browser_that_is_signed_in_signs_it_out(client: Client, ada: User) -> None:
    sign_in(client, ada)
    client.get(link_in(forget(client)))
    assert choose(client)["Location"] == "/accounts/sign-in/?why=password_set"
    assert client.get("/accounts/sign-in/").status_code == 200
    assert not Session.objects.open().filter(user=ada).exists()


def test_a_reset_removes_no_factor_and_lifts_no_cool_off(ada: User, adas_app: AuthenticatorDevice) -> None:
    for _ in range(5):
        type_password(Client(), "ada", "wrong-wrong-wrong")
    AuthenticatorDevice.objects.update(disabled_at=timezone.now())
    browser = Client()
    browser.get(link_in(forget(browser)))
    assert choose(browser).status_code == 302
    assert type_password(Client(), "ada", NEW).status_code == 429
    adas_app.refresh_from_db()
    assert adas_app.is_off()


def test_a_weak_password_is_refused_and_the_link_still_works(client: Client, ada: User) -> None:
    client.get(link_in(forget(client)))
    refused = choose(client, "password1234")
    assert refused.status_code == 422
    assert "password1234" not in refused.content.decode()
    assert choose(client).status_code == 302


def is_new(user: User) -> None:
    """Made by the carrier's feed: an email on file that nobody has confirmed, no password, never opened."""
    User.objects.filter(pk=user.pk).update(password=make_password(None), email_confirmed_at=None)


def has_no_password(user: User) -> None:
    User.objects.filter(pk=user.pk).update(password=make_password(None))


def is_taken_over(user: User) -> None:
    """Brought by the carrier's feed with a password of a former system, and never opened here."""
    User.objects.filter(pk=user.pk).update(
        email_confirmed_at=None, password_taken_over_at=timezone.now(), password_changed_at=None
    )


@pytest.mark.parametrize("change", [is_new, has_no_password, is_taken_over])
def test_an_account_without_a_password_gets_an_activation_link_instead(client: Client, ada: User, change: Any) -> None:
    change(ada)
    client.get(link_in(forget(client)))
    assert AccountLink.objects.get().purpose == "activation"
    assert client.get(RESET).status_code == 410
    assert client.get("/accounts/activate/").status_code == 200


def test_an_email_that_nobody_confirmed_gets_nothing(client: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email_confirmed_at=None)
    assert forget(client) == ""
    assert forget(client, ada.email) == ""
    assert [event.data["answer"] for event in Event.objects.filter(tag="account:reset:asked")] == [
        "nothing: email not confirmed"
    ]


def test_a_voided_account_whose_email_was_never_confirmed_gets_nothing(client: Client, ada: User) -> None:
    is_new(ada)
    User.objects.filter(pk=ada.pk).update(last_login=timezone.now())
    assert forget(client) == ""


@pytest.mark.parametrize("change", [lock, switch_off])
def test_the_owner_of_a_locked_or_inactive_account_is_told_to_call_and_gets_no_link(
    client: Client, ada: User, change: Any
) -> None:
    change(ada)
    body = forget(client)
    assert "Call web support" in body
    assert "/accounts/link/" not in body
    assert not AccountLink.objects.exists()


def test_people_who_share_an_email_are_asked_for_their_username(client: Client, ada: User) -> None:
    UserFactory.create(username="ava", email=ada.email.upper())
    body = forget(client, ada.email)
    assert "More than one account uses it" in body
    assert not AccountLink.objects.exists()
    assert "/accounts/link/" in forget(client, "ava")


def test_a_username_comes_before_the_same_text_as_somebodys_email(client: Client, ada: User) -> None:
    eve = UserFactory.create(username=ada.email, email="eve@people.example")
    forget(client, ada.email)
    assert mails_to(eve.email, "password_reset")
    assert not mails_to(ada.email)


def test_an_unknown_name_mails_nobody(client: Client, ada: User) -> None:
    assert forget(client, "zoe") == ""
    assert forget(client, "zoe@people.example") == ""
    assert not Event.objects.exists()


# What an attacker sees.


def asked(typed: str) -> tuple[list[Any], list[str]]:
    """Ask in a new browser, look at the page, and type a wrong code; return answers and statements, without values."""
    browser, answers = Client(), []
    with statements() as asked_for:
        answers.append(plain(browser.post(FORGOT, {"username": typed}), typed))
        answers.append(plain(browser.get(CODE), typed))
        answers += [plain(type_reset_code(browser, "0000-0000"), typed) for _ in range(6)]
        return answers, asked_for()


@pytest.mark.parametrize("kind", [UserFactory, is_new, has_no_password, lock, switch_off])
def test_known_and_unknown_names_get_the_same_answers_by_the_same_statements(ada: User, kind: Any) -> None:
    if kind is not UserFactory:
        kind(ada)
    (known, by_known), (unknown, by_unknown) = asked("ada"), asked("zoe")
    assert known == unknown
    assert by_known == by_unknown
    assert not any("accounts_user" in statement for statement in by_known)


def test_a_worker_that_has_mailed_the_code_changes_no_answer(ada: User) -> None:
    def after_the_mail(typed: str) -> list[Any]:
        browser = Client()
        forget(browser, typed)
        return [plain(type_reset_code(browser, "0000-0000"), typed) for _ in range(6)]

    assert after_the_mail("ada") == after_the_mail("zoe")


def test_a_name_can_be_asked_for_3_times_in_15_minutes_known_or_not(ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for typed in ("ada", "zoe"):
            answers = [Client().post(FORGOT, {"username": typed}) for _ in range(4)]
            assert [answer.status_code for answer in answers] == [302] * 3 + [429]
            assert "Use the link in our latest email" in words(answers[-1])
            assert answers[-1]["Retry-After"] == "900"
        assert Client().post(FORGOT, {"username": " ADA "}).status_code == 429
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        assert Client().post(FORGOT, {"username": "ada"}).status_code == 302


def test_a_network_asks_20_times_an_hour(db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        answers = [Client().post(FORGOT, {"username": f"name{number}"}).status_code for number in range(21)]
    assert answers == [302] * 20 + [429]


def test_a_network_types_30_codes_in_15_minutes(ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        statuses = []
        for number in range(7):
            browser = Client()
            forget(browser, f"name{number}")
            statuses += [type_reset_code(browser, "0000-0000").status_code for _ in range(4)]
        browser = Client()
        code = code_in(forget(browser))
        statuses += [type_reset_code(browser, "0000-0000").status_code for _ in range(2)]
        assert set(statuses) == {422}
        assert type_reset_code(browser, code).status_code == 429


def test_an_account_gets_5_mails_an_hour_by_whatever_name(ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        for typed in ["ada"] * 3 + [ada.email] * 3:
            forget(Client(), typed)
    assert len(mails_to(ada.email, "password_reset")) == 5
    assert Event.objects.filter(data__answer="nothing: too many mails").count() == 1


def test_what_was_typed_is_encrypted_until_the_worker_has_dealt_with_it_and_then_erased(
    client: Client, ada: User
) -> None:
    client.post(FORGOT, {"username": "ada"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT typed FROM accounts_passwordreset")
        assert "ada" not in cursor.fetchone()[0]
        mail_out()
        cursor.execute("SELECT typed FROM accounts_passwordreset")
        assert cursor.fetchone()[0] == ""
    assert "ada" not in str(Throttle.objects.values())


def test_only_hashes_of_the_token_and_the_code_are_kept(client: Client, ada: User) -> None:
    body = forget(client)
    token, code = link_in(body).split("/")[-2], easy_codes.normalize(code_in(body))
    assert (len(token), len(code)) == (43, 8)
    stored = f"{AccountLink.objects.values()}{PasswordReset.objects.values()}{Mail.objects.values()}"
    stored += f"{Event.objects.values()}{Session.objects.values()}"
    assert token not in stored
    assert code not in stored
    assert code_in(body) not in stored


def test_asking_writes_no_session(client: Client, ada: User) -> None:
    forget(client)
    client.get(CODE)
    type_reset_code(client, "0000-0000")
    assert not Session.objects.exists()
    cookie = client.cookies["reset"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 1800)


def test_a_mail_that_could_not_be_sent_is_sent_later_with_another_link_and_code(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post(FORGOT, {"username": "ada"})

    def refuse(*_args: object, **_more: object) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", refuse)
        with pytest.raises(ConnectionRefusedError):
            mail_out()
    assert PasswordReset.objects.get().code_hash == ""
    Mail.objects.update(enqueued_at=timezone.now())
    mail_out()
    assert type_reset_code(client, code_in(newest(SUBJECT))).status_code == 302


def test_a_worker_that_gets_a_request_twice_mails_once(client: Client, ada: User) -> None:
    client.post(FORGOT, {"username": "ada"})
    mail_out()
    mail_out()
    assert len(mail.outbox) == 1


def test_the_event_says_where_the_request_came_from(ada: User) -> None:
    Client(REMOTE_ADDR="192.0.2.9", HTTP_USER_AGENT="Netscape").post(FORGOT, {"username": "ada"})
    mail_out()
    event = Event.objects.get(tag="account:reset:asked")
    assert (event.ip, event.agent, event.actor_id, event.data["answer"]) == ("192.0.2.9", "Netscape", None, "link")


def test_a_lock_that_staff_set_voids_the_link(client: Client, ada: User, stan: User) -> None:
    client.get(link_in(forget(client)))
    locks.lock(user=ada, by=stan, reason="laptop stolen")
    assert choose(client).status_code == 410


@pytest.mark.parametrize("typed", ["", "x" * 255])
def test_an_empty_or_endless_name_is_refused_next_to_its_field(client: Client, typed: str) -> None:
    answer = client.post(FORGOT, {"username": typed})
    assert answer.status_code == 422
    assert not PasswordReset.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_one_link_4_times_at_once_sets_one_password(ada: User) -> None:
    body = forget(Client())
    browsers = [Client() for _ in range(4)]
    for browser in browsers:
        browser.get(link_in(body))
    passwords = [f"violet-harbor-tram-9{number}" for number in range(4)]
    statuses = at_once(*[lambda b=b, p=p: choose(b, p).status_code for b, p in zip(browsers, passwords, strict=True)])
    assert sorted(statuses) == [302, 410, 410, 410]
    ada.refresh_from_db()
    assert ada.check_password(passwords[statuses.index(302)])
    assert Event.objects.filter(tag="account:password:set").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_8_wrong_codes_at_once_no_more_than_5_are_judged(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Client()
    forget(browser)
    judged: list[str] = []
    accepts = PasswordReset.accepts

    def watch(self: PasswordReset, code: str) -> bool:
        judged.append(code)
        return accepts(self, code)

    monkeypatch.setattr(PasswordReset, "accepts", watch)
    copies = [Client() for _ in range(8)]
    for copy in copies:
        copy.cookies["reset"] = browser.cookies["reset"].value
    statuses = at_once(*[lambda c=c: type_reset_code(c, "0000-0000").status_code for c in copies])
    assert sorted(statuses) == [422] * 4 + [429] * 4
    assert len(judged) == 5
