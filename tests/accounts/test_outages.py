"""Redis, Twilio, the mail server, a worker, or a clock fails: a clear page, no bypass, and a code that ends in a state
that one can see."""

from __future__ import annotations

import datetime as dt
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
import time_machine
from celery import Celery
from django.db import connection
from django.test import Client
from django.utils import timezone
from kombu.exceptions import OperationalError
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from accounts.models import (
    AuthenticatorDevice,
    Challenge,
    PasswordReset,
    PhoneDevice,
    Registration,
    User,
    UsernameReminder,
)
from accounts.models.challenges import Delivery
from accounts.tasks import send_code
from core.mail import deliver
from core.models import Mail, Throttle
from core.work import Work
from portal.celery import app, give_up_soon
from tests.accounts.gateways import RecordingGateway, Text
from tests.accounts.people import (
    app_code,
    deliver_codes,
    is_in,
    phone_for,
    type_code,
    type_password,
    wrong_code,
)
from tests.factories import UserFactory
from tests.helpers import give_password_only
from tests.policies.registering import typed
from tests.vendor import stand_in


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


@pytest.mark.parametrize(
    ("page", "form", "stored"),
    [
        ("/accounts/register/", typed(), Registration),
        ("/accounts/forgot-password/", {"username": "tess"}, PasswordReset),
        ("/accounts/forgot-username/", typed(), UsernameReminder),
    ],
)
def test_what_nobody_signed_in_asks_for_waits_for_the_queue(
    page: str,
    form: dict[str, str],
    stored: type[Work],
    client: Client,
    tess: User,
    no_broker: None,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post(page, form).status_code == 302
    row = stored.objects.get()
    assert (row.status, row.is_enqueued) == (Work.QUEUED, False), "the next sweep hands it over"


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


@pytest.fixture
def hung_broker() -> Iterator[str]:
    """Yield the address of a Redis that accepts connections and never says a word."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_a_broker_that_hangs_holds_a_page_for_a_few_seconds_and_the_code_is_shown_as_not_sent(
    client: Client,
    tess: User,
    tess_phone: PhoneDevice,
    hung_broker: str,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    web = Celery("web", broker=hung_broker, set_as_current=False)
    web.conf.broker_transport_options = dict(app.conf.broker_transport_options)
    web.conf.task_publish_retry = app.conf.task_publish_retry
    monkeypatch.setattr("portal.celery.app", web)
    monkeypatch.setattr("core.queue.current_app", web)
    give_up_soon()
    give_password_only(client, tess)
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"/accounts/verify/{tess_phone.public_id}/send/")
    took = time.monotonic() - began
    assert answer.status_code == 302
    # Far from both: the web's wait is 3 seconds, a worker's 30.
    assert 1 < took < 25, f"it took {took} s"
    page = client.get(f"/accounts/verify/{tess_phone.public_id}/").content.decode()
    assert "We couldn’t send the text" in page
    assert not is_in(client)


def test_web_processes_wait_three_seconds_and_workers_half_a_minute() -> None:
    script = "import portal.wsgi, portal.celery as c; print(c.app.conf.broker_transport_options['socket_timeout'])"
    done = subprocess.run(  # ourselves, no shell
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PORTAL_MODE": "test"},
    )
    assert done.stdout.split()[-1] == "3"
    assert app.conf.broker_transport_options["socket_timeout"] == 30


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_twilio_takes_the_message_sends_no_second_one_and_the_page_says_it_is_unknown(
    client: Client, texts: list[object], settings: Settings
) -> None:
    tess = UserFactory.create(username="tess")
    phone = phone_for(tess)
    give_password_only(client, tess)
    client.post(f"/accounts/verify/{phone.public_id}/send/")
    challenge = Challenge.objects.get()
    with stand_in() as vendor:
        vendor.pause = 9
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "tests.credentialing.worker_settings",
            "PORTAL_MODE": "test",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "TEST_FILES": "/nonexistent",
            "TEST_TWILIO": vendor.address,
        }
        command = [sys.executable, "-m", "tests.accounts.sender", str(challenge.pk)]
        sender = subprocess.Popen(command, env=environment)  # ourselves
        try:
            deadline = time.monotonic() + 120
            while not vendor.requests and time.monotonic() < deadline and sender.poll() is None:
                time.sleep(0.05)
            assert len(vendor.requests) == 1
        finally:
            sender.send_signal(signal.SIGKILL)
            sender.wait()
        challenge.refresh_from_db()
        assert challenge.delivery == Delivery.SENDING
        # The broker hands the task to another worker.
        send_code(challenge.pk)
        assert len(vendor.requests) == 1
    assert texts == []
    challenge.refresh_from_db()
    assert challenge.delivery == Delivery.UNKNOWN
    page = client.get(f"/accounts/verify/{phone.public_id}/").content.decode()
    assert "We don’t know if the text was sent" in page
    assert client.post(f"/accounts/verify/{phone.public_id}/send/").status_code == 302


def test_a_message_that_did_arrive_after_its_worker_died_still_opens(
    client: Client, tess: User, tess_phone: PhoneDevice, texts: list[Text], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password_only(client, tess)
    client.post(f"/accounts/verify/{tess_phone.public_id}/send/")

    class DiesAfterwards(RecordingGateway):
        def send_text(self, to: str, body: str, reference: str) -> str:
            super().send_text(to, body, reference)
            raise SystemExit

    monkeypatch.setattr("accounts.tasks.gateway", DiesAfterwards)
    with pytest.raises(SystemExit):
        deliver_codes()
    send_code(Challenge.objects.get().pk)
    assert Challenge.objects.get().delivery == Delivery.UNKNOWN
    assert len(texts) == 1
    assert type_code(client, tess_phone, texts[0].code).status_code == 302
    assert is_in(client)


@pytest.mark.parametrize(("minutes", "said"), [(-4, True), (-2, True), (2, True), (4, True), (-6, False), (6, False)])
def test_a_phone_whose_clock_is_off_is_told_so_and_the_code_counts_as_wrong(
    client: Client, ada: User, adas_app: AuthenticatorDevice, minutes: int, said: bool
) -> None:
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False):
        give_password_only(client, ada)
        code = app_code(adas_app, timezone.now() + dt.timedelta(minutes=minutes))
        assert code not in {app_code(adas_app, timezone.now() + dt.timedelta(seconds=30 * s)) for s in (-1, 0, 1)}
        answer = type_code(client, adas_app, code)
    assert answer.status_code == 422
    assert ("your phone’s clock is off" in answer.content.decode()) is said
    adas_app.refresh_from_db()
    assert (adas_app.failures, adas_app.last_step) == (1, 0)
    assert not is_in(client)


def test_a_spent_code_is_not_blamed_on_the_clock(client: Client, ada: User, adas_app: AuthenticatorDevice) -> None:
    with time_machine.travel("2026-03-02 12:00:00+00:00", tick=False):
        give_password_only(client, ada)
        type_code(client, adas_app, app_code(adas_app))
        other = Client()
        give_password_only(other, ada)
        answer = type_code(other, adas_app, app_code(adas_app))
    assert answer.status_code == 422
    assert "clock" not in answer.content.decode()


def test_the_mail_server_down_keeps_nobody_from_signing_in_and_the_mail_waits(
    client: Client, ada: User, adas_app: AuthenticatorDevice, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    give_password_only(client, ada)
    for _ in range(5):
        type_code(client, adas_app, wrong_code(adas_app))
    (mail,) = Mail.objects.filter(name="wrong_codes")
    with pytest.raises(OSError, match="refused"):
        deliver(mail.pk)
    mail.refresh_from_db()
    assert mail.status == Mail.Status.QUEUED
    adas_app.switch_on()
    other = Client()
    type_password(other)
    assert type_code(other, adas_app, app_code(adas_app)).status_code == 302
    assert is_in(other)
