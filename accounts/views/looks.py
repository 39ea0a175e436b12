"""Ending a look at the portal as a customer sees it. It begins in admin (`accounts.admin.looks`)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.looking import address_of_account
from accounts.models import LookEnd
from accounts.services import looks


@require_POST
def end_look(request: HttpRequest) -> HttpResponse:
    """End it, and go back to the customer's account in admin. Without a look, go home."""
    look = looks.held(request=request)
    request.session.pop(looks.HELD, None)
    if look is None:
        return redirect("home")
    looks.end(look, LookEnd.BY_HAND)
    return redirect(address_of_account(look))
