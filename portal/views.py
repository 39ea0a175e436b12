"""Home: the landing page for visitors, and status at a glance for signed-in users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.shortcuts import render
from django.utils import timezone

from accounts.forms import SignInForm
from accounts.guards import SignIn, sign_in_of, subject_of
from core.panels import panels_for
from policies.models import reach_of
from portal import published
from portal.menu import quick_links_for

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


def home(request: HttpRequest) -> HttpResponse:
    """`/`: what matters now to a signed-in user, or what the portal is and the sign-in form (S-05, S-20, S-22)."""
    if sign_in_of(request) is not SignIn.FULL:
        news = [one for one in published.for_visitors() if not one.is_notice][: published.NEWS]
        return render(request, "portal/landing.html", {"news": news, "form": SignInForm(autofocus=False)})
    user = subject_of(request)
    panels = panels_for(user, "home")
    links = quick_links_for(user)
    # One primary action a page: the first of the quick links, unless a panel has a more particular one.
    first, links = (links[0], links[1:]) if links else (None, [])
    primary = None if any(panel.has_primary for panel in panels) else first
    news = published.for_roles(sorted(reach_of(user).roles))
    notices = [one for one in news if one.is_notice][: published.NOTICES]
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
            "notices": [*published.maintenance_notices(), *map(published.notice_of, notices)],
            "news": [one for one in news if not one.is_notice][: published.NEWS],
        },
    )


def greeting() -> str:
    """By the clock of the user's own zone."""
    hour = timezone.localtime().hour
    if hour < 12:
        return "Good morning"
    return "Good afternoon" if hour < 18 else "Good evening"
