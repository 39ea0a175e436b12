"""What a session may do, asked in one place."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, cast

from django.http import HttpRequest

if TYPE_CHECKING:
    from accounts.models import Session, User
    from accounts.sessions import SessionStore


class Standing(Enum):
    """ANONYMOUS: nobody. HALF: the password was right, no second factor yet. FULL: signed in."""

    ANONYMOUS = "anonymous"
    HALF = "half"
    FULL = "full"


def store_of(request: HttpRequest) -> SessionStore:
    """The request's session as our own store."""
    return cast("SessionStore", request.session)


def session_of(request: HttpRequest) -> Session:
    """The stored session of a signed-in user. Raises LookupError where nothing is stored."""
    row = store_of(request).row
    if row is None:
        raise LookupError("This request has no stored session.")
    return row


def user_of(request: HttpRequest) -> User:
    """The signed-in user; only for pages that nobody else reaches."""
    return cast("User", request.user)


def standing_of(request: HttpRequest) -> Standing:
    """How far the request's session has come. A second factor counts while its device, or the remembered device that
    spared it, is still there and good."""
    if not request.user.is_authenticated:
        return Standing.ANONYMOUS
    return Standing.FULL if user_of(request).is_verified() else Standing.HALF
