"""Sessions: idle, absolute and waiting limits, rotation, their end on the server, and forms that outlive them."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Session, User
from accounts.sessions import SessionStore
from accounts.tasks import purge_sessions
from core.models import Event
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.helpers import give_password_only, sign_in

NOON = "2026-03-02 12:00:00+00:00"
DONE = "/accounts/mfa/setup/done/"


def cookie(client: Client) -> str:
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


def test_a_session_ends_after_15_minutes_without_use(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        session = sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=14, seconds=59))
        assert is_in(client)
        clock.shift(dt.timedelta(minutes=15))
        answer = client.get(DONE)
    assert answer["Location"] == "/accounts/sign-in/?next=%2Faccounts%2Fmfa%2Fsetup%2Fdone%2F&why=idle"
    session.refresh_from_db()
    assert (session.end_reason, session.data) == ("idle", "")


def test_a_session_ends_after_12_hours_however_busy(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        session = sign_in(client, ada)
        for _ in range(71):
            clock.shift(dt.timedelta(minutes=10))
            assert is_in(client)
        clock.shift(dt.timedelta(minutes=10))
        assert "why=absolute" in client.get(DONE)["Location"]
    session.refresh_from_db()
    assert session.end_reason == "absolute"


def test_the_portal_waits_ten_minutes_for_a_code_then_wants_the_password_again(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        type_password(client)
        clock.shift(dt.timedelta(minutes=9, seconds=59))
        assert client.get(f"/accounts/verify/{adas_app.public_id}/").status_code == 200
        clock.shift(dt.timedelta(seconds=1))
        answer = type_code(client, adas_app, app_code(adas_app))
    assert answer["Location"].startswith("/accounts/sign-in/")
    assert "why=code_wait" in answer["Location"]
    page = client.get(answer["Location"]).content.decode()
    assert "Your code request timed out" in page


def test_what_a_page_asks_for_by_itself_keeps_no_session_alive(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=13))
        assert client.get("/accounts/session-time/").json() == {"seconds": 120}
        clock.shift(dt.timedelta(minutes=1))
        assert client.get("/accounts/session-time/").json() == {"seconds": 60}
        clock.shift(dt.timedelta(minutes=1))
        assert client.get("/accounts/session-time/").status_code == 302


def test_stay_signed_in_starts_the_idle_time_again(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=14))
        by_script = client.post("/accounts/stay-signed-in/", HTTP_ACCEPT="application/json")
        assert by_script.json() == {"seconds": 900}
        clock.shift(dt.timedelta(minutes=14))
        by_form = client.post("/accounts/stay-signed-in/", HTTP_REFERER="http://testserver/policies/?q=x")
        assert by_form["Location"] == "/policies/?q=x"
        clock.shift(dt.timedelta(minutes=14))
        assert is_in(client)


def test_every_page_of_a_signed_in_user_carries_the_warning(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False):
        sign_in(client, ada)
        page = client.get(DONE).content.decode()
    assert 'data-seconds="900"' in page
    assert 'data-warning="120"' in page
    assert "Stay signed in" in page
    assert "js/keep.js" in page


def test_the_key_changes_with_the_password_and_again_with_the_code(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    client.get("/accounts/sign-in/")
    type_password(client)
    after_password = cookie(client)
    type_code(client, adas_app, app_code(adas_app))
    after_code = cookie(client)
    assert after_password != after_code
    stale = Client()
    stale.cookies[django_settings.SESSION_COOKIE_NAME] = after_password
    assert not is_in(stale)
    assert is_in(client)


def test_a_key_that_was_planted_before_sign_in_opens_nothing(ada: User, adas_app: AuthenticatorDevice) -> None:
    planted = "a" * 32
    victim, thief = Client(), Client()
    victim.cookies[django_settings.SESSION_COOKIE_NAME] = planted
    thief.cookies[django_settings.SESSION_COOKIE_NAME] = planted
    type_password(victim)
    type_code(victim, adas_app, app_code(adas_app))
    assert is_in(victim)
    assert not is_in(thief)


def test_the_key_is_kept_only_as_a_hash(client: Client, ada: User) -> None:
    session = sign_in(client, ada)
    assert cookie(client) not in str(Session.objects.filter(pk=session.pk).values())


def test_sign_out_ends_the_session_on_the_server(client: Client, ada: User) -> None:
    session = sign_in(client, ada)
    copy = Client()
    copy.cookies[django_settings.SESSION_COOKIE_NAME] = cookie(client)
    assert is_in(copy)
    assert client.post("/accounts/sign-out/")["Location"] == "/accounts/sign-in/?why=signed_out"
    assert not is_in(copy)
    session.refresh_from_db()
    assert session.end_reason == "signed_out"
    assert Event.objects.filter(tag="account:session:ended", actor_id=ada.pk).exists()
    assert "close all browser windows" in client.get("/accounts/sign-in/?why=signed_out").content.decode()


def test_sign_out_is_a_post(client: Client, ada: User) -> None:
    sign_in(client, ada)
    assert client.get("/accounts/sign-out/").status_code == 405
    assert is_in(client)


def test_a_half_signed_in_session_can_be_ended(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    session = give_password_only(client, ada)
    client.post("/accounts/sign-out/")
    session.refresh_from_db()
    assert session.ended_at is not None


def test_signing_in_again_ends_the_former_session_of_the_browser(
    client: Client, ada: User, tess: User, adas_app: AuthenticatorDevice
) -> None:
    former = give_password_only(client, ada)
    type_password(client, "tess")
    former.refresh_from_db()
    assert former.end_reason == "replaced"
    assert Session.objects.open().get().user == tess


def test_a_form_sent_after_the_end_is_answered_by_sign_in_with_the_way_back(client: Client, ada: User) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in(client, ada)
        clock.shift(dt.timedelta(minutes=16))
        answer = client.post(
            "/accounts/stay-signed-in/", {"x": "typed"}, HTTP_REFERER="http://testserver/policies/abc/?tab=2"
        )
        assert answer["Location"] == "/accounts/sign-in/?next=%2Fpolicies%2Fabc%2F%3Ftab%3D2&why=idle"
        page = client.get(answer["Location"]).content.decode()
    assert "data-interrupted" in page
    assert "What you typed is saved in this tab" in page


def test_an_htmx_request_after_the_end_loads_the_whole_sign_in_page(client: Client, ada: User) -> None:
    answer = client.get(DONE, HTTP_HX_REQUEST="true", HTTP_HX_CURRENT_URL="http://testserver/policies/?q=x")
    assert answer.status_code == 204
    assert answer["HX-Redirect"] == "/accounts/sign-in/?next=%2Fpolicies%2F%3Fq%3Dx"


def test_the_way_back_never_leaves_this_host(client: Client, db: None) -> None:
    answer = client.post("/accounts/stay-signed-in/", HTTP_REFERER="https://evil.example/")
    assert answer["Location"] == "/accounts/sign-in/"


def test_personal_pages_are_never_stored(client: Client, ada: User) -> None:
    sign_in(client, ada)
    for address in ("/", DONE, "/accounts/session-time/"):
        assert "no-store" in client.get(address)["Cache-Control"]
    client.logout()
    assert "no-store" in Client().get("/accounts/sign-in/")["Cache-Control"]


def test_a_session_remembers_where_it_was_opened(ada: User, adas_app: AuthenticatorDevice, settings: Settings) -> None:
    settings.TRUSTED_PROXY_HOPS = 1
    browser = Client(HTTP_USER_AGENT="Netscape", HTTP_X_FORWARDED_FOR="203.0.113.5, 198.51.100.7")
    type_password(browser)
    session = Session.objects.get(user=ada)
    assert (session.ip, session.agent) == ("198.51.100.7", "Netscape")


def test_a_new_password_ends_the_sessions_of_the_old_one(client: Client, ada: User) -> None:
    sign_in(client, ada)
    ada.set_password("another-long-password")
    ada.save()
    assert not is_in(client)


def test_a_session_whose_method_is_gone_is_over(client: Client, ada: User) -> None:
    session = sign_in(client, ada)
    AuthenticatorDevice.objects.all().delete()
    answer = client.get(DONE)
    assert answer["Location"] == "/accounts/sign-in/?next=%2Faccounts%2Fmfa%2Fsetup%2Fdone%2F&why=factor_gone"
    assert "was removed" in client.get(answer["Location"]).content.decode()
    session.refresh_from_db()
    assert (session.end_reason, session.data) == ("factor_gone", "")


@pytest.mark.parametrize("address", ["/accounts/mfa/setup/", "/accounts/mfa/setup/authenticator/"])
def test_a_session_that_lost_its_method_sets_up_none(client: Client, ada: User, address: str) -> None:
    sign_in(client, ada)
    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    AuthenticatorDevice.objects.filter(confirmed=True).delete()
    assert client.post(address, {"method": "authenticator", "code": "123456"})["Location"].startswith(
        "/accounts/sign-in/"
    )


def test_a_session_whose_remembered_device_is_revoked_waits_ten_minutes_from_its_password(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        type_password(client)
        type_code(client, adas_app, app_code(adas_app), remember="on")
        client.post("/accounts/sign-out/")
        type_password(client)
        assert is_in(client)
        clock.shift(dt.timedelta(minutes=10))
        assert is_in(client)
        ada.bump_epoch()
        assert "why=code_wait" in client.get(DONE)["Location"]


def both_of(client: Client) -> tuple[SessionStore, SessionStore]:
    """Return what two requests of one browser at the same moment hold of its session."""
    stores = SessionStore(cookie(client)), SessionStore(cookie(client))
    for store in stores:
        assert "_auth_user_id" in store
    return stores


def test_a_slow_request_takes_nothing_back_that_another_one_stored(client: Client, ada: User) -> None:
    give_password_only(client, ada)
    slow, quick = both_of(client)
    quick["otp_device_id"] = "a device"
    del quick["_auth_user_backend"]
    quick.save()
    slow["_messages"] = "saved"
    slow.save()
    (after, _) = both_of(client)
    assert (after["otp_device_id"], after["_messages"]) == ("a device", "saved")
    assert "_auth_user_backend" not in after


def test_a_finished_sign_in_stays_whatever_was_stored_meanwhile(client: Client, ada: User) -> None:
    give_password_only(client, ada)
    one, other = both_of(client)
    other["_messages"] = "saved"
    other.save()
    one["otp_device_id"] = "a device"
    one.save()
    (after, _) = both_of(client)
    assert (after["otp_device_id"], after["_messages"]) == ("a device", "saved")


def test_an_inactive_user_is_out_at_once(client: Client, ada: User) -> None:
    sign_in(client, ada)
    User.objects.filter(pk=ada.pk).update(is_active=False)
    assert not is_in(client)


def test_times_are_shown_in_the_users_zone(client: Client, stan: User) -> None:
    User.objects.filter(pk=stan.pk).update(time_zone="Pacific/Honolulu")
    with time_machine.travel(NOON, tick=False):
        sign_in(client, stan)
        stan.locks.model.objects.create(user=stan, reason="x")
        page = client.get(f"/admin/accounts/user/{stan.pk}/events/").content.decode()
    assert "2 a.m. HST" in page


@pytest.mark.parametrize("hours", [1, 13])
def test_the_hourly_task_ends_what_nobody_came_back_to(client: Client, ada: User, hours: int) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        session = sign_in(client, ada)
        clock.shift(dt.timedelta(hours=hours))
        purge_sessions()
        session.refresh_from_db()
        assert session.end_reason == ("idle" if hours == 1 else "absolute")
        clock.shift(dt.timedelta(days=91))
        purge_sessions()
    assert not Session.objects.exists()


def test_a_form_from_before_a_sign_in_gets_a_clear_page(ada: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/accounts/sign-in/", {"username": "ada"}, HTTP_REFERER="http://testserver/accounts/sign-in/")
    assert answer.status_code == 403
    assert "This page is out of date" in answer.content.decode()
