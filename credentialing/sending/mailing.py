"""The mail itself: its words and files, and handing it over to the mail server. Runs in a worker."""

from __future__ import annotations

import hashlib
from smtplib import SMTPRecipientsRefused
from typing import TYPE_CHECKING, Any

from anymail.exceptions import AnymailRecipientsRefused
from django.conf import settings
from django.db import transaction
from django.db.models import Case, Value, When
from django.urls import reverse
from django.utils import timezone
from prometheus_client import Counter

from core import mail, work
from core.events import record_many
from core.storage import private_storage
from credentialing import papers
from credentialing.batches.files import make_file
from credentialing.events import DeliveryEvent
from credentialing.models import Certificate, Delivery
from credentialing.sending import noticing, reports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.core.mail import EmailMultiAlternatives

State = Delivery.Status
DELIVERIES = Counter("portal_deliveries", "Certificates by email, by what became of them.", ["outcome"])
# Certificates of one bundle that one mail holds at most: about a megabyte.
MOST_ATTACHED = 25
CERTIFICATE = "certificate_delivery"
# What a mail service hands back with each report.
METADATA = "delivery"


class NoFileError(Exception):
    """The file of a certificate can't be made or read now; the delivery is tried again."""


def deliver(delivery_id: int) -> None:
    """Hand the mail of a queued delivery over, with those of its bundle that go to the same address.

    The mail is handed over before that is recorded. A worker that is killed between the two hands the same mail over
    once more, under the same Message-ID (docs/decisions/0205-certificates-by-email.md).
    """
    _make_files(delivery_id)
    with work.attempt(Delivery, delivery_id) as lead:
        if lead is None:
            return
        together = [lead, *_others(lead)]
        if lead.notice_id is not None:
            _notify(together)
            return
        certificates = _certificates(together)
        files = {pk: _content(certificate) for pk, certificate in certificates.items() if certificate.is_ready}
        if lead.certificate_id not in files:
            raise NoFileError
        # The others without a file come back by themselves.
        together = [each for each in together if each.certificate_id in files]
        message = message_of(together, certificates, files)
        if _send(message):
            reports.refused(together)
        else:
            _handed_over(together, message)


def _notify(together: Sequence[Delivery]) -> None:
    """Hand over the notices to one address that still hold; the others are dropped."""
    notices = noticing.with_all(together)
    true = {pk for pk, notice in notices.items() if noticing.still_holds(notice)}
    dropped = [each for each in together if each.notice_id not in true]
    if dropped:
        Delivery.objects.filter(pk__in=[each.pk for each in dropped]).update(status=State.DROPPED)
        DELIVERIES.labels(State.DROPPED).inc(len(dropped))
        record_many(DeliveryEvent.NOT_NEEDED, [(each, None, each.facts) for each in dropped])
    going = [each for each in together if each.notice_id in true]
    if not going:
        return
    message = noticing.message_of(going, notices)
    _mark(message, going[0])
    if _send(message):
        reports.refused(going)
    else:
        _handed_over(going, message)


def _make_files(delivery_id: int) -> None:
    """Make the files that the mail needs and that nobody needed before, each in a transaction of its own: a mail
    server that hangs keeps nobody from a file."""
    lead = Delivery.objects.filter(pk=delivery_id, status=State.QUEUED).exclude(certificate=None).first()
    if lead is None:
        return
    of_mail = [lead, *_bundled(lead)[: MOST_ATTACHED - 1]]
    lacking = Certificate.objects.filter(pk__in={each.certificate_id for each in of_mail}).exclude(
        status=Certificate.Status.READY
    )
    for pk in lacking.order_by("pk").values_list("pk", flat=True):
        with transaction.atomic():
            certificate = Certificate.objects.select_for_update(no_key=True).get(pk=pk)
            if not certificate.is_ready:
                make_file(certificate)


def _bundled(lead: Delivery) -> Any:
    """Return what waits to go to the same address in the same bundle."""
    if not lead.bundle:
        return Delivery.objects.none()
    waiting = Delivery.objects.filter(bundle=lead.bundle, to=lead.to, status=State.QUEUED)
    same_kind = waiting.filter(certificate__isnull=lead.certificate_id is None)
    return same_kind.exclude(pk=lead.pk).order_by("pk")


def _others(lead: Delivery) -> list[Delivery]:
    """Return them, as many as one mail holds, locked; what another worker has isn't among them."""
    found = _bundled(lead).select_for_update(skip_locked=True, no_key=True)
    return list(found[: MOST_ATTACHED - 1])


def _certificates(deliveries: Sequence[Delivery]) -> dict[int, Certificate]:
    keys = [each.certificate_id for each in deliveries]
    return Certificate.objects.with_policy().select_related(*_PARTY).in_bulk(keys)


_PARTY = ("membership__insured", "membership__policyholder", "membership__agency")


def _content(certificate: Certificate) -> bytes:
    """Return the stored file. Raises `NoFileError` where it is gone or isn't the one that was stored."""
    try:
        with private_storage().open(certificate.file) as stored:
            content: bytes = stored.read()
    except FileNotFoundError:
        papers.report_broken_file(certificate, missing=True)
        raise NoFileError from None
    if hashlib.sha256(content).hexdigest() != certificate.sha256:
        papers.report_broken_file(certificate, missing=False)
        raise NoFileError
    return content


def message_of(
    deliveries: Sequence[Delivery], certificates: dict[int, Certificate], files: dict[int, bytes]
) -> EmailMultiAlternatives:
    """Return the mail of deliveries to one address, each with its certificate and the file of that."""
    lead = deliveries[0]
    pairs = [(each, certificates[each.certificate_id]) for each in deliveries if each.certificate_id is not None]
    message = mail.message(
        CERTIFICATE,
        to=lead.to,
        context=context_of(pairs),
        attachments=[mail.Attachment(file_name(certificate), files[certificate.pk]) for _, certificate in pairs],
        reply_to=reply_to(lead),
    )
    _mark(message, lead)
    return message


def _mark(message: EmailMultiAlternatives, lead: Delivery) -> None:
    """Name the mail by its first delivery, to the reader's program and to a mail service."""
    message.extra_headers |= {"Message-ID": f"<{lead.public_id}@{_domain()}>", "Auto-Submitted": "auto-generated"}
    message.metadata = {METADATA: lead.public_id}  # type: ignore[attr-defined]  # of django-anymail


def context_of(pairs: Sequence[tuple[Delivery, Certificate]]) -> dict[str, Any]:
    """Return what the words of the mail need; `credentialing.sending.views` shows them before it is sent."""
    lead, first = pairs[0]
    return {
        "papers": [
            {
                "title": certificate.title,
                "insured": certificate.insured_name,
                "serial": certificate.serial,
                "address": settings.PUBLIC_URL + reverse("verify:mailed", args=[delivery.public_id]),
            }
            for delivery, certificate in pairs
        ],
        "paper": first.paper,
        "sender": str(first.membership.party) if lead.is_by_hand else "",
        "purpose": lead.purpose,
    }


def reply_to(delivery: Delivery) -> str:
    """Return who reads an answer: the person who sent it, otherwise customer service."""
    sender = delivery.sent_by
    return sender.email if sender is not None and sender.email else str(settings.SUPPORT["service"]["email"])


def file_name(certificate: Certificate) -> str:
    """Return the name of the file with its serial number: those of one mail must differ."""
    return f"{certificate.download_name.removesuffix('.pdf')} – {certificate.serial}.pdf"


def _domain() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ")


def _send(message: EmailMultiAlternatives) -> bool:
    """Hand a mail over; True where the address is refused for good, so that nothing is tried again. Raises what the
    mail server raises otherwise."""
    try:
        message.send()
    except AnymailRecipientsRefused:
        return True
    except SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        if all(500 <= code < 600 for code in codes):
            return True
        raise
    return False


def _handed_over(deliveries: Sequence[Delivery], message: EmailMultiAlternatives) -> None:
    """Note that the mail server has it. A report may have been quicker."""
    status = getattr(message, "anymail_status", None)
    message_id = getattr(status, "message_id", None)
    now = timezone.now()
    Delivery.objects.filter(pk__in=[each.pk for each in deliveries]).update(
        status=Case(
            When(opened_at__isnull=False, then=Value(State.OPENED)),
            When(bounced_at__isnull=False, then=Value(State.BOUNCED)),
            When(delivered_at__isnull=False, then=Value(State.DELIVERED)),
            default=Value(State.HANDED_OVER),
        ),
        handed_over_at=now,
        # A service that sends to several gives several; we send to one.
        message_id=message_id[:200] if isinstance(message_id, str) else "",
        last_error="",
    )
    DELIVERIES.labels(State.HANDED_OVER).inc(len(deliveries))
    record_many(DeliveryEvent.HANDED_OVER, [(each, each.sent_by, each.facts) for each in deliveries])
