"""'Do not challenge me on this device for the next 30 days' (S-10)."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from accounts.guards import SignIn, sign_in_of
from accounts.models import AuthenticatorDevice, Session, TrustedDevice, User
from accounts.services import locks
from accounts.services.remembering import describe_agent
from core.models import Event
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.helpers import give_password_only, sign_in

NOON = "2026-03-02 12:00:00+00:00"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"


def sign_in_and_remember(client: Client, device: AuthenticatorDevice, username: str = "ada") -> None:
    type_password(client, username)
    assert type_code(client, device, app_code(device), remember="on").status_code == 302
    client.post("/accounts/sign-out/")


def test_the_choice_is_unticked_by_default(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    give_password_only(client, ada)
    page = client.get(f"/accounts/verify/{adas_app.public_id}/").content.decode()
    assert "Do not challenge me on this device for the next 30 days" in page
    assert "checked" not in page
    type_code(client, adas_app, app_code(adas_app))
    assert django_settings.DEVICE_COOKIE_NAME not in client.cookies
    assert not TrustedDevice.objects.exists()


def test_a_remembered_device_is_spared_the_code_for_30_days(ada: User, adas_app: AuthenticatorDevice) -> None:
    browser = Client(HTTP_USER_AGENT=CHROME)
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in_and_remember(browser, adas_app)
        device = TrustedDevice.objects.get()
        clock.shift(dt.timedelta(days=29))
        assert type_password(browser)["Location"] == "/"
        assert is_in(browser)
        device.refresh_from_db()
        assert device.last_used_at == timezone.now()
        browser.post("/accounts/sign-out/")
        clock.shift(dt.timedelta(days=1))
        assert type_password(browser)["Location"].startswith("/accounts/verify/")
    assert (device.label, device.ip, device.agent) == ("Chrome on Windows", "127.0.0.1", CHROME)
    assert device.created_at < device.last_used_at < device.expires_at
    assert Event.objects.filter(tag="account:device:remembered", actor_id=ada.pk).count() == 1
    assert Event.objects.filter(tag="account:device:used", actor_id=ada.pk).count() == 1


def test_the_cookie_holds_256_bits_and_the_row_only_their_hash(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    held = client.cookies[django_settings.DEVICE_COOKIE_NAME]
    assert len(held.value) == 43
    assert held["httponly"]
    assert held["samesite"] == "Lax"
    assert held.value not in str(TrustedDevice.objects.values())


def test_another_browser_is_challenged(ada: User, adas_app: AuthenticatorDevice) -> None:
    sign_in_and_remember(Client(), adas_app)
    assert type_password(Client())["Location"].startswith("/accounts/verify/")


def test_the_cookie_spares_nobody_else(client: Client, ada: User, tess: User, adas_app: AuthenticatorDevice) -> None:
    AuthenticatorDevice.objects.create(user=tess, name="App", seed=AuthenticatorDevice.new_seed())
    sign_in_and_remember(client, adas_app)
    assert type_password(client, "tess")["Location"].startswith("/accounts/verify/")


def test_colleagues_can_share_a_remembered_browser(
    client: Client, ada: User, tess: User, adas_app: AuthenticatorDevice
) -> None:
    her_app = AuthenticatorDevice.objects.create(user=tess, name="App", seed=AuthenticatorDevice.new_seed())
    sign_in_and_remember(client, adas_app)
    sign_in_and_remember(client, her_app, "tess")
    assert type_password(client, "ada")["Location"] == "/"
    client.post("/accounts/sign-out/")
    assert type_password(client, "tess")["Location"] == "/"


def test_the_cookie_without_the_password_opens_nothing(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    assert not is_in(client)
    assert type_password(client, password="wrong-wrong-wrong").status_code == 422


def revoke(user: User) -> None:
    TrustedDevice.objects.get().revoke()


def change_password(user: User) -> None:
    user.set_password("demo-Portal-2026")
    user.save()


def bump(user: User) -> None:
    user.bump_epoch()


@pytest.mark.parametrize("change", [revoke, change_password, bump])
def test_a_revoked_device_is_challenged_and_so_is_every_one_after_a_change_that_matters(
    client: Client, ada: User, adas_app: AuthenticatorDevice, change: object
) -> None:
    sign_in_and_remember(client, adas_app)
    change(ada)  # type: ignore[operator]
    assert type_password(client)["Location"].startswith("/accounts/verify/")


def fail(browser: Client, times: int, username: str = "ada") -> list[int]:
    return [type_password(browser, username, "wrong-wrong-wrong").status_code for _ in range(times)]


def test_strangers_can_not_keep_the_owner_out_of_a_remembered_browser(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    assert fail(Client(), 6)[-1] == 429
    assert type_password(Client()).status_code == 429
    assert type_password(client)["Location"] == "/"
    assert type_password(Client()).status_code == 429


def test_neither_can_strangers_in_the_same_network(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    sign_in_and_remember(client, adas_app)
    for number in range(12):
        fail(Client(), 1, f"guess{number}")
    assert type_password(Client()).status_code == 429
    assert type_password(client)["Location"] == "/"


def test_a_remembered_browser_cools_off_after_5_wrong_passwords_of_its_own(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    assert fail(client, 6) == [422] * 4 + [429] * 2
    assert type_password(client).status_code == 429
    assert [each.what for each in locks.obstacles_of(ada)] == ["Password on A browser"]
    assert type_password(Client()).status_code == 302


def test_a_remembered_browser_is_a_stranger_to_every_other_username(
    client: Client, ada: User, tess: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    fail(Client(), 5, "tess")
    assert type_password(client, "tess").status_code == 429


@pytest.mark.parametrize("change", [revoke, change_password, bump])
def test_a_browser_that_is_not_remembered_any_more_is_a_stranger(
    client: Client, ada: User, adas_app: AuthenticatorDevice, change: object
) -> None:
    sign_in_and_remember(client, adas_app)
    fail(Client(), 5)
    change(ada)  # type: ignore[operator]
    assert type_password(client).status_code == 429


def test_a_lock_revokes_every_device(client: Client, ada: User, adas_app: AuthenticatorDevice, stan: User) -> None:
    sign_in_and_remember(client, adas_app)
    staff = Client()
    sign_in(staff, stan)
    staff.post(f"/admin/accounts/user/{ada.pk}/lock/", {"reason": "laptop stolen"})
    assert TrustedDevice.objects.get().revoked_at is not None
    assert [lock.why for lock in locks.obstacles_of(ada)] == ["Locked: laptop stolen"]


def test_revoking_the_device_stops_the_session_that_it_opened(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in_and_remember(client, adas_app)
    type_password(client)
    assert is_in(client)
    TrustedDevice.objects.get().revoke()
    assert client.get("/accounts/mfa/setup/done/")["Location"].startswith("/accounts/verify/")


def test_a_remembered_device_isnt_a_fresh_code(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    sign_in_and_remember(client, adas_app)
    type_password(client)
    assert Session.objects.open().get().verified_at is None
    assert client.get("/accounts/mfa/setup/")["Location"] == "/accounts/verify/?next=%2Faccounts%2Fmfa%2Fsetup%2F"


def test_a_remembered_device_signs_in_and_verifies_nobody(ada: User, adas_app: AuthenticatorDevice) -> None:
    browser = Client()
    sign_in_and_remember(browser, adas_app)
    type_password(browser)
    user = browser.get("/").wsgi_request.user
    assert sign_in_of(browser.get("/").wsgi_request) is SignIn.FULL
    assert (user.is_verified(), user.otp_device) == (False, None)
    assert user.remembered_device == TrustedDevice.objects.get()


def test_a_remembered_device_never_opens_admin(client: Client, stan: User) -> None:
    app = AuthenticatorDevice.objects.create(user=stan, name="App", seed=AuthenticatorDevice.new_seed())
    with time_machine.travel(NOON, tick=False) as clock:
        sign_in_and_remember(client, app, "stan")
        clock.shift(dt.timedelta(seconds=90))
        assert type_password(client, "stan")["Location"] == "/"
        assert is_in(client)
        sent = client.get("/admin/", follow=True)
        assert sent.redirect_chain[-1][0] == f"/accounts/verify/{app.public_id}/?next=%2Fadmin%2F"
        assert type_code(client, app, app_code(app), next="/admin/")["Location"] == "/admin/"
        assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("curl/8", "A browser"),
        ("", "A browser"),
    ],
)  # fmt: skip
def test_browsers_are_named_in_words(agent: str, words: str) -> None:
    assert describe_agent(agent) == words
