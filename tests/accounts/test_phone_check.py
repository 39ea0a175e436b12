"""'Is this still your phone?', asked once when a remembered device's days have ended (S-10)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import Challenge, PhoneDevice, TrustedDevice, User
from core.models import Event
from tests.accounts.gateways import Text
from tests.accounts.people import is_in, type_code, type_password
from tests.helpers import authenticator_for
from tests.reading import words

NOON = "2026-03-02 12:00:00+00:00"
CHECK = "/accounts/phone-check/"


def sign_in_by_text(client: Client, phone: PhoneDevice, texts: list[Text], **more: str) -> Any:
    """Sign in with a password and the texted code; return the answer to the code."""
    from accounts.tasks import send_code

    type_password(client, "tess")
    challenge = Challenge.objects.latest("created_at")
    send_code(challenge.pk)
    code = "".join(character for character in texts[-1].body if character.isdigit())[:6]
    return type_code(client, phone, code, **more)


@pytest.fixture
def remembered(client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text]) -> Client:
    """Return Tess's browser, remembered at noon and signed out."""
    assert sign_in_by_text(client, tess_phone, texts, remember="on")["Location"] == "/"
    client.post("/accounts/sign-out/")
    return client


@pytest.mark.time_machine(NOON, tick=False)
def test_it_is_asked_once_when_the_days_have_ended_and_leads_on(
    remembered: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], time_machine: Any
) -> None:
    time_machine.shift(dt.timedelta(days=31))
    answer = sign_in_by_text(remembered, tess_phone, texts, next="/policies/")
    assert answer["Location"] == f"{CHECK}?next=%2Fpolicies%2F"
    page = remembered.get(answer["Location"])
    assert "Is this still your phone?" in words(page)
    assert "Phone ending in 0123" in words(page)
    assert "No, change it" in words(page)
    assert f'href="/accounts/methods/{tess_phone.public_id}/phone/?next=%2Fpolicies%2F"' in page.content.decode()
    assert not Event.objects.filter(tag="account:phone:kept").exists()
    assert remembered.post(CHECK, {"next": "/policies/"})["Location"] == "/policies/"
    assert Event.objects.get(tag="account:phone:kept").subject_id == str(tess.pk)
    remembered.post("/accounts/sign-out/")
    time_machine.shift(dt.timedelta(days=1))
    assert sign_in_by_text(remembered, tess_phone, texts)["Location"] == "/"


@pytest.mark.time_machine(NOON, tick=False)
def test_it_is_not_asked_while_the_device_is_remembered_or_was_revoked(
    remembered: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], time_machine: Any
) -> None:
    assert type_password(remembered, "tess")["Location"] == "/"
    remembered.post("/accounts/sign-out/")
    TrustedDevice.objects.get().revoke()
    time_machine.shift(dt.timedelta(days=31))
    assert sign_in_by_text(remembered, tess_phone, texts)["Location"] == "/"


@pytest.mark.time_machine(NOON, tick=False)
def test_it_is_not_asked_in_a_browser_that_was_never_remembered_or_after_the_phone_was_changed(
    remembered: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], time_machine: Any
) -> None:
    time_machine.shift(dt.timedelta(days=31))
    assert sign_in_by_text(Client(), tess_phone, texts)["Location"] == "/"
    tess.bump_epoch()
    time_machine.shift(dt.timedelta(days=1))
    assert sign_in_by_text(remembered, tess_phone, texts)["Location"] == "/"


def test_an_account_without_a_phone_is_asked_nothing(client: Client, ada: User) -> None:
    from tests.accounts.people import app_code

    with time_machine.travel(NOON, tick=False) as clock:
        app = authenticator_for(ada)
        type_password(client)
        type_code(client, app, app_code(app), remember="on")
        client.post("/accounts/sign-out/")
        clock.shift(dt.timedelta(days=31))
        type_password(client)
        assert type_code(client, app, app_code(app))["Location"] == "/"
        assert client.get(CHECK)["Location"] == "/"
        assert is_in(client)


@pytest.mark.time_machine(NOON, tick=False)
def test_the_cookie_outlives_the_days_and_spares_nothing_then(
    remembered: Client, tess: User, tess_phone: PhoneDevice, time_machine: Any
) -> None:
    assert remembered.cookies["device"]["max-age"] == dt.timedelta(days=120).total_seconds()
    time_machine.shift(dt.timedelta(days=30))
    assert type_password(remembered, "tess")["Location"].startswith("/accounts/verify/")
    assert TrustedDevice.objects.get().expires_at <= timezone.now()
