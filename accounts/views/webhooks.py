"""Twilio's delivery reports."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.messaging import is_signed_by_twilio
from accounts.models import Challenge
from core.bodies import accepts_body

log = structlog.get_logger(__name__)


# A report has a dozen short fields. Its signature is checked before anything else.
MAX_REPORT_BYTES = 64 * 1024


@accepts_body(MAX_REPORT_BYTES)
@csrf_exempt
@require_POST
def twilio_status(request: HttpRequest) -> HttpResponse:
    """Accept a delivery report signed by Twilio, in any order, any number of times (docs/security.md#sending).

    403 without a valid signature, otherwise 204, even for an unknown message.
    """
    reference = request.GET.get("challenge", "")
    signature = request.headers.get("X-Twilio-Signature", "")
    is_form = request.content_type == "application/x-www-form-urlencoded"
    params = request.POST.dict() if signature and is_form else {}
    if not is_signed_by_twilio(reference=reference, params=params, signature=signature):
        log.warning("twilio_status_unsigned")
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    kind = "Call" if "CallSid" in params else "Message"
    Challenge.note_report(
        reference, provider_id=str(params.get(f"{kind}Sid", "")), status=str(params.get(f"{kind}Status", ""))
    )
    return HttpResponse(status=HTTPStatus.NO_CONTENT)
