"""The middleware of a look: staff see the portal as a customer does, and nothing that they send changes anything
(docs/security.md#view-as)."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import psycopg
from django.conf import settings
from django.contrib import messages
from django.db import InternalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.response import SimpleTemplateResponse
from django.urls import reverse

from accounts.guards import user_of
from accounts.models import Look, LookEnd
from accounts.navigation import is_own_address, send_to
from accounts.services import looks
from core.areas import account_pages

GetResponse = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponseBase]

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# What goes on as on every other page: it concerns the session, not the customer.
ALWAYS = frozenset({"accounts:end-look", "accounts:sign-out", "accounts:stay-signed-in", "accounts:session-time"})
# The customer's own account, and what staff do under their own name.
CLOSED = ("accounts", "admin")
OVER = {
    LookEnd.TIME: "The time for viewing the portal as a customer is up. Start again with a reason if you need more.",
    LookEnd.NOT_ALLOWED: "You can’t view the portal as this customer any longer.",
}


class LookMiddleware:
    """Within a look: pages are recorded and shown in a read-only transaction; everything else is refused.

    It has to be the last one with a `process_view`, since it calls the view itself.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponseBase | None:
        match = request.resolver_match
        name = match.view_name if match else ""
        if name in settings.SESSIONLESS_URL_NAMES or looks.HELD not in request.session:
            return None
        look = looks.held(request=request)
        if look is None:
            del request.session[looks.HELD]
            return None
        why = looks.over(look, staff=user_of(request))
        if name in ALWAYS:
            return None
        if why is not None:
            return self._over(request, look, why)
        if request.method not in SAFE or _is_closed(name):
            return refuse(request)
        request.look = look  # type: ignore[attr-defined]  # read by `accounts.guards.look_of`
        looks.record_page(look, page=name, path=request.path)
        return _shown(request, view, args, kwargs)

    def _over(self, request: HttpRequest, look: Look, why: LookEnd) -> HttpResponse:
        """End it. The page asked for isn't shown: it would be the staff member's own."""
        looks.end(look, why)
        del request.session[looks.HELD]
        messages.warning(request, OVER[why])
        return send_to(request, address_of_account(look))


def address_of_account(look: Look) -> str:
    """Return the address of the subject's account in admin, where the look began."""
    return reverse("admin:accounts_user_change", args=[look.subject_id])


def _is_closed(name: str) -> bool:
    return name.partition(":")[0] in CLOSED or name in {entry.url_name for entry in account_pages()}


def _shown(request: HttpRequest, view: View, args: tuple[Any, ...], kwargs: dict[str, Any]) -> HttpResponseBase:
    """Call the view in a transaction that can't write, and let nothing but pages out."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION READ ONLY")
            response = view(request, *args, **kwargs)
            if isinstance(response, SimpleTemplateResponse):
                response.render()
    except InternalError as error:
        if isinstance(error.__cause__, psycopg.errors.ReadOnlySqlTransaction):
            return refuse(request)
        raise
    if _is_page(request, response):
        return response
    # Not `close()`, which would tell the rest of the process that the request is over.
    for close in response._resource_closers:  # type: ignore[attr-defined]  # noqa: SLF001  # Django has no other name for it
        close()
    return refuse(request)


def _is_page(request: HttpRequest, response: HttpResponseBase) -> bool:
    """Whether an answer is a page, or leads to one of ours: no file, whatever serves it."""
    if response.streaming or response.has_header("Content-Disposition"):
        return False
    if response.has_header("Location"):
        return is_own_address(request, response["Location"])
    return response.get("Content-Type", "text/html").startswith("text/html")


def refuse(request: HttpRequest) -> HttpResponse:
    """Say that a look opens pages only."""
    return render(request, "accounts/look_refused.html", status=HTTPStatus.FORBIDDEN)
