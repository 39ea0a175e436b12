"""What is handed to Twilio, and what is believed of its reports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings as django_settings
from django.test import Client
from pytest_django import Settings
from twilio.request_validator import RequestValidator

from accounts import twilio_gateway
from accounts.messaging import MaybeSentError, NotSentError, code_message, gateway
from accounts.models import Challenge, PhoneDevice, User
from accounts.models.challenges import Delivery
from accounts.spoken import spoken_code
from accounts.twilio_gateway import TwilioGateway, twiml
from tests.accounts.gateways import Call, RecordingGateway, Text
from tests.accounts.people import deliver_codes, is_in, phone_for
from tests.helpers import give_password_only
from tests.vendor import CALL, MESSAGE, StandIn, stand_in

SID = "AC" + "0" * 32
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


@pytest.fixture
def vendor(settings: Settings) -> Iterator[StandIn]:
    """Yield a stand-in of Twilio's API on this machine, which the settings point to."""
    settings.SMS_GATEWAY = "accounts.twilio_gateway.TwilioGateway"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN = SID, "auth-token"
    settings.TWILIO_FROM = "+12025550100"
    settings.PUBLIC_URL = "https://portal.example/"
    with stand_in() as vendor:
        settings.TWILIO_BASE_URL = vendor.address
        yield vendor


def test_a_text_is_handed_over_with_the_address_for_reports(vendor: StandIn) -> None:
    assert gateway().send_text("+12025550123", code_message("012345"), "public-id") == MESSAGE
    ((path, form, authorization),) = vendor.requests
    assert path == MESSAGES.replace("{AccountSid}", SID)
    assert form == {
        "To": "+12025550123",
        "From": "+12025550100",
        "Body": "Larkfield Mutual: your sign-in code is 012345. It expires in 10 minutes. "
        "We will never ask for it by phone, text, or email.",
        "StatusCallback": "https://portal.example/accounts/twilio-status/?challenge=public-id",
        "ValidityPeriod": "600",
    }
    assert authorization.startswith("Basic ")


def test_a_call_is_handed_over_with_its_words_and_its_extension(vendor: StandIn, settings: Settings) -> None:
    words = spoken_code("01234", language="en")
    assert gateway().place_call("+12025550177", "45", words, "public-id") == CALL
    ((path, form, authorization),) = vendor.requests
    assert path == f"/2010-04-01/Accounts/{SID}/Calls.json"
    assert form == {
        "To": "+12025550177",
        "From": "+12025550100",
        "Twiml": twiml(words),
        "SendDigits": "wwww45",
        "StatusCallback": "https://portal.example/accounts/twilio-status/?challenge=public-id",
        "StatusCallbackMethod": "POST",
        "Timeout": "30",
        "TimeLimit": "120",
    }
    assert authorization.startswith("Basic ")
    settings.TWILIO_CALL_FROM = "+12025550111"
    gateway().place_call("+12025550177", "", words, "public-id")
    assert vendor.requests[1][1]["From"] == "+12025550111"
    assert "SendDigits" not in vendor.requests[1][1]


def test_no_address_of_ours_holds_a_code(vendor: StandIn) -> None:
    send("text")
    send("call")
    for _path, form, _authorization in vendor.requests:
        assert "01234" not in form["StatusCallback"]
        assert "Url" not in form


def send(way: str) -> str:
    """Hand over a text or a call as the worker does."""
    if way == "call":
        return TwilioGateway().place_call("+12025550177", "45", spoken_code("01234", language="es"), "public-id")
    return TwilioGateway().send_text("+12025550123", code_message("012345"), "public-id")


@pytest.mark.parametrize("way", ["text", "call"])
@pytest.mark.parametrize(
    ("status", "error"),
    [(400, NotSentError), (401, NotSentError), (429, NotSentError), (500, MaybeSentError), (503, MaybeSentError)],
)
def test_what_twilio_refuses_was_not_sent_and_after_its_own_fault_nobody_knows(
    vendor: StandIn, way: str, status: int, error: type[Exception]
) -> None:
    vendor.status, vendor.answer = status, {"code": 21211, "message": "no", "status": status}
    with pytest.raises(error):
        send(way)
    assert len(vendor.requests) == 1, "never a second time by itself"


@pytest.mark.parametrize("way", ["text", "call"])
def test_a_request_that_does_not_fit_is_refused(vendor: StandIn, way: str, settings: Settings) -> None:
    settings.TWILIO_FROM = "the portal"
    with pytest.raises(NotSentError, match="twilio-21200"):
        send(way)


@pytest.mark.parametrize("way", ["text", "call"])
def test_an_answer_that_never_comes_leaves_it_open_whether_it_was_sent(vendor: StandIn, way: str) -> None:
    vendor.hang_up = True
    with pytest.raises(MaybeSentError):
        send(way)
    assert len(vendor.requests) == 1


@pytest.mark.parametrize("way", ["text", "call"])
def test_a_twilio_that_is_too_slow_leaves_it_open_and_holds_the_worker_no_longer(
    vendor: StandIn, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert twilio_gateway.TIMEOUT_SECONDS == 10
    monkeypatch.setattr(twilio_gateway, "TIMEOUT_SECONDS", 0.3)
    vendor.pause = 3
    # An answer that is waited for is no doubt.
    with pytest.raises(MaybeSentError):
        send(way)


def test_a_twilio_that_can_not_be_reached_was_sent_nothing(vendor: StandIn, settings: Settings) -> None:
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    with pytest.raises(NotSentError, match="unreachable"):
        TwilioGateway().send_text("+12025550123", "x", "public-id")


@pytest.fixture
def challenge(client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], settings: Settings) -> Challenge:
    """Return a code that was handed over."""
    settings.TWILIO_AUTH_TOKEN = "auth-token"
    give_password_only(client, tess)
    client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
    deliver_codes()
    return Challenge.objects.get()


# As Twilio sends it; a form of the other kind, with files, is not even read.
FORM = "application/x-www-form-urlencoded"


def report(challenge_id: str, status: str, *, sid: str, token: str = "auth-token", **more: str) -> int:
    """Send a delivery report, signed with this token; the status of the answer."""
    address = f"{django_settings.PUBLIC_URL.rstrip('/')}/accounts/twilio-status/?challenge={challenge_id}"
    form = {"MessageSid": sid, "MessageStatus": status, "To": "+12025550123", **more}
    signature = RequestValidator(token).compute_signature(address, form)
    parts = urlsplit(address)
    return (
        Client(enforce_csrf_checks=True)
        .post(f"{parts.path}?{parts.query}", urlencode(form), content_type=FORM, HTTP_X_TWILIO_SIGNATURE=signature)
        .status_code
    )


@pytest.mark.parametrize(
    ("status", "delivery", "words"),
    [
        ("delivered", Delivery.DELIVERED, "Delivered"),
        ("undelivered", Delivery.UNDELIVERED, "The text wasn’t delivered"),
        ("failed", Delivery.UNDELIVERED, "The text wasn’t delivered"),
        ("sending", Delivery.SENT, "Code sent. It may take a moment"),
    ],
)
def test_a_signed_report_is_shown_on_the_page(
    client: Client, challenge: Challenge, tess_phone: PhoneDevice, status: str, delivery: str, words: str
) -> None:
    assert report(challenge.public_id, status, sid=challenge.provider_id) == 204
    challenge.refresh_from_db()
    assert challenge.delivery == delivery
    assert words in client.get(f"/accounts/verify/{tess_phone.public_id}/status/").content.decode()


def test_the_page_offers_another_way_when_a_message_was_not_delivered(
    client: Client, challenge: Challenge, tess: User, tess_phone: PhoneDevice
) -> None:
    from tests.helpers import authenticator_for

    authenticator_for(tess)
    report(challenge.public_id, "undelivered", sid=challenge.provider_id)
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
    assert "Use a different method" in page
    assert "request a new code" in page


@pytest.mark.parametrize("token", ["wrong-token", ""])
def test_a_report_without_twilios_signature_is_refused(challenge: Challenge, token: str) -> None:
    assert report(challenge.public_id, "undelivered", sid=challenge.provider_id, token=token) == 403
    challenge.refresh_from_db()
    assert challenge.delivery == Delivery.SENT


def test_a_report_is_refused_where_no_token_is_set(challenge: Challenge, settings: Settings) -> None:
    settings.TWILIO_AUTH_TOKEN = ""
    assert report(challenge.public_id, "undelivered", sid=challenge.provider_id, token="") == 403


def test_a_signature_is_good_for_its_own_message_only(challenge: Challenge) -> None:
    address = f"{django_settings.PUBLIC_URL.rstrip('/')}/accounts/twilio-status/?challenge=another"
    form = {"MessageSid": challenge.provider_id, "MessageStatus": "undelivered"}
    signature = RequestValidator("auth-token").compute_signature(address, form)
    answer = Client().post(
        f"/accounts/twilio-status/?challenge={challenge.public_id}",
        urlencode(form),
        content_type=FORM,
        HTTP_X_TWILIO_SIGNATURE=signature,
    )
    assert answer.status_code == 403


def test_reports_may_come_in_any_order_and_more_than_once(challenge: Challenge) -> None:
    for status in ("delivered", "sent", "sending", "delivered", "undelivered"):
        assert report(challenge.public_id, status, sid=challenge.provider_id) == 204
    challenge.refresh_from_db()
    assert challenge.delivery == Delivery.DELIVERED


def test_a_report_about_another_message_changes_nothing(challenge: Challenge) -> None:
    assert report(challenge.public_id, "undelivered", sid="SM" + "9" * 32) == 204
    challenge.refresh_from_db()
    assert challenge.delivery == Delivery.SENT


def test_a_report_that_comes_before_the_worker_is_done_is_kept(
    client: Client, challenge: Challenge, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Challenge.objects.update(delivery=Delivery.QUEUED, provider_id="")

    def deliver_at_once(self: RecordingGateway, to: str, body: str, reference: str) -> str:
        report(reference, "delivered", sid=MESSAGE)
        return MESSAGE

    monkeypatch.setattr(RecordingGateway, "send_text", deliver_at_once)
    deliver_codes()
    challenge.refresh_from_db()
    assert (challenge.delivery, challenge.provider_id) == (Delivery.DELIVERED, MESSAGE)


def test_the_report_address_takes_posts_only(client: Client, db: None) -> None:
    assert client.get("/accounts/twilio-status/").status_code == 405


@pytest.fixture
def call(client: Client, cara: User, cara_phone: PhoneDevice, calls: list[Call], settings: Settings) -> Challenge:
    """Return a code whose call was placed."""
    settings.TWILIO_AUTH_TOKEN = "auth-token"
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    return Challenge.objects.get()


def report_call(challenge: Challenge, status: str, *, sid: str = "") -> int:
    """Send a report of a call, signed by Twilio; the status of the answer."""
    address = f"{django_settings.PUBLIC_URL.rstrip('/')}/accounts/twilio-status/?challenge={challenge.public_id}"
    form = {"CallSid": sid or challenge.provider_id, "CallStatus": status, "To": "+12025550177", "CallDuration": "0"}
    signature = RequestValidator("auth-token").compute_signature(address, form)
    parts = urlsplit(address)
    return (
        Client(enforce_csrf_checks=True)
        .post(f"{parts.path}?{parts.query}", urlencode(form), content_type=FORM, HTTP_X_TWILIO_SIGNATURE=signature)
        .status_code
    )


@pytest.mark.parametrize(
    ("status", "delivery", "words"),
    [
        ("initiated", Delivery.SENT, "We’re calling you."),
        ("ringing", Delivery.SENT, "We’re calling you."),
        ("in-progress", Delivery.SENT, "We’re calling you."),
        ("completed", Delivery.DELIVERED, "Call answered"),
        ("busy", Delivery.UNDELIVERED, "The call wasn’t answered"),
        ("no-answer", Delivery.UNDELIVERED, "The call wasn’t answered"),
        ("failed", Delivery.UNDELIVERED, "The call wasn’t answered"),
        ("canceled", Delivery.UNDELIVERED, "The call wasn’t answered"),
    ],
)
def test_the_page_says_how_a_call_ended(
    client: Client, call: Challenge, cara_phone: PhoneDevice, status: str, delivery: str, words: str
) -> None:
    assert report_call(call, status) == 204
    call.refresh_from_db()
    assert call.delivery == delivery
    assert words in client.get(f"/accounts/verify/{cara_phone.public_id}/status/").content.decode()


def test_duplicate_and_late_reports_of_a_call_change_nothing_more(call: Challenge) -> None:
    for status in ("completed", "ringing", "completed", "completed", "no-answer", "in-progress"):
        assert report_call(call, status) == 204
    call.refresh_from_db()
    assert call.delivery == Delivery.DELIVERED
    assert report_call(call, "busy", sid="CA" + "9" * 32) == 204
    call.refresh_from_db()
    assert call.delivery == Delivery.DELIVERED


def test_a_call_that_nobody_answered_offers_another_way_within_one_poll(
    client: Client, call: Challenge, cara: User, cara_phone: PhoneDevice
) -> None:
    phone_for(cara)
    status = f"/accounts/verify/{cara_phone.public_id}/status/"
    assert 'hx-trigger="every 3s"' in client.get(status).content.decode()
    report_call(call, "no-answer")
    page = client.get(status).content.decode()
    assert "The call wasn’t answered" in page
    assert "Use a different method" in page
    assert client.post(f"/accounts/verify/{cara_phone.public_id}/send/").status_code == 302, "and at once another code"


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        ({"status": 429}, "twilio-20429", "We couldn’t place the call"),
        ({"status": 500}, "no-answer", "We don’t know if the call was placed"),
        ({"hang_up": True}, "no-answer", "We don’t know if the call was placed"),
    ],
)
def test_what_happens_at_twilio_is_said_on_the_page_and_opens_nothing(
    client: Client,
    vendor: StandIn,
    cara: User,
    cara_phone: PhoneDevice,
    answer: dict[str, Any],
    error: str,
    words: str,
) -> None:
    for name, value in answer.items():
        setattr(vendor, name, value)
    vendor.answer = {"code": 20429, "message": "Too Many Requests", "status": 429}
    give_password_only(client, cara)
    client.post(f"/accounts/verify/{cara_phone.public_id}/send/")
    deliver_codes()
    deliver_codes()
    assert len(vendor.requests) == 1
    assert Challenge.objects.get().error == error
    page = client.get(f"/accounts/verify/{cara_phone.public_id}/").content.decode()
    assert words in page
    assert "Call me with a new code" in page
    assert not is_in(client)
