"""Support (S-46): contacts for everyone, and the requests of signed-in users."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import subject_of
from core.keyset import keyset_page
from policies.models import Policy
from portal.models import SupportRequest
from portal.support.desks import desks
from portal.support.forms import ReplyForm, RequestForm
from portal.support.opening import TooManyError
from portal.support.places import PLACES, Place
from portal.support.words import sentence_of, word_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

ORDER = ("-changed_at", "-id")
KEPT = "What you wrote is still here."


@require_safe
def contacts(request: HttpRequest) -> HttpResponse:
    """Show whom to call about what, and when; to visitors as well."""
    return render(request, "portal/support.html")


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show the user's own requests, the latest change first."""
    found = SupportRequest.objects.visible_to(subject_of(request)).select_related("policy")
    page = keyset_page(found, request, order=ORDER, count=True)
    return render(request, "portal/requests.html", {"page": page, "crumbs": _crumbs()})


@require_http_methods(["GET", "HEAD", "POST"])
def new_request(request: HttpRequest) -> HttpResponse:
    """Open a request: a general one, or about what is missing on a page (`?place=`) and for a policy (`?policy=`).

    404 for a page that there isn't, or a policy that the user doesn't see; 422 for a form with errors, 429 past the
    user's limit.
    """
    user = subject_of(request)
    place_key, place = _place_of(request)
    policy = _policy_of(request, user)
    form = RequestForm(
        request.POST if request.method == "POST" else None,
        user=user,
        place_key=place_key,
        place=place,
        policy=policy,
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            opened, is_new = form.open()
        except TooManyError as refusal:
            form.add_error(None, f"{refusal} {KEPT}")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if is_new:
                messages.success(request, "We have your request. We’ll email you when there’s an answer.")
            return redirect(opened)
    context = {"form": form, "place": place, "policy": policy, "crumbs": _crumbs()}
    return render(request, "portal/request_new.html", context, status=status)


@require_safe
def request_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a request with its messages. 404 for another's."""
    asked = _own_request(request, public_id)
    return _show(request, asked, ReplyForm())


@require_POST
def reply(request: HttpRequest, public_id: str) -> HttpResponse:
    """Add a reply. 404 for another's request, 422 without words, 409 where it is closed, 429 past the user's limit."""
    asked = _own_request(request, public_id)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _show(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        sent = form.send(asked)
    except TooManyError as refusal:
        form.add_error(None, f"{refusal} {KEPT}")
        return _show(request, asked, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    if sent is None:
        form.add_error(None, "This request was closed meanwhile. Send a new one.")
        return _show(request, asked, form, status=HTTPStatus.CONFLICT)
    return redirect(asked)


@require_POST
def close(request: HttpRequest, public_id: str) -> HttpResponse:
    """Close one's own request: nothing else is to be done. 404 for another's."""
    asked = _own_request(request, public_id)
    if asked.close(by=subject_of(request)):
        messages.success(request, "Your request is closed.")
    return redirect(asked)


def _show(
    request: HttpRequest, asked: SupportRequest, form: ReplyForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    user = subject_of(request)
    place = PLACES.get(asked.place)
    context: dict[str, Any] = {
        "asked": asked,
        "place": place,
        # The policy may be out of the user's reach by now.
        "policy": Policy.objects.visible_to(user).filter(pk=asked.policy_id).first() if asked.policy_id else None,
        "thread": list(asked.messages.all()),
        "form": form,
        "word": word_of(asked),
        "matters": sentence_of(asked),
        "desk": desks().get(asked.desk),
        "crumbs": [*_crumbs(), ("Your requests", reverse("support-requests"))],
    }
    return render(request, "portal/request.html", context, status=status)


def _own_request(request: HttpRequest, public_id: str) -> SupportRequest:
    return get_object_or_404(SupportRequest.objects.visible_to(subject_of(request)), public_id=public_id)


def _place_of(request: HttpRequest) -> tuple[str, Place | None]:
    key = request.GET.get("place", "")
    if key and key not in PLACES:
        raise Http404("no page of this name asks what is missing")
    return key, PLACES.get(key)


def _policy_of(request: HttpRequest, user: User) -> Policy | None:
    public_id = request.GET.get("policy", "")
    return get_object_or_404(Policy.objects.visible_to(user), public_id=public_id) if public_id else None


def _crumbs() -> list[tuple[str, str]]:
    return [("Support", reverse("support"))]
