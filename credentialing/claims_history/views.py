"""Claims histories: whom to choose, issuing, and what became of each paper (B-05)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import look_of, subject_of, user_of
from core import work
from core.downloads import FileChangedError, private_file_response
from core.filters import LONGEST_SEARCH
from core.keyset import keyset_page
from core.templatetags.show import moment
from credentialing import papers, views
from credentialing.certificates import limits
from credentialing.claims_history import issuing, pages
from credentialing.claims_history.access import chosen_subjects
from credentialing.claims_history.forms import YEARS, HistoryForm, years_of
from credentialing.models import ClaimsPaper
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User
    from credentialing.claims_history.access import Subject

ORDER = ("-issued_at", "-id")
INSUREDS = ("sort_key", "id")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the user's own claims and history, the insureds whose history may be had, and the latest papers."""
    user = subject_of(request)
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    page = keyset_page(pages.insureds_to_choose(user, q), request, order=INSUREDS, size=pages.MOST_AT_ONCE)
    own = pages.own_subjects(user)
    context = {
        "q": q,
        "page": page,
        "rows": pages.others(user, page.rows),
        "own": own,
        "claims": pages.own_claims(user) if own or pages.own_places(user) else [],
        "is_insured": bool(pages.own_places(user)),
        "lacks_switch": pages.who_lacks_switch(user),
        "gets_loss_runs": holds(user, Capability.VIEW_LOSS_RUN),
        "recent": pages.latest_papers(user),
        "crumbs": [("Certificates", reverse("credentialing:home"))],
    }
    return render(request, "credentialing/claims_history/home.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Show what the histories of the chosen insureds (`?who=`) will hold, and issue them.

    404 where the user doesn't reach one of them, 403 without the right to any history, 422 for a form with errors or
    where none may be had, 429 past the user's limit; the page then still has what was typed.
    """
    user = subject_of(request)
    subjects = _chosen(request, user)
    name = years_of(request.GET, default=_widest(subjects))
    bound = request.POST if request.method == "POST" else None
    form = HistoryForm(bound, user=user, subjects=subjects, years=YEARS[name])
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            done = form.issue()
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if done.papers or done.requests:
                return _after(request, done)
            for _, why in done.refused:
                form.add_error(None, why)
    who = [("who", subject.code) for subject in subjects]
    previews = pages.previews(subjects, YEARS[name])
    if look_of(request) is None:
        pages.record_reading(previews, years=YEARS[name])
    context = {
        "form": form,
        "subjects": subjects,
        "previews": previews,
        "possible": any(one.sheet or one.needs_staff for one in previews),
        "tabs": pages.window_tabs(who, name),
        "crumbs": crumbs(),
    }
    return render(request, "credentialing/claims_history/new.html", context, status=status)


@require_safe
def issued(request: HttpRequest) -> HttpResponse:
    """Show every claims history and loss run that the user sees, newest first, searched by serial number or name."""
    user = subject_of(request)
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    found = ClaimsPaper.objects.visible_to(user).search(q).with_names()
    page = keyset_page(found, request, order=ORDER, count=True)
    context = {"page": page, "q": q, "crumbs": crumbs()}
    return render(request, "credentialing/claims_history/papers.html", context)


@require_safe
def paper_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a paper: ready, in preparation, or failed with a retry. 404 for an outsider."""
    user = subject_of(request)
    paper = _visible(user, public_id)
    if look_of(request) is None:
        _look_after(paper)
    context = _of_paper(user, paper) | {"starts": "download" in request.GET}
    return render(request, "credentialing/claims_history/paper.html", context)


@require_safe
@keeps_no_session_alive
def progress(request: HttpRequest, public_id: str) -> HttpResponse:
    """Return the part of a paper's page that changes. 404 for an outsider."""
    user = subject_of(request)
    paper = _visible(user, public_id)
    if look_of(request) is None:
        _look_after(paper)
    context = _of_paper(user, paper) | {"starts": True}
    return render(request, "credentialing/claims_history/_progress.html", context)


@require_safe
def download(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send the PDF, judged again each time, and record it.

    404 for an outsider, 403 where the authorization that opened it holds no longer.
    """
    user = subject_of(request)
    paper = _given(user, public_id)
    if paper.status == ClaimsPaper.Status.UNFILED and look_of(request) is None:
        papers.ask_for_file(paper)
        papers.wait_for_file(paper, seconds=views.WAIT_SECONDS)
        return redirect(paper.get_absolute_url() + "?download")
    if not paper.is_ready:
        return redirect(paper)
    try:
        response = private_file_response(paper.file, filename=paper.download_name, sha256=paper.sha256)
    except (FileNotFoundError, FileChangedError) as error:
        papers.report_broken_file(paper, missing=isinstance(error, FileNotFoundError))
        messages.error(request, "We can’t give you this file right now. Web support has been told. Try again later.")
        return redirect(paper)
    if request.method == "GET" and look_of(request) is None:
        issuing.record_download(paper, by=user)
    return response


@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Try a failed paper again. 404 for an outsider, 403 without a right to it, 429 after three tries in an hour."""
    user = subject_of(request)
    paper = _given(user, public_id)
    if paper.has_failed:
        try:
            limits.count_retry(user_of(request))
        except limits.TooManyError as refusal:
            context = _of_paper(user, paper) | {"refused": str(refusal)}
            status = HTTPStatus.TOO_MANY_REQUESTS
            return render(request, "credentialing/claims_history/paper.html", context, status=status)
    if work.retry(paper, by=user_of(request)):
        papers.wait_for_file(paper, seconds=views.WAIT_SECONDS)
    return redirect(paper.get_absolute_url() + "?download")


def crumbs() -> list[tuple[str, str]]:
    """Return the way back from a page below."""
    return [
        ("Certificates", reverse("credentialing:home")),
        ("Claims history", reverse("credentialing:claims-histories")),
    ]


def _chosen(request: HttpRequest, user: User) -> list[Subject]:
    """Return the subjects that the address names. Raises Http404 where it names none, too many, or another's."""
    codes = list(dict.fromkeys(request.GET.getlist("who")))
    if not codes and (own := pages.own_subjects(user)):
        return own
    if not codes and not holds(user, Capability.VIEW_CLAIMS_HISTORY):
        raise PermissionDenied("without access to claims histories")
    if not codes or len(codes) > pages.MOST_AT_ONCE:
        raise Http404("no insured was chosen, or too many")
    subjects = chosen_subjects(user, codes)
    if len(subjects) != len(codes):
        raise Http404("not this user's")
    return subjects


def _widest(subjects: list[Subject]) -> str:
    """Return the window to begin with: 10 years, or 5 where nobody authorized more."""
    return "5" if all(subject.widest == 5 for subject in subjects) else "10"


def _after(request: HttpRequest, done: issuing.Issued) -> HttpResponse:
    """Say what became of what was asked for, and lead to it."""
    for _, why in done.refused:
        messages.warning(request, why)
    for asked in done.requests:
        messages.info(
            request, f"{asked.about}: {asked.reason} We asked our staff, who answer by {moment(asked.due_at)}."
        )
    if len(done.papers) != 1:
        if done.papers:
            messages.success(request, f"We’re creating {len(done.papers)} claims histories.")
        return redirect("credentialing:claims-papers")
    (paper,) = done.papers
    papers.wait_for_file(paper, seconds=views.WAIT_SECONDS)
    return redirect(paper.get_absolute_url() + "?download")


def _visible(user: User, public_id: str) -> ClaimsPaper:
    return get_object_or_404(ClaimsPaper.objects.visible_to(user).with_names(), public_id=public_id)


def _given(user: User, public_id: str) -> ClaimsPaper:
    """Return a paper whose file the user may have now. Raises `PermissionDenied` (403)."""
    paper = _visible(user, public_id)
    if not issuing.may_be_given(user, paper):
        raise PermissionDenied("no authorization for this history is in effect")
    return paper


def _of_paper(user: User, paper: ClaimsPaper) -> dict[str, object]:
    return {"paper": paper, "is_given": issuing.may_be_given(user, paper), "crumbs": crumbs()}


def _look_after(paper: ClaimsPaper) -> None:
    """Hand it over again if its work was lost."""
    if paper.status == ClaimsPaper.Status.QUEUED:
        work.requeue_lost(only=paper)
        paper.refresh_from_db(fields=["status", "is_enqueued"])
