"""Home: the landing page for visitors, and status at a glance for signed-in users."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, DateTimeField
from django.shortcuts import render
from django.utils import timezone

from accounts.forms import SignInForm
from accounts.guards import SignIn, sign_in_of, subject_of
from core.panels import panels_for
from core.statements import prepared
from policies.models import reach_of
from portal.menu import quick_links_for
from portal.models import Announcement

if TYPE_CHECKING:
    import datetime as dt

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

NEWS_ON_HOME = 5


def home(request: HttpRequest) -> HttpResponse:
    """`/`: what matters now to a signed-in user, or what the portal is and the sign-in form (S-05, S-20, S-22)."""
    if sign_in_of(request) is not SignIn.FULL:
        news = Announcement.objects.visible_to(None)[:NEWS_ON_HOME]
        return render(request, "portal/landing.html", {"news": news, "form": SignInForm(autofocus=False)})
    user = subject_of(request)
    panels = panels_for(user, "home")
    links = quick_links_for(user)
    # One primary action a page: the first of the quick links, unless a panel has a more particular one.
    first, links = (links[0], links[1:]) if links else (None, [])
    primary = None if any(panel.has_primary for panel in panels) else first
    welcome = f"Welcome to {settings.BRAND['portal_name']}"
    return render(
        request,
        "portal/home.html",
        {
            "greeting": greeting(),
            "headline": next((panel.headline for panel in panels if panel.headline), welcome),
            "panels": panels,
            "attention": [link for panel in panels for link in panel.attention],
            "primary": primary,
            "quick_links": links,
            "news": _news(roles=sorted(reach_of(user).roles), now=timezone.now()),
        },
    )


@prepared(roles=ArrayField(CharField()), now=DateTimeField())
def _news(*, roles: list[str], now: dt.datetime) -> QuerySet[Announcement]:
    return Announcement.objects.published(now).for_roles(roles)[:NEWS_ON_HOME]


def greeting() -> str:
    """By the clock of the user's own zone."""
    hour = timezone.localtime().hour
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"


def bad_request(_request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return the page for an unreadable request."""
    return _plain("400.html", HTTPStatus.BAD_REQUEST)


def too_large(_request: HttpRequest, *, status: int = HTTPStatus.REQUEST_ENTITY_TOO_LARGE) -> HttpResponse:
    """Return the page for a request with too large a body."""
    return _plain("413.html", status)


def server_error(_request: HttpRequest) -> HttpResponse:
    """Return the page for a server error."""
    return _plain("500.html", HTTPStatus.INTERNAL_SERVER_ERROR)


def _plain(template: str, status: int) -> HttpResponse:
    """Return a page with support contacts that uses no database, session, or cache."""
    return render(None, template, {"brand": settings.BRAND, "support": settings.SUPPORT}, status=status)
