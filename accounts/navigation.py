"""Safe redirects: `next` must stay on this host (docs/security.md#default-deny)."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import quote, urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.guards import SignIn, sign_in_of, user_of

NEXT = "next"
# Length of `next` in a URL; a longer one is dropped.
LONGEST_NEXT = 2_000


def is_own_address(request: HttpRequest, url: str) -> bool:
    """Whether a URL stays on this host, and on https if the request used it."""
    return url_has_allowed_host_and_scheme(url, allowed_hosts={request.get_host()}, require_https=request.is_secure())


def own_path(request: HttpRequest, url: str) -> str:
    """Return `url` if it's a path on this host, else "". It begins with exactly one slash, so that no browser reads a
    host in it and no code takes it for the name of a view."""
    is_path = url.startswith("/") and not url.startswith("//")
    return url if is_path and len(quote(url)) <= LONGEST_NEXT and is_own_address(request, url) else ""


def wanted_page(request: HttpRequest) -> str:
    """Return the `next` of the form or URL if it's a path on this host, else ""."""
    return own_path(request, request.POST.get(NEXT) or request.GET.get(NEXT) or "")


def page_of(request: HttpRequest) -> str:
    """Return the page to come back to, else "": the requested one, or for a POST the one with its form."""
    if request.method in {"GET", "HEAD"} and not request.headers.get("HX-Request"):
        return own_path(request, request.get_full_path())
    came_from = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
    if not is_own_address(request, came_from):
        return ""
    parts = urlsplit(came_from)
    return own_path(request, f"{parts.path}?{parts.query}" if parts.query else parts.path)


def with_query(url_name: str, *args: str, **query: str) -> str:
    """Return the URL of a named page with a query, without its empty values."""
    kept = {key: value for key, value in query.items() if value}
    address = reverse(url_name, args=args)
    return f"{address}?{urlencode(kept)}" if kept else address


def after_sign_in(request: HttpRequest) -> str:
    """Return where a finished sign-in leads: to the requested page, else home. An owner whose second factors are about
    to be reset sees that first, and can stop it (docs/security.md#factor-reset)."""
    if _has_pending_factor_reset(request):
        return with_query("accounts:factor-reset", next=wanted_page(request))
    return wanted_page(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def _has_pending_factor_reset(request: HttpRequest) -> bool:
    from accounts.models import FactorReset

    if sign_in_of(request) is not SignIn.FULL:
        return False
    return FactorReset.objects.filter(user=user_of(request), status=FactorReset.Status.WAITING).exists()


def send_to(request: HttpRequest, url: str) -> HttpResponse:
    """Redirect. An htmx request loads the whole page there instead of swapping it in."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
