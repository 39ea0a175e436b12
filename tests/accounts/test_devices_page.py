"""One's own open sessions and remembered devices (S-10, docs/security.md#sessions)."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorDevice, Session, TrustedDevice, User
from accounts.models.sessions import EndReason
from core.models import Event
from tests.accounts.people import app_code, is_in, phone_for, type_code, type_password
from tests.factories import CHROME, UserFactory, remembered_for
from tests.helpers import at_once, give_password_only, sign_in
from tests.reading import words

DEVICES = "/accounts/devices/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def hers(ada: User, client: Client) -> Client:
    """Return the browser that Ada is at."""
    sign_in(client, ada)
    return client


@pytest.fixture
def laptop(ada: User) -> Client:
    """Return another browser of Ada's: Firefox, at the office."""
    browser = Client()
    row = sign_in(browser, ada)
    Session.objects.filter(pk=row.pk).update(agent=FIREFOX, ip="198.51.100.7")
    return browser


def row_of(browser: Client) -> Session:
    """Return the session of a browser."""
    from accounts.models.sessions import hash_token

    return Session.objects.get(key_hash=hash_token(browser.cookies["session"].value))


def test_the_page_lists_open_sessions_and_says_which_one_this_is(hers: Client, laptop: Client, ada: User) -> None:
    Session.objects.filter(pk=row_of(hers).pk).update(agent=CHROME, ip="203.0.113.9")
    page = words(hers.get(DEVICES))
    assert "Chrome on Windows This session Authenticator app 203.0.113.9" in page
    assert "Firefox on Linux Authenticator app 198.51.100.7" in page
    assert page.count("This session") == 1
    assert page.index("Chrome on Windows") < page.index("Firefox on Linux")


def test_a_session_says_how_it_was_verified(hers: Client, ada: User) -> None:
    phone = phone_for(ada)
    by_text, half = sign_in(Client(), ada), give_password_only(Client(), ada)
    Session.objects.filter(pk=by_text.pk).update(verified_by=phone.persistent_id)
    remembered = give_password_only(Client(), ada)
    Session.objects.filter(pk=remembered.pk).update(trusted_device=remembered_for(ada))
    page = words(hers.get(DEVICES))
    assert "Text message: Phone ending in 0123" in page
    assert "Password only; no code yet" in page
    assert "Remembered device, without a code" in page
    assert half.public_id in hers.get(DEVICES).content.decode()


def test_ended_and_idle_sessions_and_those_of_others_are_not_listed(hers: Client, laptop: Client, tess: User) -> None:
    others = sign_in(Client(), tess)
    ended, idle = row_of(laptop), sign_in(Client(), row_of(hers).user)
    ended.end(EndReason.SIGNED_OUT)
    Session.objects.filter(pk=idle.pk).update(last_seen_at=timezone.now() - dt.timedelta(minutes=16))
    page = hers.get(DEVICES).content.decode()
    for row in (others, ended, idle):
        assert row.public_id not in page


def test_a_session_that_is_ended_here_is_over_at_the_next_click_there(hers: Client, laptop: Client, ada: User) -> None:
    assert laptop.get(DEVICES).status_code == 200
    row = row_of(laptop)
    answer = hers.post(f"{DEVICES}sessions/{row.public_id}/end/", follow=True)
    assert "The session has ended." in words(answer)
    there = laptop.get(DEVICES)
    assert there["Location"].startswith("/accounts/sign-in/")
    assert "why=elsewhere" in there["Location"]
    assert "ended from another browser" in words(laptop.get(there["Location"]))
    row.refresh_from_db()
    assert row.end_reason == EndReason.ELSEWHERE
    event = Event.objects.get(tag="account:session:closed")
    assert (event.subject_id, event.data["session"]) == (str(ada.pk), row.public_id)
    assert is_in(hers)


def test_what_a_page_in_the_other_browser_asks_for_by_itself_is_refused_too(hers: Client, laptop: Client) -> None:
    hers.post(f"{DEVICES}sessions/end-others/")
    assert laptop.get("/accounts/session-time/").status_code == 302
    assert laptop.post(f"{DEVICES}sign-out-everywhere/")["Location"].startswith("/accounts/sign-in/")
    assert is_in(hers)


def test_ending_a_session_twice_is_one_event_and_does_no_harm(hers: Client, laptop: Client) -> None:
    url = f"{DEVICES}sessions/{row_of(laptop).public_id}/end/"
    assert [hers.post(url).status_code for _ in range(2)] == [302, 302]
    assert Event.objects.filter(tag="account:session:closed").count() == 1


def test_this_session_is_not_ended_from_its_own_list(hers: Client) -> None:
    row = row_of(hers)
    assert f"sessions/{row.public_id}/end/" not in hers.get(DEVICES).content.decode()
    hers.post(f"{DEVICES}sessions/{row.public_id}/end/")
    assert is_in(hers)


def test_all_other_sessions_end_and_devices_stay_remembered(hers: Client, laptop: Client, ada: User) -> None:
    kept = remembered_for(ada)
    hers.post(f"{DEVICES}sessions/end-others/")
    assert is_in(hers)
    assert not is_in(laptop)
    kept.refresh_from_db()
    assert kept.revoked_at is None
    assert Event.objects.get(tag="account:session:others_closed").data == {"sessions": 1}


def test_signing_out_everywhere_ends_this_session_too_and_revokes_every_device_and_link(
    hers: Client, laptop: Client, ada: User
) -> None:
    from accounts.models import AccountLink
    from accounts.services.links import send_activation

    kept, epoch = remembered_for(ada), ada.security_epoch
    send_activation(user=ada, by=None)
    answer = hers.post(f"{DEVICES}sign-out-everywhere/")
    assert answer["Location"] == "/accounts/sign-in/?why=everywhere"
    assert not is_in(hers)
    assert not is_in(laptop)
    kept.refresh_from_db()
    ada.refresh_from_db()
    assert kept.revoked_at
    assert ada.security_epoch == epoch + 1
    assert not AccountLink.objects.usable().exists()
    assert Event.objects.get(tag="account:session:all_closed").data == {"sessions": 2}


def test_none_of_it_asks_for_a_fresh_code_since_it_only_closes(ada: User, laptop: Client) -> None:
    browser = Client()
    sign_in(browser, ada, verified_at=timezone.now() - dt.timedelta(hours=3))
    assert browser.post(f"{DEVICES}sessions/{row_of(laptop).public_id}/end/")["Location"] == DEVICES
    assert browser.post(f"{DEVICES}revoke-all/")["Location"] == DEVICES
    assert not is_in(laptop)


def test_a_device_gets_a_name_of_its_owner(hers: Client, ada: User) -> None:
    device = remembered_for(ada)
    url = f"{DEVICES}{device.public_id}/rename/"
    assert 'value="Chrome on Windows"' in hers.get(url).content.decode()
    assert hers.post(url, {"label": "  Laptop   at home "})["Location"] == DEVICES
    page = words(hers.get(DEVICES))
    assert "Laptop at home Chrome on Windows" in page
    assert Event.objects.get(tag="account:device:renamed").data["label"] == "Laptop at home"


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("", "Enter a name."),
        ("x" * 61, "Use 60 characters or fewer."),
        ("a\u202eb", "Use letters, digits, and punctuation."),
    ],
)
def test_a_name_that_cannot_be_says_why_and_is_kept(hers: Client, ada: User, label: str, sentence: str) -> None:
    device = remembered_for(ada)
    answer = hers.post(f"{DEVICES}{device.public_id}/rename/", {"label": label})
    assert answer.status_code == 422
    assert sentence in words(answer)
    assert f'value="{label}"' in answer.content.decode() or not label
    device.refresh_from_db()
    assert device.label == "Chrome on Windows"


def test_a_revoked_device_is_asked_for_a_code_and_its_sessions_end(
    hers: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    away = Client(HTTP_USER_AGENT=CHROME)
    type_password(away)
    type_code(away, adas_app, app_code(adas_app), remember="on")
    away.post("/accounts/sign-out/")
    assert type_password(away)["Location"] == "/"
    assert is_in(away)
    device = TrustedDevice.objects.get()
    hers.post(f"{DEVICES}{device.public_id}/revoke/")
    assert device.sessions.get().end_reason == EndReason.ELSEWHERE
    assert not is_in(away)
    assert type_password(away)["Location"].startswith("/accounts/verify/")
    hers.post(f"{DEVICES}{device.public_id}/revoke/")
    assert Event.objects.filter(tag="account:device:revoked").count() == 1


def test_all_devices_are_revoked_and_sessions_with_a_code_go_on(hers: Client, laptop: Client, ada: User) -> None:
    remembered_for(ada), remembered_for(ada, label="Firefox on Linux")
    spared = Client()
    row = give_password_only(spared, ada)
    Session.objects.filter(pk=row.pk).update(trusted_device=ada.trusted_devices.first())
    assert is_in(spared)
    hers.post(f"{DEVICES}revoke-all/")
    assert not ada.trusted_devices.usable().exists()
    row.refresh_from_db()
    assert row.end_reason == EndReason.ELSEWHERE
    assert not is_in(spared)
    assert is_in(laptop)
    assert Event.objects.get(tag="account:device:all_revoked").data == {"devices": 2}


def test_only_devices_that_still_spare_the_code_are_listed(hers: Client, ada: User) -> None:
    remembered_for(ada, label="Expired", days=-1)
    remembered_for(ada, label="Revoked").revoke()
    remembered_for(UserFactory(), label="Somebody else’s")
    remembered_for(ada, label="Tablet")
    page = words(hers.get(DEVICES))
    assert "Tablet" in page
    for label in ("Expired", "Revoked", "Somebody else’s"):
        assert label not in page


@pytest.mark.parametrize("days", [30, 90, 7])
def test_the_setting_says_for_how_many_days_a_device_is_remembered(
    hers: Client, ada: User, adas_app: AuthenticatorDevice, settings, days: int
) -> None:
    settings.REMEMBER_DEVICE = dt.timedelta(days=days)
    assert f"remembered for {days} days" in words(hers.get(DEVICES))
    browser = Client()
    type_password(browser)
    assert f"for the next {days} days" in words(browser.get(f"/accounts/verify/{adas_app.public_id}/"))
    type_code(browser, adas_app, app_code(adas_app), remember="on")
    device = TrustedDevice.objects.get()
    assert device.expires_at - device.created_at == dt.timedelta(days=days)


@pytest.mark.django_db(transaction=True)
def test_a_sign_out_everywhere_and_a_remembered_sign_in_at_once_leave_no_session_behind() -> None:
    ada = UserFactory.create(username="ada")
    away, hers = Client(HTTP_USER_AGENT=CHROME), Client()
    sign_in(hers, ada)
    app = AuthenticatorDevice.objects.get(user=ada)
    type_password(away)
    type_code(away, app, app_code(app), remember="on")
    away.post("/accounts/sign-out/")
    for _ in range(3):
        sign_in(hers, User.objects.get(pk=ada.pk))
        at_once(lambda: hers.post(f"{DEVICES}sign-out-everywhere/"), lambda: type_password(away))
        assert not is_in(hers)
        assert not is_in(away)
