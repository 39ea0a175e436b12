"""'Trouble signing in?' (S-48): clear what this browser has stored of the portal, and start over."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts.navigation import is_own_address, with_query
from accounts.services import signing_in

CLEARED = "cleared"
# Pages, cookies, and what scripts kept, of this site alone.
CLEAR = '"cache", "cookies", "storage"'
COOKIES = (
    settings.SESSION_COOKIE_NAME,
    settings.CSRF_COOKIE_NAME,
    settings.DEVICE_COOKIE_NAME,
    settings.RESET_COOKIE_NAME,
)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def trouble(request: HttpRequest) -> HttpResponse:
    """Offer to clear this site's data, and do so by POST. A damaged cookie must not keep the button from working, so
    the form has no token: it counts if the browser says that it came from our own page."""
    if request.method != "POST":
        return render(request, "accounts/trouble.html")
    if not _is_own_form(request):
        return render(request, "accounts/trouble.html", {"again": True}, status=HTTPStatus.FORBIDDEN)
    signing_in.sign_out(request=request)
    response = redirect(with_query("accounts:sign-in", why=CLEARED))
    response["Clear-Site-Data"] = CLEAR
    for name in COOKIES:
        # For browsers that don't know the header, or don't honor it on plain http.
        response.delete_cookie(name, samesite="Lax")
    return response


def _is_own_form(request: HttpRequest) -> bool:
    """Whether the browser says that the form is on our own page. One that says nothing at all isn't a browser, or is
    older than any that the portal works in."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site == "same-origin"
    sender = request.headers.get("Origin") or request.headers.get("Referer") or ""
    # "null" would pass for a path of ours.
    return not sender or ("://" in sender and is_own_address(request, sender))
