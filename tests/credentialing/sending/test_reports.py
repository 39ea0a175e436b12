"""What becomes known of a mail: reports of the mail service, and the link in it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AbstractBaseUser
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from core.models import Event, Mail
from credentialing.events import DeliveryEvent
from credentialing.models import Certificate, Delivery, Verification
from credentialing.sending import reports
from tests.cast import Cast
from tests.credentialing.sending.helpers import asked, sent
from tests.helpers import at_once
from tests.reading import words

pytestmark = pytest.mark.django_db
Browse = Callable[[AbstractBaseUser], Client]
State = Delivery.Status
SECRET = "reports:Vn3xkqPb8sYw2LmRtZc5HdJ7"
REPORTS = "/credentialing/mail-reports/"


@pytest.fixture
def service(settings: Settings) -> None:
    settings.MAIL_SERVICE = "postmark"
    settings.MAIL_REPORTS_SECRET = SECRET
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


def report(body: Any, secret: str = SECRET) -> int:
    """Post a report as the service does, and return the status of the answer."""
    text = body if isinstance(body, str) else json.dumps(body)
    credentials = base64.b64encode(secret.encode()).decode()
    headers = {"Authorization": f"Basic {credentials}"}
    return Client().post(REPORTS, text, content_type="application/json", headers=headers).status_code


def told(kind: str, delivery: Delivery, **more: Any) -> dict[str, Any]:
    """Return a report of Postmark's."""
    return {
        "RecordType": kind,
        "MessageID": delivery.message_id or "unknown",
        "Recipient": delivery.to,
        "Metadata": {"delivery": delivery.public_id},
        **more,
    }


def delivered(delivery: Delivery) -> dict[str, Any]:
    return told("Delivery", delivery, DeliveredAt="2026-11-30T15:00:00Z")


def came_back(delivery: Delivery) -> dict[str, Any]:
    return told("Bounce", delivery, ID=42, Type="HardBounce", Email=delivery.to, BouncedAt="2026-11-30T15:00:00Z")


def opened(delivery: Delivery) -> dict[str, Any]:
    return told("Open", delivery, ReceivedAt="2026-11-30T15:01:00Z")


@pytest.fixture
def delivery(cast: Cast, certificate: Certificate) -> Delivery:
    return sent(certificate, cast.paula)


@pytest.mark.usefixtures("service")
def test_a_delivered_and_an_opened_mail_are_shown_so(cast: Cast, delivery: Delivery, browse: Browse) -> None:
    assert report(delivered(delivery)) == 204
    delivery.refresh_from_db()
    assert delivery.status == State.DELIVERED
    assert report(opened(delivery)) == 204
    delivery.refresh_from_db()
    assert delivery.status == State.OPENED
    page = words(browse(cast.paula).get(delivery.get_absolute_url()))
    assert f"{delivery.to} Opened" in page
    assert "by the holder or by a program that checks their mail" in page


@pytest.mark.usefixtures("service")
def test_reports_come_in_any_order_and_any_number_of_times(delivery: Delivery) -> None:
    for body in (opened(delivery), delivered(delivery), opened(delivery), delivered(delivery)):
        assert report(body) == 204
    delivery.refresh_from_db()
    assert delivery.status == State.OPENED
    assert delivery.delivered_at is not None
    for tag in (DeliveryEvent.OPENED, DeliveryEvent.DELIVERED):
        assert Event.objects.filter(tag=tag).count() == 1


@pytest.mark.usefixtures("service")
def test_who_sent_a_mail_that_came_back_is_told_once(cast: Cast, delivery: Delivery, browse: Browse) -> None:
    assert [report(came_back(delivery)) for _ in range(3)] == [204] * 3
    delivery.refresh_from_db()
    assert (delivery.status, delivery.bounce) == (State.BOUNCED, Delivery.Bounce.BOUNCED)
    mail = Mail.objects.get(name="delivery_undelivered")
    assert mail.to == cast.paula.email
    assert delivery.to not in json.dumps(mail.context)
    page = words(browse(cast.paula).get(delivery.get_absolute_url()))
    assert "Returned" in page
    assert "The receiving server turned it down." in page


@pytest.mark.usefixtures("service")
def test_a_report_that_is_quicker_than_the_worker_is_not_lost(cast: Cast, certificate: Certificate) -> None:
    delivery = asked(certificate, cast.paula)
    assert report(delivered(delivery)) == 204
    from credentialing.sending import mailing

    mailing.deliver(delivery.pk)
    delivery.refresh_from_db()
    assert delivery.status == State.DELIVERED


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"RecordType": 7}', '{"RecordType": "Bounce"}', "\x00", '{"RecordType": []}']
)
def test_junk_is_refused_and_changes_nothing(delivery: Delivery, body: str) -> None:
    assert 400 <= report(body) < 500 or report(body) == 204
    delivery.refresh_from_db()
    assert delivery.status == State.HANDED_OVER


@pytest.mark.usefixtures("service")
def test_without_the_secret_nothing_is_believed(delivery: Delivery) -> None:
    assert report(delivered(delivery), secret="reports:wrong") == 403
    assert Client().post(REPORTS, delivered(delivery), content_type="application/json").status_code == 403
    delivery.refresh_from_db()
    assert delivery.status == State.HANDED_OVER
    assert report(told("Delivery", delivery) | {"MessageID": "x", "Metadata": {}}) == 204


def test_without_a_mail_service_there_is_no_such_address(delivery: Delivery) -> None:
    assert report(delivered(delivery)) == 404


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("service")
def test_the_same_report_twice_at_once_counts_once(delivery: Delivery) -> None:
    assert at_once(*[lambda: report(came_back(delivery))] * 4) == [204] * 4
    assert Event.objects.filter(tag=DeliveryEvent.BOUNCED).count() == 1
    assert Mail.objects.filter(name="delivery_undelivered").count() == 1


def test_the_link_in_the_mail_leads_to_what_holds_today(delivery: Delivery) -> None:
    link = reverse("verify:mailed", args=[delivery.public_id])
    scanner = Client().get(link)
    assert scanner.status_code == 302
    delivery.refresh_from_db()
    assert delivery.status == State.HANDED_OVER
    answer = Client().get(link, headers={"Sec-Fetch-Mode": "navigate"}, follow=True)
    assert delivery.certificate.serial in words(answer)
    delivery.refresh_from_db()
    assert delivery.status == State.OPENED
    assert Verification.objects.count() == 1


def test_what_is_known_never_goes_back(delivery: Delivery) -> None:
    reports.note([delivery], State.OPENED, at=timezone.now())
    assert reports.note([delivery], State.BOUNCED, at=timezone.now(), bounce="other") == 1
    assert reports.note([delivery], State.BOUNCED, at=timezone.now(), bounce="other") == 0
    delivery.refresh_from_db()
    assert delivery.status == State.OPENED


def test_operators_see_mails_that_were_given_up(delivery: Delivery) -> None:
    Delivery.objects.update(status=State.FAILED)
    assert Client().get("/readyz").json()["down"]["deliveries"] == "1 failed"
