"""The sign-in methods that a user has: the list, renaming, choosing the first, changing a phone, and removing one."""

from __future__ import annotations

import datetime as dt
import html
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.methods import devices_of, first_of
from accounts.models import AuthenticatorDevice, Challenge, Channel, Passkey, PhoneDevice, Session, TrustedDevice, User
from accounts.models.sessions import EndReason
from accounts.services import enrollment, factors
from core.models import Event, Mail
from tests.accounts.gateways import Text
from tests.accounts.people import app_code, deliver_codes, is_in, phone_for, type_code, type_password
from tests.factories import UserFactory
from tests.helpers import authenticator_for, sign_in
from tests.reading import words

pytestmark = pytest.mark.django_db
METHODS = "/accounts/methods/"
FIRST = "/accounts/methods/first/"


def at(device: Any, act: str) -> str:
    return f"{METHODS}{device.public_id}/{act}/"


def passkey_for(user: User, name: str = "Laptop") -> Passkey:
    """Return a passkey that nobody holds; the tests of this module never use it."""
    return Passkey.objects.create(user=user, name=name, credential_id=name.encode(), public_key=b"x", aaguid="x")


@pytest.fixture
def adas_phone(ada: User) -> PhoneDevice:
    return phone_for(ada)


def told(user: User) -> list[str]:
    """Return what the owner was mailed about, newest last."""
    return [
        each.context["change"] for each in Mail.objects.filter(name="account_changed", to=user.email).order_by("pk")
    ]


def test_the_list_has_every_method_with_its_kind_dates_and_state(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    passkey_for(ada)
    PhoneDevice.objects.update(disabled_at=timezone.now())
    AuthenticatorDevice.objects.update(
        cool_off_until=timezone.now() + dt.timedelta(minutes=9), last_used_at=timezone.now() - dt.timedelta(days=1)
    )
    sign_in(client, ada)
    page = words(client.get(METHODS))
    for said in ("Authenticator app", "Phone ending in 0123", "Text message", "Passkey, on one device", "Laptop"):
        assert said in page
    for said in ("Not used yet", "Last used", "Added", "Disabled", "Locked for now", "Works again at"):
        assert said in page


def test_nobody_sees_or_changes_anothers_method(client: Client, ada: User, tess: User, tess_phone: PhoneDevice) -> None:
    authenticator_for(ada)
    sign_in(client, ada)
    assert "0123" not in words(client.get(METHODS))
    for act in ("rename", "remove", "phone"):
        assert client.get(at(tess_phone, act)).status_code == 404
        assert client.post(at(tess_phone, act), {"name": "x", "phone": "2025550144"}).status_code == 404
    assert client.post(at(tess_phone, "again")).status_code == 404
    assert client.post(FIRST, {"method": tess_phone.public_id}).status_code == 422
    assert not Mail.objects.filter(name="account_changed").exists()


@pytest.mark.parametrize("act", ["rename", "remove", "phone"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_every_change_asks_for_a_code_if_the_last_is_older_than_20_minutes(
    client: Client, ada: User, adas_phone: PhoneDevice, act: str, method: str
) -> None:
    authenticator_for(ada)
    sign_in(client, ada, verified_at=timezone.now() - dt.timedelta(minutes=21))
    answer = getattr(client, method)(at(adas_phone, act), {"name": "x"})
    assert answer["Location"].startswith("/accounts/verify/")
    assert client.post(FIRST, {"method": adas_phone.public_id})["Location"].startswith("/accounts/verify/")
    assert client.post(at(authenticator_for(ada), "again"))["Location"].startswith("/accounts/verify/")
    assert PhoneDevice.objects.get().name == "Phone ending in 0123"


def test_a_method_gets_another_name_and_the_owner_is_told(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada)
    client.post(at(adas_app, "rename"), {"name": "  My\tphone \u202e"})
    adas_app.refresh_from_db()
    assert adas_app.name == "My phone"
    assert "My phone" in words(client.get(METHODS))
    assert told(ada) == ["method_renamed"]
    assert Event.objects.get(tag="account:method:renamed").data["device"] == adas_app.public_id
    # The same name again isn't a change.
    client.post(at(adas_app, "rename"), {"name": "My phone"})
    assert told(ada) == ["method_renamed"]


@pytest.mark.parametrize(("name", "sentence"), [("", "Enter a name."), ("\u200b", "Enter a name."), ("x" * 41, "40")])
def test_a_name_that_nobody_could_read_is_refused(
    client: Client, ada: User, adas_app: AuthenticatorDevice, name: str, sentence: str
) -> None:
    sign_in(client, ada)
    answer = client.post(at(adas_app, "rename"), {"name": name})
    assert answer.status_code == 422
    assert sentence in html.unescape(answer.content.decode())
    adas_app.refresh_from_db()
    assert adas_app.name == "Authenticator app"


def test_sign_in_asks_for_the_one_used_last_until_the_user_chooses_one(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    PhoneDevice.objects.update(last_used_at=timezone.now())
    AuthenticatorDevice.objects.update(last_used_at=timezone.now() - dt.timedelta(days=3))
    browser = Client()
    assert adas_phone.public_id in type_password(browser)["Location"]
    sign_in(client, ada)
    answer = client.post(FIRST, {"method": adas_app.public_id})
    assert answer["Location"] == METHODS
    assert adas_app.public_id in type_password(Client())["Location"]
    assert "Asked first" in words(client.get(METHODS))
    client.post(FIRST, {"method": ""})
    assert adas_phone.public_id in type_password(Client())["Location"]
    assert told(ada) == ["method_chosen", "method_chosen"]


def test_a_method_that_is_disabled_or_cools_off_is_not_asked_for_first(
    ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    ada.default_method = adas_app.public_id
    ada.save()
    AuthenticatorDevice.objects.update(disabled_at=timezone.now())
    assert first_of(devices_of(ada)) == adas_phone
    AuthenticatorDevice.objects.update(disabled_at=None, cool_off_until=timezone.now() + dt.timedelta(minutes=1))
    assert first_of(devices_of(ada)) == adas_phone
    PhoneDevice.objects.update(disabled_at=timezone.now())
    assert first_of(devices_of(ada)) == adas_app


def test_step_up_asks_for_the_method_that_opened_the_session(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    ada.default_method = adas_phone.public_id
    ada.save()
    type_password(client)
    ways = client.get("/accounts/verify/ways/").content.decode()
    assert ways.index("Text a code") < ways.index("Use your authenticator app")
    type_code(client, adas_app, app_code(adas_app))
    assert adas_app.public_id in client.get("/accounts/verify/")["Location"]


def test_removing_a_method_signs_out_everywhere_and_forgets_every_device(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    other = Client()
    sign_in(client, ada)
    sign_in(other, ada)
    TrustedDevice.objects.create(
        user=ada, token_hash="x" * 64, label="Old", expires_at=timezone.now() + dt.timedelta(days=9), epoch=1
    )
    User.objects.filter(pk=ada.pk).update(default_method=adas_phone.public_id)
    assert "signs you out everywhere" in words(client.get(at(adas_phone, "remove")))
    answer = client.post(at(adas_phone, "remove"))
    assert answer["Location"] == "/accounts/sign-in/?why=method_removed"
    assert "Your sign-in method was removed" in words(client.get(answer["Location"]))
    assert not is_in(client)
    assert not is_in(other)
    assert not Session.objects.open().filter(user=ada).exists()
    assert not PhoneDevice.objects.exists()
    assert not TrustedDevice.objects.usable().exists()
    ada.refresh_from_db()
    assert (ada.security_epoch, ada.default_method) == (2, "")
    assert told(ada) == ["method_removed"]
    assert Event.objects.get(tag="account:method:removed").data["device"] == adas_phone.public_id


def test_opening_the_confirmation_removes_nothing(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    sign_in(client, ada)
    client.get(at(adas_phone, "remove"))
    assert PhoneDevice.objects.exists()


@pytest.mark.parametrize("beside", ["nothing", "a passkey", "a disabled phone"])
def test_the_last_method_that_works_everywhere_stays(
    client: Client, ada: User, adas_app: AuthenticatorDevice, beside: str
) -> None:
    if beside == "a passkey":
        passkey_for(ada)
    if beside == "a disabled phone":
        phone_for(ada)
        PhoneDevice.objects.update(disabled_at=timezone.now())
    sign_in(client, ada)
    assert at(adas_app, "remove") not in client.get(METHODS).content.decode()
    assert "Remove and sign out" not in words(client.get(at(adas_app, "remove")))
    refused = client.post(at(adas_app, "remove"))
    assert refused.status_code == 409
    assert "Add an authenticator app or a phone first" in words(refused)
    assert AuthenticatorDevice.objects.exists()
    assert is_in(client)


def test_a_phone_number_is_changed_in_one_go(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice, texts: list[Text]
) -> None:
    other = Client()
    sign_in(client, ada)
    sign_in(other, ada)
    User.objects.filter(pk=ada.pk).update(default_method=adas_phone.public_id)
    assert client.post(at(adas_phone, "phone"), {"phone": "(202) 555-0144"}).status_code == 302
    deliver_codes()
    # Until the code was entered, the former number is the one that works.
    assert [device.last_four for device in PhoneDevice.objects.filter(confirmed=True)] == ["0123"]
    answer = client.post("/accounts/mfa/setup/code/", {"code": texts[0].code, "next": METHODS})
    assert answer.status_code == 302
    new = PhoneDevice.objects.get()
    assert (new.last_four, new.confirmed, new.replaces) == ("0144", True, "")
    assert is_in(client)
    assert not is_in(other)
    ada.refresh_from_db()
    assert (ada.default_method, ada.security_epoch) == (new.public_id, 2)
    assert told(ada) == ["method_replaced"]
    event = Event.objects.get(tag="account:method:replaced")
    assert (event.data["replaced"], event.data["device"]) == (adas_phone.public_id, new.public_id)


def test_the_number_of_a_phone_that_is_called_is_changed_with_its_extension(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    call = PhoneDevice(user=ada)
    call.set_phone("+12025550123", channel=Channel.VOICE)
    call.save()
    sign_in(client, ada)
    assert "Extension" in words(client.get(at(call, "phone")))
    client.post(at(call, "phone"), {"phone": "(202) 555-0144", "extension": "45"})
    new = PhoneDevice.objects.get(confirmed=False)
    assert (new.channel, new.phone, new.extension, new.replaces) == ("voice", "+12025550144", "45", call.public_id)


def test_the_only_phone_can_be_changed_too(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    session = sign_in(client, tess)
    AuthenticatorDevice.objects.all().delete()
    Session.objects.filter(pk=session.pk).update(verified_by=tess_phone.persistent_id)
    type_password(client, "tess")
    deliver_codes()
    type_code(client, tess_phone, texts[-1].code)
    client.post(at(tess_phone, "phone"), {"phone": "(202) 555-0144"})
    deliver_codes()
    client.post("/accounts/mfa/setup/code/", {"code": texts[-1].code})
    assert PhoneDevice.objects.get().last_four == "0144"
    assert is_in(client)


def test_a_disabled_phone_is_set_up_again_with_the_same_number(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice, texts: list[Text]
) -> None:
    PhoneDevice.objects.update(disabled_at=timezone.now(), consecutive_failures=100)
    sign_in(client, ada)
    client.post(at(adas_phone, "phone"), {"phone": "202-555-0123"})
    deliver_codes()
    client.post("/accounts/mfa/setup/code/", {"code": texts[0].code})
    phone = PhoneDevice.objects.get()
    assert (phone.last_four, phone.is_off(), phone.consecutive_failures) == ("0123", False, 0)


def test_an_authenticator_is_set_up_again_and_the_former_one_works_until_then(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    sign_in(client, ada)
    assert client.post(at(adas_app, "again"))["Location"].startswith("/accounts/mfa/setup/authenticator/")
    new = AuthenticatorDevice.objects.get(confirmed=False)
    assert AuthenticatorDevice.objects.filter(pk=adas_app.pk).exists()
    client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(new)})
    assert AuthenticatorDevice.objects.get() == new
    assert is_in(client)
    assert told(ada) == ["method_replaced"]


def test_a_setup_that_replaces_nothing_anymore_is_an_addition(
    client: Client, ada: User, adas_app: AuthenticatorDevice
) -> None:
    tess = UserFactory.create(username="tess2")
    sign_in(client, ada)
    client.post(at(adas_app, "again"))
    new = AuthenticatorDevice.objects.get(confirmed=False)
    AuthenticatorDevice.objects.filter(pk=new.pk).update(replaces=authenticator_for(tess).public_id)
    client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(new)})
    assert AuthenticatorDevice.objects.filter(user=ada).count() == 2
    assert AuthenticatorDevice.objects.filter(user=tess).count() == 1


def test_adding_a_method_is_announced(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    sign_in(client, ada)
    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    client.post(
        "/accounts/mfa/setup/authenticator/", {"code": app_code(AuthenticatorDevice.objects.get(confirmed=False))}
    )
    assert told(ada) == ["method_added"]
    assert Mail.objects.count() == 1


def test_a_removal_sent_twice_does_no_harm(
    client: Client, ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    sign_in(client, ada)
    client.post(at(adas_phone, "remove"))
    assert client.post(at(adas_phone, "remove"))["Location"].startswith("/accounts/sign-in/")
    sign_in(client, ada)
    assert client.post(at(adas_phone, "remove")).status_code == 404
    assert told(ada) == ["method_removed"]


def test_where_a_text_does_not_come_the_page_offers_a_call_to_the_same_phone(
    client: Client, tess: User, tess_phone: PhoneDevice
) -> None:
    call = PhoneDevice(user=tess)
    call.set_phone(tess_phone.phone, channel=Channel.VOICE)
    call.save()
    tess.default_method = tess_phone.public_id
    tess.save()
    page = type_password(client, "tess")["Location"]
    address = f"/accounts/verify/{call.public_id}/"
    assert address not in client.get(page).content.decode()
    Challenge.objects.update(delivery="undelivered")
    for shown in (page, f"{page}status/"):
        answer = client.get(shown)
        assert address in answer.content.decode()
        assert "Get a call on this phone" in answer.content.decode()
    PhoneDevice.objects.filter(pk=call.pk).update(disabled_at=timezone.now())
    assert address not in client.get(page).content.decode()


def test_the_day_a_method_was_added_is_the_readers(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    AuthenticatorDevice.objects.update(created_at=dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC))
    sign_in(client, ada)
    assert "Added February 28, 2026" in words(client.get(METHODS))


def test_a_method_that_was_removed_meanwhile_is_neither_renamed_nor_chosen(
    ada: User, adas_app: AuthenticatorDevice, adas_phone: PhoneDevice
) -> None:
    PhoneDevice.objects.all().delete()
    assert not factors.rename(device=adas_phone, name="Old")
    assert not factors.choose_first(user=ada, public_id=adas_phone.public_id)
    ada.refresh_from_db()
    assert ada.default_method == ""
    assert told(ada) == []


def test_a_session_that_another_one_ended_meanwhile_adds_no_method(
    client: Client, ada: User, adas_app: AuthenticatorDevice, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, ada)
    client.post("/accounts/mfa/setup/", {"method": "authenticator"})
    (pending,) = AuthenticatorDevice.objects.filter(confirmed=False)

    def ended_while_it_waited(**_: Any) -> bool:
        Session.objects.filter(user=ada).end(EndReason.EVERYWHERE)
        return True

    monkeypatch.setattr(enrollment, "may_enroll", ended_while_it_waited)
    answer = client.post("/accounts/mfa/setup/authenticator/", {"code": app_code(pending)})
    assert answer["Location"].startswith("/accounts/verify/")
    assert devices_of(ada) == [adas_app]
    assert told(ada) == []
