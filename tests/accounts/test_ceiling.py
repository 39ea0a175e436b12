"""The portal's own ceilings of texts and calls in an hour: an alarm, a page that says what to do instead, no race."""

from __future__ import annotations

import datetime as dt

import pytest
import time_machine
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import Challenge, Channel, PhoneDevice, User
from core.models import Event, Mail, Throttle
from tests.accounts.gateways import Call, Text
from tests.accounts.people import deliver_codes, is_in, phone_for, type_code
from tests.factories import UserFactory
from tests.helpers import at_once, authenticator_for, give_password_only, sign_in

NOON = "2026-03-02 12:00:00+00:00"


def someone(number: int, channel: Channel = Channel.TEXT) -> tuple[Client, PhoneDevice]:
    """Return a new user after the password, on a network and with a phone of their own."""
    user = UserFactory.create()
    browser = Client(REMOTE_ADDR=f"198.51.100.{number}")
    give_password_only(browser, user)
    return browser, phone_for(user, f"+120255501{number:02d}", channel=channel)


def ask(browser: Client, device: PhoneDevice) -> int:
    return browser.post(f"/accounts/verify/{device.public_id}/send/").status_code


@pytest.fixture
def three_an_hour(settings: Settings) -> None:
    settings.TEXTS_PER_HOUR = 3
    settings.STAFF_ALERT_EMAILS = ["alerts@carrier.example"]


def test_the_ceilings_are_2000_texts_and_500_calls(settings: Settings) -> None:
    assert (settings.TEXTS_PER_HOUR, settings.CALLS_PER_HOUR) == (2_000, 500)


def test_no_more_texts_than_the_ceiling_go_out_in_an_hour(
    db: None, three_an_hour: None, texts: list[Text], calls: list[Call]
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert [ask(*someone(number)) for number in range(5)] == [302] * 3 + [429] * 2
        deliver_codes()
        assert len(texts) == 3
        assert ask(*someone(10, Channel.VOICE)) == 302, "calls have a ceiling of their own"
        clock.shift(dt.timedelta(hours=1))
        assert ask(*someone(11)) == 302


def test_calls_have_a_ceiling_too(db: None, settings: Settings, calls: list[Call]) -> None:
    settings.CALLS_PER_HOUR = 1
    assert [ask(*someone(number, Channel.VOICE)) for number in range(2)] == [302, 429]
    assert ask(*someone(9)) == 302


def test_a_refused_request_takes_nothing_from_the_other_limits(
    db: None, three_an_hour: None, texts: list[Text]
) -> None:
    with time_machine.travel(NOON, tick=False):
        for number in range(3):
            ask(*someone(number))
        browser, phone = someone(9)
        for _ in range(10):
            assert ask(browser, phone) == 429
    assert not Challenge.objects.filter(device=phone).exists()
    counted = Throttle.objects.filter(scope__startswith="account:codes_to_").exclude(hits=[])
    assert counted.count() == 9, "user, number, and network of the three that got a code"


def test_staff_hear_of_it_once_an_hour_and_it_is_an_event(
    db: None,
    three_an_hour: None,
    texts: list[Text],
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        for number in range(8):
            ask(*someone(number))
        (mail,) = Mail.objects.filter(name="staff_alert")
        assert mail.to == "alerts@carrier.example"
        assert "No more texts with codes" in str(mail.context)
        event = Event.objects.get(tag="account:code:ceiling")
        assert event.data["channel"] == "text"
        clock.shift(dt.timedelta(minutes=61))
        for number in range(10, 14):
            ask(*someone(number))
        assert Mail.objects.filter(name="staff_alert").count() == 2


def test_the_desk_says_how_many_went_out_and_that_the_ceiling_is_reached(
    db: None, three_an_hour: None, texts: list[Text], staff: Client
) -> None:
    assert "0 of 3 texts, 0 of 500 calls" in staff.get("/admin/").content.decode()
    for number in range(4):
        ask(*someone(number))
    assert "Ceiling reached: 3 of 3 texts" in staff.get("/admin/").content.decode()


def test_the_page_says_when_and_what_to_do_instead(
    db: None, three_an_hour: None, texts: list[Text], tess: User, tess_phone: PhoneDevice
) -> None:
    with time_machine.travel(NOON, tick=False):
        for number in range(3):
            ask(*someone(number))
        app = authenticator_for(tess)
        browser = Client()
        give_password_only(browser, tess)
        for page in (
            browser.get(f"/accounts/verify/{tess_phone.public_id}/"),
            browser.post(f"/accounts/verify/{tess_phone.public_id}/send/"),
        ):
            shown = page.content.decode()
            assert "We can’t text codes right now, because too many were requested." in shown
            assert "You can request a new code at 8 a.m. EST." in shown
            assert "You can use a different method, or call web support." in shown
            assert "/accounts/verify/ways/" in shown
        assert not is_in(browser)
        from tests.accounts.people import app_code

        assert type_code(browser, app, app_code(app)).status_code == 302
        assert is_in(browser)


def test_a_phone_can_not_be_set_up_while_nothing_is_sent(
    db: None, three_an_hour: None, texts: list[Text], nell: User
) -> None:
    for number in range(3):
        ask(*someone(number))
    browser = Client()
    give_password_only(browser, nell)
    answer = browser.post("/accounts/mfa/setup/text/", {"phone": "202 555 0199"})
    assert answer.status_code == 429
    assert "We can’t text codes right now" in answer.content.decode()
    assert "Use a different method" in answer.content.decode()


def test_people_who_are_signed_in_stay_so(db: None, three_an_hour: None, texts: list[Text], ada: User) -> None:
    browser = Client()
    sign_in(browser, ada)
    for number in range(5):
        ask(*someone(number))
    assert is_in(browser)


@pytest.mark.django_db(transaction=True)
def test_of_8_requests_at_once_3_are_sent_and_one_alarm_goes_out(three_an_hour: None, texts: list[Text]) -> None:
    people = [someone(number) for number in range(8)]
    statuses = at_once(*[lambda one=one: ask(*one) for one in people])
    assert sorted(statuses) == [302] * 3 + [429] * 5
    assert Challenge.objects.count() == 3
    assert Mail.objects.filter(name="staff_alert").count() == 1
    assert Event.objects.filter(tag="account:code:ceiling").count() == 1
