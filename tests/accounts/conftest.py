"""The cast of sign-in, beside Ada and Stan: Tess has her codes texted, and Nell has no second factor yet."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from accounts.models import AuthenticatorDevice, PhoneDevice, User
from tests.accounts.gateways import RecordingGateway, Text
from tests.accounts.people import phone_for
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
def nell(db: None) -> User:
    return UserFactory.create(username="nell", first_name="Nell", last_name="Ford")


@pytest.fixture
def texts(settings: Settings) -> list[Text]:
    """Return what was texted in this test, newest last."""
    settings.SMS_GATEWAY = "tests.accounts.gateways.RecordingGateway"
    RecordingGateway.sent.clear()
    return RecordingGateway.sent
