"""What every request passes: limits of the session, default deny, and no copies of personal pages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django_otp import DEVICE_ID_SESSION_KEY

from accounts.guards import SignIn, sign_in_of, store_of, user_of
from accounts.models import CodeDevice, Session, User
from accounts.models.sessions import EndReason
from accounts.navigation import page_of, send_to, with_query

GetResponse = Callable[[HttpRequest], HttpResponse]

# `last_seen_at` is written at most this often; idle sessions end by as much earlier at most.
TOUCH_EVERY = dt.timedelta(seconds=10)
# In the address of a page that loads itself again.
BY_ITSELF = "by_itself"


def _view_name(request: HttpRequest) -> str:
    match = request.resolver_match
    return match.view_name if match else ""


def _needs_no_session(request: HttpRequest) -> bool:
    """Probes and webhooks work without asking who is there, and while the database is down."""
    return _view_name(request) in settings.SESSIONLESS_URL_NAMES


def _asked_by_itself(request: HttpRequest, view: Callable[..., Any]) -> bool:
    """Whether the page asked, rather than somebody who is there: by a poll (`keeps_no_session_alive`), or by the
    refresh of a page without JavaScript, whose address says so. Who types that into an address shortens only their
    own session."""
    return not getattr(view, "keeps_session_alive", True) or BY_ITSELF in request.GET


class UserMiddleware(AuthenticationMiddleware):
    """Sets `request.user` as Django's own middleware does, and its `otp_device` as django-otp's does: from the device
    that came with the session."""

    def process_request(self, request: HttpRequest) -> None:
        """Leave the user to be looked up where a page first asks."""
        request.user = cast("User", SimpleLazyObject(partial(_user_of, request)))


def _user_of(request: HttpRequest) -> User | AnonymousUser:
    user = auth.get_user(request)
    if not isinstance(user, User):
        return user
    user.otp_device = _verified_by(request, user)
    if user.otp_device is None and DEVICE_ID_SESSION_KEY in request.session:
        del request.session[DEVICE_ID_SESSION_KEY]
    return user


def _verified_by(request: HttpRequest, user: User) -> CodeDevice | None:
    """Return the device whose code verified this session, while it is the user's own and in use."""
    store = store_of(request)
    if store.row is None or store.row.verified_at is None or store.device is None:
        return None
    device = store.device
    if device.persistent_id != store.get(DEVICE_ID_SESSION_KEY) or device.user_id != user.pk:
        return None
    return device if device.confirmed else None


class SessionLimitsMiddleware:
    """Applies a remembered device, keeps the session's last use, and shows times in the user's zone.

    The limits themselves (idle, absolute, waiting for a code) are enforced where the session is loaded.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        timezone.deactivate()
        if _needs_no_session(request) or not request.user.is_authenticated:
            return None
        row, user = store_of(request).row, user_of(request)
        if row is None:
            return None
        if row.verified_at is None:
            # A code given in this very session is missing; only a remembered device that is still good spares it.
            remembered = row.trusted_device
            user.remembered_device = remembered if remembered and remembered.is_usable_by(user) else None
        elif not user.is_verified():
            self._end(request, row)
            return None
        now = timezone.now()
        if not _asked_by_itself(request, view) and now - row.last_seen_at >= TOUCH_EVERY:
            Session.objects.open().filter(pk=row.pk).update(last_seen_at=now)
            row.last_seen_at = now
        try:
            timezone.activate(ZoneInfo(user.time_zone))
        except (ZoneInfoNotFoundError, ValueError):
            timezone.deactivate()
        return None

    def _end(self, request: HttpRequest, row: Session) -> None:
        """End a session whose verifying method is gone. It must not go on as a half one, which may set up a first
        method: only a fresh password may (docs/security.md#sign-in)."""
        row.end(EndReason.FACTOR_GONE)
        request.session.flush()
        store_of(request).end_reason = EndReason.FACTOR_GONE
        request.user = AnonymousUser()


class DefaultDenyMiddleware:
    """Every address needs a signed-in user with a second factor, unless settings list it
    (docs/security.md#default-deny).

    Who has given only a password may verify, set up a first method or sign out, and nothing else.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., Any], _args: Any, _kwargs: Any
    ) -> HttpResponse | None:
        name = _view_name(request)
        if _needs_no_session(request):
            return None
        sign_in = sign_in_of(request)
        if sign_in is SignIn.FULL:
            return None
        if sign_in is SignIn.HALF:
            # Public pages too, but home: it would greet a visitor who has signed in half.
            if name in settings.HALF_SIGNED_IN_URL_NAMES | settings.PUBLIC_URL_NAMES - {settings.LOGIN_REDIRECT_URL}:
                return None
            return send_to(request, with_query("accounts:verify", next=page_of(request)))
        if name in settings.PUBLIC_URL_NAMES:
            return None
        over = store_of(request).end_reason
        return send_to(request, with_query("accounts:sign-in", next=page_of(request), why=over or ""))


class NoStoreMiddleware:
    """No browser or proxy keeps a copy of what was not marked otherwise (docs/security.md#headers). Static files are
    served before this."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "no-store, private"
        return response
