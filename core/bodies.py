"""Size limits of request bodies (docs/security.md#request-bodies). `portal.requests` enforces them before anything
reads the body; an unmarked view takes `settings.DATA_UPLOAD_MAX_MEMORY_SIZE`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

from django.conf import settings
from django.views.decorators.csrf import csrf_exempt, csrf_protect

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

P = ParamSpec("P")
View = Callable[Concatenate["HttpRequest", P], "HttpResponse"]
# Room for the rest of an upload form: its other fields, and the lines between the parts.
FORM_BYTES = 1024**2
_MARK = "max_body_bytes"


def accepts_body(max_bytes: int) -> Callable[[View[P]], View[P]]:
    """Mark a view: its requests carry at most this many bytes."""

    def mark(view: View[P]) -> View[P]:
        setattr(view, _MARK, max_bytes)
        return view

    return mark


def accepts_upload(max_bytes: int) -> Callable[[View[P]], View[P]]:
    """Mark a view: it takes a form with files of this many bytes, from verified users.

    The form's token is in the body. It's checked here, behind the guards of every address, so that no one else can
    make the portal write gigabytes to a disk before it refuses. A guard of the view itself goes around the marked view.
    """

    def mark(view: View[P]) -> View[P]:
        checked = csrf_protect(view)

        @wraps(view)
        def let_in(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            return checked(request, *args, **kwargs)

        return csrf_exempt(accepts_body(max_bytes + FORM_BYTES)(let_in))

    return mark


def most_bytes(view: Callable[..., Any]) -> int:
    """Return the most bytes of body that the view takes."""
    return int(getattr(view, _MARK, settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
