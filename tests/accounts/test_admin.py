"""Web support's desk in admin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory
from django.utils import timezone

from accounts.methods import devices_of
from accounts.models import AccountLink, AuthenticatorDevice, PhoneDevice, User
from accounts.services import locks
from core.models import Event, Mail
from tests.accounts.people import is_in, phone_for, type_password
from tests.factories import UserFactory
from tests.helpers import give_password_only, sign_in

NEW = "violet-harbor-tram-91"
NOON = "2026-03-02 15:00:00+00:00"


def page_of(user: User, name: str = "change") -> str:
    return f"/admin/accounts/user/{user.pk}/{name}/"


def test_admin_is_closed_to_customers(client: Client, ada: User) -> None:
    sign_in(client, ada)
    assert client.get("/admin/", follow=True).status_code == 403


def test_admin_is_closed_to_visitors(client: Client, db: None) -> None:
    assert client.get("/admin/accounts/user/")["Location"].startswith("/accounts/sign-in/?next=%2Fadmin")


def test_admin_is_closed_to_a_password_alone(client: Client, stan: User) -> None:
    AuthenticatorDevice.objects.create(user=stan, name="App", seed=AuthenticatorDevice.new_seed())
    give_password_only(client, stan)
    assert client.get("/admin/")["Location"] == "/accounts/verify/?next=%2Fadmin%2F"


def test_admin_asks_for_a_code_when_the_last_is_older_than_20_minutes(client: Client, stan: User) -> None:
    sign_in(client, stan, verified_at=timezone.now() - dt.timedelta(minutes=20))
    answer = client.get("/admin/accounts/user/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/accounts/verify/")
    assert "next=%2Fadmin%2Faccounts%2Fuser%2F" in answer.redirect_chain[-1][0]


def test_admins_own_sign_in_and_password_pages_are_closed(client: Client, staff: Client, db: None) -> None:
    assert Client().get("/admin/login/")["Location"].startswith("/accounts/sign-in/")
    assert staff.get("/admin/password_change/").status_code == 404


def test_admins_sign_out_ends_the_session(staff: Client) -> None:
    assert staff.post("/admin/logout/")["Location"].startswith("/accounts/sign-in/")
    assert not is_in(staff)


@pytest.mark.parametrize("wanted", ["ada", "byron", "ada@people.example"])
def test_web_support_finds_a_user(staff: Client, ada: User, tess: User, wanted: str) -> None:
    page = staff.get("/admin/accounts/user/", {"q": wanted}).content.decode()
    assert page_of(ada) in page
    assert page_of(tess) not in page
    event = Event.objects.get(tag="staff:list:viewed")
    assert event.data == {"model": "accounts.user", "asked": ["q"], "found": 1}


def test_web_support_sees_the_cool_off_of_a_password_and_its_end(staff: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        for _ in range(5):
            type_password(Client(), "ada", "wrong-wrong-wrong")
        sign_in(staff, User.objects.get(username="stan"))
        page = staff.get(page_of(ada)).content.decode()
    assert "Too many wrong passwords" in page
    assert "Mar 2, 2026, 10:15 a.m. EST" in page


def test_web_support_sees_why_and_until_when_codes_are_refused_or_off(staff: Client, ada: User) -> None:
    phone = phone_for(ada)
    AuthenticatorDevice.objects.create(
        user=ada, name="Authenticator app", seed=AuthenticatorDevice.new_seed(), disabled_at=timezone.now()
    )
    PhoneDevice.objects.filter(pk=phone.pk).update(cool_off_until=timezone.now() + dt.timedelta(minutes=9))
    page = staff.get(page_of(ada)).content.decode()
    assert "Phone ending in 0123" in page
    assert "Too many wrong codes" in page
    assert "Disabled after 100 wrong codes" in page
    assert "+12025550123" not in page


def test_web_support_unlocks_with_a_reason_that_the_log_keeps(staff: Client, ada: User, stan: User) -> None:
    for _ in range(5):
        type_password(Client(), "ada", "wrong-wrong-wrong")
    phone = phone_for(ada)
    PhoneDevice.objects.filter(pk=phone.pk).update(
        cool_off_until=timezone.now() + dt.timedelta(minutes=9), failures=0, consecutive_failures=5
    )
    answer = staff.post(page_of(ada, "unlock"), {"reason": "Called from the office number, knew the policy."})
    assert answer["Location"] == page_of(ada)
    assert type_password(Client(), "ada").status_code == 302
    phone.refresh_from_db()
    assert not phone.is_cooling_off()
    event = Event.objects.get(tag="account:lock:lifted")
    assert (event.actor_id, event.subject_id) == (stan.pk, str(ada.pk))
    assert event.data["reason"] == "Called from the office number, knew the policy."
    assert event.data["lifted"] == ["Password: Too many wrong passwords", "Phone ending in 0123: Too many wrong codes"]


def test_a_method_that_is_off_is_switched_on_again_by_unlocking(staff: Client, ada: User) -> None:
    app = AuthenticatorDevice.objects.create(
        user=ada, name="App", seed=AuthenticatorDevice.new_seed(), disabled_at=timezone.now(), consecutive_failures=100
    )
    staff.post(page_of(ada, "unlock"), {"reason": "Checked by phone."})
    app.refresh_from_db()
    assert (app.disabled_at, app.consecutive_failures) == (None, 0)


@pytest.fixture
def support(db: None) -> User:
    """Web support: may lock and unlock, and isn't a superuser."""
    user = UserFactory.create(username="sue", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user", "unlock_user"]))
    return user


@pytest.mark.parametrize("verb", ["lock", "unlock"])
def test_support_neither_locks_nor_unlocks_staff(client: Client, support: User, stan: User, verb: str) -> None:
    sign_in(client, support)
    colleague = UserFactory.create(username="carl", is_staff=True)
    hidden = UserFactory.create(username="root", is_superuser=True)
    for user in (stan, colleague, hidden, support):
        assert "nlock…" not in client.get(page_of(user)).content.decode()
        assert f"/{verb}/" not in client.get(page_of(user)).content.decode()
        assert client.get(page_of(user, verb)).status_code == 403
        assert client.post(page_of(user, verb), {"reason": "Because."}).status_code == 403
    assert not Event.objects.filter(tag__startswith="account:lock").exists()


def test_support_locks_and_unlocks_a_customer(client: Client, support: User, ada: User) -> None:
    sign_in(client, support)
    assert client.post(page_of(ada, "lock"), {"reason": "Phone stolen."}).status_code == 302
    assert ada.locks.filter(lifted_at=None).exists()
    assert client.post(page_of(ada, "unlock"), {"reason": "Called back."}).status_code == 302
    assert not ada.locks.filter(lifted_at=None).exists()


def test_superusers_lock_staff_and_nobody_themselves(staff: Client, stan: User, support: User) -> None:
    assert staff.post(page_of(support, "lock"), {"reason": "Left the company."}).status_code == 302
    assert support.locks.exists()
    for verb in ("lock", "unlock"):
        assert staff.post(page_of(stan, verb), {"reason": "Because."}).status_code == 403
    assert not stan.locks.exists()


@pytest.mark.parametrize("verb", [locks.lock, locks.unlock])
def test_the_verbs_themselves_refuse_who_may_not(rf: RequestFactory, support: User, stan: User, verb: Any) -> None:
    for user, by in ((stan, support), (support, support), (stan, stan)):
        with pytest.raises(PermissionDenied):
            verb(user=user, by=by, reason="Because.")


@pytest.mark.parametrize("verb", ["lock", "unlock"])
def test_no_reason_no_act(staff: Client, ada: User, verb: str) -> None:
    answer = staff.post(page_of(ada, verb), {"reason": "  "})
    assert answer.status_code == 422
    assert "Enter a reason." in answer.content.decode()
    assert not Event.objects.filter(tag__startswith="account:lock").exists()


def test_locking_ends_every_session_at_once(staff: Client, ada: User) -> None:
    hers = Client()
    sign_in(hers, ada)
    staff.post(page_of(ada, "lock"), {"reason": "Phone stolen."})
    assert "why=locked" in hers.get("/accounts/mfa/setup/done/")["Location"]
    assert type_password(Client(), "ada").status_code == 422
    staff.post(page_of(ada, "lock"), {"reason": "Twice."})
    assert ada.locks.count() == 1


def test_lifting_a_lock_voids_the_password_and_keeps_or_removes_each_factor(
    staff: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    thiefs = phone_for(ada)
    hers = Client()
    give_password_only(hers, ada)
    staff.post(page_of(ada, "lock"), {"reason": "Phone stolen."})
    page = staff.get(page_of(ada, "unlock")).content.decode()
    assert "Phone ending in 0123, set up" in page
    staff.post(
        page_of(ada, "unlock"),
        {"reason": "Called back, identity checked.", adas_app.public_id: "keep", thiefs.public_id: "remove"},
    )
    lock = ada.locks.get()
    assert (lock.lift_reason, lock.lifted_by.username) == ("Called back, identity checked.", "stan")
    ada.refresh_from_db()
    assert not ada.has_usable_password()
    assert type_password(Client(), "ada").status_code == 422
    assert devices_of(ada) == [adas_app]
    lifted = Event.objects.get(tag="account:lock:lifted")
    assert (lifted.data["kept"], lifted.data["removed"]) == (["Authenticator app"], ["Phone ending in 0123"])
    removed = Event.objects.get(tag="account:method:removed")
    assert (removed.subject_id, removed.actor_name) == (str(ada.pk), "stan")
    link = AccountLink.objects.usable().get()
    assert (link.user, link.email) == (ada, ada.email)


def test_a_lock_is_not_lifted_until_each_factor_is_decided(
    staff: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    staff.post(page_of(ada, "lock"), {"reason": "Phone stolen."})
    answer = staff.post(page_of(ada, "unlock"), {"reason": "Identity checked."})
    assert answer.status_code == 422
    assert "Keep it or remove it?" in answer.content.decode()
    assert ada.locks.filter(lifted_at=None).exists()
    with pytest.raises(ValueError, match="decision"):
        locks.unlock(user=ada, by=User.objects.get(username="stan"), reason="x")
    assert ada.locks.filter(lifted_at=None).exists()


def test_ending_a_cool_off_changes_neither_password_nor_factors(
    staff: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    for _ in range(5):
        type_password(Client(), "ada", "wrong-wrong-wrong")
    staff.post(page_of(ada, "unlock"), {"reason": "Identity checked."})
    assert type_password(Client(), "ada")["Location"] == f"/accounts/verify/{adas_app.public_id}/"
    assert not AccountLink.objects.exists()


def test_who_has_no_email_is_unlocked_too_and_staff_are_told_what_to_do(staff: Client, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(email="")
    staff.post(page_of(ada, "lock"), {"reason": "Phone stolen."})
    page = staff.post(page_of(ada, "unlock"), {"reason": "Identity checked."}, follow=True).content.decode()
    assert "ask an operator for a link" in page
    assert not AccountLink.objects.exists()


def test_every_look_at_a_user_is_recorded(staff: Client, ada: User, stan: User) -> None:
    staff.get(page_of(ada))
    event = Event.objects.get(tag="staff:user:viewed")
    assert (event.actor_id, event.subject_id, event.on_behalf_of_id) == (stan.pk, str(ada.pk), ada.pk)


def test_staff_read_the_event_log_of_a_user_and_can_not_change_it(staff: Client, ada: User) -> None:
    type_password(Client(HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/141.0"), "ada", "wrong-wrong-wrong")
    page = staff.get(page_of(ada, "events")).content.decode()
    assert "Wrong password" in page
    assert "account:password:wrong" in page
    assert "Chrome on Windows" in page
    assert Event.objects.filter(tag="staff:events:viewed", subject_id=str(ada.pk)).exists()
    event = Event.objects.first()
    assert staff.get("/admin/core/event/").status_code == 200
    assert staff.get(f"/admin/core/event/{event.pk}/change/").status_code == 200
    assert staff.post(f"/admin/core/event/{event.pk}/change/", {"tag": "x"}).status_code == 403
    assert staff.get("/admin/core/event/add/").status_code == 403


def test_a_long_event_log_is_paged(staff: Client, ada: User) -> None:
    Event.objects.bulk_create(
        Event(tag="account:code:wrong", subject_type="accounts.user", subject_id=str(ada.pk)) for _ in range(205)
    )
    page = staff.get(page_of(ada, "events")).content.decode()
    assert "Older events" in page
    oldest = Event.objects.order_by("id").first()
    assert (
        staff.get(page_of(ada, "events"), {"before": oldest.pk + 3}).content.decode().count("account:code:wrong") == 3
    )


@pytest.fixture
def junior(db: None) -> Client:
    """Staff who may look at users and nothing else."""
    user = UserFactory.create(username="june", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_user"))
    browser = Client()
    sign_in(browser, user)
    return browser


def test_staff_without_the_right_neither_lock_nor_unlock_nor_read_the_log(junior: Client, ada: User) -> None:
    page = junior.get(page_of(ada))
    assert page.status_code == 200
    assert "Unlock" not in page.content.decode()
    for name in ("lock", "unlock", "events"):
        assert junior.get(page_of(ada, name)).status_code == 403
    assert junior.post(page_of(ada, "unlock"), {"reason": "x"}).status_code == 403


def test_only_superusers_change_who_is_staff(client: Client, ada: User) -> None:
    helper = UserFactory.create(username="helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(codename__in=["view_user", "change_user"]))
    sign_in(client, helper)
    client.post(
        page_of(ada), {"username": "changed", "is_staff": "on", "is_superuser": "on", "is_active": "on", "_save": "x"}
    )
    ada.refresh_from_db()
    assert (ada.username, ada.is_staff, ada.is_superuser) == ("ada", False, False)


def test_accounts_are_never_deleted(staff: Client, ada: User) -> None:
    assert staff.post(page_of(ada, "delete"), {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ada.pk).exists()


def test_a_user_that_is_not_there_is_not_found(staff: Client) -> None:
    assert staff.get("/admin/accounts/user/99999/unlock/").status_code == 404


def test_staff_make_an_account_and_its_owner_gets_a_link_to_choose_a_password(staff: Client, stan: User) -> None:
    form = {"username": " New  Bie ", "email": "newbie@clinic.example", "password1": NEW, "password2": NEW}
    assert staff.post("/admin/accounts/user/add/", form).status_code == 302
    made = User.objects.get(username="New Bie")
    assert not made.has_usable_password()
    assert Event.objects.filter(tag="account:user:created").count() == 1
    link = AccountLink.objects.get()
    assert (link.user, link.email, link.created_by) == (made, "newbie@clinic.example", stan)
    assert Mail.objects.get(name="activation").context == {"link": link.public_id}


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"username": "newbie"}, "This field is required."),
        ({"username": " ADA ", "email": "a@clinic.example"}, "already exists"),
        ({"username": "b@clinic.example", "email": "a@clinic.example"}, "must be the owner’s own"),
        ({"username": "ADA@people.example", "email": "ada@people.example"}, "signs in with this email already"),
    ],
)
def test_staff_make_no_account_without_an_email_or_with_a_name_that_is_anothers(
    staff: Client, ada: User, form: dict[str, str], sentence: str
) -> None:
    answer = staff.post("/admin/accounts/user/add/", form)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not AccountLink.objects.exists()


def test_staff_send_another_link_to_an_account_without_a_password(staff: Client, ada: User) -> None:
    assert staff.get(page_of(ada, "activation")).status_code == 403
    ada.set_unusable_password()
    ada.save()
    assert page_of(ada, "activation") in staff.get(page_of(ada)).content.decode()
    assert staff.post(page_of(ada, "activation"), {}).status_code == 422
    assert staff.post(page_of(ada, "activation"), {"reason": "The link had expired."})["Location"] == page_of(ada)
    assert AccountLink.objects.usable().get().user == ada
    asked = Event.objects.get(tag="staff:link:asked")
    assert asked.data["reason"] == "The link had expired."


def test_support_activates_no_staff(client: Client, support: User) -> None:
    colleague = UserFactory.create(username="carl", is_staff=True, password=make_password(None))
    sign_in(client, support)
    assert client.post(page_of(colleague, "activation"), {"reason": "x"}).status_code == 403


def test_no_password_hash_is_shown_in_admin(staff: Client, ada: User) -> None:
    assert "argon2" not in staff.get(page_of(ada)).content.decode()


def test_a_username_that_folds_to_a_very_long_one_is_refused(staff: Client) -> None:
    long_folded = "\ufdfa" * 150
    page = staff.post("/admin/accounts/user/add/", {"username": long_folded, "email": "a@clinic.example"})
    assert page.status_code == 200
    assert "Use at most 150 plain characters." in page.content.decode()
    assert type_password(Client(), long_folded).status_code == 422


def test_a_superuser_made_on_the_server_is_in_the_log(db: None) -> None:
    root = User.objects.create_superuser("root")
    event = Event.objects.get(tag="account:user:created")
    assert (event.subject_id, event.actor_id) == (str(root.pk), None)
    assert event.data == {"values": {"is_staff": True, "is_superuser": True}, "reason": "command line"}
