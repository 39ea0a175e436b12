"""Guards of single views."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from accounts.guards import SignIn, session_of, sign_in_of
from accounts.navigation import page_of, send_to, with_query

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
AnyView = TypeVar("AnyView", bound="Callable[..., HttpResponse]")
View = Callable[Concatenate["HttpRequest", P], "HttpResponse"]


def step_up_required(view: View[P]) -> View[P]:
    """Ask for a code first if the last real one is older than 20 minutes (docs/security.md#step-up).

    A remembered device isn't a code. After the code, the user is back on the page asked for, or on the one whose form
    was sent; the browser keeps what was typed there (static/js/keep.js).
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if sign_in_of(request) is SignIn.FULL and session_of(request).has_fresh_code():
            return view(request, *args, **kwargs)
        why = "" if request.method in {"GET", "HEAD"} else "step_up"
        return send_to(request, with_query("accounts:verify", next=page_of(request), why=why))

    return guarded


def keeps_no_session_alive(view: AnyView) -> AnyView:
    """Automatic requests (polling) don't extend the session."""
    view.keeps_session_alive = False  # type: ignore[attr-defined]
    return view
