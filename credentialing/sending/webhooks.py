"""Reports of the mail service: django-anymail reads each vendor's, and checks its signature or secret."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from anymail.exceptions import AnymailConfigurationError, AnymailWebhookValidationFailure
from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.utils.module_loading import import_string
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.bodies import accepts_body
from credentialing.models import Delivery
from credentialing.sending import reports
from credentialing.sending.mailing import DELIVERIES, METADATA

if TYPE_CHECKING:
    from django.http import HttpRequest

log = structlog.get_logger(__name__)
MAX_REPORT_BYTES = 1024 * 1024

# The services whose reports we can check, with the class of django-anymail that reads them. All of them are checked by
# the secret `MAIL_REPORTS_SECRET`; some by their own signature, too.
READERS = {
    "brevo": "anymail.webhooks.brevo.BrevoTrackingWebhookView",
    "mailersend": "anymail.webhooks.mailersend.MailerSendTrackingWebhookView",
    "mailgun": "anymail.webhooks.mailgun.MailgunTrackingWebhookView",
    "mailjet": "anymail.webhooks.mailjet.MailjetTrackingWebhookView",
    "mailtrap": "anymail.webhooks.mailtrap.MailtrapTrackingWebhookView",
    "postmark": "anymail.webhooks.postmark.PostmarkTrackingWebhookView",
    "sendgrid": "anymail.webhooks.sendgrid.SendGridTrackingWebhookView",
    "sparkpost": "anymail.webhooks.sparkpost.SparkPostTrackingWebhookView",
}
STATES = {
    "delivered": Delivery.Status.DELIVERED,
    "opened": Delivery.Status.OPENED,
    "clicked": Delivery.Status.OPENED,
    "bounced": Delivery.Status.BOUNCED,
    "rejected": Delivery.Status.BOUNCED,
    "failed": Delivery.Status.BOUNCED,
    # It arrived, and the receiver doesn't want it.
    "complained": Delivery.Status.BOUNCED,
}


@accepts_body(MAX_REPORT_BYTES)
@csrf_exempt
@require_POST
def mail_reports(request: HttpRequest) -> HttpResponse:
    """Accept what the mail service reports, in any order, any number of times (docs/operators.md#mail-service).

    404 without a service, 403 without its secret or signature, 400 for what can't be read; otherwise 204, even for a
    mail that we don't know.
    """
    if not settings.MAIL_SERVICE or not settings.MAIL_REPORTS_SECRET:
        raise Http404
    try:
        reader = import_string(READERS[settings.MAIL_SERVICE])()
        reader.run_validators(request)
    except (AnymailWebhookValidationFailure, AnymailConfigurationError):
        log.warning("mail_report_refused", service=settings.MAIL_SERVICE)
        DELIVERIES.labels("report_refused").inc()
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    try:
        events = [_read(event) for event in reader.parse_events(request)]
    except Exception as error:  # noqa: BLE001  # whatever a junk body makes the vendor's reader raise
        log.warning("mail_report_unreadable", service=settings.MAIL_SERVICE, error=type(error).__name__)
        DELIVERIES.labels("report_refused").inc()
        return HttpResponse(status=HTTPStatus.BAD_REQUEST)
    for event in events:
        _note(**event)
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def _read(event: Any) -> dict[str, Any]:
    """Return what of an event matters to us. Raises what an event of another form raises."""
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    return {
        "kind": str(event.event_type),
        "message_id": str(event.message_id or "")[:200].replace("\0", ""),
        "public_id": str(metadata.get(METADATA, ""))[:22].replace("\0", ""),
        "at": event.timestamp or timezone.now(),
        "reason": "spam" if event.event_type == "complained" else str(event.reject_reason or ""),
    }


def _note(*, kind: str, message_id: str, public_id: str, at: Any, reason: str) -> None:
    status = STATES.get(kind)
    if status is None:
        return
    bounce = ""
    if status == Delivery.Status.BOUNCED:
        bounce = reason if reason in Delivery.Bounce.values else Delivery.Bounce.OTHER
    found = reports.of_message(message_id=message_id, public_id=public_id)
    if news := reports.note(found, status, at=at, bounce=bounce):
        DELIVERIES.labels(status).inc(news)
