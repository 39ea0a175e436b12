"""Passwords of a former system, brought by the feed (S-08)."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from django.test import Client

from accounts.models import AccountLock, AuthenticatorDevice, User
from accounts.services import links
from accounts.services.links import hand_over_activation
from accounts.tasks import void_factorless_passwords
from core.models import Event
from feed.example.words import FORMER_HASHES, FORMER_PASSWORD
from feed.models import Run
from tests.accounts.people import type_password
from tests.factories import UserFactory
from tests.feed.packages import Book, errors, load, small_book, warnings
from tests.helpers import authenticator_for

pytestmark = pytest.mark.django_db

BCRYPT, CRYPT_PBKDF2, DJANGO_PBKDF2, UNREADABLE = FORMER_HASHES


def with_account(book: Book, **values: str) -> Book:
    """Return the book whose contact had an account."""
    book["contacts.csv"][0] |= {"username": "rae", "password_hash": BCRYPT} | values
    return book


@pytest.mark.parametrize("given", [BCRYPT, CRYPT_PBKDF2, DJANGO_PBKDF2])
def test_rae_signs_in_with_the_former_password_and_must_set_up_a_second_factor(
    given: str, tmp_path: Path, client: Client
) -> None:
    run = load(tmp_path, with_account(small_book(), password_hash=given))
    assert (run.status, warnings(run)) == (Run.Status.APPLIED, [])
    rae = User.objects.get()
    assert rae.has_unused_password
    assert rae.email_confirmed_at is None, "nobody has proved that email yet"
    assert type_password(client, "Rae ", FORMER_PASSWORD)["Location"] == "/accounts/mfa/setup/"
    assert client.get("/accounts/mfa/setup/done/").status_code == 302, "the password alone opens nothing"
    event = Event.objects.get(tag="account:password:taken_over")
    assert (event.subject_id, event.data) == (str(rae.pk), {"reason": "carrier feed", "run": run.pk})


def test_an_unreadable_hash_is_taken_without_a_finding_and_leaves_the_account_without_a_password(
    tmp_path: Path, client: Client
) -> None:
    run = load(tmp_path, with_account(small_book(), password_hash=UNREADABLE))
    assert (run.status, warnings(run), errors(run)) == (Run.Status.APPLIED, [], [])
    rae = User.objects.get()
    assert not rae.has_usable_password()
    assert type_password(client, "rae", FORMER_PASSWORD).status_code == 422


def test_a_file_may_lack_the_column(tmp_path: Path) -> None:
    book = with_account(small_book())
    for one in book["contacts.csv"]:
        del one["password_hash"]
    run = load(tmp_path, book)
    assert (run.status, errors(run)) == (Run.Status.APPLIED, [])
    assert not User.objects.get().has_usable_password()


def test_a_later_package_brings_the_hash_of_an_account_that_had_none(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), password_hash=""))
    load(tmp_path, with_account(small_book()), sequence=2)
    assert User.objects.get().check_password(FORMER_PASSWORD)


def test_loading_again_changes_nothing(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    before = User.objects.values().get()
    run = load(tmp_path, with_account(small_book(), password_hash=DJANGO_PBKDF2), sequence=2)
    assert run.total("updated") == 0
    assert User.objects.values().get() == before


def test_a_password_that_the_owner_has_set_is_never_replaced(tmp_path: Path, client: Client) -> None:
    load(tmp_path, with_account(small_book(), password_hash=""))
    rae = User.objects.get()
    address = hand_over_activation(user=rae)
    client.get(address.removeprefix("http://localhost:8000"), follow=True)
    new = "four quiet mornings"
    client.post("/accounts/activate/", {"new_password1": new, "new_password2": new})
    rae.refresh_from_db()
    assert rae.check_password(new)

    load(tmp_path, with_account(small_book()), sequence=2)

    rae.refresh_from_db()
    assert rae.check_password(new)
    assert not rae.check_password(FORMER_PASSWORD)


def test_a_password_that_staff_have_made_void_does_not_come_back(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book()))
    rae = User.objects.get()
    rae.set_unusable_password()
    rae.save(update_fields=["password", "password_changed_at"])
    load(tmp_path, with_account(small_book()), sequence=2)
    rae.refresh_from_db()
    assert not rae.has_usable_password()


def test_a_password_of_ours_that_was_made_void_is_not_replaced_by_the_former_one(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), password_hash=""))
    rae = User.objects.get()
    for password in ("four quiet mornings", None):
        rae.set_password(password)
        rae.save(update_fields=["password", "password_changed_at"])
    load(tmp_path, with_account(small_book()), sequence=2)
    rae.refresh_from_db()
    assert not rae.has_usable_password()


def test_the_hash_of_staff_is_never_set(tmp_path: Path) -> None:
    stan = UserFactory.create(username="rae", email="rae@group.example", is_staff=True, password="!none")
    load(tmp_path, with_account(small_book()))
    stan.refresh_from_db()
    assert stan.password == "!none"


def test_an_account_that_someone_opened_here_keeps_its_own_password(tmp_path: Path) -> None:
    own = UserFactory.create(username="rae", email="rae@group.example")
    before = own.password
    load(tmp_path, with_account(small_book()))
    own.refresh_from_db()
    assert (own.password, own.password_taken_over_at) == (before, None)


def test_an_account_that_became_staff_or_is_locked_gets_none(tmp_path: Path) -> None:
    load(tmp_path, with_account(small_book(), password_hash=""))
    rae = User.objects.get()
    AccountLock.objects.create(user=rae, created_by=UserFactory.create(is_staff=True), reason="a call")
    load(tmp_path, with_account(small_book()), sequence=2)
    rae.refresh_from_db()
    assert not rae.has_usable_password()
    AccountLock.objects.all().delete()
    User.objects.filter(pk=rae.pk).update(is_staff=True)
    load(tmp_path, with_account(small_book()), sequence=3)
    rae.refresh_from_db()
    assert not rae.has_usable_password()


def test_the_hash_is_in_no_other_table(tmp_path: Path) -> None:
    run = load(tmp_path, with_account(small_book(), zip="wrong"))
    secret = BCRYPT.rsplit("$", 1)[1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        holding = []
        for name in tables:
            cursor.execute(f'SELECT 1 FROM "{name}" t WHERE t::text LIKE %s LIMIT 1', [f"%{secret}%"])  # noqa: S608
            if cursor.fetchone():
                holding.append(name)
    assert holding == ["accounts_user"]
    assert secret not in json.dumps(list(run.findings.values("sentence", "code")))


def test_an_unused_password_is_void_after_90_days(tmp_path: Path, client: Client) -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        load(tmp_path, with_account(small_book()))
        clock.shift(dt.timedelta(days=89))
        void_factorless_passwords()
        assert User.objects.get().has_usable_password()
        clock.shift(dt.timedelta(days=1))
        void_factorless_passwords()
        assert not User.objects.get().has_usable_password()
        load(tmp_path, with_account(small_book()), sequence=2)
        assert not User.objects.get().has_usable_password(), "and doesn't come back"


def test_once_used_it_is_void_after_7_days_without_a_second_factor(tmp_path: Path, client: Client) -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        load(tmp_path, with_account(small_book()))
        type_password(client, "rae", FORMER_PASSWORD)
        clock.shift(dt.timedelta(days=7))
        void_factorless_passwords()
    assert not User.objects.get().has_usable_password()


def test_with_a_second_factor_it_stays(tmp_path: Path, client: Client) -> None:
    with time_machine.travel("2026-11-20 12:00:00+00:00", tick=False) as clock:
        load(tmp_path, with_account(small_book()))
        type_password(client, "rae", FORMER_PASSWORD)
        authenticator_for(User.objects.get())
        clock.shift(dt.timedelta(days=120))
        void_factorless_passwords()
    assert User.objects.get().check_password(FORMER_PASSWORD)
    assert AuthenticatorDevice.objects.count() == 1


# Owners whose hash nobody reads.


def test_forgot_password_mails_the_owner_a_link_to_choose_one(
    tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path, with_account(small_book(), password_hash=UNREADABLE))
    rae = User.objects.get()
    from accounts.models import PasswordReset
    from accounts.services import resets

    client.post("/accounts/forgot-password/", {"username": "rae"})
    reset = PasswordReset.objects.get()
    resets.send(reset.pk)
    assert rae.links.get().purpose == "activation"
    assert rae.links.get().email == "rae@group.example"


def test_staff_mail_links_to_all_who_have_no_password(tmp_path: Path, staff: Client) -> None:
    book = with_account(small_book(), password_hash=UNREADABLE)
    book["contacts.csv"].append(
        book["contacts.csv"][0]
        | {"contact_id": "CT2", "username": "sol", "email": "sol@g.example", "password_hash": BCRYPT}
    )
    load(tmp_path, book)
    rae, sol = User.objects.get(username="rae"), User.objects.get(username="sol")
    page = staff.get("/admin/accounts/user/?password_state=none").content.decode()
    assert "rae@group.example" in page
    assert "sol@g.example" not in page
    assert "sol@g.example" in staff.get("/admin/accounts/user/?password_state=unused").content.decode()
    answer = staff.post(
        "/admin/accounts/user/", {"action": "email_links", "_selected_action": [rae.pk, sol.pk]}, follow=True
    )
    assert "We sent 1 of the selected a link." in answer.content.decode()
    assert [link.email for link in rae.links.all()] == ["rae@group.example"]
    assert not sol.links.exists()
    assert Event.objects.filter(tag="staff:link:asked", subject_id=str(rae.pk)).count() == 1
    assert links.AccountLink.objects.count() == 1
