"""The list of policies, and a policy's page (S-22, S-34)."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.guards import subject_of
from core.keyset import keyset_page
from core.listing import sorting_of
from policies.filters import PolicyFilter
from policies.models import Policy, reach_of
from policies.pages.insured import page_of_insured
from policies.pages.policies import ORDERS, in_order, listing_of, many_of, rows_of, searched_first_page
from policies.pages.policy import page_of_policy, policy_for_page

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

FILTERS = ("q", "status")
NARROWING = ("status", "after", "before")


@require_safe
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy that the user sees, searched, narrowed, and sorted; 422 for what can't be searched."""
    user = subject_of(request)
    order = sorting_of(request.GET, ORDERS).order
    # As it opens, and for a search, the list needs no queryset: its SQL is written already.
    opens = not any(map(request.GET.get, NARROWING))
    visible = Policy.objects.none() if opens else rows_of(Policy.objects.visible_to(user), reach_of(user).scope)
    narrowed = PolicyFilter(request.GET, visible, request=request)
    understood = narrowed.is_valid()
    policies = in_order(narrowed.qs, order) if understood and not opens else Policy.objects.none()
    first = partial(searched_first_page, user, order, request.GET.get("q", "")) if understood and opens else None
    whole = not any(map(request.GET.get, FILTERS))
    many = many_of(reach_of(user).scope) if whole else None
    page = keyset_page(policies, request, order=order, count=True, many=many, first=first)
    context = {"page": page, "filter": narrowed, "listing": listing_of(user, page.rows, request.GET)}
    status = HTTPStatus.OK if understood else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "policies/list.html", context, status=status)


@require_safe
def policy_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One policy: its status, its terms, and the coverages that the user may see. 404 for an outsider."""
    user = subject_of(request)
    policy = policy_for_page(user, public_id)
    return render(request, "policies/policy.html", {"page": page_of_policy(request, user, policy)})


@require_safe
def insured_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """One insured: coverage over the years, and licenses. 404 for anyone who sees none of their coverage."""
    page = page_of_insured(subject_of(request), public_id)
    return render(request, "policies/insured.html", {"page": page})
