"""Loss runs: the policies, what a loss run will hold, and the requests with their clock (B-05)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.guards import subject_of
from core.filters import LONGEST_SEARCH
from core.keyset import keyset_page
from core.templatetags.show import moment
from credentialing import papers, views
from credentialing.certificates import limits
from credentialing.claims_history import loss_runs, pages
from credentialing.claims_history.forms import YEARS, LossRunForm, years_of
from credentialing.claims_history.sheet import Sheet
from credentialing.claims_history.snapshot import NotIssuableError
from credentialing.claims_history.views import crumbs
from credentialing.models import ClaimsPaper, ClaimsRequest
from policies.models import Policy
from policies.rights import holds, reach_with, require
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

ORDER = ("number_normalized", "id")
RECENT = 10


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Show the policies that the user may have loss runs of, and the latest requests."""
    user = subject_of(request)
    q = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    reach = reach_with(user, Capability.VIEW_LOSS_RUN)
    found = Policy.objects.not_retired().filter(reach.policies()) if reach else Policy.objects.none()
    page = keyset_page(found.search(q, by=user).with_page(), request, order=ORDER)
    context = {
        "page": page,
        "q": q,
        "may": holds(user, Capability.VIEW_LOSS_RUN),
        "requests": _requests(user),
        "crumbs": crumbs(),
    }
    return render(request, "credentialing/claims_history/loss_runs.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def loss_run(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show what the loss run of a policy, or of its account (`?of=account`), will hold, and ask for it.

    404 for an outsider, 403 without the right, 422 for a form with errors, 429 past the user's limit.
    """
    user = subject_of(request)
    policy = get_object_or_404(Policy.objects.visible_to(user).with_page(), public_id=public_id)
    require(user, Capability.VIEW_LOSS_RUN, policy)
    account = loss_runs.on_account(user, policy)
    whole = request.GET.get("of") == "account" and len(account) > 1
    scope = loss_runs.Scope(account, account=policy.billing_account_key) if whole else loss_runs.Scope([policy])
    name = years_of(request.GET, default="5")
    form = LossRunForm(request.POST if request.method == "POST" else None, user=user, scope=scope, years=YEARS[name])
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            asked = form.ask()
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you chose is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            return _after(request, asked, policy)
    terms = loss_runs.terms_for(policy)
    try:
        sheet, reason = Sheet(loss_runs.preview(scope, terms, YEARS[name])), ""
    except NotIssuableError as refusal:
        sheet, reason = None, str(refusal)
    of = [("of", "account")] if whole else []
    context = {
        "form": form,
        "policy": policy,
        "account": account,
        "whole": whole,
        "years": name,
        "terms": terms,
        "sheet": sheet,
        "reason": reason,
        "tabs": pages.window_tabs(of, name),
        "requests": _requests(user, policy),
        "crumbs": [*crumbs(), ("Loss runs", reverse("credentialing:loss-runs"))],
    }
    return render(request, "credentialing/claims_history/loss_run.html", context, status=status)


def _after(request: HttpRequest, asked: ClaimsRequest, policy: Policy) -> HttpResponse:
    if asked.paper is None:
        messages.info(request, f"{asked.reason} We asked our staff. You’ll have it by {moment(asked.due_at)}.")
        return redirect("credentialing:loss-run", policy.public_id)
    papers.wait_for_file(asked.paper, seconds=views.WAIT_SECONDS)
    return redirect(asked.paper.get_absolute_url() + "?download")


def _requests(user: User, policy: Policy | None = None) -> list[ClaimsRequest]:
    """Return the latest requests for loss runs that the user sees: of a policy's policyholder, or all."""
    found = ClaimsRequest.objects.visible_to(user).filter(kind=ClaimsPaper.Kind.LOSS_RUN)
    if policy is not None:
        found = found.filter(policyholder=policy.policyholder_id, company=policy.company_id)
    return list(found.select_related("policy", "policyholder", "insured", "paper")[:RECENT])
