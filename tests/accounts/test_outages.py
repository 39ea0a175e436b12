"""Redis or Twilio down: a clear page, no bypass, and a code that ends in a state that one can see."""

from __future__ import annotations

import pytest
from django.test import Client
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import AuthenticatorDevice, Challenge, PhoneDevice, User
from accounts.models.challenges import Delivery
from core.models import Throttle
from tests.accounts.people import app_code, deliver_codes, is_in, type_code, type_password
from tests.helpers import give_password_only


@pytest.fixture
def no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the queue unreachable."""

    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.Celery.send_task", refuse)


def test_a_code_that_can_not_be_queued_is_shown_as_not_sent_with_a_retry(
    client: Client,
    tess: User,
    tess_phone: PhoneDevice,
    no_broker: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        answer = type_password(client, "tess")
    assert answer.status_code == 302
    challenge = Challenge.objects.get()
    assert (challenge.delivery, challenge.error) == (Delivery.FAILED, "queue")
    page = client.get(answer["Location"]).content.decode()
    assert "We couldn’t send the text" in page
    assert "Text me a new code" in page
    assert not is_in(client)
    assert all(row.hits == [] for row in Throttle.objects.filter(scope__startswith="account:codes"))


def test_a_retry_works_at_once_when_the_queue_is_back(
    client: Client,
    tess: User,
    tess_phone: PhoneDevice,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
    texts: list[object],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("accounts.services.codes.enqueue", lambda *_args: False)
        with django_capture_on_commit_callbacks(execute=True):
            type_password(client, "tess")
    assert client.post(f"/accounts/verify/{tess_phone.public_id}/send/").status_code == 302
    deliver_codes()
    assert len(texts) == 1


def test_the_authenticator_needs_neither(
    client: Client, ada: User, adas_app: AuthenticatorDevice, no_broker: None, settings: Settings
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://x:1"}}
    type_password(client)
    assert type_code(client, adas_app, app_code(adas_app)).status_code == 302
    assert is_in(client)


def test_twilio_down_opens_nothing(client: Client, tess: User, tess_phone: PhoneDevice, settings: Settings) -> None:
    settings.SMS_GATEWAY = "accounts.twilio_gateway.TwilioGateway"
    settings.TWILIO_ACCOUNT_SID, settings.TWILIO_AUTH_TOKEN, settings.TWILIO_FROM = "AC1", "x", "+12025550100"
    settings.TWILIO_BASE_URL = "http://127.0.0.1:9"
    give_password_only(client, tess)
    client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
    deliver_codes()
    assert Challenge.objects.get().error == "unreachable"
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
    assert "We couldn’t send the text" in page
    assert not is_in(client)
