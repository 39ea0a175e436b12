"""The email as a username: it signs in like one, and tells nobody whose it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.contrib.auth import hashers
from django.db import connection
from django.test import Client

from accounts.models import AuthenticatorDevice, User
from accounts.services import locks, signing_in
from core.models import Event
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.accounts.telling import plain, statements
from tests.factories import PASSWORD, UserFactory
from tests.helpers import at_once

pytestmark = pytest.mark.django_db

NOON = "2026-03-02 12:00:00+00:00"
WRONG = "wrong-wrong-wrong"


def fail(username: str, times: int) -> list[int]:
    """Wrong passwords for one name, by strangers all over the world."""
    return [
        Client(REMOTE_ADDR=f"198.51.{number}.{len(username)}")
        .post("/accounts/sign-in/", {"username": username, "password": WRONG})
        .status_code
        for number in range(times)
    ]


@pytest.mark.parametrize("change", [str, str.upper, str.title, lambda email: f"  {email} "])
def test_ada_signs_in_with_her_confirmed_email_in_any_case(
    client: Client, ada: User, adas_app: AuthenticatorDevice, change: Callable[[str], str]
) -> None:
    assert type_password(client, change(ada.email))["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    type_code(client, adas_app, app_code(adas_app))
    assert is_in(client)


def unconfirmed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email_confirmed_at=None)


def shared(user: User) -> None:
    UserFactory.create(username="ava", email=user.email.upper())


def somebodys_username(user: User) -> None:
    UserFactory.create(
        username=user.email, email="eve@people.example", password=hashers.make_password("other-password")
    )


@pytest.mark.parametrize("change", [unconfirmed, shared, somebodys_username])
def test_an_email_that_means_nobody_or_several_opens_nothing(
    client: Client, ada: User, change: Callable[[User], None]
) -> None:
    change(ada)
    assert type_password(client, ada.email).status_code == 422
    assert type_password(client, "ada").status_code == 302


def test_an_unconfirmed_twin_takes_nobodys_email_away(client: Client, ada: User) -> None:
    UserFactory.create(username="eve", email=ada.email, email_confirmed_at=None)
    assert type_password(client, ada.email).status_code == 302


def test_both_names_together_give_five_guesses(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert fail(ada.email, 4) == [422] * 4
        assert fail("ada", 1) == [422]
        # From now on, the right password isn't compared by either name.
        assert type_password(client, "ada").status_code == 422
        assert type_password(client, ada.email).status_code == 429
        assert [each.what for each in locks.obstacles_of(ada)] == ["Password"]
        assert list(locks.locked_now()) == [ada]
        clock.shift(dt.timedelta(minutes=15, seconds=1))
        assert type_password(client, "ada").status_code == 302
        assert type_password(client, ada.email).status_code == 302
    tags = list(Event.objects.filter(subject_id=str(ada.pk)).values_list("tag", flat=True))
    assert tags.count("account:password:locked") >= 1


def test_tries_by_the_other_name_do_not_make_the_cool_off_longer(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        fail("ada", 5)
        clock.shift(dt.timedelta(minutes=10))
        fail(ada.email, 4)
        clock.shift(dt.timedelta(minutes=5, seconds=1))
        assert type_password(client, "ada").status_code == 302


def test_a_new_username_keeps_the_cool_off(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        fail("ada", 5)
        User.objects.filter(pk=ada.pk).update(username="ada.byron", username_key="ada.byron")
        assert type_password(client, "ada.byron").status_code == 422


def test_staff_lift_the_cool_off_of_every_name(client: Client, ada: User, stan: User) -> None:
    with time_machine.travel(NOON, tick=False):
        fail("ada", 5)
        fail(ada.email, 5)
        locks.unlock(user=ada, by=stan, reason="verified by phone")
        assert type_password(client, "ada").status_code == 302
        assert type_password(client, ada.email).status_code == 302
        assert not locks.obstacles_of(ada)


def test_strangers_who_guess_by_email_keep_no_owner_out_of_a_remembered_browser(
    ada: User, adas_app: AuthenticatorDevice
) -> None:
    owner = Client()
    type_password(owner, ada.email)
    type_code(owner, adas_app, app_code(adas_app), remember="on")
    owner.post("/accounts/sign-out/")
    fail(ada.email, 5)
    fail("ada", 5)
    assert type_password(owner, ada.email)["Location"] == "/"
    owner.post("/accounts/sign-out/")
    assert type_password(owner, "ada")["Location"] == "/"


def test_no_answer_tells_that_an_email_and_a_username_are_of_one_account(ada: User) -> None:
    def after_five_for(guessed: str, then: str, password: str = WRONG) -> Any:
        fail(guessed, 5)
        answer = Client(REMOTE_ADDR="203.0.113.77").post("/accounts/sign-in/", {"username": then, "password": password})
        signing_in.forget_failures(ada)
        return plain(answer, then)

    with time_machine.travel(NOON, tick=False):
        same_account = after_five_for("ada", ada.email)
        assert same_account[0] == 422
        assert same_account == after_five_for("zoe", "zoe@people.example")
        # Not even someone who has the password learns it.
        assert same_account == after_five_for("ada", ada.email, PASSWORD)


def costs(username: str, password: str, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], int]:
    """Return the statements of one attempt, and the number of its hashes."""
    hashed: list[str] = []
    hasher = hashers.Argon2PasswordHasher
    encode, verify = hasher.encode, hasher.verify

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            hashed.append("one")
            return original(*args)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(hasher, "encode", counted(encode))
        patch.setattr(hasher, "verify", counted(verify))
        with statements() as asked:
            assert type_password(Client(), username, password).status_code == 422
            return [each for each in asked() if "SAVEPOINT" not in each], len(hashed)


def test_every_name_costs_the_same_statements_and_one_hash(ada: User, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = costs("zoe", WRONG, monkeypatch)
    assert unknown[1] == 1
    assert unknown == costs("ada", WRONG, monkeypatch)
    assert unknown == costs(ada.email, WRONG, monkeypatch)
    assert unknown == costs("zoe@people.example", WRONG, monkeypatch)


def test_the_right_password_in_a_hidden_cool_off_costs_what_a_wrong_one_costs(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOON, tick=False):
        unknown = costs("zoe", WRONG, monkeypatch)
        fail("ada", 5)
        wrong, right = costs(ada.email, WRONG, monkeypatch), costs(ada.email, PASSWORD, monkeypatch)
    assert wrong == right
    assert (len(wrong[0]), wrong[1]) == (len(unknown[0]), unknown[1])


def test_the_email_is_found_by_its_index(ada: User) -> None:
    UserFactory.create_batch(3)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM accounts_user WHERE username_key = 'a' "
            "OR (UPPER(email::text) = UPPER('a') AND email_confirmed_at IS NOT NULL)"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "user_confirmed_email" in plan


@pytest.mark.django_db(transaction=True)
def test_of_wrong_passwords_by_both_names_at_once_no_more_than_five_are_judged(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged: list[str] = []
    check = User.check_password

    def watch(self: User, raw_password: str | None) -> bool:
        judged.append(self.username)
        return check(self, raw_password)

    monkeypatch.setattr(User, "check_password", watch)

    def attempt(name: str) -> int:
        return type_password(Client(), name, WRONG).status_code

    names = ["ada"] * 4 + [ada.email] * 4
    statuses = at_once(*[lambda name=name: attempt(name) for name in names])
    assert set(statuses) == {422}
    assert len(judged) <= 5
    assert signing_in.cool_off_of(ada) is not None
