"""Drafts of reports: for whom, the form that is saved as one types, the review, and sending (S-45)."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from claims.incidents import drafting, words
from claims.incidents.forms import ReportForm, StartForm, lacks
from claims.incidents.views import crumbs
from claims.models import IncidentReport
from core.bodies import accepts_upload
from core.templatetags.show import clock
from core.uploads.forms import MOST_AT_ONCE
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

OTHER_WINDOW = (
    "This draft was changed in another window. What you typed here is still below: save it again to replace what the "
    "other window saved, or reload this page to see that."
)
LONGEST_QUERY = 100


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose whom a report is about, and start it. `?coverage=` and `?policy=` narrow the choice, `?q=` searches.

    403 for those who may report nothing, 404 for a coverage that the user doesn't see, 422 without a choice, 429 past
    the user's limit.
    """
    user = subject_of(request)
    if not holds(user, Capability.REPORT_INCIDENT):
        raise PermissionDenied("this user reports nothing")
    form = StartForm(request.POST if request.method == "POST" else None)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        coverage = get_object_or_404(
            drafting.reportable(user).select_related("insured", "term__policy"),
            public_id=form.cleaned_data["coverage"].replace("\0", ""),
        )
        try:
            report = drafting.begin(coverage, by=user_of(request), key=form.cleaned_data["idempotency_key"])
        except drafting.TooManyError as refusal:
            form.add_error(None, str(refusal))
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            return redirect("claims:incident-edit", report.public_id)
    query = request.GET.get("q", "").replace("\0", "")[:LONGEST_QUERY].strip()
    choices, more = drafting.choices_for(user, query, **_narrowed(request))
    context: dict[str, Any] = {
        "form": form,
        "key": uuid.uuid4(),
        "choices": choices,
        "more": more,
        "query": query,
        "searches": more or bool(query),
        "always": words.ALWAYS,
        "phone": settings.CLAIMS_PHONE,
        "crumbs": crumbs(),
    }
    return render(request, "claims/incidents/new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@accepts_upload(MOST_AT_ONCE)
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the form of a draft, and save it; `review` goes on to the review, `remove` takes a file away.

    What is right is kept whatever else is wrong: 422 for errors, 409 for a draft that another window changed, 429 past
    the user's limit of files. A report that was sent leads to its page; 404 for another's.
    """
    report = _draft(request, public_id)
    if not report.is_draft:
        return _sent_before(request, report)
    if request.method != "POST":
        return _show(request, report, ReportForm(report=report))
    user = user_of(request)
    form = ReportForm(request.POST, request.FILES, report=report)
    form.is_valid()
    status = _save(report, form)
    try:
        drafting.keep_files(report, form.accepted, by=user)
    except drafting.TooManyError as refusal:
        form.add_error("uploads", str(refusal))
        status = HTTPStatus.TOO_MANY_REQUESTS
    if "remove" in request.POST:
        drafting.remove_file(report, request.POST["remove"].replace("\0", ""), by=user)
    reviews = "review" in request.POST
    if status == HTTPStatus.OK and (form.complete() if reviews else not form.errors):
        if reviews:
            return redirect("claims:incident-review", report.public_id)
        if "remove" not in request.POST:
            messages.success(request, "Saved. Nothing is sent yet.")
        return redirect("claims:incident-edit", report.public_id)
    return _show(request, report, form, status=HTTPStatus.UNPROCESSABLE_ENTITY if status == HTTPStatus.OK else status)


@require_POST
def autosave(request: HttpRequest, public_id: str) -> HttpResponse:
    """Save what is typed, and say so in a line (htmx). 404 for another's."""
    report = _draft(request, public_id)
    form = ReportForm(request.POST, report=report)
    form.is_valid()
    saved = report.is_draft and _save(report, form) == HTTPStatus.OK
    context = {"report": report, "saved_at": clock(timezone.now()) if saved else "", "faulty": bool(form.errors)}
    return render(request, "claims/incidents/_saved.html", context)


@require_safe
def review(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show all that will be sent. A draft that lacks something leads back to its form; 404 for another's."""
    report = _draft(request, public_id)
    if not report.is_draft:
        return _sent_before(request, report)
    if missing := lacks(report):
        messages.warning(request, " ".join(missing.values()))
        return redirect("claims:incident-edit", report.public_id)
    context = {
        "report": report,
        "files": list(report.files.select_related("upload")),
        "phone": settings.CLAIMS_PHONE,
        "crumbs": crumbs(),
    }
    return render(request, "claims/incidents/review.html", context)


@require_POST
def submit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Send it. Sent twice, it's one report; one that changed since the review leads back to it. 404 for another's."""
    report = _draft(request, public_id)
    if not report.is_draft:
        return _sent_before(request, report)
    version = request.POST.get("version", "")
    if lacks(report) or version != str(report.version) or not report.submit(by=user_of(request), version=int(version)):
        if not report.is_draft:
            return _sent_before(request, report)
        messages.warning(request, "The draft changed since you read it. Check it again before you send it.")
        return redirect("claims:incident-review", report.public_id)
    messages.success(request, f"We have your report. Its number is {report.number}.")
    return redirect(report)


@require_POST
def discard(request: HttpRequest, public_id: str) -> HttpResponse:
    """Delete a draft. 404 for another's."""
    report = _draft(request, public_id)
    if not drafting.discard(report, by=user_of(request)):
        return _sent_before(request, report)
    messages.success(request, "The draft is deleted.")
    return redirect("claims:home")


def _save(report: IncidentReport, form: ReportForm) -> HTTPStatus:
    """Store what is right of a form, and let it go on from there."""
    version, window = form.cleaned_data.get("version"), form.cleaned_data.get("window", "")
    kept = report.save_draft(version=-1 if version is None else version, window=window, **form.values)
    form.show_version(report.version)
    if kept:
        return HTTPStatus.OK
    form.add_error(None, OTHER_WINDOW)
    return HTTPStatus.CONFLICT


def _show(
    request: HttpRequest, report: IncidentReport, form: ReportForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "report": report,
        "form": form,
        "files": list(report.files.select_related("upload")),
        "kept_days": settings.INCIDENT_DRAFTS_KEPT.days,
        "phone": settings.CLAIMS_PHONE,
        "crumbs": crumbs(),
    }
    return render(request, "claims/incidents/edit.html", context, status=status)


def _sent_before(request: HttpRequest, report: IncidentReport) -> HttpResponse:
    messages.info(request, "You’ve sent this report already. Add to it below.")
    return redirect(report)


def _draft(request: HttpRequest, public_id: str) -> IncidentReport:
    """Return a report of the user's own, sent or not. Nobody else sees a draft: staff who look neither."""
    user = subject_of(request)
    if look_of(request) is not None:
        raise PermissionDenied("a draft is its reporter's alone")
    rows = IncidentReport.objects.visible_to(user).filter(user=user)
    found: IncidentReport = get_object_or_404(
        rows.select_related("policy__company", "policy__policyholder", "insured"), public_id=public_id
    )
    return found


def _narrowed(request: HttpRequest) -> dict[str, str]:
    """Return the coverage or policy that the page which led here is about."""
    asked = {name: request.GET.get(name, "") for name in ("coverage", "policy")}
    if any("\0" in value for value in asked.values()):
        raise Http404
    return {name: value for name, value in asked.items() if value}
