"""Signing out, the session's time, and outdated forms."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.decorators import keeps_no_session_alive
from accounts.guards import session_of
from accounts.models.sessions import EndReason
from accounts.navigation import page_of, with_query
from accounts.services import signing_in


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session on the server, complete or not. Nothing changes for other visitors."""
    signing_in.sign_out(request=request)
    return redirect(with_query("accounts:sign-in", why=EndReason.SIGNED_OUT))


@require_POST
def stay_signed_in(request: HttpRequest) -> HttpResponse:
    """Restart the idle time. Answer a script with the seconds left and a form with its page."""
    session = session_of(request)
    type(session).objects.open().filter(pk=session.pk).update(last_seen_at=timezone.now())
    session.refresh_from_db(fields=["last_seen_at"])
    if request.headers.get("Accept", "").startswith("application/json"):
        return _time_left(request)
    return redirect(page_of(request) or "home")


@require_safe
@keeps_no_session_alive
def session_time(request: HttpRequest) -> HttpResponse:
    """Return the seconds left in the session if it stays idle in every tab."""
    return _time_left(request)


def _time_left(request: HttpRequest) -> HttpResponse:
    left = session_of(request).ends_at() - timezone.now()
    return JsonResponse({"seconds": max(0, int(left.total_seconds()))})


def stale_page(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Show that a form's token is invalid: its page was opened before a sign-in or sign-out
    (`settings.CSRF_FAILURE_VIEW`)."""
    return render(request, "accounts/stale_page.html", {"back": page_of(request)}, status=HTTPStatus.FORBIDDEN)
