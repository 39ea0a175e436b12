"""Requests about holders: the list, a new one, one with its messages, replies, and withdrawing it (S-38)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.guards import subject_of, user_of
from core.keyset import keyset_page
from credentialing.holders import request_words, requesting
from credentialing.holders.request_forms import FORMS, ReplyForm
from credentialing.holders.views import KEPT, crumbs
from credentialing.models import CarrierHolder, HolderRequest, StandingHolder
from policies.models import Coverage
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User

ORDER = ("-changed_at", "-id")


@require_safe
def requests(request: HttpRequest) -> HttpResponse:
    """Show the requests of the user's own parties, the latest change first."""
    user = subject_of(request)
    found = HolderRequest.objects.visible_to(user).select_related("policy", "insured", "standing__holder", "user")
    page = keyset_page(found, request, order=ORDER, count=True)
    context = {
        "page": page,
        "rows": [request_words.row_of(one, user) for one in page.rows],
        "asks": holds(user, Capability.REQUEST_HOLDER),
        "crumbs": crumbs(),
    }
    return render(request, "credentialing/holders/requests.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose what to ask for, or with `?kind=` ask for it. `?coverage=` or `?on_file=` fill in what is known.

    403 for those who may ask for nothing, 422 for a form with errors, 429 past the user's limit; the page then still
    has what was typed.
    """
    user = subject_of(request)
    if not holds(user, Capability.REQUEST_HOLDER):
        raise PermissionDenied("this user sends no requests about holders")
    kind = request.GET.get("kind", "")
    if kind not in FORMS:
        context: dict[str, Any] = {
            "kinds": request_words.KINDS,
            "hours": request_words.hours(),
            "crumbs": _crumbs(),
            "carried": request_words.carried(request.GET),
        }
        return render(request, "credentialing/holders/request_kind.html", context)
    form = FORMS[kind](request.POST if request.method == "POST" else None, user=user, initial=_known(request, user))
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    if form.is_bound and form.is_valid():
        try:
            asked, is_new = form.send()
        except requesting.TooManyError as refusal:
            form.add_error(None, f"{refusal} {KEPT}")
            status = HTTPStatus.TOO_MANY_REQUESTS
        else:
            if is_new:
                messages.success(request, "We have your request. We’ll email you when there’s an answer.")
            else:
                messages.info(request, "You’ve asked for this already. Here is your request.")
            return redirect(asked)
    context = {
        "form": form,
        "kind": request_words.KINDS[kind],
        "hours": request_words.hours(),
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/holders/request_new.html", context, status=status)


@require_safe
def request_page(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show a request with its clock and messages. 404 for another party's."""
    return _show(request, _own(request, public_id), ReplyForm())


@require_POST
def reply(request: HttpRequest, public_id: str) -> HttpResponse:
    """Add a reply. 404 for another party's request, 422 without words, 409 where it has come to its end, 429 past the
    user's limit."""
    asked = _own(request, public_id)
    form = ReplyForm(request.POST)
    if not form.is_valid():
        return _show(request, asked, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        sent = form.send(asked, by=user_of(request))
    except requesting.TooManyError as refusal:
        form.add_error(None, f"{refusal} {KEPT}")
        return _show(request, asked, form, status=HTTPStatus.TOO_MANY_REQUESTS)
    if sent is None:
        form.add_error(None, "This request has come to its end meanwhile. Send a new one.")
        return _show(request, _own(request, public_id), form, status=HTTPStatus.CONFLICT)
    return redirect(asked)


@require_POST
def withdraw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Withdraw a request. 404 for another party's."""
    asked = _own(request, public_id)
    if requesting.withdraw(asked, by=user_of(request)):
        messages.success(request, "Your request is withdrawn.")
    else:
        messages.info(request, "It had come to its end already. Nothing was changed.")
    return redirect(asked)


def _show(
    request: HttpRequest, asked: HolderRequest, form: ReplyForm, *, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    user = subject_of(request)
    context = {
        "asked": asked,
        "shown": request_words.row_of(asked, user),
        "thread": list(asked.messages.select_related("author")),
        "gets": request_words.gets_of(asked),
        "form": form,
        "user_id": user.pk,
        "crumbs": _crumbs(),
    }
    return render(request, "credentialing/holders/request.html", context, status=status)


def _own(request: HttpRequest, public_id: str) -> HolderRequest:
    rows = HolderRequest.objects.visible_to(subject_of(request)).select_related(
        "policy", "insured", "standing__holder", "user", "same_as", "made__holder"
    )
    found: HolderRequest = get_object_or_404(rows, public_id=public_id)
    return found


def _known(request: HttpRequest, user: User) -> dict[str, Any]:
    """Return what the page that led here knows already, as far as the user sees it."""
    known: dict[str, Any] = {}
    wanted = {name: request.GET.get(name, "").replace("\0", "") for name in ("coverage", "on_file")}
    coverage = Coverage.objects.visible_to(user).filter(public_id=wanted["coverage"]).with_policy().first()
    if coverage is not None:
        policy = coverage.term.policy
        known |= {"policy": policy.public_id, "whom": "one", "insured": coverage.insured.display_name}
    holder = CarrierHolder.objects.visible_to(user).filter(public_id=wanted["on_file"]).first()
    if holder is not None:
        known |= {name: getattr(holder, name) for name in ("name", "address1", "address2", "city", "state", "zip")}
        row = StandingHolder.objects.visible_to(user).filter(holder=holder).order_by("pk").first()
        known |= {"standing": row.public_id, "renewals": row.renewals, "notices": row.notices} if row else {}
    return known


def _crumbs() -> list[tuple[str, str]]:
    return [*crumbs(), ("Requests", reverse("credentialing:holder-requests"))]
