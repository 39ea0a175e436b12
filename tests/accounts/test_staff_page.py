"""An account's page in admin: what staff see, and what they do with a reason (docs/staff.md)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.test import Client
from pytest_django import Settings

from accounts.admin.user_acts import may_reset
from accounts.methods import devices_of
from accounts.models import AccountLink, AuthenticatorDevice, User
from accounts.models.sessions import EndReason
from accounts.services import browsers
from core.models import Event
from core.staff_sections import StaffSection, sections_of
from portal.staff import make_staff_groups
from tests.accounts.mails import link_in, mail_out, newest
from tests.accounts.people import is_in, phone_for, type_password
from tests.cast import Browse, Cast
from tests.factories import UserFactory, remembered_for
from tests.helpers import give_password_only, sign_in
from tests.reading import words

NEW = "violet-harbor-tram-91"
REASON = {"reason": "Called back, laptop stolen."}


def page_of(user: User, name: str = "change") -> str:
    return f"/admin/accounts/user/{user.pk}/{name}/"


def member_of(*groups: str, rights: tuple[str, ...] = ()) -> Client:
    """Return the browser of a member of staff in these groups."""
    make_staff_groups()
    user = UserFactory.create(is_staff=True)
    user.groups.set(Group.objects.filter(name__in=groups))
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    browser = Client()
    sign_in(browser, user)
    return browser


@pytest.fixture
def sue(db: None) -> Client:
    """Return the browser of web support."""
    return member_of("Web support")


def test_web_support_sees_everything_about_an_account_on_one_page(sue: Client, cast: Cast) -> None:
    ana = cast.ana
    hers = Client()
    sign_in(hers, ana)
    phone_for(ana)
    remembered_for(ana, label="Laptop at home")
    type_password(Client(), "ana", "wrong-wrong-wrong")
    page = words(sue.get(page_of(ana)))
    titles = ["Person", "Sign-in", "Second factors", "Open sessions", "Remembered devices", "Memberships"]
    places = [page.index(title) for title in [*titles, "Recent events"]]
    assert places == sorted(places)
    for shown in (
        f"{ana.email} (confirmed)",
        "Phone ending in 0123",
        "Laptop at home",
        str(cast.anas.insured),
        "In effect",
        "Wrong password",
    ):
        assert shown in page


def test_no_secret_is_on_the_page(sue: Client, ada: User) -> None:
    phone, app = phone_for(ada), AuthenticatorDevice.objects.create(user=ada, name="App", seed="JBSWY3DPEHPK3PXP")
    device, row = remembered_for(ada), sign_in(Client(), ada)
    page = sue.get(page_of(ada)).content.decode()
    for secret in (phone.phone, app.seed, device.token_hash, row.key_hash, ada.password, phone.phone_hash):
        assert secret not in page


def test_a_member_of_staff_who_may_only_look_sees_no_sessions_devices_memberships_or_events(
    ada: User, cast: Cast
) -> None:
    june = member_of(rights=("view_user",))
    remembered_for(cast.ana)
    page = words(june.get(page_of(cast.ana)))
    assert "Second factors" in page
    for title in ("Open sessions", "Remembered devices", "Memberships", "Recent events"):
        assert title not in page
    assert "…" not in page


def test_ended_memberships_come_last_and_say_who_ended_them(sue: Client, cast: Cast) -> None:
    cast.mia.memberships.earliest("pk").revoke(by=cast.support, reason="Left.")
    page = words(sue.get(page_of(cast.mia)))
    assert page.index("In effect") < page.index("Revoked by a person")


def test_staff_end_every_session_with_a_reason_that_the_log_keeps(sue: Client, ada: User) -> None:
    hers, waiting = Client(), Client()
    sign_in(hers, ada)
    give_password_only(waiting, ada)
    device, epoch = remembered_for(ada), ada.security_epoch
    answer = sue.post(page_of(ada, "end-sessions"), REASON, follow=True)
    assert "2 sessions of ada have ended, and no device is remembered." in words(answer)
    assert "why=by_staff" in hers.get("/accounts/devices/")["Location"]
    device.refresh_from_db()
    ada.refresh_from_db()
    assert device.revoked_at
    assert ada.security_epoch == epoch + 1
    assert set(ada.sessions.values_list("end_reason", flat=True)) == {EndReason.BY_STAFF}
    event = Event.objects.get(tag="account:session:all_closed")
    assert (event.on_behalf_of_id, event.data) == (ada.pk, {"sessions": 2} | REASON)


def test_staff_revoke_every_device_with_a_reason_and_sessions_with_a_code_go_on(sue: Client, ada: User) -> None:
    hers = Client()
    sign_in(hers, ada)
    remembered_for(ada), remembered_for(ada)
    sue.post(page_of(ada, "revoke-devices"), REASON)
    assert not ada.trusted_devices.usable().exists()
    assert is_in(hers)
    assert Event.objects.get(tag="account:device:all_revoked").data == {"devices": 2} | REASON


def test_staff_send_a_link_to_choose_another_password_which_changes_nothing_until_it_is_used(
    sue: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    assert "Send a password link…" in words(sue.get(page_of(ada)))
    sue.post(page_of(ada, "reset"), REASON)
    link = AccountLink.objects.usable().get()
    assert (link.user, link.email) == (ada, ada.email)
    assert Event.objects.get(tag="staff:link:asked").data["reason"] == REASON["reason"]
    assert type_password(Client())["Location"].startswith("/accounts/verify/")


def test_a_password_link_of_staff_lives_30_minutes_once_as_one_that_the_owner_asks_for(
    sue: Client, ada: User, adas_app: AuthenticatorDevice, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sue.post(page_of(ada, "reset"), REASON)
    link = AccountLink.objects.get()
    assert link.expires_at - link.created_at == dt.timedelta(minutes=30)
    mail_out()
    body = newest("password")
    assert "works once, within 30 minutes" in body
    assert "code on the page" not in body
    browser = Client()
    assert browser.get(link_in(body))["Location"] == "/accounts/reset/"
    typed = {"new_password1": NEW, "new_password2": NEW}
    assert browser.post("/accounts/reset/", typed).status_code == 302
    assert browser.post("/accounts/reset/", typed).status_code == 410
    ada.refresh_from_db()
    assert ada.check_password(NEW)
    assert devices_of(ada) == [adas_app]


@pytest.mark.parametrize("change", [{"email_confirmed_at": None}, {"is_active": False}])
def test_no_password_link_goes_to_an_unconfirmed_email_or_a_closed_account(
    sue: Client, ada: User, change: dict[str, Any]
) -> None:
    User.objects.filter(pk=ada.pk).update(**change)
    ada.refresh_from_db()
    assert not may_reset(ada)
    assert "Send a password link…" not in words(sue.get(page_of(ada)))
    assert sue.post(page_of(ada, "reset"), REASON).status_code == 403
    assert not AccountLink.objects.exists()


@pytest.mark.parametrize("name", ["end-sessions", "revoke-devices", "reset"])
def test_an_act_needs_a_reason(sue: Client, ada: User, name: str) -> None:
    before = Event.objects.count()
    answer = sue.post(page_of(ada, name), {"reason": " "})
    assert answer.status_code == 422
    assert "Enter a reason." in words(answer)
    assert Event.objects.count() == before


@pytest.mark.parametrize("name", ["end-sessions", "revoke-devices", "reset", "lock", "unlock", "events"])
@pytest.mark.parametrize("group", ["Customer service", "Claims", "Underwriting", "Risk", "Publishing", "Feed upload"])
def test_no_other_group_acts_on_accounts(ada: User, group: str, name: str) -> None:
    assert member_of(group).post(page_of(ada, name), REASON).status_code == 403


@pytest.mark.parametrize("name", ["end-sessions", "revoke-devices"])
def test_each_act_needs_its_own_right(ada: User, name: str) -> None:
    without = member_of(rights=("view_user", "unlock_user", "view_user_events"))
    assert without.post(page_of(ada, name), REASON).status_code == 403
    assert member_of(rights=("view_user", "end_user_sessions")).post(page_of(ada, name), REASON).status_code == 302


@pytest.mark.parametrize("name", ["end-sessions", "revoke-devices", "reset"])
def test_web_support_acts_neither_on_staff_nor_on_itself(sue: Client, stan: User, name: str) -> None:
    itself = User.objects.get(groups__name="Web support")
    for user in (stan, itself):
        assert sue.post(page_of(user, name), REASON).status_code == 403
    for verb in (browsers.sign_out_everywhere, browsers.revoke_all):
        with pytest.raises(PermissionDenied):
            verb(user=stan, by=itself, reason="Because.")


def test_a_page_of_another_account_costs_a_fixed_number_of_statements(
    sue: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        sign_in(Client(), cast.ana)
        remembered_for(cast.ana)
    with django_assert_max_num_queries(45) as few:
        sue.get(page_of(cast.ana))
    for _ in range(5):
        sign_in(Client(), cast.ana)
        remembered_for(cast.ana)
    with django_assert_max_num_queries(len(few.captured_queries)):
        sue.get(page_of(cast.ana))


def test_an_area_adds_a_section_in_its_place(
    rf: Any, ada: User, stan: User, monkeypatch: pytest.MonkeyPatch, browse: Browse
) -> None:
    from accounts.apps import AccountsConfig

    added = (*AccountsConfig.user_sections, f"{__name__}.extra", f"{__name__}.nothing")
    monkeypatch.setattr(AccountsConfig, "user_sections", added)
    page = browse(stan).get(page_of(ada)).content.decode()
    assert '<a href="#extra">Extra</a>' in page
    assert '<a href="/extra/">A row</a>' in page
    request = rf.get("/")
    request.user = stan
    titles = [section.title for section in sections_of(request, ada)]
    assert titles.index("Sign-in") < titles.index("Extra") < titles.index("Second factors")


def extra(request: HttpRequest, user: User) -> StaffSection:
    return StaffSection("Extra", "extra", order=15, columns=("What",), rows=[(("A row", "/extra/"),)])


def nothing(request: HttpRequest, user: User) -> None:
    return None
