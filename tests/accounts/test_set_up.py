"""Setting up a second factor: forced at the first sign-in, and never from a password alone for who has one."""

from __future__ import annotations

import datetime as dt
import html
import re
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuthenticatorDevice, Challenge, PhoneDevice, TrustedDevice, User
from core.models import Event
from tests.accounts.gateways import Text
from tests.accounts.people import app_code, deliver_codes, is_in, phone_for, type_password, wrong_code
from tests.helpers import give_password_only, sign_in

SETUP = "/accounts/mfa/setup/"
AUTHENTICATOR = "/accounts/mfa/setup/authenticator/"
TEXT = "/accounts/mfa/setup/text/"
TEXT_CODE = "/accounts/mfa/setup/code/"
DONE = "/accounts/mfa/setup/done/"


def key_on(page: str) -> str:
    """Return the key on the page to be typed, as the user reads it."""
    found = re.search(r'class="secret"[^>]*>([A-Z2-7 ]+)<', page)
    assert found is not None
    assert all(len(group) == 4 for group in found[1].split())
    return found[1].replace(" ", "")


def test_the_first_sign_in_leads_to_set_up_and_nowhere_else(client: Client, nell: User) -> None:
    assert type_password(client, "nell", next="/policies/")["Location"] == f"{SETUP}?next=%2Fpolicies%2F"
    for address in ("/", "/policies/", DONE, "/admin/"):
        answer = client.get(address, follow=True)
        assert answer.redirect_chain[-1][0].startswith(SETUP)
    page = client.get(SETUP).content.decode()
    assert "Authenticator app" in page
    assert "Text message" in page


def test_set_up_with_the_authenticator_by_the_typed_key(client: Client, nell: User) -> None:
    type_password(client, "nell")
    assert client.post(SETUP, {"method": "authenticator"})["Location"] == AUTHENTICATOR
    key = key_on(client.get(AUTHENTICATOR).content.decode())
    answer = client.post(AUTHENTICATOR, {"code": pyotp.TOTP(key).now()})
    assert answer["Location"] == DONE
    assert is_in(client)
    device = AuthenticatorDevice.objects.get(user=nell)
    assert (device.confirmed, device.seed) == (True, key)
    assert Event.objects.filter(tag="account:method:added", subject_id=str(nell.pk)).count() == 1


def test_the_qr_code_and_the_link_say_the_same_as_the_key(client: Client, nell: User) -> None:
    type_password(client, "nell")
    client.post(SETUP, {"method": "authenticator"})
    page = client.get(AUTHENTICATOR).content.decode()
    link = re.search(r'href="(otpauth://[^"]+)"', page)
    assert link is not None
    address = urlsplit(html.unescape(link[1]))
    assert parse_qs(address.query) == {"secret": [key_on(page)], "issuer": ["Larkfield Portal"]}
    assert address.path == "/Larkfield%20Portal:nell"
    assert 'role="img" aria-label="QR code' in page
    assert "<svg" in page
    assert "style=" not in page


def test_the_step_used_at_enrollment_is_spent(nell: User) -> None:
    browser, other = Client(), Client()
    with time_machine.travel("2026-03-02 12:00:10+00:00", tick=False):
        type_password(browser, "nell")
        browser.post(SETUP, {"method": "authenticator"})
        code = pyotp.TOTP(key_on(browser.get(AUTHENTICATOR).content.decode())).at(timezone.now())
        assert browser.post(AUTHENTICATOR, {"code": code}).status_code == 302
        device = AuthenticatorDevice.objects.get(user=nell)
        type_password(other, "nell")
        assert other.post(f"/accounts/verify/{device.public_id}/", {"code": code}).status_code == 422


def test_a_wrong_first_code_keeps_the_key(client: Client, nell: User) -> None:
    type_password(client, "nell")
    client.post(SETUP, {"method": "authenticator"})
    key = key_on(client.get(AUTHENTICATOR).content.decode())
    device = AuthenticatorDevice.objects.get(user=nell)
    answer = client.post(AUTHENTICATOR, {"code": wrong_code(device)})
    assert answer.status_code == 422
    assert key_on(answer.content.decode()) == key
    assert not is_in(client)


def test_set_up_with_a_text_message(client: Client, nell: User, texts: list[Text]) -> None:
    type_password(client, "nell", next="/policies/")
    assert client.post(SETUP, {"method": "text", "next": "/policies/"})["Location"] == f"{TEXT}?next=%2Fpolicies%2F"
    sent = client.post(TEXT, {"phone": "(202) 555-0123", "next": "/policies/"})
    assert sent["Location"] == f"{TEXT_CODE}?next=%2Fpolicies%2F"
    deliver_codes()
    done = client.post(TEXT_CODE, {"code": texts[0].code, "next": "/policies/"})
    assert done["Location"] == f"{DONE}?next=%2Fpolicies%2F"
    assert 'href="/policies/"' in client.get(done["Location"]).content.decode()
    phone = PhoneDevice.objects.get(user=nell)
    assert (phone.confirmed, phone.phone, phone.last_four) == (True, "+12025550123", "0123")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter your mobile phone number"),
        ("hello", "with area code"),
        ("555-0123", "valid 10-digit mobile number"),
        ("+44 20 7946 0958", "United States and Canada"),
        ("(800) 555-0199", "receive text messages"),
    ],
)
def test_a_number_that_can_get_no_texts_is_refused(client: Client, nell: User, typed: str, sentence: str) -> None:
    give_password_only(client, nell)
    answer = client.post(TEXT, {"phone": typed})
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.content.decode())
    assert not Challenge.objects.exists()


def test_nothing_chosen_is_refused(client: Client, nell: User) -> None:
    give_password_only(client, nell)
    assert client.post(SETUP, {}).status_code == 422
    assert client.post(SETUP, {"method": "pigeon"}).status_code == 422


def test_a_new_number_voids_the_code_of_the_former_one(client: Client, nell: User, texts: list[Text]) -> None:
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False) as clock:
        give_password_only(client, nell)
        client.post(TEXT, {"phone": "202 555 0123"})
        deliver_codes()
        clock.shift(dt.timedelta(seconds=61))
        client.post(TEXT, {"phone": "202 555 0199"})
        assert client.post(TEXT_CODE, {"code": texts[0].code}).status_code == 422
        deliver_codes()
        assert client.post(TEXT_CODE, {"code": texts[1].code}).status_code == 302
    assert PhoneDevice.objects.get(user=nell).phone == "+12025550199"


@pytest.mark.parametrize("address", [SETUP, AUTHENTICATOR, TEXT, TEXT_CODE])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_password_alone_never_adds_a_method_to_who_has_one(
    client: Client, ada: User, adas_app: AuthenticatorDevice, address: str, method: str
) -> None:
    give_password_only(client, ada)
    answer = getattr(client, method)(address, {"method": "text", "phone": "2025550123", "code": "123456"})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/verify/")
    assert PhoneDevice.objects.count() == 0
    assert AuthenticatorDevice.objects.count() == 1


def test_a_set_up_that_was_begun_before_another_was_finished_can_not_be_ended(nell: User) -> None:
    hers, thief = Client(), Client()
    type_password(thief, "nell")
    thief.post(SETUP, {"method": "authenticator"})
    stolen = key_on(thief.get(AUTHENTICATOR).content.decode())
    type_password(hers, "nell")
    hers.post(SETUP, {"method": "authenticator"})
    key = key_on(hers.get(AUTHENTICATOR).content.decode())
    assert key != stolen
    assert hers.post(AUTHENTICATOR, {"code": pyotp.TOTP(key).now()})["Location"] == DONE
    answer = thief.post(AUTHENTICATOR, {"code": pyotp.TOTP(stolen).now()})
    assert answer["Location"].startswith("/accounts/verify/")
    assert [device.seed for device in AuthenticatorDevice.objects.all()] == [key]
    assert not is_in(thief)


def test_one_session_never_sees_the_key_that_another_sets_up(nell: User) -> None:
    hers, thief = Client(), Client()
    type_password(hers, "nell")
    type_password(thief, "nell")
    hers.post(SETUP, {"method": "authenticator"})
    assert thief.get(AUTHENTICATOR)["Location"] == SETUP


def test_ada_adds_a_second_way_after_a_fresh_code(
    client: Client, ada: User, adas_app: AuthenticatorDevice, texts: list[Text]
) -> None:
    sign_in(client, ada)
    assert client.get(SETUP).status_code == 200
    client.post(TEXT, {"phone": "2025550123"})
    deliver_codes()
    assert client.post(TEXT_CODE, {"code": texts[0].code})["Location"] == DONE
    ada.refresh_from_db()
    assert ada.security_epoch == 2


def test_adding_a_way_asks_for_a_code_if_the_last_is_older_than_20_minutes(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=20))
    answer = client.get(SETUP)
    assert answer["Location"] == "/accounts/verify/?next=%2Faccounts%2Fmfa%2Fsetup%2F"


def test_a_new_method_ends_the_trust_in_remembered_devices(client: Client, ada: User) -> None:
    sign_in(client, ada)
    TrustedDevice.objects.create(
        user=ada, token_hash="x" * 64, label="Old", expires_at=timezone.now() + dt.timedelta(days=9), epoch=1
    )
    client.post(SETUP, {"method": "authenticator"})
    pending = AuthenticatorDevice.objects.get(confirmed=False)
    client.post(AUTHENTICATOR, {"code": app_code(pending)})
    assert not TrustedDevice.objects.usable().exists()


def test_the_same_phone_is_not_added_twice(client: Client, ada: User) -> None:
    phone_for(ada)
    sign_in(client, ada)
    answer = client.post(TEXT, {"phone": "202-555-0123"})
    assert answer.status_code == 422
    assert "already use this phone to sign in" in answer.content.decode()


def test_an_unfinished_set_up_does_not_count_as_a_method(client: Client, nell: User) -> None:
    type_password(client, "nell")
    client.post(SETUP, {"method": "authenticator"})
    again = Client()
    assert type_password(again, "nell")["Location"] == SETUP
