"""A clinician's part by link and code, without an account (docs/security.md#renewal-parts)."""

from __future__ import annotations

import datetime as dt
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.navigation import with_query
from accounts.services import links
from policies.renewals import asking, opening, part_views
from policies.renewals.forms import ChannelForm, CodeForm
from policies.renewals.opening import CodeNotNowError, TooManyTriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from policies.models import RenewalPart

P = ParamSpec("P")
WRONG = "This code isn’t right, or it has expired. Check it, or request another one."


def unlisted(
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Mark a view: nobody keeps its pages, no search engine finds them, and no other site learns their addresses. Too
    many tries get 429 and the time."""

    @wraps(view)
    def answering(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except TooManyTriesError as refusal:
            response = _too_many(request, refusal.retry_at)
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return answering


@require_safe
@unlisted
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    """Move the token out of the address. Nothing else changes: mail scanners open links, too."""
    if not links.may_open(request=request):
        raise TooManyTriesError(timezone.now() + dt.timedelta(minutes=1))
    opening.hold(request, token)
    response = redirect("policies:part-open")
    response["Referrer-Policy"] = "no-referrer"
    return response


@require_safe
@unlisted
def part_open(request: HttpRequest) -> HttpResponse:
    """Show how to get a code, or that the link doesn't work anymore with the way to a new one (410)."""
    part = opening.held(request)
    if part is None:
        return _gone(request, None)
    return _gate(request, part)


@require_POST
@unlisted
def code(request: HttpRequest) -> HttpResponse:
    """Send a code by the chosen way. 409 where none can be sent now, with the reason."""
    part = opening.held(request)
    if part is None or not part.link_works:
        return _gone(request, part)
    form = _channel_form(part, request.POST)
    if not form.is_valid():
        return _gate(request, part, channel=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        opening.request_code(request, part, channel=form.cleaned_data["channel"])
    except CodeNotNowError as refusal:
        form.add_error(None, str(refusal))
        return _gate(request, part, channel=form, status=HTTPStatus.CONFLICT)
    return redirect("policies:part-open")


@sensitive_post_parameters("code")
@require_POST
@unlisted
def verify(request: HttpRequest) -> HttpResponse:
    """With the right code, go on to the questions. 422 for a wrong one, 429 after too many."""
    part = opening.held(request)
    if part is None or not part.link_works:
        return _gone(request, part)
    form = CodeForm(request.POST)
    if form.is_valid():
        if opening.verify(request, part, typed=form.cleaned_data["code"]):
            return redirect("policies:part-answers")
        form.add_error("code", WRONG)
    return _gate(request, part, code=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)


@require_POST
@unlisted
def new_link(request: HttpRequest) -> HttpResponse:
    """Mail another link to the same address."""
    part = opening.held(request)
    if part is None:
        return _gone(request, None)
    try:
        opening.send_again(part)
    except asking.NotAskedError as refusal:
        messages.error(request, str(refusal))
        return _gone(request, part)
    opening.close(request)
    return render(request, "policies/renewals/link/sent.html")


@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def answers(request: HttpRequest) -> HttpResponse:
    """Show and save the part that this browser has open. 410 where none is."""
    opened = opening.opened(request)
    if opened is None:
        return _gone(request, None)
    return part_views.fill_in(
        request,
        opened.part,
        by=None,
        here=reverse("policies:part-answers"),
        sign_at=reverse("policies:part-sign"),
        autosave=reverse("policies:part-autosave"),
        narrow=True,
    )


@require_POST
@unlisted
def autosave(request: HttpRequest) -> HttpResponse:
    """Save what is typed so far. 410 where no part is open."""
    opened = opening.opened(request)
    if opened is None:
        return _gone(request, None)
    return part_views.autosave_part(request, opened.part, by=None)


@require_http_methods(["GET", "HEAD", "POST"])
@unlisted
def sign(request: HttpRequest) -> HttpResponse:
    """Take the signature on the part that this browser has open. 410 where none is."""
    opened = opening.opened(request)
    if opened is None:
        return _gone(request, None)
    return part_views.sign_part(
        request,
        opened.part,
        way=opened.way,
        by=None,
        code_at=opened.code_at,
        back=reverse("policies:part-answers"),
        here=reverse("policies:part-sign"),
    )


@require_POST
@unlisted
def close(request: HttpRequest) -> HttpResponse:
    """Forget the part in this browser, for computers that others use."""
    opening.close(request)
    return render(request, "policies/renewals/link/closed.html")


def _channel_form(part: RenewalPart, data: object = None) -> ChannelForm:
    ending = opening.e164(part.phone)[-4:]
    return ChannelForm(data, channels=opening.channels_of(part), ending=ending)


def _gate(
    request: HttpRequest,
    part: RenewalPart,
    *,
    channel: ChannelForm | None = None,
    code: CodeForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    if not part.link_works:
        return _gone(request, part)
    latest = opening.latest_code(part)
    context = {
        "part": part,
        "channel": channel or _channel_form(part),
        "code": code or CodeForm(),
        "latest": latest,
        "is_open": latest is not None and latest.is_usable and not latest.is_in_trouble,
        "has_phone": bool(opening.e164(part.phone)),
        "sign_in": with_query("accounts:sign-in", next=part.get_absolute_url()),
    }
    return render(request, "policies/renewals/link/gate.html", context, status=status)


def _gone(request: HttpRequest, part: RenewalPart | None) -> HttpResponse:
    """Say that there is nothing to open; with the part's own old link, offer a new one."""
    context = {"part": part}
    response = render(request, "policies/renewals/link/gone.html", context, status=HTTPStatus.GONE)
    response["Referrer-Policy"] = "same-origin"
    return response


def _too_many(request: HttpRequest, until: dt.datetime | None) -> HttpResponse:
    until = until or timezone.now()
    status = HTTPStatus.TOO_MANY_REQUESTS
    response = render(request, "policies/renewals/link/limited.html", {"until": until}, status=status)
    response["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds()) + 1))
    return response
