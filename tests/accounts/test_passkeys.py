"""Passkeys: set up, used after the password and at step-up, and everything that an answer may be instead of right."""

from __future__ import annotations

import datetime as dt
import html
import json
from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from webauthn.helpers import bytes_to_base64url

from accounts.models import AuthenticatorDevice, Passkey, PasskeyChallenge, Session, TrustedDevice, User
from accounts.models.sessions import EndReason
from accounts.services import passkeys
from accounts.tasks import purge_sessions, void_factorless_passwords
from core.models import Event, Mail
from tests.accounts.people import app_code, is_in, type_code, type_password
from tests.accounts.soft_authenticator import HOST, ORIGIN, SoftAuthenticator
from tests.factories import UserFactory
from tests.helpers import authenticator_for, give_password_only, sign_in

pytestmark = pytest.mark.django_db
SETUP = "/accounts/mfa/setup/passkey/"
VERIFY = "/accounts/verify/passkey/"
METHODS = "/accounts/methods/"


@pytest.fixture(autouse=True)
def own_address(settings: Settings) -> None:
    """Passkeys belong to the address that the test client opens."""
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS, settings.OTP_WEBAUTHN_RP_ID = [ORIGIN], HOST


def options(client: Client, page: str = VERIFY) -> dict[str, Any]:
    """Ask for what the browser needs."""
    answer = client.post(f"{page}options/")
    assert answer.status_code == 200
    given: dict[str, Any] = answer.json()
    return given


def set_up(client: Client, authenticator: SoftAuthenticator, name: str = "My laptop") -> Any:
    """Create a passkey as the page's script does."""
    return client.post(SETUP, {"answer": authenticator.make(options(client, SETUP)), "name": name})


def use(client: Client, authenticator: SoftAuthenticator, **more: str) -> Any:
    """Use a passkey as the page's script does."""
    return client.post(VERIFY, {"answer": authenticator.sign(options(client)), **more})


@pytest.fixture
def adas_passkey(ada: User, adas_app: AuthenticatorDevice) -> SoftAuthenticator:
    """Return Ada's passkey, which she has beside her app."""
    browser, authenticator = Client(), SoftAuthenticator()
    sign_in(browser, ada)
    assert set_up(browser, authenticator).status_code == 302
    return authenticator


def reads(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_a_passkey_is_added_beside_another_method_and_the_owner_is_told(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada)
    assert "Create passkey" in reads(client.get(SETUP))
    asked = options(client, SETUP)
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert (asked["rp"], asked["attestation"]) == ({"name": "Larkfield Portal", "id": HOST}, "none")
    assert asked["user"]["name"] == "ada"
    authenticator = SoftAuthenticator(synced=True)
    answer = client.post(SETUP, {"answer": authenticator.make(asked), "name": "  My   laptop\u202e "})
    assert answer["Location"] == METHODS
    passkey = Passkey.objects.get(user=ada)
    assert (passkey.name, passkey.confirmed, passkey.is_synced()) == ("My laptop", True, True)
    assert "My laptop" in reads(client.get(METHODS))
    ada.refresh_from_db()
    assert ada.security_epoch == 2
    assert Event.objects.get(tag="account:method:added").data["method"] == "passkey"
    assert Mail.objects.get(name="account_changed").context["change"] == "method_added"


def test_a_passkey_is_used_after_the_password(client: Client, ada: User, adas_passkey: SoftAuthenticator) -> None:
    ada.default_method = Passkey.objects.get().public_id
    ada.save()
    assert type_password(client, next="/policies/")["Location"] == f"{VERIFY}?next=%2Fpolicies%2F"
    key = client.cookies["session"].value
    assert use(client, adas_passkey, next="/policies/")["Location"] == "/policies/"
    assert is_in(client)
    passkey = Passkey.objects.get()
    assert (passkey.sign_count, passkey.last_used_at is not None) == (1, True)
    session = Session.objects.get(verified_by=passkey.persistent_id)
    assert session.has_fresh_code()
    assert client.cookies["session"].value != key
    assert Event.objects.get(tag="account:session:started", data__via="passkey").data["device"] == passkey.public_id
    assert not TrustedDevice.objects.usable().exists()


def test_without_the_password_a_passkey_opens_nothing(client: Client, adas_passkey: SoftAuthenticator) -> None:
    for address in (VERIFY, f"{VERIFY}options/"):
        assert client.post(address)["Location"].startswith("/accounts/sign-in/")
    assert not is_in(client)


def test_this_browser_is_remembered_after_a_passkey_as_after_a_code(
    client: Client, ada: User, adas_passkey: SoftAuthenticator
) -> None:
    type_password(client)
    use(client, adas_passkey, remember="on")
    client.post("/accounts/sign-out/")
    assert type_password(client)["Location"] == "/"
    assert TrustedDevice.objects.usable().count() == 1


def test_a_passkey_counts_as_a_fresh_code(client: Client, ada: User, adas_passkey: SoftAuthenticator) -> None:
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=21))
    assert client.get("/accounts/mfa/setup/")["Location"].startswith("/accounts/verify/")
    assert use(client, adas_passkey, next="/accounts/mfa/setup/")["Location"] == "/accounts/mfa/setup/"
    assert client.get("/accounts/mfa/setup/").status_code == 200


def test_creating_one_asks_for_a_code_if_the_last_is_older_than_20_minutes(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=21))
    for answer in (client.get(SETUP), client.post(SETUP), client.post(f"{SETUP}options/")):
        assert answer["Location"].startswith("/accounts/verify/")


def test_a_passkey_is_never_the_first_method(client: Client, nell: User) -> None:
    type_password(client, "nell")
    assert "Passkey" not in reads(client.get("/accounts/mfa/setup/"))
    assert client.post("/accounts/mfa/setup/", {"method": "passkey"}).status_code == 422
    assert client.post(f"{SETUP}options/")["Location"].startswith("/accounts/verify/")
    assert client.post(SETUP, {"answer": "{}", "name": "x"})["Location"].startswith("/accounts/verify/")
    assert not Passkey.objects.exists()


def test_who_has_nothing_but_passkeys_sets_up_another_kind_of_method_first(
    client: Client, ada: User, adas_passkey: SoftAuthenticator
) -> None:
    AuthenticatorDevice.objects.all().delete()
    type_password(client)
    use(client, adas_passkey)
    assert client.get(SETUP)["Location"] == "/accounts/mfa/setup/"
    refused = set_up(client, SoftAuthenticator())
    assert refused.status_code == 422
    assert "Set up an authenticator app or a phone first" in reads(refused)
    assert Passkey.objects.count() == 1


def test_a_session_that_another_one_ended_meanwhile_adds_no_passkey(
    client: Client, ada: User, adas_app: AuthenticatorDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, ada)

    def ended_while_it_waited(user: User) -> bool:
        return bool(Session.objects.filter(user=user).end(EndReason.EVERYWHERE))

    monkeypatch.setattr(passkeys, "may_add", ended_while_it_waited)
    refused = set_up(client, SoftAuthenticator())
    assert refused.status_code == 422
    assert "Your session has ended" in reads(refused)
    assert not Passkey.objects.exists()


def test_a_password_alone_adds_no_passkey_to_an_account_that_has_a_method(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    give_password_only(client, ada)
    assert client.post(f"{SETUP}options/")["Location"].startswith("/accounts/verify/")
    assert client.post(SETUP, {"answer": "{}", "name": "x"})["Location"].startswith("/accounts/verify/")


def test_who_has_it_must_have_checked_finger_face_or_pin(
    client: Client, ada: User, adas_passkey: SoftAuthenticator
) -> None:
    sign_in(client, ada)
    refused = set_up(client, SoftAuthenticator(verifies=False))
    assert refused.status_code == 422
    assert "couldn’t check this passkey" in reads(refused)
    assert Passkey.objects.count() == 1
    browser = Client()
    type_password(browser)
    assert options(browser)["userVerification"] == "required"
    adas_passkey.verifies = False
    assert use(browser, adas_passkey).status_code == 422
    assert not is_in(browser)


def test_an_answer_works_once(client: Client, adas_passkey: SoftAuthenticator) -> None:
    adas_passkey.counts = False
    type_password(client)
    answer = adas_passkey.sign(options(client))
    assert client.post(VERIFY, {"answer": answer}).status_code == 302
    again = client.post(VERIFY, {"answer": answer})
    assert again.status_code == 422
    assert "took too long" in reads(again)


def test_a_late_answer_counts_as_no_guess_and_never_cools_the_passkey_off(
    client: Client, adas_passkey: SoftAuthenticator
) -> None:
    adas_passkey.counts = False
    type_password(client)
    answer = adas_passkey.sign(options(client))
    PasskeyChallenge.objects.all().delete()
    for _ in range(8):
        assert client.post(VERIFY, {"answer": answer}).status_code == 422
    passkey = Passkey.objects.get()
    assert (passkey.failures, passkey.consecutive_failures, passkey.is_cooling_off()) == (0, 0, False)
    assert Event.objects.filter(tag="account:passkey:wrong").count() == 0
    assert Event.objects.filter(tag="account:code:refused").count() == 1
    assert use(client, adas_passkey).status_code == 302


def test_an_answer_works_in_no_other_session(client: Client, adas_passkey: SoftAuthenticator) -> None:
    adas_passkey.counts = False
    thief = Client()
    type_password(client)
    type_password(thief)
    options(thief)
    assert thief.post(VERIFY, {"answer": adas_passkey.sign(options(client))}).status_code == 422
    assert not is_in(thief)


def test_a_wrong_answer_uses_the_challenge_up(client: Client, adas_passkey: SoftAuthenticator) -> None:
    type_password(client)
    asked = options(client)
    assert client.post(VERIFY, {"answer": adas_passkey.sign(asked, signature=b"x")}).status_code == 422
    assert client.post(VERIFY, {"answer": adas_passkey.sign(asked)}).status_code == 422
    assert not is_in(client)


def test_an_answer_after_five_minutes_is_too_late(client: Client, adas_passkey: SoftAuthenticator) -> None:
    with time_machine.travel("2027-03-02 12:00:00+00:00", tick=False) as clock:
        type_password(client)
        answer = adas_passkey.sign(options(client))
        clock.shift(dt.timedelta(minutes=5))
        assert "took too long" in reads(client.post(VERIFY, {"answer": answer}))
        assert use(client, adas_passkey).status_code == 302


LIES: dict[str, Callable[[SoftAuthenticator, dict[str, Any]], str]] = {
    "another site": lambda one, asked: SoftAuthenticator(
        origin="https://evil.test", key=one.key, credential_id=one.credential_id
    ).sign(asked),
    "another host": lambda one, asked: SoftAuthenticator(
        host="evil.test", key=one.key, credential_id=one.credential_id
    ).sign(asked),
    "another key": lambda one, asked: SoftAuthenticator(credential_id=one.credential_id).sign(asked),
    "another challenge": lambda one, asked: one.sign(asked | {"challenge": bytes_to_base64url(b"x" * 64)}),
    "a changed signature": lambda one, asked: one.sign(asked, signature=b"\x30\x06\x02\x01\x01\x02\x01\x01"),
    "a changed counter": lambda one, asked: one.sign(asked, authenticatorData=one._data(0)[:-1] + b"\xff"),
    "a creation": lambda one, asked: one.make(asked),
    "an unknown passkey": lambda one, asked: SoftAuthenticator().sign(asked),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_what_was_tampered_with_opens_nothing_and_counts(
    client: Client, adas_passkey: SoftAuthenticator, lie: Callable[[SoftAuthenticator, dict[str, Any]], str]
) -> None:
    type_password(client)
    answer = client.post(VERIFY, {"answer": lie(adas_passkey, options(client))})
    assert answer.status_code == 422
    assert "couldn’t accept this passkey" in reads(answer)
    assert not is_in(client)
    assert Passkey.objects.get().failures == 1
    assert Event.objects.filter(tag="account:passkey:wrong").count() == 1


JUNK = ["x", "[]", "1", "{}", "null", '"x"', '{"rawId": 1}', '{"rawId": "%%%"}', '{"rawId": "AA"}', "{" * 5_000]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_refused_in_words(client: Client, ada: User, adas_passkey: SoftAuthenticator, junk: str) -> None:
    type_password(client)
    options(client)
    assert client.post(VERIFY, {"answer": junk}).status_code == 422
    browser = Client()
    sign_in(browser, ada)
    options(browser, SETUP)
    assert browser.post(SETUP, {"answer": junk, "name": "x"}).status_code == 422
    assert Passkey.objects.count() == 1


def test_parts_of_a_right_answer_that_are_junk_are_refused_too(client: Client, adas_passkey: SoftAuthenticator) -> None:
    type_password(client)
    right = json.loads(adas_passkey.sign(options(client)))
    for part in right["response"]:
        parts: tuple[object, ...] = (None, 1, [], "", "%", "AAAA")
        for junk in parts:
            Passkey.objects.get().switch_on()
            options(client)
            bent = right | {"response": right["response"] | {part: junk}}
            assert client.post(VERIFY, {"answer": json.dumps(bent)}).status_code == 422
            PasskeyChallenge.objects.all().delete()
    assert not is_in(client)


def test_someone_elses_passkey_opens_nothing_and_is_not_added_again(
    client: Client, tess: User, adas_passkey: SoftAuthenticator
) -> None:
    authenticator_for(tess)
    sign_in(client, tess)
    twice = set_up(client, adas_passkey)
    assert twice.status_code == 422
    assert "already set up" in reads(twice)
    assert set_up(client, SoftAuthenticator()).status_code == 302
    browser = Client()
    type_password(browser, "tess")
    assert use(browser, adas_passkey).status_code == 422
    assert not is_in(browser)
    assert Passkey.objects.get(user__username="ada").failures == 0
    assert Passkey.objects.get(user=tess).failures == 1


def test_the_browser_is_asked_only_for_passkeys_of_this_user_that_work(
    client: Client, ada: User, adas_passkey: SoftAuthenticator
) -> None:
    sign_in(client, ada)
    set_up(client, SoftAuthenticator(), "Old phone")
    Passkey.objects.filter(name="Old phone").update(disabled_at=timezone.now())
    named = [each["id"] for each in options(client)["allowCredentials"]]
    assert named == [bytes_to_base64url(adas_passkey.credential_id)]


def test_a_counter_that_goes_back_disables_the_passkey_and_the_owner_hears_of_it(
    client: Client, adas_passkey: SoftAuthenticator
) -> None:
    copy = SoftAuthenticator(key=adas_passkey.key, credential_id=adas_passkey.credential_id)
    type_password(client)
    use(client, adas_passkey)
    thief = Client()
    type_password(thief)
    refused = use(thief, copy)
    assert refused.status_code == 429
    assert "is disabled" in reads(refused)
    assert not is_in(thief)
    passkey = Passkey.objects.get()
    assert (passkey.is_off(), passkey.sign_count) == (True, 1)
    assert Event.objects.filter(tag="account:passkey:copied").count() == 1
    assert Mail.objects.filter(name="passkey_copied").count() == 1
    # Neither the copy nor the owner's own opens anything now.
    assert thief.post(f"{VERIFY}options/").status_code == 409
    sign_in(client, passkey.user)
    assert "there may be a copy" in reads(client.get(METHODS))


def test_what_a_copied_passkey_opened_is_closed_since_the_copy_may_have_been_first(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_passkey: SoftAuthenticator
) -> None:
    thief, copy = Client(), SoftAuthenticator(key=adas_passkey.key, credential_id=adas_passkey.credential_id)
    type_password(thief)
    use(thief, copy, remember="on")
    type_password(client)
    type_code(client, adas_app, app_code(adas_app))
    hers = Client()
    type_password(hers)
    assert use(hers, adas_passkey).status_code == 429
    assert "why=factor_gone" in thief.get("/policies/")["Location"]
    assert not TrustedDevice.objects.usable().exists()
    type_password(thief)
    assert not is_in(thief)
    # A session of another method goes on.
    assert is_in(client)


def test_a_synced_passkey_has_no_counter_and_works_every_time(client: Client, ada: User) -> None:
    authenticator_for(ada)
    sign_in(client, ada)
    synced = SoftAuthenticator(synced=True, counts=False)
    set_up(client, synced)
    for browser in (Client(), Client()):
        type_password(browser)
        assert use(browser, synced).status_code == 302


def test_five_wrong_answers_start_a_cool_off_and_other_methods_still_work(
    client: Client, adas_passkey: SoftAuthenticator, adas_app: AuthenticatorDevice
) -> None:
    type_password(client)
    for _ in range(5):
        answer = client.post(VERIFY, {"answer": adas_passkey.sign(options(client), signature=b"x")})
    assert answer.status_code == 429
    assert use(client, adas_passkey).status_code == 429
    assert not is_in(client)
    assert "/accounts/verify/ways/" in reads(answer)
    type_code(client, adas_app, app_code(adas_app))
    assert is_in(client)


def test_a_browser_asks_30_times_in_ten_minutes(client: Client, adas_passkey: SoftAuthenticator) -> None:
    type_password(client)
    # One was asked for when it was set up.
    for _ in range(29):
        options(client)
    for _ in range(3):
        refused = client.post(f"{VERIFY}options/")
        assert refused.status_code == 429
    assert "Wait ten minutes" in refused.json()["error"]
    assert Event.objects.filter(tag="account:passkey:limited").count() == 1


def test_without_a_script_the_page_says_what_is_needed_and_offers_other_ways(
    client: Client, adas_passkey: SoftAuthenticator
) -> None:
    type_password(client)
    page = reads(client.get(VERIFY))
    assert "Passkeys need JavaScript" in page
    assert "/accounts/verify/ways/" in page
    assert "didn’t get an answer" in reads(client.post(VERIFY, {}))


def test_at_an_address_where_browsers_take_no_passkeys_the_page_says_where_they_work(
    client: Client, ada: User, adas_passkey: SoftAuthenticator, settings: Settings
) -> None:
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = ["http://localhost:8000"]
    sign_in(client, ada)
    for page in (SETUP, VERIFY):
        shown = reads(client.get(page))
        assert f'href="http://localhost:8000{page}"' in shown
        assert "data-passkey=" not in shown


def test_the_page_of_codes_leads_on_to_the_page_of_passkeys(client: Client, adas_passkey: SoftAuthenticator) -> None:
    type_password(client)
    address = f"/accounts/verify/{Passkey.objects.get().public_id}/"
    assert client.get(address)["Location"] == VERIFY
    assert client.post(address, {"code": "123456"})["Location"] == VERIFY
    assert client.post(f"{address}send/").status_code == 404


def test_two_passkeys_are_one_way_and_either_of_them_opens(
    client: Client, ada: User, adas_passkey: SoftAuthenticator
) -> None:
    other = SoftAuthenticator()
    sign_in(client, ada)
    set_up(client, other, "Phone")
    browser = Client()
    type_password(browser)
    ways = reads(browser.get("/accounts/verify/ways/"))
    assert ways.count("Use your passkey") == 1
    assert "My laptop" in ways
    assert "Phone" in ways
    assert use(browser, other).status_code == 302
    assert Session.objects.filter(verified_by=Passkey.objects.get(name="Phone").persistent_id).count() == 1


def test_a_session_ends_with_the_passkey_that_opened_it(client: Client, adas_passkey: SoftAuthenticator) -> None:
    type_password(client)
    use(client, adas_passkey)
    Passkey.objects.all().delete()
    assert client.get("/policies/")["Location"].startswith("/accounts/sign-in/?next=%2Fpolicies%2F&why=factor_gone")


def test_nobody_is_a_user_without_a_factor_who_has_a_passkey(adas_passkey: SoftAuthenticator, ada: User) -> None:
    AuthenticatorDevice.objects.all().delete()
    User.objects.update(password_changed_at=timezone.now() - dt.timedelta(days=8))
    UserFactory.create(username="nobody", password_changed_at=timezone.now() - dt.timedelta(days=8))
    void_factorless_passwords()
    assert User.objects.get(username="ada").has_usable_password()
    assert not User.objects.get(username="nobody").has_usable_password()


def test_challenges_that_nobody_answered_are_deleted_when_they_have_expired(
    client: Client, adas_passkey: SoftAuthenticator
) -> None:
    type_password(client)
    options(client)
    purge_sessions()
    assert PasskeyChallenge.objects.count() == 1
    PasskeyChallenge.objects.update(expires_at=timezone.now())
    purge_sessions()
    assert not PasskeyChallenge.objects.exists()
