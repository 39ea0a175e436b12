"""Certificates: what can be certified, issuing one, its progress, its file (S-34 to S-39)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import user_of
from core.downloads import FileChangedError, private_file_response
from core.keyset import keyset_page
from credentialing.certificates import downloads, issuing, limits
from credentialing.filters import ACTIVE, CoverageFilter
from credentialing.forms import IssueForm
from credentialing.models import Certificate
from credentialing.pages.coverages import ORDER, in_order, listing_of
from policies.eligibility import judge_now
from policies.models import Coverage
from policies.rights import require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User

# How long the request that issues waits for the file before it shows the page with the progress bar.
WAIT_SECONDS = 3.0
MOST_RECENT = 8
MOST_SEARCHED = 100


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The user's coverages, searched and narrowed, each with what it gives; and the latest certificates.

    422 for a search that makes no sense.
    """
    user = user_of(request)
    asked = {name: request.GET[name] for name in ("q", "status") if request.GET.get(name)}
    query = {"status": ACTIVE} | asked
    narrowed = CoverageFilter(query, in_order(Coverage.objects.visible_to(user)), request=request)
    understood = narrowed.is_valid()
    page = keyset_page(narrowed.qs if understood else in_order(Coverage.objects.none()), request, order=ORDER)
    context = {
        "page": page,
        "filter": narrowed,
        "listing": listing_of(page.rows, query),
        "recent": Certificate.objects.visible_to(user)[:MOST_RECENT],
    }
    return render(request, "credentialing/home.html", context, status=200 if understood else 422)


@require_safe
def certificates(request: HttpRequest) -> HttpResponse:
    """Every certificate that the user sees, newest first, searched by number, holder or insured."""
    q = request.GET.get("q", "").strip()[:MOST_SEARCHED]
    found = Certificate.objects.visible_to(user_of(request)).search(q)
    page = keyset_page(found, request, order=("-issued_at", "-id"))
    return render(request, "credentialing/certificates.html", {"page": page, "q": q, "crumbs": _crumbs()})


@require_http_methods(["GET", "HEAD", "POST"])
def issue(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose the holder of a coverage's certificate, and issue it. 404 for an outsider, 403 without the right, 422 for
    what can't be issued so, 429 for more than a person issues; what was typed is then shown again."""
    user = user_of(request)
    coverage = get_object_or_404(Coverage.objects.visible_to(user).with_policy(), public_id=public_id)
    require(user, Capability.ISSUE_CERTIFICATE, coverage.term.policy)
    eligibility = judge_now(coverage)
    form = IssueForm(request.POST or None, user=user, coverage=coverage, eligibility=eligibility)
    status = 200
    if request.method == "POST" and form.is_valid():
        try:
            certificate = form.issue()
        except issuing.NotIssuableError as refusal:
            form.add_error(None, str(refusal))
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = 429
        else:
            if certificate.was_there:
                messages.info(request, _already(certificate, user))
            issuing.wait_for_file(certificate, seconds=WAIT_SECONDS)
            return redirect(certificate.get_absolute_url() + "?download")
    context = {
        "form": form,
        "coverage": coverage,
        "eligibility": eligibility,
        "earlier": Certificate.objects.visible_to(user).filter(coverage=coverage)[:MOST_RECENT],
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/issue.html", context, status=422 if form.errors and status == 200 else status)


@require_safe
def certificate_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """A certificate: ready to be downloaded, in preparation, or failed with a retry; another party's only in outline.
    404 for an outsider."""
    certificate = _visible_certificate(user_of(request), public_id)
    if certificate.is_own:
        _look_after(certificate)
    # Right after it was issued the download starts by itself, once.
    context = {"certificate": certificate, "starts": "download" in request.GET, "crumbs": _crumbs()}
    return render(request, "credentialing/certificate.html", context)


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """The part of a certificate's page that changes; the page asks for it until it is ready. 404 for an outsider, 403
    for another party than the one that issued it."""
    certificate = _own_certificate(user_of(request), public_id)
    _look_after(certificate)
    return render(request, "credentialing/_progress.html", {"certificate": certificate, "starts": True})


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """The PDF, through the row filter each time, and recorded. 404 for an outsider, 403 without the right or for
    another party than the one that issued it: the page shows the holder."""
    user = user_of(request)
    certificate = _own_certificate(user, public_id)
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    if not certificate.is_ready:
        return redirect(certificate)
    try:
        response = private_file_response(
            certificate.file, filename=certificate.download_name, sha256=certificate.sha256
        )
    except (FileNotFoundError, FileChangedError) as error:
        downloads.report_broken_file(certificate, missing=isinstance(error, FileNotFoundError))
        messages.error(request, "We can’t give you this file right now. Web support has been told. Try again later.")
        return redirect(certificate)
    if request.method == "GET":
        downloads.record_download(certificate, by=user)
    return response


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try a certificate again that could not be made. 404 for an outsider, 403 without the right or for another party
    than the one that issued it, 429 after three tries within an hour."""
    user = user_of(request)
    certificate = _own_certificate(user, public_id)
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    if certificate.has_failed:
        try:
            limits.count_retry(user)
        except limits.TooManyError as refusal:
            context = {"certificate": certificate, "refused": str(refusal), "crumbs": _crumbs()}
            return render(request, "credentialing/certificate.html", context, status=429)
    if issuing.retry(certificate, by=user):
        issuing.wait_for_file(certificate, seconds=WAIT_SECONDS)
    return redirect(certificate.get_absolute_url() + "?download")


def _already(certificate: Certificate, user: User) -> str:
    who = "You" if certificate.issued_by_id == user.pk else "Someone you work with"
    return f"{who} already issued this {certificate.paper} today. Here it is."


def _crumbs() -> list[tuple[str, str]]:
    return [("Certificates", reverse("credentialing:home"))]


def _visible_certificate(user: User, public_id: str) -> Certificate:
    """A certificate that the user sees, whoever issued it; 404 where there is none."""
    return get_object_or_404(Certificate.objects.visible_to(user).with_policy(), public_id=public_id)


def _own_certificate(user: User, public_id: str) -> Certificate:
    """A certificate that a party of the user's issued. Raises `PermissionDenied` (403) for one that she only sees."""
    certificate = _visible_certificate(user, public_id)
    if not certificate.is_own:
        raise PermissionDenied("another party issued this certificate")
    return certificate


def _look_after(certificate: Certificate) -> None:
    """Hand it over again if its work was lost."""
    if certificate.status == Certificate.Status.QUEUED:
        issuing.requeue_lost(only=certificate)
        certificate.refresh_from_db(fields=["status", "is_enqueued"])
