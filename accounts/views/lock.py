"""Pages of two links by mail: confirming a new email, and locking an account whose change wasn't the owner's."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.guards import SignIn, sign_in_of, store_of
from accounts.models import Purpose
from accounts.services import email_change, links, locks
from accounts.services.changes import Change
from accounts.views.links import gone, too_many

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import AccountLink


@require_http_methods(["GET", "HEAD", "POST"])
def lock(request: HttpRequest) -> HttpResponse:
    """Show what was changed, with the button that locks the account; after that, whom to call. 410 if the link no
    longer works."""
    if not links.may_open(request=request):
        return too_many(request)
    link = links.held(request=request, purpose=Purpose.LOCK)
    if link is None:
        return gone(request)
    if request.method == "POST":
        if not locks.lock_with_link(link=link):
            return gone(request)
        _hold_without_session_of(request, link)
        return redirect("accounts:lock")
    is_locked = link.user.locks.filter(lifted_at=None).exists()
    return render(
        request,
        "accounts/lock.html",
        {"link": link, "what": Change.of(link).label, "is_locked": is_locked, "username": link.user.username},
    )


def _hold_without_session_of(request: HttpRequest, link: AccountLink) -> None:
    """Keep the link in a session of nobody, if this browser's own has just ended with the account."""
    row = store_of(request).row
    if row is not None and row.user_id == link.user_id:
        request.session.flush()
        request.session[links.HELD] = link.token_hash


@require_http_methods(["GET", "HEAD", "POST"])
def confirm_email(request: HttpRequest) -> HttpResponse:
    """Confirm the email that the link went to. 410 if the link no longer works."""
    if not links.may_open(request=request):
        return too_many(request)
    link = links.held(request=request, purpose=Purpose.CONFIRM_EMAIL)
    if link is None:
        return gone(request)
    if request.method == "POST":
        if not email_change.confirm(request=request, link=link):
            return gone(request)
        context = {"link": link, "is_signed_in": sign_in_of(request) is SignIn.FULL}
        return render(request, "accounts/confirm_email_done.html", context, status=HTTPStatus.OK)
    return render(request, "accounts/confirm_email.html", {"link": link})
