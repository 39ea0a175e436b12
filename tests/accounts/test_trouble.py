"""'Trouble signing in?': one button that clears this site's data; and no cookie leads in a circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuthenticatorDevice, RecoverySet, Session, TrustedDevice, User
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.helpers import authenticator_for, give_password_only, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db

TROUBLE = "/accounts/trouble/"


def test_one_button_clears_this_sites_data_and_leads_to_sign_in(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    type_password(client)
    type_code(client, adas_app, app_code(adas_app), remember="on")
    page = client.get(TROUBLE)
    assert "Clear this site’s data and start over" in words(page)
    assert is_in(client)
    answer = client.post(TROUBLE)
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert answer["Location"] == "/accounts/sign-in/?why=cleared"
    for name in ("session", "device", "csrf", "reset"):
        assert answer.cookies[name]["max-age"] == 0
    assert not Session.objects.open().filter(user=ada).exists()
    assert "We cleared this site’s data" in words(client.get(answer["Location"]))
    # Nothing in the account has changed.
    assert TrustedDevice.objects.usable().count() == 1
    assert type_password(client)["Location"] == f"/accounts/verify/{adas_app.public_id}/"


def test_a_get_clears_nothing(client: Client, ada: User) -> None:
    sign_in(client, ada)
    for answer in (client.get(TROUBLE), client.head(TROUBLE)):
        assert "Clear-Site-Data" not in answer
    assert is_in(client)


@pytest.mark.parametrize(
    ("headers", "clears"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, True),
        ({"Origin": "http://testserver"}, True),
        ({"Referer": "http://testserver/accounts/trouble/"}, True),
        ({}, True),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Referer": "https://evil.example/accounts/trouble/"}, False),
    ],
)
def test_only_our_own_page_clears_whatever_the_cookies_are(ada: User, headers: dict[str, str], clears: bool) -> None:
    browser = Client(enforce_csrf_checks=True)
    sign_in(browser, ada)
    browser.cookies["csrf"] = "damaged"
    answer = browser.post(TROUBLE, headers=headers)
    assert ("Clear-Site-Data" in answer) is clears
    assert answer.status_code == (302 if clears else 403)
    assert is_in(browser) is not clears


def ended(browser: Client, user: User) -> None:
    sign_in(browser, user).end("signed_out")


def expired(browser: Client, user: User) -> None:
    sign_in(browser, user)
    Session.objects.update(created_at="2020-01-01T00:00Z", authenticated_at="2020-01-01T00:00Z")


def of_nobody(browser: Client, user: User) -> None:
    sign_in(browser, user)
    Session.objects.update(user=None)


def of_someone_inactive(browser: Client, user: User) -> None:
    sign_in(browser, user)
    User.objects.update(is_active=False)


def whose_factor_is_gone(browser: Client, user: User) -> None:
    sign_in(browser, user)
    AuthenticatorDevice.objects.all().delete()


def half_with_a_method(browser: Client, user: User) -> None:
    authenticator_for(user)
    give_password_only(browser, user)


def half_without_a_method(browser: Client, user: User) -> None:
    give_password_only(browser, user)


def half_with_recovery_codes_alone(browser: Client, user: User) -> None:
    RecoverySet.objects.get_or_create(user=user, defaults={"name": "Recovery codes"})[0].draw()
    give_password_only(browser, user)


def half_that_was_verified_before(browser: Client, user: User) -> None:
    sign_in(browser, user)
    Session.objects.update(verified_by="accounts.phonedevice/999")


def with_unreadable_data(browser: Client, user: User) -> None:
    sign_in(browser, user)
    Session.objects.update(data="no-session-data")


def with_another_password(browser: Client, user: User) -> None:
    sign_in(browser, user)
    user.set_password("another-long-password")
    user.save()


def whole(browser: Client, user: User) -> None:
    sign_in(browser, user)


def of_staff_without_a_code(browser: Client, user: User) -> None:
    User.objects.update(is_staff=True, is_superuser=True)
    sign_in(browser, user)
    Session.objects.update(verified_at="2020-01-01T00:00Z")


def foreign(value: str) -> Callable[[Client, User], None]:
    def give(browser: Client, _user: User) -> None:
        for name in ("session", "csrf", "device", "reset"):
            browser.cookies[name] = value

    give.__name__ = f"foreign_{value[:12]!r}"
    return give


STATES = [
    ended, expired, of_nobody, of_someone_inactive, whose_factor_is_gone, half_with_a_method, half_without_a_method,
    half_with_recovery_codes_alone, half_that_was_verified_before, with_unreadable_data, with_another_password, whole,
    of_staff_without_a_code, foreign(""), foreign("x"), foreign("x" * 3_000), foreign("a.b.c.d.e.f.g"),
    foreign("%00%ff"), foreign("é"),
]  # fmt: skip
PAGES = [
    "/", "/policies/", "/accounts/sign-in/", "/accounts/sign-in/?next=/accounts/sign-in/", "/accounts/verify/",
    "/accounts/verify/recovery/", "/accounts/mfa/setup/", "/accounts/mfa/setup/done/", "/accounts/recovery-codes/",
    "/accounts/reset/", "/accounts/forgot-password/code/", "/admin/", TROUBLE,
]  # fmt: skip


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_no_cookie_leads_in_a_circle_and_the_button_ends_it(ada: User, state: Callable[[Client, User], None]) -> None:
    for page in PAGES:
        browser = Client()
        state(browser, ada)
        assert _end_of(browser, page) in {200, 403, 410}, page
    browser = Client(enforce_csrf_checks=True)
    state(browser, ada)
    assert browser.get(TROUBLE).status_code == 200
    cleared = browser.post(TROUBLE)
    assert cleared.status_code == 302
    assert browser.get(cleared["Location"]).status_code == 200


def _end_of(browser: Client, page: str) -> int:
    """Follow redirects as a browser does, and return the last status."""
    seen: list[str] = []
    answer: Any = browser.get(page)
    while answer.status_code == 302:
        assert len(seen) < 6, seen
        seen.append(answer["Location"])
        answer = browser.get(answer["Location"])
    return int(answer.status_code)
