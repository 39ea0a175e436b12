"""Codes by call: set up with any phone, spoken twice, five digits for five minutes and three tries."""

from __future__ import annotations

import datetime as dt
import re
from xml.etree import ElementTree as ET

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Challenge, Channel, PhoneDevice, User
from accounts.models.challenges import Delivery
from accounts.spoken import spoken_code
from accounts.twilio_gateway import twiml
from core.models import Event
from tests.accounts.gateways import Call, Text
from tests.accounts.people import OFFICE, PHONE, deliver_codes, is_in, phone_for, type_code, type_password
from tests.factories import UserFactory
from tests.helpers import give_password_only

NOON = "2026-03-02 12:00:00+00:00"
SET_UP = "/accounts/mfa/setup/call/"


def wrong_for(call: Call) -> str:
    """Five digits that the call didn't say."""
    return "00000" if call.code != "00000" else "11111"


# Setting up.


def test_nell_sets_up_her_office_phone_with_its_extension_and_is_in(
    client: Client, nell: User, calls: list[Call]
) -> None:
    give_password_only(client, nell)
    assert "Phone call" in client.get("/accounts/mfa/setup/").content.decode()
    assert client.post("/accounts/mfa/setup/", {"method": "voice"})["Location"] == SET_UP
    answer = client.post(SET_UP, {"phone": "(212) 736-5000", "extension": "45"})
    assert answer["Location"] == "/accounts/mfa/setup/code/"
    deliver_codes()
    (call,) = calls
    assert (call.to, call.extension) == ("+12127365000", "45")
    page = client.get("/accounts/mfa/setup/code/").content.decode()
    assert "We’re calling the phone ending in 5000, with its extension" in page
    assert "5-digit code" in page
    assert client.post("/accounts/mfa/setup/code/", {"code": call.code}).status_code == 302
    assert is_in(client)
    device = PhoneDevice.objects.get()
    assert (device.confirmed, device.channel, device.extension) == (True, "voice", "45")
    assert device.name == "Call to phone ending in 5000, with extension"
    added = Event.objects.get(tag="account:method:added")
    assert "5000" in str(added.data)
    assert "2127365000" not in str(added.data)


@pytest.mark.parametrize(
    ("typed", "extension"),
    [
        ({"phone": "212-736-5000 ext. 45"}, "45"),
        ({"phone": "212-736-5000 x45", "extension": ""}, "45"),
        ({"phone": "(212) 736 5000", "extension": "# 0-45"}, "045"),
        ({"phone": "+1 212 736 5000"}, ""),
        ({"phone": "416 555 0123"}, ""),
    ],
)
def test_numbers_and_extensions_are_taken_as_people_write_them(
    client: Client, nell: User, calls: list[Call], typed: dict[str, str], extension: str
) -> None:
    give_password_only(client, nell)
    assert client.post(SET_UP, typed).status_code == 302
    deliver_codes()
    assert calls[0].extension == extension


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"phone": ""}, "Enter your phone number."),
        ({"phone": "office"}, "Enter a phone number with area code."),
        ({"phone": "736-5000"}, "Enter a valid 10-digit phone number."),
        ({"phone": "+44 20 7946 0018"}, "We can only call numbers in the United States and Canada."),
        ({"phone": "900 234 5678"}, "We can’t call this kind of number."),
        ({"phone": "212 736 5000", "extension": "front desk"}, "Enter an extension of up to 8 digits."),
        ({"phone": "212 736 5000", "extension": "123456789"}, "Enter an extension of up to 8 digits."),
        ({"phone": "212 736 5000", "extension": "45w*1"}, "Enter an extension of up to 8 digits."),
    ],
)
def test_what_can_not_be_called_is_said_and_nothing_typed_is_lost(
    client: Client, nell: User, typed: dict[str, str], sentence: str
) -> None:
    give_password_only(client, nell)
    answer = client.post(SET_UP, typed)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert all(f'value="{value}"' in answer.content.decode() for value in typed.values() if value)
    assert not Challenge.objects.exists()


def test_texts_and_calls_to_one_number_are_two_methods(client: Client, nell: User, calls: list[Call]) -> None:
    give_password_only(client, nell)
    phone_for(nell, PHONE)
    phone_for(nell, PHONE, channel=Channel.VOICE)
    assert nell.has_phone(PHONE, Channel.TEXT)
    ways = client.get("/accounts/verify/ways/").content.decode()
    assert "Text a code to the phone ending in 0123" in ways
    assert "Call the phone ending in 0123" in ways


def test_a_code_on_its_way_by_text_does_not_confirm_calls_to_the_same_number(
    client: Client, nell: User, calls: list[Call], texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, nell)
        client.post("/accounts/mfa/setup/text/", {"phone": "202 555 0123"})
        deliver_codes()
        clock.shift(dt.timedelta(seconds=61))
        client.post(SET_UP, {"phone": "202 555 0123"})
        answer = client.post("/accounts/mfa/setup/code/", {"code": texts[0].code[:5]})
        assert answer.status_code == 422
    assert not PhoneDevice.objects.filter(confirmed=True).exists()
    assert Challenge.objects.open().get().device.is_called


# Signing in.


def test_the_right_password_calls_cara_and_the_code_signs_her_in(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call], texts: list[Text]
) -> None:
    assert type_password(client, "cara")["Location"] == f"/accounts/verify/{cara_phone.public_id}/"
    deliver_codes()
    (call,) = calls
    assert texts == []
    assert (call.to, call.extension) == (OFFICE, "45")
    assert re.fullmatch(r"\d{5}", call.code)
    page = client.get(f"/accounts/verify/{cara_phone.public_id}/").content.decode()
    assert "Answer the phone ending in 0177" in page
    assert "Call me with a new code" in page
    assert type_code(client, cara_phone, call.code)["Location"] == "/"
    assert is_in(client)
    assert Event.objects.get(tag="account:session:started").data["via"] == "voice"


def test_a_call_s_code_keeps_its_leading_zeros(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.models.challenges.secrets.randbelow", lambda _limit: 42)
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    assert calls[0].code == "00042"
    assert type_code(client, cara_phone, "0 00-42").status_code == 302


def test_six_digits_are_not_a_call_s_code(client: Client, cara: User, cara_phone: PhoneDevice) -> None:
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    answer = type_code(client, cara_phone, "123456")
    assert "Enter the 5-digit code." in answer.content.decode()
    cara_phone.refresh_from_db()
    assert cara_phone.failures == 0


def test_a_call_s_code_expires_after_five_minutes(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, cara)
        client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
        deliver_codes()
        clock.shift(dt.timedelta(minutes=5))
        answer = type_code(client, cara_phone, calls[0].code)
    assert answer.status_code == 422
    assert "That code has expired" in answer.content.decode()


def test_a_call_s_code_is_void_after_three_wrong_tries(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    for _ in range(2):
        assert "attempts left" in type_code(client, cara_phone, wrong_for(calls[0])).content.decode()
    third = type_code(client, cara_phone, wrong_for(calls[0]))
    assert "After 3 attempts, a code can’t be used anymore. Request a new one." in third.content.decode()
    assert type_code(client, cara_phone, calls[0].code).status_code == 422
    assert not is_in(client)
    assert Challenge.objects.get().voided_at is not None


def test_a_text_s_code_has_more_tries_than_three(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]
) -> None:
    give_password_only(client, tess)
    client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
    deliver_codes()
    wrong = "000000" if texts[0].code != "000000" else "111111"
    for _ in range(3):
        type_code(client, tess_phone, wrong)
    assert type_code(client, tess_phone, texts[0].code).status_code == 302


def test_20_wrong_codes_in_a_row_switch_calls_off_until_support_switches_them_on(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(20):
            clock.shift(dt.timedelta(minutes=16))
            give_password_only(client, cara)
            client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
            deliver_codes()
            type_code(client, cara_phone, wrong_for(calls[-1]))
        assert len(calls) == 20
        cara_phone.refresh_from_db()
        assert (cara_phone.consecutive_failures, cara_phone.is_off()) == (20, True)
        clock.shift(dt.timedelta(days=2))
        give_password_only(client, cara)
        assert client.post(f"/accounts/verify/{cara_phone.public_id}/send/").status_code == 429
        deliver_codes()
        assert len(calls) == 20
        cara_phone.switch_on()
        assert client.post(f"/accounts/verify/{cara_phone.public_id}/send/").status_code == 302
    assert Event.objects.filter(tag="account:method:off").count() == 1


def test_texts_and_calls_to_one_number_count_together(calls: list[Call], db: None) -> None:
    with time_machine.travel(NOON, tick=False):
        statuses = []
        for number in range(11):
            user = UserFactory.create()
            browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
            give_password_only(browser, user)
            device = phone_for(user, channel=Channel.VOICE if number % 2 else Channel.TEXT)
            statuses.append(browser.post(f"/accounts/verify/{device.public_id}/send/").status_code)
    assert statuses == [302] * 10 + [429]


# What the call says.


def test_the_digits_are_said_one_by_one_and_twice_with_a_pause_after_each() -> None:
    said = ET.fromstring(twiml(spoken_code("00420", language="en")))  # noqa: S314  # our own text
    words = [(element.tag, element.text or element.get("length")) for element in said]
    digits = [pair for digit in "00420" for pair in (("Say", digit), ("Pause", "1"))]
    assert words == [
        ("Pause", "1"),
        ("Say", "Hello. This is Larkfield Mutual. Your sign-in code is:"),
        *digits,
        ("Say", "Again, your code is:"),
        *digits,
        ("Say", "It expires in 5 minutes. We will never ask for it by phone, text, or email. Goodbye."),
        ("Hangup", None),
    ]


def test_the_words_fit_what_twilio_takes_inline() -> None:
    assert max(len(twiml(spoken_code("88888", language=language))) for language in ("en", "es")) <= 4000


@pytest.mark.parametrize(("language", "speech", "word"), [("en", "en-US", "Hello"), ("es", "es-MX", "Hola")])
def test_a_call_speaks_the_owner_s_language(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call], language: str, speech: str, word: str
) -> None:
    User.objects.update(language=language)
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    assert calls[0].words.speech == speech
    assert calls[0].words.before.startswith(word)
    said = ET.fromstring(twiml(calls[0].words))  # noqa: S314  # our own text
    assert {element.get("language") for element in said.iter("Say")} == {speech}


def test_a_call_names_no_person(client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]) -> None:
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    assert not {"Cara", "Hale", "cara"} & set(re.findall(r"\w+", calls[0].words.transcript))


# Queues that are behind.


def test_a_call_that_waits_in_the_queue_is_said_to_take_longer_than_usual_and_another_way_is_offered(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    phone_for(cara)
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, cara)
        client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
        status = f"/accounts/verify/{cara_phone.public_id}/status/"
        assert "longer than usual" not in client.get(status).content.decode()
        clock.shift(dt.timedelta(seconds=15))
        late = client.get(status).content.decode()
        assert "Your call is taking longer than usual" in late
        assert "use a different method" in late
        assert 'hx-trigger="every 3s"' in late
        deliver_codes()
        assert "longer than usual" not in client.get(status).content.decode()


def test_no_call_is_placed_after_the_code_s_time(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        give_password_only(client, cara)
        client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
        clock.shift(dt.timedelta(minutes=5))
        deliver_codes()
        give_password_only(client, cara)
    assert calls == []
    assert Challenge.objects.get().delivery == Delivery.EXPIRED


def test_a_worker_that_died_during_a_call_leaves_it_unknown_and_calls_nobody_twice(
    client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call]
) -> None:
    from accounts.tasks import send_code

    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    Challenge.objects.update(delivery=Delivery.SENDING, sending_at=timezone.now())
    send_code(Challenge.objects.get().pk)
    assert calls == []
    page = client.get(f"/accounts/verify/{cara_phone.public_id}/").content.decode()
    assert "We don’t know if the call was placed" in page
    assert client.post(f"/accounts/verify/{cara_phone.public_id}/send/").status_code == 302
