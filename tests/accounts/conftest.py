"""The cast of sign-in, beside Ada and Stan: Tess has her codes texted, Cara is called at her office, and Nell has no
second factor yet."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, Channel, PhoneDevice, User
from tests.accounts.gateways import Call, RecordingGateway, Text
from tests.accounts.people import OFFICE, phone_for
from tests.factories import UserFactory
from tests.helpers import authenticator_for


@pytest.fixture
def adas_app(ada: User) -> AuthenticatorDevice:
    return authenticator_for(ada)


@pytest.fixture
def tess(db: None) -> User:
    return UserFactory.create(username="tess", first_name="Tess", last_name="Lane")


@pytest.fixture
def tess_phone(tess: User) -> PhoneDevice:
    return phone_for(tess)


@pytest.fixture
def cara(db: None) -> User:
    return UserFactory.create(username="cara", first_name="Cara", last_name="Hale")


@pytest.fixture
def cara_phone(cara: User) -> PhoneDevice:
    return phone_for(cara, OFFICE, channel=Channel.VOICE, extension="45")


@pytest.fixture
def nell(db: None) -> User:
    return UserFactory.create(username="nell", first_name="Nell", last_name="Ford")


@pytest.fixture
def texts(settings: Settings) -> list[Text]:
    """Return what was texted in this test, newest last."""
    settings.SMS_GATEWAY = "tests.accounts.gateways.RecordingGateway"
    RecordingGateway.sent.clear()
    return RecordingGateway.sent


@pytest.fixture
def calls(texts: list[Text]) -> list[Call]:
    """Return the calls of this test, newest last."""
    RecordingGateway.called.clear()
    return RecordingGateway.called
