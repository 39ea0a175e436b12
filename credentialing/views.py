"""Certificates: coverages to choose from, issuing one, its progress, its file (S-34 to S-39)."""

from __future__ import annotations

import uuid
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import look_of, subject_of, user_of
from core import work
from core.downloads import FileChangedError, private_file_response
from core.filters import LONGEST_SEARCH
from core.keyset import keyset_page
from core.listing import query_with
from credentialing import papers
from credentialing.batches.choosing import holder_by_ref
from credentialing.batches.grouping import PAGE as HOLDERS_SHOWN
from credentialing.batches.grouping import beneath, groups_of
from credentialing.certificates import downloads, issuing, limits
from credentialing.certificates.registry import ask_for_form
from credentialing.filters import ACTIVE, CoverageFilter
from credentialing.forms import IssueForm
from credentialing.models import Certificate
from credentialing.pages.certificates import (
    MOST_RECENT,
    certificate_sorting,
    certificates_in_order,
    columns_of,
    latest_of,
)
from credentialing.pages.coverages import (
    BY_HOLDER,
    BY_INSURED,
    ORDER,
    first_rows,
    in_order,
    keys_in_order,
    listing_of,
    rows_of,
)
from credentialing.pages.issue import choice_of
from credentialing.pages.verified import verified_of
from credentialing.sending.views import deliveries_of
from policies.models import Coverage
from policies.rights import capabilities, holds, require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User

# What the page of coverages is asked by.
ASKED = ("q", "status", "term", "group", "holder")
# How long the request that issues waits for the file before the page with the progress bar comes.
WAIT_SECONDS = 3.0


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the user's coverages, searched and narrowed, each with what it gives; and the latest certificates.

    422 for a search that makes no sense.
    """
    user = subject_of(request)
    asked = {name: request.GET[name] for name in ASKED if request.GET.get(name)}
    query = {"status": ACTIVE} | asked
    if query.get("group") == BY_HOLDER:
        return _holders(request, user, query)
    # The SQL of a first page is written already; a later one, or one of a holder, needs a queryset.
    opens = not (request.GET.get("after") or request.GET.get("before") or query.get("holder"))
    visible = Coverage.objects.none() if opens else Coverage.objects.visible_to(user)
    narrowed = CoverageFilter(query, visible, request=request)
    understood = narrowed.is_valid()
    words, term = query.get("q", ""), query.get("term", "")
    first = partial(first_rows, user, query["status"], words, term) if understood and opens else None
    found = Coverage.objects.none()
    if first is None:
        found = keys_in_order(narrowed.qs if understood else found)
    page = keyset_page(found, request, order=ORDER, count=True, first=first, rows_of=rows_of)
    holders = beneath(page.rows, user) if query.get("group") == BY_INSURED else None
    context = {
        "page": page,
        "filter": narrowed,
        "listing": listing_of(page.rows, query, holders=holders),
        "recent": latest_of(user),
        "issues": holds(user, Capability.ISSUE_CERTIFICATE),
        "of_holder": holder_by_ref(query["holder"], user=user) if query.get("holder") else None,
        "key": uuid.uuid4(),
    }
    status = HTTPStatus.OK if understood else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "credentialing/home.html", context, status=status)


def _holders(request: HttpRequest, user: User, query: dict[str, str]) -> HttpResponse:
    """Show the holders that the user sees, each with everyone that it gets certificates of."""
    number = request.GET.get("page", "1")
    page = max(1, int(number)) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    groups, total = groups_of(user, query.get("q", "")[:LONGEST_SEARCH].replace("\0", ""), page)
    context = {
        "groups": groups,
        "total": total,
        "listing": listing_of([], query),
        "issues": holds(user, Capability.ISSUE_CERTIFICATE),
        "key": uuid.uuid4(),
        "page": page,
        "pages": max(1, -(-total // HOLDERS_SHOWN)),
        "previous": query_with(query) + f"&page={page - 1}" if page > 1 else "",
        "next": query_with(query) + f"&page={page + 1}" if page * HOLDERS_SHOWN < total else "",
    }
    return render(request, "credentialing/holders.html", context)


@require_safe
def certificates(request: HttpRequest) -> HttpResponse:
    """Show every certificate that the user sees, newest first, searched by number, holder, or insured, and sorted."""
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    sorting = certificate_sorting(request.GET)
    found = certificates_in_order(Certificate.objects.visible_to(subject_of(request)).search(q), sorting)
    page = keyset_page(found, request, order=sorting.order, count=True)
    context = {"page": page, "q": q, "columns": columns_of(sorting), "crumbs": _crumbs()}
    return render(request, "credentialing/certificates.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def issue(request: HttpRequest, public_id: str) -> HttpResponse:
    """Choose parts, day, and holder of an insured's certificate in one term, and issue it. The coverage in the address
    says which insured and term, and whether it's a certificate or a letter.

    Where the state wants a form that the company doesn't have, opening the page tells staff, once.

    404 for an outsider, 403 without the right, 422 for a form with errors or a coverage that gives nothing, 429 past
    the user's limit; the page then still has what was typed.
    """
    user = subject_of(request)
    coverage = get_object_or_404(in_order(Coverage.objects.visible_to(user)), public_id=public_id)
    policy = coverage.term.policy
    require(user, Capability.ISSUE_CERTIFICATE, policy)
    choice = choice_of(coverage, user=user)
    form = IssueForm(request.POST if request.method == "POST" else None, user=user, choice=choice)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    complaints: list[str] = []
    if form.is_bound and form.is_valid() and not (complaints := form.complaints()):
        try:
            certificate = form.issue()
        except issuing.NotIssuableError as refusal:
            form.add_error(None, str(refusal))
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if certificate.was_there:
                messages.info(request, _already(certificate, user))
            papers.wait_for_file(certificate, seconds=WAIT_SECONDS)
            return redirect(certificate.get_absolute_url() + "?download")
    asked = None
    if choice.own.gives.lacks_form and look_of(request) is None:
        asked = ask_for_form(choice.own, by=user)
    earlier = Certificate.objects.visible_to(user).filter(
        coverage__term=coverage.term_id, coverage__insured=coverage.insured_id
    )[:MOST_RECENT]
    context = {
        "form": form,
        "choice": choice,
        "row": choice.row,
        "asked": asked,
        "earlier": earlier,
        "complaints": complaints,
        "packs": Capability.CREATE_PACKET in capabilities(user, policy, among=[Capability.CREATE_PACKET]),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/issue.html", context, status=status)


@require_safe
def certificate_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a certificate: ready, in preparation, or failed with a retry; another party's only in outline.

    404 for an outsider.
    """
    certificate = _visible_certificate(subject_of(request), public_id)
    if certificate.is_own and look_of(request) is None:
        _look_after(certificate)
    # Right after it was issued the download starts by itself, once.
    context = {
        "certificate": certificate,
        "verified": verified_of(certificate),
        "deliveries": deliveries_of(certificate) if certificate.is_own else [],
        "starts": "download" in request.GET,
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/certificate.html", context)


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return the part of a certificate's page that changes; the page asks for it until the file is ready.

    404 for an outsider, 403 for another party than the one that issued it.
    """
    certificate = own_certificate(subject_of(request), public_id)
    if look_of(request) is None:
        _look_after(certificate)
    return render(request, "credentialing/_progress.html", {"certificate": certificate, "starts": True})


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send the PDF, scoped each time, and record it.

    404 for an outsider, 403 without the right or for another party than the one that issued it: the paper names the
    holder.
    """
    user = subject_of(request)
    certificate = own_certificate(user, public_id)
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    if certificate.status == Certificate.Status.UNFILED and look_of(request) is None:
        papers.ask_for_file(certificate)
        papers.wait_for_file(certificate, seconds=WAIT_SECONDS)
        return redirect(certificate.get_absolute_url() + "?download")
    if not certificate.is_ready:
        return redirect(certificate)
    try:
        response = private_file_response(
            certificate.file, filename=certificate.download_name, sha256=certificate.sha256
        )
    except (FileNotFoundError, FileChangedError) as error:
        papers.report_broken_file(certificate, missing=isinstance(error, FileNotFoundError))
        messages.error(request, "We can’t give you this file right now. Web support has been told. Try again later.")
        return redirect(certificate)
    if request.method == "GET" and look_of(request) is None:
        downloads.record_download(certificate, by=user)
    return response


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try a failed certificate again.

    404 for an outsider, 403 without the right or for another party than the one that issued it, 429 after three tries
    within an hour.
    """
    user = subject_of(request)
    certificate = own_certificate(user, public_id)
    require(user, Capability.ISSUE_CERTIFICATE, certificate.coverage.term.policy)
    if certificate.has_failed:
        try:
            limits.count_retry(user_of(request))
        except limits.TooManyError as refusal:
            context = {"certificate": certificate, "refused": str(refusal), "crumbs": _crumbs()}
            return render(request, "credentialing/certificate.html", context, status=HTTPStatus.TOO_MANY_REQUESTS)
    if work.retry(certificate, by=user_of(request)):
        papers.wait_for_file(certificate, seconds=WAIT_SECONDS)
    return redirect(certificate.get_absolute_url() + "?download")


def _already(certificate: Certificate, user: User) -> str:
    who = "You" if certificate.issued_by_id == user.pk else "Someone you work with"
    return f"{who} already issued this {certificate.paper} today. Here it is."


def _crumbs() -> list[tuple[str, str]]:
    return [("Certificates", reverse("credentialing:home"))]


def _visible_certificate(user: User, public_id: str) -> Certificate:
    """Return a certificate that the user sees, of any party; 404 where there is none."""
    return get_object_or_404(Certificate.objects.visible_to(user).with_policy(), public_id=public_id)


def own_certificate(user: User, public_id: str) -> Certificate:
    """Return a certificate that one of the user's parties issued. Raises `PermissionDenied` (403) for another's."""
    certificate = _visible_certificate(user, public_id)
    if not certificate.is_own:
        raise PermissionDenied("another party issued this certificate")
    return certificate


def _look_after(certificate: Certificate) -> None:
    """Hand it over again if its work was lost."""
    if certificate.status == Certificate.Status.QUEUED:
        work.requeue_lost(only=certificate)
        certificate.refresh_from_db(fields=["status", "is_enqueued"])
