"""What a session may do, asked in one place."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import Look, Session, User
    from accounts.sessions import SessionStore


class SignIn(Enum):
    """How far a session has come. HALF: the password was right, a second factor is missing. FULL: signed in."""

    ANONYMOUS = "anonymous"
    HALF = "half"
    FULL = "full"


def store_of(request: HttpRequest) -> SessionStore:
    """Return the request's session as our own store."""
    return cast("SessionStore", request.session)


def session_of(request: HttpRequest) -> Session:
    """Return the stored session of a signed-in user. Raises LookupError where nothing is stored."""
    row = store_of(request).row
    if row is None:
        raise LookupError("This request has no stored session.")
    return row


def user_of(request: HttpRequest) -> User:
    """Return the signed-in user; only for pages that nobody else reaches."""
    return cast("User", request.user)


def subject_of(request: HttpRequest) -> User:
    """Return the user whose rows, rights, and menu a customer's page shows; only for pages that nobody else reaches.

    That's the signed-in user, or the customer as whom a member of staff looks at the portal
    (docs/security.md#view-as). `user_of` is who acts: for events, messages, and everything that a POST does.
    """
    look = look_of(request)
    return look.subject if look is not None else user_of(request)


def look_of(request: HttpRequest) -> Look | None:
    """Return the look by which staff see this page as a customer, None on everybody's own pages."""
    if not hasattr(request, "look"):
        from accounts.services import looks

        request.look = looks.current(request=request) if hasattr(request, "session") else None  # type: ignore[attr-defined]
    found: Look | None = request.look  # type: ignore[attr-defined]
    return found


def sign_in_of(request: HttpRequest) -> SignIn:
    """Return how far the request's session has come. Its second factor is the device that a code came from, or the
    remembered device that spared the code; either counts only while it's still good (docs/security.md#sign-in)."""
    if not request.user.is_authenticated:
        return SignIn.ANONYMOUS
    user = user_of(request)
    if user.is_verified() or user.remembered_device is not None:
        return SignIn.FULL
    return SignIn.HALF
