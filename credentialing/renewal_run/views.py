"""The renewal run: the renewals that are near, the board of one, what isn't needed, and its Excel file (B-20)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import look_of, subject_of, user_of
from core.downloads import file_name_part
from core.events import record_event
from core.filters import LONGEST_SEARCH
from core.keyset import keyset_page
from core.workbooks import workbook_response
from credentialing.batches.choosing import Selection, issuing_memberships
from credentialing.batches.forms import party_name
from credentialing.events import RenewalRunEvent
from credentialing.renewal_run import pairs, skipping, workbook
from credentialing.renewal_run.pages import Progress, Renewal, lines_of, tabs_of, until
from credentialing.renewal_run.pairs import Pairs, Search, board_of, days_left, renewals_of
from policies.models import Policy, reach_of
from policies.rights import reach_with, reaching, require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from accounts.models import User
    from policies.models import Membership, Term

ORDER = ("effective", "policy_number", "id")


@require_safe
def renewals(request: HttpRequest) -> HttpResponse:
    """Show the bound renewals of the user's policies, the next one first, each with what is still lacking."""
    user = subject_of(request)
    reach = reach_with(user, Capability.ISSUE_CERTIFICATE)
    found = renewals_of(reach.scope).select_related("policy__policyholder")
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH].replace("\0", "")
    if q:
        found = found.filter(policy__in=Policy.objects.visible_to(user).search(q, by=user).order_by().values("pk"))
    page = keyset_page(found, request, order=ORDER, count=True)
    counts = Pairs([term.pk for term in page.rows], reach, user=user).counts()
    rows = [_renewal(term, counts.get(term.pk, {})) for term in page.rows]
    context = {"page": page, "renewals": rows, "q": q, "crumbs": _crumbs()[:1]}
    return render(request, "credentialing/renewal_run/list.html", context)


def _renewal(term: Term, counts: dict[str, int]) -> Renewal:
    days = days_left(term, term.policy.today())
    return Renewal(term, Progress.of(dict.fromkeys(pairs.STATES, 0) | counts), until(days), days <= 0)


@require_safe
def board(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show every insured of a renewal with every holder, and what became of each.

    404 for an outsider, 403 without the right to issue.
    """
    user = subject_of(request)
    term, membership = _renewal_of(user, public_id)
    search = Search.of(request.GET)
    found = board_of(term, membership, user=user)
    page = found.page(search, request.GET)
    progress = Progress.of(dict.fromkeys(pairs.STATES, 0) | found.counts().get(term.pk, {}))
    context = {
        "term": term,
        "begins": until(days_left(term, term.policy.today())),
        "party": party_name(membership),
        "page": page,
        "lines": lines_of(page.rows, membership),
        "progress": progress,
        "search": search,
        "tabs": tabs_of(search, progress),
        "key": uuid.uuid4(),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/renewal_run/board.html", context)


@require_POST
def mark(request: HttpRequest, public_id: str) -> HttpResponse:
    """Mark what was chosen on a board as not needed (`to=skip`), or as needed after all.

    404 for an outsider, 403 without the right to issue. Nothing chosen leads back with a message.
    """
    user = user_of(request)
    term, membership = _renewal_of(user, public_id)
    selection, search = Selection.read(request.POST), Search.of(request.POST)
    back = redirect(_address(term, search))
    if not selection.whole and not selection.pairs:
        messages.warning(request, "Select at least one line, or everything found.")
        return back
    found = board_of(term, membership, user=user)
    chosen = found.found(search) if selection.whole else found.found(Search(), codes=selection.pairs)
    if request.POST.get("to") == "skip":
        number = skipping.skip(term=term, pairs=chosen, membership=membership, by=user)
        messages.success(request, f"{_lines(number)} marked as not needed.")
    else:
        number = skipping.need(term=term, pairs=chosen, membership=membership, by=user)
        messages.success(request, f"{_lines(number)} needed after all.")
    return back


@require_safe
def excel(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """Send the board, as it is narrowed, as an Excel file. 404 for an outsider, 403 without the right to issue."""
    user = subject_of(request)
    term, membership = _renewal_of(user, public_id)
    found = board_of(term, membership, user=user).found(Search.of(request.GET))
    if request.method == "GET" and look_of(request) is None:
        record_event(RenewalRunEvent.EXPORTED, subject=term, by=user, certificates=len(found), membership=membership.pk)
    name = f"Renewal run {file_name_part(term.policy.number)} {term.effective}.xlsx"
    rows = workbook.rows_of(term, found)
    return workbook_response(name, sheet="Renewal run", columns=workbook.COLUMNS, rows=rows)


def _renewal_of(user: User, public_id: str) -> tuple[Term, Membership]:
    """Return a renewal that the user sees, and the membership by which they issue for it: an office's before one's
    own. 404 for an outsider, 403 without the right."""
    visible = renewals_of(reach_of(user).scope).select_related("policy__company", "policy__policyholder")
    term: Term = get_object_or_404(visible, public_id=public_id)
    require(user, Capability.ISSUE_CERTIFICATE, term.policy)
    reached = {membership.pk for membership in reaching(user, term.policy)}
    found = next((each for each in issuing_memberships(user) if each.pk in reached), None)
    if found is None:
        raise PermissionDenied("issuing certificates of this policy is not open to this user")
    return term, found


def _address(term: Term, search: Search) -> str:
    from urllib.parse import urlencode

    asked = {name: value for name, value in (("show", search.show), ("q", search.q)) if value}
    return f"{reverse('credentialing:renewal-board', args=[term.public_id])}?{urlencode(asked)}".rstrip("?")


def _lines(number: int) -> str:
    return f"{number:,} line{' is' if number == 1 else 's are'}"


def _crumbs() -> list[tuple[str, str]]:
    return [("Certificates", reverse("credentialing:home")), ("Renewal run", reverse("credentialing:renewal-run"))]
