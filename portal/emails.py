"""The mails of the portal itself, one function for each kind.

None holds what anyone wrote: it says that something happened, and the page behind sign-in has the words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from core import mail

if TYPE_CHECKING:
    from portal.models import SupportRequest


def request_step(request: SupportRequest, name: str, *, key: str = "") -> None:
    """Tell the customer what became of their request: `request_received`, `_taken`, `_answered`, or `_closed`."""
    if request.user.email:
        context = {"address": settings.PUBLIC_URL + request.get_absolute_url()}
        mail.send(name, to=request.user.email, context=context, key=f"{request.public_id}:{key}".rstrip(":"))


def request_waits(request: SupportRequest, *, key: str) -> None:
    """Tell the desk of the request's topic that it waits for an answer."""
    context = {"address": f"{settings.PUBLIC_URL}/admin/portal/supportrequest/{request.pk}/change/"}
    to = settings.SUPPORT[request.desk]["email"]
    mail.send("request_waiting", to=to, context=context, key=f"{request.public_id}:{key}")
