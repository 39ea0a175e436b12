"""Username and password: right, wrong, too often, and what an attacker learns from the answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import pytest
import time_machine
from django.contrib.auth import hashers
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Session, User
from accounts.services import locks, signing_in
from core import throttle
from core.models import Event, Throttle
from core.refusals import close_refusals
from tests.accounts.people import SIGN_IN, app_code, is_in, type_code, type_password
from tests.factories import PASSWORD, UserFactory


def tags_about(user: User) -> list[str]:
    return list(Event.objects.filter(subject_id=str(user.pk)).order_by("id").values_list("tag", flat=True))


def test_the_right_password_and_code_sign_ada_in(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    after_password = type_password(client)
    assert after_password["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    after_code = type_code(client, adas_app, app_code(adas_app))
    assert after_code["Location"] == "/"
    assert is_in(client)
    assert tags_about(ada) == [
        "account:password:accepted", "account:code:accepted", "account:session:started",
    ]  # fmt: skip


@pytest.mark.parametrize("spelling", ["ADA", " ada ", "Ada"])
def test_case_and_spaces_of_the_username_do_not_count(
    client: Client, ada: User, adas_app: AuthenticatorDevice, spelling: str
) -> None:
    assert type_password(client, spelling).status_code == 302


def test_usernames_that_fold_to_the_same_can_not_both_exist(ada: User) -> None:
    with pytest.raises(Exception, match="username_key"):
        UserFactory.create(username="  ADA")


@pytest.mark.parametrize(
    ("username", "password", "sentence"),
    [
        ("", PASSWORD, "Enter your username or email."),
        ("ada", "", "Enter your password."),
        ("ada", "x" * 129, "Use 128 characters or fewer"),
    ],
)
def test_an_incomplete_form_is_refused_next_to_its_field(
    client: Client, ada: User, username: str, password: str, sentence: str
) -> None:
    answer = type_password(client, username, password)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Event.objects.exists()


def test_a_wrong_password_keeps_the_username_and_never_shows_the_password_again(client: Client, ada: User) -> None:
    answer = type_password(client, password="wrong-wrong-wrong")
    assert answer.status_code == 422
    assert 'value="ada"' in answer.content.decode()
    assert "wrong-wrong-wrong" not in answer.content.decode()
    assert tags_about(ada) == ["account:password:wrong"]


def without_tokens(page: str, *names: str) -> str:
    """Return a page without what differs by chance or by what was typed."""
    lines = [line for line in page.splitlines() if "csrfmiddlewaretoken" not in line]
    text = "\n".join(lines)
    for name in names:
        text = text.replace(name, "NAME")
    return text


def test_a_username_that_nobody_has_gets_the_same_answer(ada: User) -> None:
    known = type_password(Client(), "ada", "wrong-wrong-wrong")
    unknown = type_password(Client(), "zoe", "wrong-wrong-wrong")
    assert known.status_code == unknown.status_code == 422
    assert without_tokens(known.content.decode(), "ada") == without_tokens(unknown.content.decode(), "zoe")


@pytest.mark.parametrize("username", ["ada", "zoe", "locked", "inactive", "no-password"])
def test_every_kind_of_wrong_sign_in_costs_one_hash(ada: User, monkeypatch: pytest.MonkeyPatch, username: str) -> None:
    locked = UserFactory.create(username="locked")
    locked.locks.create(reason="stolen phone")
    UserFactory.create(username="inactive", is_active=False)
    UserFactory.create(username="no-password", password=hashers.make_password(None))
    hashed: list[str] = []
    plain_encode = hashers.Argon2PasswordHasher.encode
    plain_verify = hashers.Argon2PasswordHasher.verify

    def encode(self: hashers.Argon2PasswordHasher, password: str, salt: str) -> str:
        hashed.append("encode")
        return plain_encode(self, password, salt)

    def verify(self: hashers.Argon2PasswordHasher, password: str, encoded: str) -> bool:
        hashed.append("verify")
        return plain_verify(self, password, encoded)

    monkeypatch.setattr(hashers.Argon2PasswordHasher, "encode", encode)
    monkeypatch.setattr(hashers.Argon2PasswordHasher, "verify", verify)
    assert type_password(Client(), username, "wrong-wrong-wrong").status_code == 422
    assert len(hashed) == 1


def test_a_locked_account_answers_the_right_password_like_a_wrong_one(ada: User, stan: User) -> None:
    ada.locks.create(reason="stolen phone", created_by=stan)
    right = type_password(Client(), "ada")
    wrong = type_password(Client(), "ada", "wrong-wrong-wrong")
    assert right.status_code == wrong.status_code == 422
    assert without_tokens(right.content.decode()) == without_tokens(wrong.content.decode())
    assert not Session.objects.filter(user=ada).exists()


def test_a_lock_that_comes_while_the_password_is_checked_holds(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = signing_in.check_password

    def check_and_lock(**asked: Any) -> object:
        found = check(**asked)
        ada.locks.create(reason="stolen phone")
        return found

    monkeypatch.setattr(signing_in, "check_password", check_and_lock)
    assert type_password(client).status_code == 422
    assert not Session.objects.filter(user=ada).exists()


def fail(client: Client, times: int, username: str = "ada") -> int:
    status = 0
    for _ in range(times):
        status = type_password(client, username, "wrong-wrong-wrong").status_code
    return status


def test_the_fifth_wrong_password_starts_a_cool_off_of_15_minutes(client: Client, ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        assert fail(client, 4) == 422
        assert fail(client, 1) == 429
        answer = type_password(client)
        page = answer.content.decode()
        assert answer.status_code == 429
        assert answer["Retry-After"] == "900"
        assert 'data-countdown="900"' in page
        assert "10:15 a.m. EST" in page
        clock.shift(dt.timedelta(minutes=14, seconds=59))
        assert type_password(client).status_code == 429
        clock.shift(dt.timedelta(seconds=2))
        assert type_password(client).status_code == 302


def test_tries_during_the_cool_off_do_not_make_it_longer_and_are_counted(client: Client, ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        fail(client, 5)
        clock.shift(dt.timedelta(minutes=10))
        assert fail(client, 6) == 429
        clock.shift(dt.timedelta(minutes=5, seconds=1))
        assert type_password(client).status_code == 302
    assert tags_about(ada).count("account:password:wrong") == 5
    assert tags_about(ada).count("account:password:refused") == 1
    assert Throttle.objects.get(scope="account:password").refused == 6


def test_150_refused_attempts_are_two_events(monkeypatch: pytest.MonkeyPatch, client: Client, ada: User) -> None:
    monkeypatch.setattr(signing_in, "FORMS", replace(signing_in.FORMS, times=1_000))
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        fail(client, 5)
        before = Event.objects.count()
        for _ in range(150):
            assert type_password(client).status_code == 429
        assert Event.objects.count() == before + 1
        clock.shift(dt.timedelta(minutes=15))
        close_refusals()
    assert Event.objects.count() == before + 2
    closing = Event.objects.filter(subject_id=str(ada.pk), tag="account:password:refused").latest("id")
    assert closing.data["refused"] == 150
    assert closing.ip is None


def test_a_network_sends_120_forms_a_minute_whatever_becomes_of_them(client: Client, ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        fail(client, 5)
        statuses = [type_password(client).status_code for _ in range(115)]
        before = Event.objects.count()
        full = [type_password(client, f"somebody{number}") for number in range(20)]
        assert set(statuses) == {answer.status_code for answer in full} == {429}
        assert "your network" in full[0].content.decode()
        assert Event.objects.count() == before + 1
        assert Event.objects.latest("id").data == {"limit": "sign_in_forms"}
        clock.shift(dt.timedelta(seconds=61))
        assert type_password(client, "somebody").status_code == 422


def test_a_wider_network_is_refused_after_100_failures_in_a_minute(ada: User, adas_app: AuthenticatorDevice) -> None:
    def send(address: str, username: str, password: str = "wrong-wrong-wrong") -> int:
        return Client(REMOTE_ADDR=address).post(SIGN_IN, {"username": username, "password": password}).status_code

    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False):
        for number in range(100):
            assert send(f"2001:db8:1:{number:x}::1", f"guess{number}") == 422
        assert send("2001:db8:1:ffff::1", "ada", PASSWORD) == 429
        assert send("2001:db8:2::1", "ada", PASSWORD) == 302


def test_one_who_is_told_to_wait_a_moment_waits_no_15_minutes(
    client: Client, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "ASK_AGAIN_TIMES", 1)
    others = [throttle.claim_all([signing_in.PASSWORDS.of("ada")]) for _ in range(5)]
    answer = type_password(client)
    assert (answer.status_code, answer["Retry-After"]) == (429, "3")
    assert "We didn’t check your password" in answer.content.decode()
    for other in others:
        assert isinstance(other, throttle.Claims)
        other.leave()
    assert type_password(client).status_code == 302


def test_the_cool_off_answers_the_right_password_like_a_wrong_one(ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False):
        fail(Client(), 5)
        right, wrong = type_password(Client()), type_password(Client(), "ada", "wrong-wrong-wrong")
    assert right.status_code == wrong.status_code == 429
    assert right.content == wrong.content


def test_an_unknown_username_cools_off_alike(ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False):
        assert fail(Client(), 5, "ada") == fail(Client(), 5, "zoe") == 429
        known, unknown = type_password(Client(), "ada"), type_password(Client(), "zoe")
    assert known.status_code == unknown.status_code == 429
    assert known.content == unknown.content


def test_another_spelling_does_not_get_around_the_cool_off(client: Client, ada: User) -> None:
    fail(client, 3, "ada")
    fail(client, 2, " ADA ")
    assert type_password(client, "Ada").status_code == 429


def test_failures_older_than_15_minutes_are_forgotten(client: Client, ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        fail(client, 4)
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        assert fail(client, 4) == 422


def test_a_success_forgets_the_failures(client: Client, ada: User) -> None:
    fail(client, 4)
    type_password(client)
    assert fail(Client(), 4) == 422


def test_a_network_is_refused_after_ten_failures_in_a_minute(client: Client, ada: User) -> None:
    with time_machine.travel("2026-03-02 15:00:00+00:00", tick=False) as clock:
        for number in range(10):
            assert fail(client, 1, f"guess{number}") == 422
        refused = type_password(client, "ada")
        assert refused.status_code == 429
        assert "your network" in refused.content.decode()
        elsewhere = client.post(SIGN_IN, {"username": "ada", "password": PASSWORD}, REMOTE_ADDR="192.0.2.9")
        assert elsewhere.status_code == 302
        clock.shift(dt.timedelta(seconds=61))
        assert type_password(Client(), "ada").status_code == 302


def test_successes_do_not_count_against_a_network_since_a_hospital_is_one_address(ada: User) -> None:
    for _ in range(12):
        assert type_password(Client()).status_code == 302


def test_an_address_written_by_the_client_does_not_count(settings: Settings, ada: User) -> None:
    settings.TRUSTED_PROXY_HOPS = 1
    for number in range(10):
        forged = f"203.0.113.{number}, 198.51.100.7"
        Client().post(SIGN_IN, {"username": f"g{number}", "password": "wrong-wrong-wrong"}, HTTP_X_FORWARDED_FOR=forged)
    answer = Client().post(
        SIGN_IN, {"username": "ada", "password": PASSWORD}, HTTP_X_FORWARDED_FOR="203.0.113.99, 198.51.100.7"
    )
    assert answer.status_code == 429


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "https:///evil.example"]
)
def test_next_never_leads_to_another_host(
    client: Client, ada: User, adas_app: AuthenticatorDevice, elsewhere: str
) -> None:
    type_password(client, next=elsewhere)
    answer = type_code(client, adas_app, app_code(adas_app), next=elsewhere)
    assert answer["Location"] == "/"


def test_next_leads_back_to_the_page_that_was_wanted(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    sent_away = client.get("/accounts/mfa/setup/done/?x=1")
    assert sent_away["Location"] == "/accounts/sign-in/?next=%2Faccounts%2Fmfa%2Fsetup%2Fdone%2F%3Fx%3D1"
    after_password = type_password(client, next="/accounts/mfa/setup/done/?x=1")
    assert "next=%2Faccounts" in after_password["Location"]
    after_code = type_code(client, adas_app, app_code(adas_app), next="/accounts/mfa/setup/done/?x=1")
    assert after_code["Location"] == "/accounts/mfa/setup/done/?x=1"


def test_a_failed_sign_in_is_recorded_without_what_was_typed(client: Client, ada: User) -> None:
    client.post(SIGN_IN, {"username": "ada", "password": "my-secret-typed"}, HTTP_USER_AGENT="Netscape")
    event = Event.objects.get()
    assert (event.tag, event.subject_id, event.ip, event.agent) == (
        "account:password:wrong", str(ada.pk), "127.0.0.1", "Netscape",
    )  # fmt: skip
    assert "my-secret-typed" not in str(event.__dict__)
    type_password(client, "a-password-typed-as-username")
    assert "a-password-typed-as-username" not in str(Event.objects.first().__dict__)


def test_passwords_are_hashed_by_argon2(nell: User) -> None:
    nell.set_password("something long enough")
    assert nell.password.startswith("argon2$argon2id$")


def test_locks_on_shows_the_cool_off_and_its_end(client: Client, ada: User) -> None:
    fail(client, 5)
    (obstacle,) = locks.obstacles_of(ada)
    assert obstacle.what == "Password"
    assert obstacle.until is not None
    assert dt.timedelta(minutes=14) < obstacle.until - timezone.now() <= dt.timedelta(minutes=15)


def test_the_sign_in_page_helps(client: Client, db: None) -> None:
    page = client.get(SIGN_IN).content.decode()
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert "data-caps-notice" in page
    assert "Using a shared computer? Sign out when you’re done." in page
    assert "(860) 555-0140" in page
