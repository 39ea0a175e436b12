"""Reports that were sent: the list, the page with its receipt, what is added, and files (S-45)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from claims.events import IncidentEvent
from claims.incidents import drafting, receipts, words
from claims.incidents.forms import AddForm
from claims.models import IncidentReport, Matter
from core.bodies import accepts_upload
from core.downloads import attachment_header
from core.events import record_event
from core.keyset import keyset_page
from core.uploads.forms import MOST_AT_ONCE
from core.uploads.serving import upload_response
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponseBase

    from accounts.models import User

MOST_MATTERS = 50
ORDER = ("-changed_at", "-id")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the reports that the user sees, the latest change first."""
    user = subject_of(request)
    found = IncidentReport.objects.visible_to(user).select_related("policy", "insured", "user")
    page = keyset_page(found, request, order=ORDER, count=True)
    context = {
        "page": page,
        "rows": [words.row_of(report, user) for report in page.rows],
        "reports": holds(user, Capability.REPORT_INCIDENT),
        # Web support that looks as the customer sees no matter.
        "matters": [] if look_of(request) else matters_of(user),
        "phone": settings.CLAIMS_PHONE,
    }
    return render(request, "claims/home.html", context)


@require_safe
def incident(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a report with its receipt; a draft leads to its form. 404 for another's."""
    report = _report(request, public_id)
    if report.is_draft:
        return redirect("claims:incident-edit", report.public_id)
    return _show(request, report, AddForm())


@require_POST
@accepts_upload(MOST_AT_ONCE)
def add(request: HttpRequest, public_id: str) -> HttpResponse:
    """Add words or files. 404 for another's report, 403 for who sees only that it's there, 422 for a form with errors,
    409 where it's closed, 429 past the user's limit."""
    report, user = _report(request, public_id), user_of(request)
    if report.is_draft or not _sight(request, report).story:
        raise PermissionDenied("only the reporter and the insured add to a report that was sent")
    form = AddForm(request.POST, request.FILES)
    if not form.is_valid():
        return _show(request, report, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        drafting.count_addition(user)
        with transaction.atomic():
            message = report.add(text=form.cleaned_data["text"], key=form.cleaned_data["idempotency_key"], by=user)
            if message is not None:
                drafting.keep_files(report, form.accepted, by=user, message=message)
    except drafting.TooManyError as refusal:
        form.add_error(None, str(refusal))
        return _show(request, report, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    if message is None:
        form.add_error(
            None, f"This report is closed. Report again, or call the claims team at {settings.CLAIMS_PHONE}."
        )
        return _show(request, report, form, status=HTTPStatus.CONFLICT)
    return redirect(f"{report.get_absolute_url()}#added")


@require_safe
def receipt(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Download the receipt as a PDF. 404 for another's report or a draft, 403 for who sees only that it's there."""
    report = _report(request, public_id, sent=True)
    if not _sight(request, report).story:
        raise PermissionDenied("the receipt is for the reporter and the insured")
    record_event(IncidentEvent.RECEIPT_DOWNLOADED, subject=report)
    response = HttpResponse(receipts.receipt_pdf(report), content_type="application/pdf")
    response["Content-Disposition"] = attachment_header(f"Receipt {report.number}.pdf")
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def file(request: HttpRequest, public_id: str, file_id: str) -> HttpResponseBase:
    """Download a file. 404 for another's report, and for files that are between the insured and claims staff."""
    report = _report(request, public_id)
    found = get_object_or_404(words.files_of(report, _sight(request, report)), public_id=file_id)
    if found.upload.is_ready:
        record_event(IncidentEvent.FILE_DOWNLOADED, subject=report, file=found.public_id)
    return upload_response(request, found.upload)


def _show(
    request: HttpRequest, report: IncidentReport, form: AddForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    sight = _sight(request, report)
    files = list(words.files_of(report, sight))
    context: dict[str, Any] = {
        "report": report,
        "sight": sight,
        "word": words.word_of(report),
        "next": words.next_of(report),
        "to_do": words.NOW.get(report.kind, ()),
        "always": words.ALWAYS,
        "files": [each for each in files if each.message_id is None],
        "thread": words.thread_of(report, sight),
        "user_id": subject_of(request).pk,
        "form": form,
        "phone": settings.CLAIMS_PHONE,
        "crumbs": crumbs(),
    }
    return render(request, "claims/incidents/report.html", context, status=status)


def _report(request: HttpRequest, public_id: str, *, sent: bool = False) -> IncidentReport:
    rows = IncidentReport.objects.visible_to(subject_of(request))
    found: IncidentReport = get_object_or_404(
        (rows.submitted() if sent else rows).select_related("policy__company", "insured", "user"), public_id=public_id
    )
    return found


def _sight(request: HttpRequest, report: IncidentReport) -> words.Sight:
    return words.sight_of(report, subject_of(request), look=look_of(request) is not None)


def matters_of(user: User) -> list[Matter]:
    """Return the insured's own matters, the open ones first."""
    rows = Matter.objects.visible_to(user).select_related("claim__insured")
    return list(rows.order_by("-claim__status", "claim__next_date", "-changed_at")[:MOST_MATTERS])


def crumbs() -> list[tuple[str, str]]:
    """Return the way to a page below the list."""
    return [("Incidents and claims", reverse("claims:home"))]
