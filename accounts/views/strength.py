"""The strength of a password while it's typed (S-13)."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from accounts.decorators import keeps_no_session_alive
from accounts.forms.passwords import LONGEST_PASSWORD
from accounts.guards import user_of
from accounts.models import User
from accounts.passwords.strength import strength_of
from accounts.services import links
from core.clients import client_ip, network_key
from core.throttle import Limit

if TYPE_CHECKING:
    from django.http import HttpRequest

ASKED = Limit("account:password_strength", 60, dt.timedelta(minutes=1))


@sensitive_post_parameters("new_password1")
@require_POST
@keeps_no_session_alive
def password_strength(request: HttpRequest) -> HttpResponse:
    """Return the meter for what is typed, which is neither stored nor logged. 429 above the limit, and the page keeps
    the words it has."""
    who = user_of(request).public_id if request.user.is_authenticated else network_key(client_ip(request))
    if not ASKED.hit(who).allowed:
        return HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
    typed = request.POST.get("new_password1", "")[: LONGEST_PASSWORD + 1]
    return render(request, "accounts/_strength.html", {"strength": strength_of(typed, _owner(request))})


def _owner(request: HttpRequest) -> User:
    """Return whose password it is: the signed-in user, the user of the link that this browser has opened, or the
    one that the form names."""
    if request.user.is_authenticated:
        return user_of(request)
    return links.user_held(request=request) or User(username=request.POST.get("username", "")[:150])
