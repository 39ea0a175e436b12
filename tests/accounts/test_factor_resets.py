"""Lost second factors: staff reset them, by two persons or a call-back, after a day in which the owner can stop it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import (
    AccountLink,
    AuthenticatorDevice,
    DetailChange,
    FactorReset,
    Passkey,
    PasswordReset,
    RecoverySet,
    TrustedDevice,
    User,
)
from accounts.services import factor_resets, locks, recovery_codes
from accounts.services.changes import Change
from accounts.services.factor_resets import NotPossibleError
from accounts.tasks import carry_out_factor_resets, purge_recovery_requests
from core.models import Event, Mail
from tests.accounts.mails import link_in, mail_out, mails_to, newest
from tests.accounts.people import app_code, is_in, phone_for, type_code, type_password
from tests.factories import UserFactory
from tests.helpers import at_once, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

NOON = "2026-03-02 12:00:00+00:00"
PAGE = "/accounts/factor-reset/"
NEW = "violet-harbor-tram-91"
Status = FactorReset.Status


@pytest.fixture(autouse=True)
def _mails(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(NOON, tick=False) as traveler:
        yield traveler


@pytest.fixture(autouse=True)
def _app(adas_app: AuthenticatorDevice) -> None:
    User.objects.filter(pk=adas_app.user_id).update(phone="(202) 555-0177")


def agent_of_support(username: str) -> User:
    """Return a member of web support: staff with the rights that this needs, and no superuser."""
    user = UserFactory.create(username=username, is_staff=True)
    codes = ["reset_factors", "view_user", "view_factorreset", "unlock_user"]
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def sue(db: None) -> User:
    return agent_of_support("sue")


@pytest.fixture
def tom(db: None) -> User:
    return agent_of_support("tom")


def ask(user: User, by: User, way: str = "call_back") -> FactorReset:
    return factor_resets.ask(user=User.objects.get(pk=user.pk), by=by, way=way, reason="lost her phone")


def status_of(reset: FactorReset) -> str:
    return FactorReset.objects.get(pk=reset.pk).status


def test_two_persons_a_day_and_a_mailed_link_lead_to_a_new_factor(ada: User, sue: User, tom: User, clock: Any) -> None:
    recovery_codes.draw(user=ada, drawn=0)
    elsewhere = Client()
    sign_in(elsewhere, ada)
    TrustedDevice.objects.create(
        user=ada, token_hash="x", label="Chrome", epoch=1, expires_at=timezone.now() + dt.timedelta(days=30)
    )
    Mail.objects.all().delete()
    reset = ask(ada, sue, "two_persons")
    assert (reset.status, reset.due_at) == ("asked", None)
    assert not Mail.objects.exists()
    factor_resets.approve(reset=reset, by=tom, reason="spoke to her")
    clock.shift(dt.timedelta(hours=23, minutes=59))
    carry_out_factor_resets()
    assert status_of(reset) == "waiting"
    assert AuthenticatorDevice.objects.filter(user=ada).exists()
    mail_out()
    assert "Your sign-in methods will be removed" in mail.outbox[0].subject
    clock.shift(dt.timedelta(minutes=1))
    carry_out_factor_resets()
    assert status_of(reset) == "done"
    assert not AuthenticatorDevice.objects.filter(user=ada).exists()
    assert not RecoverySet.objects.exists()
    assert not TrustedDevice.objects.usable().exists()
    assert not is_in(elsewhere)
    ada.refresh_from_db()
    assert (ada.has_usable_password(), ada.security_epoch > 1) == (False, True)
    mail_out()
    assert "Web support removed the sign-in methods" in newest("Web support removed the sign-in methods")
    # The link signs nobody in: a fresh password does, and sets up a factor in its own session.
    browser = Client()
    browser.get(link_in(newest("Choose your password")))
    assert browser.post("/accounts/activate/", {"new_password1": NEW, "new_password2": NEW}).status_code == 302
    assert browser.get("/accounts/mfa/setup/")["Location"].startswith("/accounts/sign-in/")
    assert type_password(browser, "ada", NEW)["Location"] == "/accounts/mfa/setup/"
    tags = list(Event.objects.filter(tag__contains="factor_reset").order_by("id").values_list("tag", "actor_name"))
    assert tags == [
        ("account:factor_reset:asked", "sue"),
        ("account:factor_reset:approved", "tom"),
        ("account:factor_reset:done", ""),
    ]


def test_one_person_who_called_back_at_the_number_on_file_is_enough_and_it_is_recorded(
    ada: User, sue: User, clock: Any
) -> None:
    reset = ask(ada, sue)
    assert (reset.status, reset.called) == ("waiting", "0177")
    assert reset.due_at == timezone.now() + dt.timedelta(days=1)
    assert Event.objects.get(tag="account:factor_reset:asked").data == {
        "reason": "lost her phone", "way": "call_back", "called": "0177",
    }  # fmt: skip


def no_number(user: User) -> None:
    User.objects.filter(pk=user.pk).update(phone="")


def changed_lately(user: User) -> None:
    DetailChange.objects.create(user=user, change=Change.PHONE, former={"phone": "(202) 555-0100"}, by=user)


@pytest.mark.parametrize("change", [no_number, changed_lately])
def test_without_a_number_on_file_or_with_one_changed_lately_a_second_person_decides(
    ada: User, sue: User, change: Callable[[User], None]
) -> None:
    change(ada)
    with pytest.raises(NotPossibleError, match="no number on file"):
        ask(ada, sue)
    assert ask(ada, sue, "two_persons").status == "asked"


def test_nobody_approves_what_they_asked_for_themselves(ada: User, sue: User) -> None:
    reset = ask(ada, sue, "two_persons")
    with pytest.raises(PermissionDenied):
        factor_resets.approve(reset=reset, by=sue, reason="me again")
    assert status_of(reset) == "asked"
    # Nor does the database take it.
    with pytest.raises(IntegrityError), transaction.atomic():
        FactorReset.objects.filter(pk=reset.pk).update(approved_by=sue)
    with pytest.raises(IntegrityError), transaction.atomic():
        FactorReset.objects.filter(pk=reset.pk).update(status="waiting", due_at=timezone.now())


def test_support_resets_no_staff_and_nobody_themselves(sue: User, tom: User, stan: User) -> None:
    for user in (tom, sue, stan):
        AuthenticatorDevice.objects.create(user=user, name="App", seed=AuthenticatorDevice.new_seed())
    for user, by in ((tom, sue), (sue, sue), (stan, stan)):
        with pytest.raises(PermissionDenied):
            ask(user, by, "two_persons")
    assert ask(tom, stan, "two_persons").status == "asked"


def without_a_factor(user: User) -> None:
    AuthenticatorDevice.objects.all().delete()


def inactive(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def without_email(user: User) -> None:
    User.objects.filter(pk=user.pk).update(email="")


def asked_for_already(user: User) -> None:
    ask(user, UserFactory.create(username="una", is_staff=True), "two_persons")


@pytest.mark.parametrize("change", [without_a_factor, inactive, without_email, asked_for_already])
def test_some_accounts_have_nothing_to_reset_and_staff_are_told_why(
    ada: User, sue: User, change: Callable[[User], None]
) -> None:
    change(ada)
    before = FactorReset.objects.count()
    with pytest.raises(NotPossibleError):
        ask(ada, sue)
    assert FactorReset.objects.count() == before


def test_every_address_is_told_at_once_also_one_that_was_replaced_lately(ada: User, sue: User) -> None:
    DetailChange.objects.create(
        user=ada, change=Change.EMAIL, former={"email": "old@clinic.example", "confirmed_at": None}, by=ada
    )
    ask(ada, sue)
    mail_out()
    assert sorted(message.to[0] for message in mail.outbox) == sorted([ada.email, "old@clinic.example"])
    for message in mail.outbox:
        assert PAGE in str(message.body)
        assert link_in(str(message.body))
        for word in (ada.username, ada.first_name, ada.last_name):
            assert word not in str(message.body)


def test_the_owner_signs_in_and_stops_it(
    client: Client, ada: User, adas_app: AuthenticatorDevice, sue: User, clock: Any
) -> None:
    reset = ask(ada, sue)
    type_password(client)
    assert client.post(PAGE)["Location"].startswith("/accounts/verify/")
    signed_in = type_code(client, adas_app, app_code(adas_app), next="/policies/")
    assert signed_in["Location"] == f"{PAGE}?next=%2Fpolicies%2F"
    page = client.get(PAGE)
    assert "If that wasn’t you, stop it now." in words(page)
    assert status_of(reset) == "waiting"
    stopped = client.post(PAGE, {"next": "/policies/"})
    assert stopped["Location"] == "/policies/"
    assert status_of(reset) == "stopped"
    # A second press does no harm.
    assert client.post(PAGE)["Location"] == "/"
    clock.shift(dt.timedelta(days=2))
    carry_out_factor_resets()
    assert AuthenticatorDevice.objects.filter(user=ada).exists()
    event = Event.objects.get(tag="account:factor_reset:ended")
    assert (event.actor_id, event.data["how"]) == (ada.pk, "stopped")


def test_a_stranger_stops_nothing(client: Client, ada: User, nell: User, sue: User) -> None:
    reset = ask(ada, sue)
    sign_in(client, nell)
    client.post(PAGE)
    assert status_of(reset) == "waiting"
    assert "Nothing is planned" in words(client.get(PAGE))


def test_the_owner_stops_it_by_the_mails_lock_link(client: Client, ada: User, sue: User, clock: Any) -> None:
    reset = ask(ada, sue)
    mail_out()
    client.get(link_in(str(mail.outbox[0].body)))
    assert status_of(reset) == "waiting"
    client.post("/accounts/lock/")
    assert ada.locks.filter(lifted_at=None).exists()
    assert status_of(reset) == "stopped"
    clock.shift(dt.timedelta(days=2))
    carry_out_factor_resets()
    assert AuthenticatorDevice.objects.filter(user=ada).exists()


def test_a_lock_by_staff_ends_it_and_a_new_one_may_be_asked_for_behind_the_lock(
    ada: User, adas_app: AuthenticatorDevice, sue: User, clock: Any
) -> None:
    reset = ask(ada, sue, "two_persons")
    locks.lock(user=ada, by=sue, reason="laptop stolen")
    assert status_of(reset) == "cancelled"
    again = ask(ada, sue)
    clock.shift(dt.timedelta(days=1))
    carry_out_factor_resets()
    assert status_of(again) == "done"
    # Still locked: the link for a new password comes with the unlock.
    assert not AccountLink.objects.filter(purpose="activation").exists()
    locks.unlock(user=ada, by=sue, reason="verified by phone", kept={})
    assert AccountLink.objects.filter(purpose="activation").count() == 1


def test_unlocking_removes_no_last_factor_since_one_person_would_go_around_the_delay(
    ada: User, adas_app: AuthenticatorDevice, stan: User, staff: Client
) -> None:
    phone = phone_for(ada)
    locks.lock(user=ada, by=stan, reason="laptop stolen")
    answer = staff.post(
        f"/admin/accounts/user/{ada.pk}/unlock/",
        {"reason": "verified", adas_app.public_id: "remove", phone.public_id: "remove"},
    )
    assert answer.status_code == 422
    assert "Keep at least one method" in words(answer)
    with pytest.raises(ValueError, match="One factor"):
        locks.unlock(user=ada, by=stan, reason="x", kept={adas_app.public_id: False, phone.public_id: False})
    assert ada.locks.filter(lifted_at=None).exists()


def test_unlocking_leaves_nobody_with_nothing_but_a_passkey(
    ada: User, adas_app: AuthenticatorDevice, stan: User, staff: Client
) -> None:
    passkey = Passkey.objects.create(user=ada, name="Laptop", credential_id=b"x", public_key=b"x", aaguid="x")
    locks.lock(user=ada, by=stan, reason="phone stolen")
    page, typed = f"/admin/accounts/user/{ada.pk}/unlock/", {"reason": "verified", passkey.public_id: "keep"}
    answer = staff.post(page, {**typed, adas_app.public_id: "remove"})
    assert answer.status_code == 422
    assert "a passkey isn’t enough" in words(answer)
    with pytest.raises(ValueError, match="works by itself"):
        locks.unlock(user=ada, by=stan, reason="x", kept={adas_app.public_id: False, passkey.public_id: True})
    assert staff.post(page, {**typed, adas_app.public_id: "keep"}).status_code == 302
    assert not ada.locks.filter(lifted_at=None).exists()


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def lock_behind_its_back(user: User) -> None:
    user.locks.create(reason="laptop stolen")


@pytest.mark.parametrize("change", [deactivate, lock_behind_its_back])
def test_nothing_is_removed_from_an_account_that_was_closed_meanwhile(
    ada: User, sue: User, clock: Any, change: Callable[[User], None]
) -> None:
    reset = ask(ada, sue)
    clock.shift(dt.timedelta(days=1))
    change(ada)
    carry_out_factor_resets()
    assert status_of(reset) == "cancelled"
    assert AuthenticatorDevice.objects.filter(user=ada).exists()


def test_what_nobody_approves_lapses_after_a_week(ada: User, sue: User, tom: User, clock: Any) -> None:
    reset = ask(ada, sue, "two_persons")
    clock.shift(dt.timedelta(days=6, hours=23))
    carry_out_factor_resets()
    assert status_of(reset) == "asked"
    clock.shift(dt.timedelta(hours=1))
    carry_out_factor_resets()
    assert status_of(reset) == "lapsed"
    with pytest.raises(NotPossibleError):
        factor_resets.approve(reset=reset, by=tom, reason="too late")


def test_staff_cancel_it_with_a_reason(ada: User, sue: User, tom: User, clock: Any) -> None:
    reset = ask(ada, sue)
    factor_resets.cancel(reset=reset, by=tom, reason="she found her phone")
    clock.shift(dt.timedelta(days=2))
    carry_out_factor_resets()
    assert status_of(reset) == "cancelled"
    assert AuthenticatorDevice.objects.filter(user=ada).exists()
    with pytest.raises(NotPossibleError):
        factor_resets.cancel(reset=reset, by=tom, reason="again")


@pytest.mark.django_db(transaction=True)
def test_two_workers_carry_it_out_once(ada: User, sue: User) -> None:
    reset = ask(ada, sue)
    FactorReset.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    at_once(carry_out_factor_resets, carry_out_factor_resets, carry_out_factor_resets)
    assert status_of(reset) == "done"
    assert Event.objects.filter(tag="account:factor_reset:done").count() == 1
    assert len(mails_to(ada.email, "activation")) == 1


@pytest.mark.django_db(transaction=True)
def test_of_a_stop_and_the_due_time_at_once_one_wins_and_nothing_is_half_done(ada: User, sue: User) -> None:
    reset = ask(ada, sue)
    FactorReset.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
    at_once(carry_out_factor_resets, lambda: factor_resets.stop(user=ada))
    has_factor = AuthenticatorDevice.objects.filter(user=ada).exists()
    has_password = User.objects.get(pk=ada.pk).has_usable_password()
    assert (status_of(reset), has_factor, has_password) in {("done", False, False), ("stopped", True, True)}


# In admin.


def browser_of(user: User) -> Client:
    client = Client()
    sign_in(client, user)
    return client


def test_staff_ask_on_the_accounts_page_and_another_one_approves_from_the_desk(ada: User, sue: User, tom: User) -> None:
    hers, his = browser_of(sue), browser_of(tom)
    account = hers.get(f"/admin/accounts/user/{ada.pk}/change/")
    address = f"/admin/accounts/factorreset/ask/{ada.pk}/"
    assert address in account.content.decode()
    assert "(202) 555-0177" in words(hers.get(address))
    assert hers.post(address, {"reason": "lost her phone", "way": "two_persons"}).status_code == 302
    reset = FactorReset.objects.get()
    assert "Second-factor resets to approve" in words(his.get("/admin/"))
    page = f"/admin/accounts/factorreset/{reset.pk}/change/"
    assert "Approve…" not in words(hers.get(page))
    assert hers.post(f"/admin/accounts/factorreset/{reset.pk}/approve/", {"reason": "me"}).status_code == 403
    assert "Approve…" in words(his.get(page))
    assert his.get(f"/admin/accounts/factorreset/{reset.pk}/approve/").status_code == 200
    assert status_of(reset) == "asked"
    assert his.post(f"/admin/accounts/factorreset/{reset.pk}/approve/", {"reason": "spoke to her"}).status_code == 302
    assert status_of(reset) == "waiting"
    assert hers.post(f"/admin/accounts/factorreset/{reset.pk}/cancel/", {"reason": "found it"}).status_code == 302
    assert status_of(reset) == "cancelled"


def test_without_a_number_on_file_the_form_offers_no_call_back(ada: User, sue: User) -> None:
    no_number(ada)
    address = f"/admin/accounts/factorreset/ask/{ada.pk}/"
    page = words(browser_of(sue).get(address))
    assert "I called the owner back" not in page
    assert "No call-back" in page
    assert browser_of(sue).post(address, {"reason": "lost it", "way": "call_back"}).status_code == 422
    assert not FactorReset.objects.exists()


@pytest.mark.parametrize(("form", "sentence"), [({}, "Enter a reason"), ({"reason": "x"}, "Choose how the reset is")])
def test_an_incomplete_form_asks_for_what_is_missing(ada: User, sue: User, form: dict[str, str], sentence: str) -> None:
    answer = browser_of(sue).post(f"/admin/accounts/factorreset/ask/{ada.pk}/", form)
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert not FactorReset.objects.exists()


def test_without_the_right_nobody_asks_approves_or_sees_the_section(ada: User, sue: User) -> None:
    other = UserFactory.create(username="uma", is_staff=True)
    other.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "unlock_user"]))
    browser = browser_of(other)
    reset = ask(ada, sue, "two_persons")
    for address in (f"ask/{ada.pk}/", f"{reset.pk}/approve/", f"{reset.pk}/cancel/"):
        assert browser.post(f"/admin/accounts/factorreset/{address}", {"reason": "x"}).status_code == 403
    assert "Lost second factors" not in words(browser.get(f"/admin/accounts/user/{ada.pk}/change/"))
    assert status_of(reset) == "asked"


def test_old_requests_for_passwords_and_usernames_are_deleted(client: Client, ada: User, clock: Any) -> None:
    client.post("/accounts/forgot-password/", {"username": "ada"})
    clock.shift(dt.timedelta(days=6))
    purge_recovery_requests()
    assert PasswordReset.objects.exists()
    clock.shift(dt.timedelta(days=1))
    purge_recovery_requests()
    assert not PasswordReset.objects.exists()
