"""Who has access to a party, and what its administrators give, change, and end."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import step_up_required
from accounts.guards import subject_of, user_of
from policies.delegates import giving
from policies.delegates.forms import CapabilitiesForm, InviteForm
from policies.delegates.giving import GoneError, MayNotGiveError, TooManyError
from policies.delegates.people import (
    Person,
    ended_with,
    in_words,
    invitations_to,
    people_with,
    places_of,
)

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from policies.models import Invitation, Membership

CHANGED_MEANWHILE = "This has changed in the meantime. Here is how it is now."


@require_safe
def access(request: HttpRequest) -> HttpResponse:
    """Choose a party that one administers; with one only, that one's page. 403 for everyone else."""
    places = places_of(subject_of(request))
    if not places:
        raise PermissionDenied("not an administrator of any party")
    if len(places) == 1:
        return redirect("policies:access-party", places[0].public_id)
    return render(request, "policies/access/choose.html", {"places": places})


@require_safe
def party(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show everybody with access to the party, open invitations, and what was ended. 404 for anyone else."""
    place = _place(request, public_id)
    invitations = [(each, in_words(each.capabilities)) for each in invitations_to(place)]
    context = {"place": place, "people": people_with(place), "invitations": invitations, "ended": ended_with(place)}
    return render(request, "policies/access/party.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def invite(request: HttpRequest, public_id: str) -> HttpResponse:
    """Invite a colleague. 422 for a form with errors, 429 past the limit of the day; what was typed is kept."""
    place = _place(request, public_id)
    form = InviteForm(request.POST if request.method == "POST" else None, place=place)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_valid():
        asked = {name: form.cleaned_data[name] for name in ("first_name", "last_name", "email", "capabilities")}
        key = form.cleaned_data["idempotency_key"]
        try:
            invitation = giving.invite(place=place, by=user_of(request), key=key, **asked)
        except MayNotGiveError as refusal:
            form.add_error("email", str(refusal))
        except TooManyError as refusal:
            form.add_error(None, f"{refusal} Try again tomorrow. What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            messages.success(request, f"We sent an invitation to {invitation.email}.")
            return _back(place)
    return render(request, "policies/access/invite.html", _context(place, form=form), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def member(request: HttpRequest, public_id: str, member_id: str) -> HttpResponse:
    """Change what a delegate may do. 403 for anyone whose access administrators didn't give."""
    place = _place(request, public_id)
    person = _person(place, member_id)
    if not person.can_change:
        raise PermissionDenied("only what administrators gave can be changed here")
    form = CapabilitiesForm(
        request.POST if request.method == "POST" else None,
        place=place,
        initial={"capabilities": person.membership.capabilities},
    )
    if form.is_valid():
        try:
            chosen = form.cleaned_data["capabilities"]
            giving.change(member=person.membership, place=place, capabilities=chosen, by=user_of(request))
        except (GoneError, MayNotGiveError):
            messages.warning(request, CHANGED_MEANWHILE)
        else:
            messages.success(request, f"{person.membership.user.get_full_name()}’s access is changed.")
        return _back(place)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "policies/access/member.html", _context(place, form=form, person=person), status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def end(request: HttpRequest, public_id: str, member_id: str) -> HttpResponse:
    """Ask, then end somebody's access at once. 403 for administrators, whom only we end."""
    place = _place(request, public_id)
    person = _person(place, member_id)
    if not person.can_end:
        raise PermissionDenied("administrators are ended by the carrier")
    if request.method == "POST":
        try:
            giving.end(member=person.membership, place=place, by=user_of(request))
        except MayNotGiveError:
            messages.warning(request, CHANGED_MEANWHILE)
        else:
            messages.success(request, f"{person.membership.user.get_full_name()}’s access has ended.")
        return _back(place)
    return render(request, "policies/access/end.html", _context(place, person=person))


@require_POST
@step_up_required
def send_again(request: HttpRequest, public_id: str, invitation_id: str) -> HttpResponse:
    """Mail an invitation again, with a new link."""
    place = _place(request, public_id)
    invitation = _invitation(place, invitation_id)
    try:
        giving.resend(invitation=invitation, by=user_of(request))
    except GoneError:
        messages.warning(request, CHANGED_MEANWHILE)
    except TooManyError as refusal:
        messages.error(request, f"{refusal} Try again tomorrow.")
    else:
        messages.success(
            request, f"We sent the invitation to {invitation.email} again. The earlier link no longer works."
        )
    return _back(place)


@require_POST
@step_up_required
def withdraw(request: HttpRequest, public_id: str, invitation_id: str) -> HttpResponse:
    """Withdraw an invitation: its link stops working."""
    place = _place(request, public_id)
    invitation = _invitation(place, invitation_id)
    try:
        giving.withdraw(invitation=invitation, by=user_of(request))
    except GoneError:
        messages.warning(request, CHANGED_MEANWHILE)
    else:
        messages.success(request, f"The invitation to {invitation.name} is withdrawn.")
    return _back(place)


def _place(request: HttpRequest, public_id: str) -> Membership:
    """Return one's own administrator's membership. Raises Http404 for any other."""
    for place in places_of(subject_of(request)):
        if place.public_id == public_id:
            return place
    raise Http404


def _person(place: Membership, member_id: str) -> Person:
    for person in people_with(place):
        if person.membership.public_id == member_id:
            return person
    raise Http404


def _invitation(place: Membership, invitation_id: str) -> Invitation:
    return get_object_or_404(invitations_to(place), public_id=invitation_id)


def _context(place: Membership, **more: Any) -> dict[str, Any]:
    crumbs = [(f"Access to {place.party}", reverse("policies:access-party", args=[place.public_id]))]
    return {"place": place, "crumbs": crumbs, **more}


def _back(place: Membership) -> HttpResponse:
    return redirect("policies:access-party", place.public_id)
