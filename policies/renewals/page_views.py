"""The pages of an application that are filled in: coverage and its changes, address, practice; saved as one types."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.guards import subject_of, user_of
from core.keyset import keyset_page
from core.search import name_query
from policies.models import Coverage, RenewalSection, SavedMeanwhileError
from policies.names import fold
from policies.renewals import drafting, sections
from policies.renewals.access import NotNowError, renewal_for
from policies.renewals.question_forms import changed_labels
from policies.renewals.sections import COVERAGE, FORMS, LINE, TITLES, LineForm
from policies.renewals.views import crumbs

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from policies.models import RenewalApplication
    from policies.renewals.access import Renewal

ORDER = ("sort_key", "id")
SIZE = 20


@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest, public_id: str, name: str) -> HttpResponse:
    """Show a page, and save it: what is typed stays, right or wrong, and what is wrong is said.

    409 where someone else saved it meanwhile, or the application can't be changed now; 422 for what is wrong.
    """
    found = renewal_for(subject_of(request), public_id)
    if name not in FORMS:
        raise Http404("no such page")
    app = found.the_application()
    saved = app.sections.filter(name=name, coverage=None).select_related("saved_by").first()
    bound = {"data": request.POST} if request.method == "POST" else {}
    initial = {**(saved.values if saved else {}), "version": saved.version if saved else 0}
    form = FORMS[name](policy=found.policy, initial=initial, **bound)
    context: dict[str, Any] = {"renewal": found, "form": form, "name": name, "title": TITLES[name], "saved": saved}
    status: int = HTTPStatus.OK
    if form.is_bound:
        status, conflict = _save(request, found, form, name=name)
        context["conflict"] = conflict
        if status == HTTPStatus.OK:
            return _onward(request, found, name)
    if name == COVERAGE:
        context |= _roster(request, found, app)
    context |= {
        "crumbs": crumbs(found.policy),
        "autosave": reverse("policies:renewal-autosave", args=[public_id, name]),
    }
    return render(request, "policies/renewals/page.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def line(request: HttpRequest, public_id: str, coverage_id: str) -> HttpResponse:
    """Ask for a change to one coverage: limits, specialty, or that it isn't renewed. As `page`."""
    found = renewal_for(subject_of(request), public_id)
    app = found.the_application()
    coverage = _coverage(found, coverage_id)
    saved = app.sections.filter(name=LINE, coverage=coverage).select_related("saved_by").first()
    bound = {"data": request.POST} if request.method == "POST" else {}
    initial = {**(saved.values if saved else {}), "version": saved.version if saved else 0}
    form = LineForm(coverage=coverage, initial=initial, **bound)
    conflict, status = None, int(HTTPStatus.OK)
    if form.is_bound:
        status, conflict = _save(request, found, form, name=LINE, coverage=coverage)
        if status == HTTPStatus.OK:
            messages.success(request, f"Saved for {coverage.insured.display_name}.")
            return redirect("policies:renewal-page", public_id, COVERAGE)
    context = {
        "renewal": found,
        "form": form,
        "coverage": coverage,
        "saved": saved,
        "conflict": conflict,
        "crumbs": [*crumbs(found.policy), ("Coverage", reverse("policies:renewal-page", args=[public_id, COVERAGE]))],
        "autosave": reverse("policies:renewal-line-autosave", args=[public_id, coverage_id]),
    }
    return render(request, "policies/renewals/line.html", context, status=status)


@require_POST
def autosave(request: HttpRequest, public_id: str, name: str) -> HttpResponse:
    """Save what is typed so far, and say so in a line of the page. Nothing is judged."""
    found = renewal_for(subject_of(request), public_id)
    if name not in FORMS:
        raise Http404("no such page")
    form = FORMS[name](request.POST, policy=found.policy)
    return _saved_line(request, found, form, name=name)


@require_POST
def line_autosave(request: HttpRequest, public_id: str, coverage_id: str) -> HttpResponse:
    """Save what is typed so far for one coverage."""
    found = renewal_for(subject_of(request), public_id)
    coverage = _coverage(found, coverage_id)
    return _saved_line(request, found, LineForm(request.POST, coverage=coverage), name=LINE, coverage=coverage)


def _save(
    request: HttpRequest, found: Renewal, form: Any, *, name: str, coverage: Coverage | None = None
) -> tuple[int, dict[str, Any] | None]:
    """Save a page and judge it; returns the status, and what someone else saved meanwhile."""
    try:
        section = _keep(request, found, form, name=name, coverage=coverage)
    except SavedMeanwhileError as refusal:
        there = refusal.there
        form.now_at(there.version)
        theirs = {"there": there, "changed": changed_labels(form, there.values)}
        return HTTPStatus.CONFLICT, theirs
    except NotNowError as refusal:
        form.add_error(None, f"{refusal} What you typed is still on this page.")
        return HTTPStatus.CONFLICT, None
    form.now_at(section.version)
    if "later" in request.POST or form.is_valid():
        return HTTPStatus.OK, None
    return HTTPStatus.UNPROCESSABLE_ENTITY, None


def _keep(request: HttpRequest, found: Renewal, form: Any, *, name: str, coverage: Coverage | None) -> RenewalSection:
    return drafting.save_page(
        found.require_changes(),
        name=name,
        coverage=coverage,
        values=form.typed(),
        version=form.typed_version,
        window=form.typed_window,
        by=user_of(request),
    )


def _saved_line(
    request: HttpRequest, found: Renewal, form: Any, *, name: str, coverage: Coverage | None = None
) -> HttpResponse:
    context: dict[str, Any] = {}
    try:
        context["saved"] = _keep(request, found, form, name=name, coverage=coverage)
    except SavedMeanwhileError as refusal:
        context["there"] = refusal.there
    except NotNowError as refusal:
        context["refusal"] = str(refusal)
    return render(request, "policies/renewals/_saved.html", context)


def _onward(request: HttpRequest, found: Renewal, name: str) -> HttpResponse:
    """Go on to the next page, or back to the overview for later."""
    public_id = found.policy.public_id
    if "later" in request.POST:
        messages.success(request, "Saved. Come back whenever you like, on any device.")
        return redirect("policies:renewal", public_id)
    names = list(TITLES)
    place = names.index(name) + 1
    if place < len(names):
        return redirect("policies:renewal-page", public_id, names[place])
    has_parts = found.the_application().parts_count
    return redirect("policies:renewal-parts" if has_parts else "policies:renewal-review", public_id)


def _coverage(found: Renewal, public_id: str) -> Coverage:
    """Return a coverage of the term; 404 for another's."""
    rows = Coverage.objects.not_retired().filter(term=found.term).select_related("insured")
    return get_object_or_404(rows, public_id=public_id)


def _roster(request: HttpRequest, found: Renewal, app: RenewalApplication) -> dict[str, Any]:
    """Return a page of the term's coverages with what is asked for each, searched by name."""
    term = found.term
    assert term is not None  # noqa: S101  # an application is of a term
    coverages = Coverage.objects.not_retired().filter(term=term).leading_on(term.shown_on(found.today))
    q = request.GET.get("q", "").replace("\x00", "").strip()[:100]
    name = name_query(fold(q).split())
    if name is not None:
        coverages = coverages.filter(insured__search=name)
    elif q:
        coverages = coverages.none()
    page = keyset_page(coverages.select_related("insured"), request, order=ORDER, size=SIZE)
    asked = app.sections.filter(name=LINE, coverage__in=[row.pk for row in page.rows])
    lines = {row.coverage_id: row for row in asked}
    return {"page": page, "q": q, "coverages": [(row, _asked(row, lines.get(row.pk))) for row in page.rows]}


def _asked(coverage: Coverage, section: RenewalSection | None) -> str:
    """Return what is asked for, in a few words; empty where nothing is."""
    if section is None or not sections.asks_for_something(section.values):
        return ""
    form = LineForm(dict(section.values), coverage=coverage)
    return ", ".join(form.changes) if form.is_valid() else "Not complete"
