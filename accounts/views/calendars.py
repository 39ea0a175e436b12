"""The calendar of a user's dates (B-12): its private address, and what is fetched there."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.guards import user_of
from accounts.models import CalendarAddress
from core.calendars import entries_for, written
from core.clients import client_ip, network_key
from core.dates import carrier_today
from core.throttle import Limit

if TYPE_CHECKING:
    from django.http import HttpRequest

HOUR = dt.timedelta(hours=1)
# Fetches of one address; wrong tokens of one network.
FETCHES = Limit("calendar:fetch", settings.CALENDAR_FETCHES_AN_HOUR, HOUR)
WRONG = Limit("calendar:wrong", settings.CALENDAR_TRIES_AN_HOUR, HOUR)


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Show whether the user's calendar has an address, and since when."""
    return render(request, "accounts/calendar.html", {"address": CalendarAddress.of(user_of(request))})


@require_POST
def calendar_new(request: HttpRequest) -> HttpResponse:
    """Make an address, in place of the former one. It is in this answer and nowhere else."""
    token = CalendarAddress.draw(user=user_of(request))
    address = settings.PUBLIC_URL.rstrip("/") + reverse("accounts:calendar-feed", args=[token])
    return render(request, "accounts/calendar_new.html", {"address": address})


@require_POST
def calendar_revoke(request: HttpRequest) -> HttpResponse:
    """Revoke the address: it gives nothing from now on."""
    if CalendarAddress.revoke(user=user_of(request)):
        messages.success(request, "Your calendar’s address no longer works. Remove it from your calendar program.")
    return redirect("accounts:calendar")


@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """Give the calendar to anyone who has its address, by what its user may see at this moment. 404 for an address that
    isn't in effect, 429 past a limit."""
    found = CalendarAddress.found(token)
    allowance = FETCHES.hit(str(found.pk)) if found is not None else WRONG.hit(network_key(client_ip(request)))
    if not allowance.allowed:
        response = HttpResponse(status=HTTPStatus.TOO_MANY_REQUESTS)
        response["Retry-After"] = "3600"
    elif found is None:
        response = HttpResponse(status=HTTPStatus.NOT_FOUND)
    else:
        found.note_fetch()
        content = written(entries_for(found.user, today=carrier_today()), at=timezone.now())
        response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
        response["Content-Disposition"] = 'attachment; filename="calendar.ics"'
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
