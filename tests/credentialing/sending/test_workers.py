"""Workers that send: two at once, and one that is killed right after it handed a mail over."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from core.models import Event
from core.storage import private_storage
from core.tasks import requeue_lost
from credentialing.events import DeliveryEvent
from credentialing.models import Certificate, Delivery
from credentialing.sending import mailing
from tests.cast import Cast
from tests.credentialing.conftest import make_printable_cast
from tests.credentialing.helpers import issued, made
from tests.credentialing.sending.helpers import asked
from tests.helpers import at_once

pytestmark = pytest.mark.django_db(transaction=True)
State = Delivery.Status
# Hands the mail over, then dies as the kernel ends a process: what it would have recorded is lost.
DIES = """
import os, signal, sys
import django
django.setup()
from django.core.mail.backends.filebased import EmailBackend
from credentialing.sending import mailing

send = EmailBackend.send_messages

def send_and_die(self, messages):
    send(self, messages)
    os.kill(os.getpid(), signal.SIGKILL)

EmailBackend.send_messages = send_and_die
mailing.deliver(int(sys.argv[1]))
"""


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    """Return the cast, committed, so that other connections see it."""
    return make_printable_cast()


def test_two_workers_with_the_same_delivery_send_one_mail(cast: Cast) -> None:
    delivery = asked(made(cast.coverage, cast.paula), cast.paula)
    assert at_once(*[lambda: mailing.deliver(delivery.pk)] * 3) == [None] * 3
    assert len(mail.outbox) == 1
    assert Event.objects.filter(tag=DeliveryEvent.HANDED_OVER).count() == 1


def test_workers_that_take_the_same_bundle_send_each_certificate_once(cast: Cast) -> None:
    certificates = [made(cast.anas, cast.paula), made(cast.bens, cast.paula)]
    deliveries = [asked(each, cast.paula) for each in certificates]
    Delivery.objects.update(bundle="b")
    at_once(*[lambda pk=each.pk: mailing.deliver(pk) for each in deliveries])
    Delivery.objects.update(enqueued_at=timezone.now() - dt.timedelta(minutes=1))
    for each in deliveries:
        mailing.deliver(each.pk)
    assert sum(len(message.attachments) for message in mail.outbox) == 2
    assert Event.objects.filter(tag=DeliveryEvent.HANDED_OVER).count() == 2


def test_a_file_that_two_mails_need_is_made_once(cast: Cast) -> None:
    certificate = issued(cast.coverage, cast.paula)
    deliveries = [asked(certificate, cast.paula, f"office{number}@brendan.example") for number in range(3)]
    at_once(*[lambda pk=each.pk: mailing.deliver(pk) for each in deliveries])
    assert len(mail.outbox) == 3
    assert Event.objects.filter(tag="credentialing:certificate:rendered").count() == 1


def test_a_worker_that_is_killed_right_after_handing_over_sends_one_copy_more_and_no_third(
    cast: Cast, tmp_path: Path
) -> None:
    delivery = asked(made(cast.coverage, cast.paula), cast.paula)
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.credentialing.sending.worker_settings",
        "PORTAL_MODE": "test",
        "TEST_DATABASE": str(connection.settings_dict["NAME"]),
        "TEST_FILES": str(private_storage().base_location),  # type: ignore[attr-defined]
        "TEST_MAILS": str(tmp_path / "mails"),
    }
    died = subprocess.run(  # ourselves, no shell
        [sys.executable, "-c", DIES, str(delivery.pk)], env=environment, timeout=120, check=False
    )
    assert died.returncode == -signal.SIGKILL
    (first,) = [path.read_text() for path in (tmp_path / "mails").iterdir()]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.handed_over_at) == (State.QUEUED, 1, None)
    Delivery.objects.update(enqueued_at=timezone.now() - dt.timedelta(minutes=1))
    assert requeue_lost() == 1
    mailing.deliver(delivery.pk)
    mailing.deliver(delivery.pk)
    (second,) = mail.outbox
    assert f"Message-ID: {second.extra_headers['Message-ID']}" in first
    delivery.refresh_from_db()
    assert delivery.status == State.HANDED_OVER
    assert Certificate.objects.count() == 1
