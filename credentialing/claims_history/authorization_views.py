"""An insured's authorizations: what was given and who used it, signing, and revoking (B-05)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.decorators import step_up_required
from accounts.guards import session_of, subject_of, user_of
from core.dates import carrier_today
from core.keyset import keyset_page
from credentialing.certificates import limits
from credentialing.claims_history import authorizing, pages
from credentialing.claims_history.forms import YEARS, RecipientForm, SignForm, years_of
from credentialing.claims_history.views import crumbs
from credentialing.models import Authorization, AuthorizationRevocation

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User
    from policies.models import Insured, Membership

ORDER = ("-given_at", "-id")


@require_safe
def authorizations(request: HttpRequest) -> HttpResponse:
    """Show the insured's authorizations, the latest first. 403 for someone who isn't an insured."""
    user = subject_of(request)
    _place(request, user)
    found = Authorization.objects.visible_to(user).select_related("insured", "policyholder", "agency", "revocation")
    page = keyset_page(found, request, order=ORDER, count=True)
    context = {"page": page, "months": pages.months_in_words(), "crumbs": crumbs()}
    return render(request, "credentialing/claims_history/authorizations.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose whom to authorize and for which window. 403 for someone who isn't an insured, 422 for a form with errors,
    429 past the limit of new recipients."""
    user = subject_of(request)
    place, insured = _place(request, user)
    choices = pages.choices_for(user, insured)
    form = RecipientForm(request.POST if request.method == "POST" else None, choices=choices, membership=place)
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            code = form.code(user)
        except limits.TooManyError as refusal:
            form.add_error(None, f"{refusal} What you entered is still here.")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            query = {"insured": insured.public_id, "to": code, "years": form.cleaned_data["years"]}
            return redirect(f"{reverse('credentialing:authorization-sign')}?{urlencode(query)}")
    context = {
        "form": form,
        "insured": insured,
        "places": pages.own_places(user),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/claims_history/authorization_new.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@step_up_required
def sign(request: HttpRequest) -> HttpResponse:
    """Show the text, and take the signature, after a fresh code.

    403 for someone who isn't an insured, 404 for a recipient that the insured may not name, 422 for a form with errors.
    """
    user = subject_of(request)
    place, insured = _place(request, user)
    recipient = pages.choices_for(user, insured).find(request.GET.get("to", ""), user=user, membership=place)
    if recipient is None:
        raise Http404("nobody whom this insured may authorize")
    years = YEARS[years_of(request.GET)]
    form = SignForm(request.POST if request.method == "POST" else None, insured=insured)
    if form.is_bound and form.is_valid():
        code_at = session_of(request).verified_at
        if code_at is None:
            raise PermissionDenied("a session without a code")
        given = form.sign(membership=place, recipient=recipient, years=years, by=user_of(request), code_at=code_at)
        messages.success(request, f"You’ve authorized {recipient.name}.")
        return redirect(given)
    text = authorizing.text_of(insured=insured, recipient=recipient, years=years, today=carrier_today())
    context = {"form": form, "insured": insured, "recipient": recipient, "text": text, "crumbs": _crumbs()}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "credentialing/claims_history/authorization_sign.html", context, status=status)


@require_safe
def authorization(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show an authorization: its text, whether it holds, and who used it when. 404 for anyone but its insured."""
    given = _own(request, public_id)
    context = {
        "given": given,
        "uses": pages.uses_of(given),
        "paragraphs": given.text.split("\n\n"),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/claims_history/authorization.html", context)


@require_POST
def revoke(request: HttpRequest, public_id: str) -> HttpResponse:
    """End an authorization at once. It only closes, so it asks for no fresh code. 404 for anyone but its insured."""
    given = _own(request, public_id)
    if authorizing.revoke(given, by=user_of(request), side=AuthorizationRevocation.By.INSURED):
        messages.success(request, "Your authorization is revoked. It opens nothing from now on.")
    return redirect(given)


def _own(request: HttpRequest, public_id: str) -> Authorization:
    found = Authorization.objects.visible_to(subject_of(request)).select_related(
        "insured", "policyholder", "agency", "revocation"
    )
    return get_object_or_404(found, public_id=public_id)


def _place(request: HttpRequest, user: User) -> tuple[Membership, Insured]:
    """Return the membership by which the user is the insured that the address names (`?insured=`), or the only one.

    Raises `PermissionDenied` (403) for someone who isn't an insured, Http404 for another insured.
    """
    places = pages.own_places(user)
    if not places:
        raise PermissionDenied("only insureds authorize the release of their claims history")
    asked = request.GET.get("insured")
    found = [place for place in places if asked in (None, place.insured.public_id if place.insured else None)]
    if not found or found[0].insured is None:
        raise Http404("another insured")
    return found[0], found[0].insured


def _crumbs() -> list[tuple[str, str]]:
    return [*crumbs(), ("Authorizations", reverse("credentialing:authorizations"))]
