"""Mails: a row each, sent once, seen when they fail, the same words in text and HTML."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail as sent
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags
from pytest_django import Settings

from core import mail, work
from core.alerts import alert_staff
from core.models import Event, Mail
from core.tasks import keep_house, requeue_lost, send_mail
from tests.factories import UserFactory
from tests.helpers import sign_in

NOON = "2026-03-02 12:00:00+00:00"
FOLDERS = sorted(path.parent.name for path in Path(settings.BASE_DIR, "templates/emails").glob("*/subject.txt"))
# What each mail's text needs, in addition to brand and support.
CONTEXTS: dict[str, dict[str, Any]] = {
    "access_changed": {
        "what": "A colleague was invited to get access.",
        "page": "http://localhost:8000/policies/access/",
    },
    "change_request_ended": {"outcome": "done", "address": "https://portal.example/policies/changes/x/"},
    "contact_email": {"is_new": True},
    "account_changed": {
        "what": "Your password was changed.",
        "headline": "Your password was changed",
        "when": "Mar 1, 2026, 4:05 p.m. EST",
        "address": "http://localhost:8000/accounts/link/abc/",
        "days": 10,
    },
    "activation": {"address": "http://localhost:8000/accounts/link/abc/", "hours": 24},
    "activity_review": {"address": "http://localhost:8000/accounts/activity/"},
    "authorization_changed": {
        "revoked": False,
        "page": "http://localhost:8000/credentialing/claims-history/authorizations/",
    },
    "batch_failed": {"address": "https://portal.example/credentialing/batches/x/", "issued": 4975},
    "batch_ready": {
        "address": "https://portal.example/credentialing/batches/x/",
        "issued": 4975,
        "refused": 20,
        "failed": 5,
        "until": timezone.now(),
    },
    "certificate_delivery": {
        "papers": [
            {
                "title": "Certificate of insurance",
                "insured": "Ana Núñez, MD",
                "serial": "COI-2026-0WKZ9RQ5M",
                "address": "http://localhost:8000/verify/mail/abc/",
            }
        ],
        "paper": "certificate",
        "sender": "Riverbend Medical Group",
        "purpose": "asked",
    },
    "claims_request_settled": {
        "what": "loss run",
        "done": True,
        "page": "http://localhost:8000/credentialing/claims-history/papers/",
    },
    "confirm_email": {"address": "http://localhost:8000/accounts/link/abc/", "hours": 24},
    "delivery_undelivered": {
        "serial": "COI-2026-0WKZ9RQ5M",
        "paper": "certificate",
        "returned": True,
        "address": "http://localhost:8000/credentialing/certificates/x/",
    },
    "email_taken": {},
    "factor_reset": {"due": "Mar 1, 2026, 4:05 p.m. EST", "page": "http://localhost:8000/accounts/factor-reset/"}
    | {"address": "http://localhost:8000/accounts/link/abc/", "days": 10},
    "holder_notice": {
        "lines": [{"about": "Policy MPL-1 of Riverbend", "text": "Coverage ended on March 1, 2026.", "form": ""}],
        "service": {"phone": "(860) 555-0141", "hours": "Monday to Friday"},
        "verify": "http://localhost:8000/verify/",
    },
    "holder_request_decided": {"done": False, "address": "http://localhost:8000/credentialing/holders/requests/abc/"},
    "invitation": {"address": "http://localhost:8000/policies/access/link/abc/", "days": 7},
    "loss_run_for_client": {
        "number": "MPL-1",
        "page": "http://localhost:8000/credentialing/claims-history/loss-runs/",
    },
    "packet_built": {"page": "https://portal.example/credentialing/packets/x/"},
    "packet_link": {"address": "https://portal.example/packet/link/abc/", "until": timezone.now()},
    "packet_password": {"password": "K7QM-2XWD-9BC3"},
    "passkey_copied": {},
    "password_reset": {"address": "http://localhost:8000/accounts/link/abc/", "code": "K7QM-2XWD", "minutes": 30},
    "password_reset_by_username": {"page": "http://localhost:8000/accounts/forgot-password/"},
    "password_reset_refused": {},
    "recovery_code_used": {"address": "http://localhost:8000/accounts/link/abc/", "left": 3, "days": 10},
    "registration": {"address": "http://localhost:8000/accounts/register/link/abc/", "hours": 24},
    "registration_known": {"sign_in": "http://localhost:8000/accounts/sign-in/"},
    "registration_noted": {},
    "renewal_code": {"code": "012345", "minutes": 10},
    "renewal_news": {
        "news": "We’re reviewing it.",
        "number": "MPL-1",
        "address": "http://localhost:8000/policies/abc/",
    },
    "renewal_part": {"holder": "Riverbend Medical Group", "ends": "January 5, 2027", "days": 14}
    | {"address": "http://localhost:8000/policies/renewal-part/link/abc/", "own": "http://localhost:8000/policies/"},
    "renewal_reminder": {"policies": [{"number": "MPL-1", "ends": "January 5, 2027"}], "more": 0, "count": 1}
    | {"address": "http://localhost:8000"},
    **{
        name: {"address": "http://localhost:8000/support/requests/abc/"}
        for name in ("request_answered", "request_closed", "request_received", "request_taken", "request_waiting")
    },
    **{
        name: {"address": "https://portal.example/claims/incidents/x/", "number": "IR-2026-7KQM4XDR", "urgent": True}
        for name in ("incident_answered", "incident_closed", "incident_received", "incident_reported_for_you")
    },
    "incident_waiting": {"address": "https://portal.example/admin/x/", "number": "IR-2026-7KQM4XDR", "urgent": True},
    "leaver_told": {"effective": "July 1, 2027", "address": "https://portal.example"},
    "matter_news": {"address": "https://portal.example/claims/mine/x/"},
    "matter_waiting": {"address": "https://portal.example/admin/x/"},
    "upload_infected": {"address": "https://portal.example/claims/incidents/x/"},
    "tail_offered": {"decide_by": "September 1, 2027", "address": "https://portal.example"},
    "staff_alert": {"subject": "Something needs a person", "body": "What happened.\nAnd why."},
    "unfamiliar_sign_in": {"when": "Mar 1, 2026, 4:05 p.m. EST", "browser": "Chrome on Windows", "days": 10}
    | {"network": "203.0.113.0/24", "address": "http://localhost:8000/accounts/link/abc/"},
    "username": {"username": "ana", "page": "http://localhost:8000/accounts/sign-in/"},
    "wrong_codes": {"off": True},
}
BRANDS = (
    {"name": "Larkfield Mutual", "legal_name": "Larkfield Mutual Insurance Company", "portal_name": "Larkfield Portal"},
    {"name": "O’Hara & Söhne <Mutual>", "legal_name": 'O’Hara "&" Söhne', "portal_name": "Portal\r\nBcc: x@y.example"},
)


@pytest.fixture(autouse=True)
def _here(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.STAFF_ALERT_EMAILS = ["desk@portal.example"]


def store(key: str = "1", to: str = "mona@clinic.example") -> Mail:
    return mail.send("wrong_codes", to=to, context={"off": False}, key=key)


@pytest.fixture
def server_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)


def test_every_folder_has_a_sample_here() -> None:
    assert sorted(CONTEXTS) == FOLDERS


@pytest.mark.parametrize("brand", BRANDS, ids=["the demo's", "one full of special characters"])
@pytest.mark.parametrize("name", FOLDERS)
def test_every_mail_is_text_and_html_in_every_brand(name: str, brand: dict[str, str], settings: Settings) -> None:
    settings.BRAND = brand
    message = mail.message(name, to="mona@clinic.example", context=CONTEXTS[name])
    assert "\n" not in message.subject + "".join(message.to)
    assert message.subject.strip()
    assert list(message.message().keys()).count("To") == 1
    assert "Bcc" not in message.message()
    (alternative,) = message.alternatives
    html = str(alternative[0])
    assert '<html lang="en">' in html
    assert "{{" not in html + message.body
    assert not re.search(r"<script|<img|<link|\son\w+=|\sstyle=", html), "mail programs get nothing to load or run"
    if "<Mutual>" in brand["name"]:
        assert "<Mutual>" not in html
    words = " ".join(strip_tags(re.sub(r"(?s)<style>.*?</style>", "", html)).split())
    first = next(line for line in message.body.splitlines() if line.strip())
    assert len(words) > 20
    assert first.split()[0] in words


@pytest.mark.django_db
def test_the_same_name_and_key_is_one_mail() -> None:
    assert store() == store()
    assert store("2") != store()
    for each in Mail.objects.all():
        send_mail(each.pk)
        send_mail(each.pk)
    assert len(sent.outbox) == 2
    assert set(Mail.objects.values_list("status", flat=True)) == {"sent"}


@pytest.mark.django_db
def test_a_server_that_is_down_delays_a_mail_and_one_that_stays_down_is_seen_told_and_retried(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = store()

    def refuse(*_args: object, **_more: object) -> None:
        raise ConnectionRefusedError

    with time_machine.travel(NOON, tick=False) as clock, monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", refuse)
        for _ in range(Mail.MAX_ATTEMPTS):
            row.refresh_from_db()
            clock.move_to(max(timezone.now(), row.enqueued_at))
            with pytest.raises(ConnectionRefusedError):
                send_mail(row.pk)
    row.refresh_from_db()
    assert (row.status, row.last_error) == (Mail.Status.FAILED, "ConnectionRefusedError")
    alert = Mail.objects.get(name="staff_alert")
    assert str(row.pk) in alert.context["body"]
    assert row.to not in str(alert.context)
    sign_in(client, UserFactory.create(is_staff=True, is_superuser=True))
    assert "ConnectionRefusedError" in client.get("/admin/core/mail/?status=failed").content.decode()
    client.post("/admin/core/mail/", {"action": "try_again", "_selected_action": [str(row.pk)]})
    assert Event.objects.filter(tag="staff:row:changed", subject_id=str(row.pk)).exists()
    send_mail(row.pk)
    row.refresh_from_db()
    assert row.status == Mail.Status.SENT


@pytest.mark.django_db
def test_an_alert_that_fails_makes_no_further_alert(server_is_down: None) -> None:
    alert_staff("Something needs a person", "What happened.")
    alert = Mail.objects.get()
    Mail.objects.update(attempts=Mail.MAX_ATTEMPTS - 1)
    with pytest.raises(ConnectionRefusedError):
        send_mail(alert.pk)
    assert list(Mail.objects.values_list("status", flat=True)) == ["failed"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "to", ["mona", "a@clinic.example, b@clinic.example", "a@clinic.example\nBcc: b@clinic.example"]
)
def test_what_isnt_an_address_is_never_sent_to_and_fails_at_once(to: str) -> None:
    row = store(to=to)
    send_mail(row.pk)
    row.refresh_from_db()
    assert (row.status, row.last_error) == (Mail.Status.FAILED, "ValidationError")
    assert sent.outbox == []


@pytest.mark.django_db
def test_mails_are_forgotten_30_days_after_they_were_sent_and_failed_ones_stay() -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        old, failed = store("old"), store("failed")
        send_mail(old.pk)
        Mail.objects.filter(pk=failed.pk).update(status=Mail.Status.FAILED)
        clock.shift(dt.timedelta(days=29))
        recent = store("recent")
        send_mail(recent.pk)
        clock.shift(dt.timedelta(days=2))
        keep_house()
    assert set(Mail.objects.all()) == {failed, recent}


@pytest.mark.django_db
def test_a_mail_whose_task_got_lost_is_handed_over_again(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    monkeypatch.setattr("celery.Celery.send_task", lambda _self, name, args=(), **_more: names.append(name))
    store()
    Mail.objects.update(enqueued_at=timezone.now() - dt.timedelta(seconds=9))
    assert requeue_lost() == 1
    assert names == [Mail.TASK]
    assert work.requeue_lost() == 0
