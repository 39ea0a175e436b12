"""The account's activity, and its export (S-15)."""

from __future__ import annotations

import datetime as dt
from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.events import AccountEvent
from accounts.forms.activity import ActivityForm
from accounts.guards import user_of
from accounts.pages.activity import MOST_EXPORTED, SHOWN, events_of, export, lines_of
from core.dates import shown_day
from core.events import record_event
from core.keyset import keyset_page
from core.throttle import Limit

if TYPE_CHECKING:
    from django.http import HttpRequest

EXPORTS = Limit("account:activity_exports", settings.ACTIVITY_EXPORTS_AN_HOUR, dt.timedelta(hours=1))


@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    """List what happened to the account, newest first. 422 where a filter can't be read; everything is shown then."""
    return _show(request)


@require_safe
def activity_export(request: HttpRequest) -> HttpResponse:
    """Download the list as CSV, narrowed as the page was. 429 past the limit."""
    user, form = user_of(request), ActivityForm(request.GET)
    if not form.is_valid():
        return _show(request)
    if not EXPORTS.hit(str(user.pk)).allowed:
        refusal = "You’ve downloaded this list several times in the last hour. Try again later."
        return _show(request, refusal=refusal)
    events = list(events_of(user, **form.chosen()).only(*SHOWN)[:MOST_EXPORTED])
    record_event(AccountEvent.ACTIVITY_EXPORTED, subject=user, lines=len(events))
    name = f"activity-{shown_day().isoformat()}.csv"
    return HttpResponse(
        export(lines_of(user, events)),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _show(request: HttpRequest, *, refusal: str = "") -> HttpResponse:
    user, form = user_of(request), ActivityForm(request.GET)
    status = HTTPStatus.OK if form.is_valid() else HTTPStatus.UNPROCESSABLE_ENTITY
    page = keyset_page(events_of(user, **form.chosen()), request, order=("-at", "-id"))
    query = request.GET.copy()
    for gone in ("after", "before"):
        query.pop(gone, None)
    context = {
        "form": form,
        "page": page,
        "lines": lines_of(user, page.rows),
        "query": query.urlencode(),
        "narrowed": any(form.chosen().values()),
        "most": f"{MOST_EXPORTED:,}",
        "refusal": refusal,
        "origin": settings.PUBLIC_URL,
    }
    return render(
        request, "accounts/activity.html", context, status=HTTPStatus.TOO_MANY_REQUESTS if refusal else status
    )
