"""The CAQH sheet of a clinician, with the certificate that goes with it, and those of a whole term (B-20)."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from core.dates import shown_day
from core.downloads import attachment_header, file_name_part
from core.events import record_event
from core.idempotency import IdempotentForm
from core.memo import one_answer
from core.storage import private_storage
from core.workbooks import Column, workbook_response, write_workbook
from credentialing import papers
from credentialing import views as certificate_views
from credentialing.caqh.fields import COLUMNS, Sheets, rows_of
from credentialing.certificates import downloads, issuing, limits
from credentialing.events import CaqhEvent
from credentialing.models import Certificate
from credentialing.pages.coverages import in_order
from credentialing.pages.issue import choice_of
from policies.eligibility import judge_now
from policies.models import Coverage, Term, reach_of
from policies.rights import reach_with, require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User

SHEET = (Column("Field", 34), Column("Value", 44))


@require_safe
def sheet(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what to type into each field, each with a button that copies it.

    404 for an outsider, 403 without the right to issue.
    """
    coverage = _coverage_of(subject_of(request), public_id)
    gives = judge_now(coverage)
    context = {
        "coverage": coverage,
        "gives": gives,
        "fields": Sheets([coverage]).of(coverage, gives) if gives.allows else [],
        "key": uuid.uuid4(),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/caqh/sheet.html", context)


@require_POST
def together(request: HttpRequest, public_id: str) -> HttpResponse:
    """Create the certificate, to whom it may concern, and lead to the download of both.

    404 for an outsider, 403 without the right to issue, 429 past the user's limit. The same form twice makes one.
    """
    user = user_of(request)
    coverage = _coverage_of(user, public_id)
    form = IdempotentForm(request.POST)
    back = redirect("credentialing:caqh", coverage.public_id)
    if not form.is_valid():
        return back
    choice = choice_of(coverage, user=user)
    try:
        limits.count_issue(user)
        certificate = issuing.issue(
            parts=choice.parts,
            holder=None,
            by=user,
            membership=issuing.acting_membership(user, choice.own.coverage),
            key=form.cleaned_data["idempotency_key"],
        )
    except issuing.NotIssuableError as refusal:
        messages.warning(request, str(refusal))
        return back
    except limits.TooManyError as refusal:
        context = {"coverage": coverage, "gives": choice.own.gives, "fields": [], "refused": str(refusal)}
        status = HTTPStatus.TOO_MANY_REQUESTS
        return render(request, "credentialing/caqh/sheet.html", context | {"crumbs": _crumbs()}, status=status)
    if certificate.status == Certificate.Status.UNFILED:
        papers.ask_for_file(certificate)
    papers.wait_for_file(certificate, seconds=certificate_views.WAIT_SECONDS)
    return redirect("credentialing:caqh-zip", certificate.public_id)


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send a certificate and its CAQH sheet in one ZIP file; while the file isn't ready, lead to the certificate.

    404 for an outsider, 403 without the right or for another party than the one that issued it.
    """
    user = subject_of(request)
    certificate = certificate_views.own_certificate(user, public_id)
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    if not certificate.is_ready:
        return redirect(certificate)
    coverage = _coverage_of(user, certificate.coverage.public_id)
    gives = judge_now(coverage)
    pdf = _stored(certificate)
    if pdf is None:
        messages.error(request, "We can’t give you this file right now. Web support has been told. Try again later.")
        return redirect(certificate)
    both = io.BytesIO()
    with zipfile.ZipFile(both, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(certificate.download_name, pdf)
        if gives.allows:
            book = io.BytesIO()
            rows = [(field.label, field.value) for field in Sheets([coverage]).of(coverage, gives)]
            write_workbook(book, sheet="CAQH", columns=SHEET, rows=rows)
            archive.writestr("CAQH sheet.xlsx", book.getvalue())
    if request.method == "GET" and look_of(request) is None:
        downloads.record_download(certificate, by=user)
    name = f"CAQH {file_name_part(coverage.insured.display_name)} {shown_day()}.zip"
    response = HttpResponse(both.getvalue(), content_type="application/zip")
    response["Content-Disposition"] = attachment_header(name)
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
def excel(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send the fields of every clinician of a term as an Excel file, a row for each.

    404 for an outsider, 403 without the right to issue.
    """
    user = subject_of(request)
    visible = Term.objects.visible_to(user).select_related("policy__company", "policy__policyholder")
    term: Term = get_object_or_404(visible, public_id=public_id)
    require(user, Capability.ISSUE_CERTIFICATE, term.policy)
    seen = Coverage.objects.open_to(reach_with(user, Capability.ISSUE_CERTIFICATE).scope)
    found = seen.filter(term=term, part=Coverage.Part.PROFESSIONAL).leading_on(term.policy.today())
    with one_answer():
        coverages = list(found.with_policy().order_by("sort_key", "pk"))
        name = f"CAQH {file_name_part(term.policy.number)} {term.effective}.xlsx"
        response = workbook_response(name, sheet="CAQH", columns=COLUMNS, rows=rows_of(coverages))
    if request.method == "GET" and look_of(request) is None:
        record_event(CaqhEvent.EXPORTED, subject=term, by=user, clinicians=len(coverages))
    return response


def _coverage_of(user: User, public_id: str) -> Coverage:
    """Return a coverage that the user sees and may certify. 404 for an outsider, 403 without the right."""
    found = in_order(Coverage.objects.open_to(reach_of(user).scope))
    coverage: Coverage = get_object_or_404(found, public_id=public_id)
    require(user, Capability.ISSUE_CERTIFICATE, coverage.term.policy)
    return coverage


def _stored(certificate: Certificate) -> bytes | None:
    """Return the file as it was stored; None, and staff are told, where it is gone or another one."""
    try:
        with private_storage().open(certificate.file) as stored:
            pdf = bytes(stored.read())
    except FileNotFoundError:
        papers.report_broken_file(certificate, missing=True)
        return None
    if hashlib.sha256(pdf).hexdigest() != certificate.sha256:
        papers.report_broken_file(certificate, missing=False)
        return None
    return pdf


def _crumbs() -> list[tuple[str, str]]:
    return [("Certificates", reverse("credentialing:home"))]
