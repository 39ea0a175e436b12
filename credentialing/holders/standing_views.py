"""Standing holders: choosing one, what it gets, and its end (B-03)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.guards import subject_of, user_of
from credentialing.holders import arranging
from credentialing.holders.book import SWITCHES
from credentialing.holders.standing_forms import StandingForm, SwitchesForm
from credentialing.holders.views import crumbs
from credentialing.models import Holder, OwnStandingHolder
from policies.rights import require

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, public_id: str) -> HttpResponse:
    """Make a holder of an own address book a standing one. 404 for another's, 403 for a delegate without the right, 422
    for a form with errors."""
    user = subject_of(request)
    holder = get_object_or_404(Holder.objects.visible_to(user).select_related("insured"), public_id=public_id)
    membership = arranging.membership_for(holder, user)
    if membership is None:
        raise PermissionDenied("no membership with the party of this address book")
    form = StandingForm(
        request.POST if request.method == "POST" else None, user=user, holder=holder, membership=membership
    )
    if form.is_bound and form.is_valid():
        _, is_new = form.arrange()
        messages.success(request, "It’s a standing holder now." if is_new else "It was one already. We’ve updated it.")
        return redirect(holder)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"form": form, "holder": holder, "crumbs": crumbs(holder)}
    return render(request, "credentialing/holders/standing.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    """Change what a standing holder gets. 404 for another's, 403 without the right, 422 for a form with errors."""
    user = subject_of(request)
    standing = _own(user, public_id)
    initial = {name: getattr(standing, name) for name in SWITCHES}
    form = SwitchesForm(request.POST if request.method == "POST" else None, user=user, initial=initial)
    if form.is_bound and form.is_valid():
        messages.success(request, "Saved." if form.switch(standing) else "Nothing was changed.")
        return redirect(standing.holder)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    context = {"form": form, "holder": standing.holder, "standing": standing, "crumbs": crumbs(standing.holder)}
    return render(request, "credentialing/holders/standing.html", context, status=status)


@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    """End a standing holder. 404 for another's, 403 without the right."""
    standing = _own(subject_of(request), public_id)
    if arranging.end(standing, by=user_of(request)):
        messages.success(request, f"{standing.holder.name} gets nothing by itself anymore.")
    return redirect(standing.holder)


def _own(user: User, public_id: str) -> OwnStandingHolder:
    """Return a standing holder of the user's own parties; 404 where there is none. Raises `PermissionDenied` (403)
    without the right."""
    rows = OwnStandingHolder.objects.visible_to(user).select_related(
        "holder", "insured", "policy__company", "policy__policyholder"
    )
    standing = get_object_or_404(rows, public_id=public_id)
    require(user, arranging.MANAGE, standing.policy)
    return standing
