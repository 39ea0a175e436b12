"""What every page shows around its content, as one variable `site`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.guards import SignIn, look_of, sign_in_of, subject_of
from core.dates import carrier_today
from core.fixed import rendered_parts
from core.templatetags.show import day_long
from core.urls import address_of
from policies.models import Membership, reach_of
from portal import published
from portal.maintenance import closing
from portal.maintenance.closing import Closure
from portal.menu import MenuItem, account_menu_for, menu_for
from portal.published import Notice
from portal.support.desks import Desk, desks

if TYPE_CHECKING:
    from django.template import Node

    from accounts.models import Look, User

# What the user menu calls roles, in the order of `Membership.Role`.
ROLE_LABELS = dict(Membership.Role.choices)


class Fixed:
    """What the settings say, and addresses: the same on every page and for everyone. `{% fixed %}` sees no more."""

    @property
    def brand(self) -> dict[str, Any]:
        """The carrier's names (`settings.BRAND`)."""
        return settings.BRAND

    @property
    def support(self) -> dict[str, dict[str, str]]:
        """Whom to call, by topic (`settings.SUPPORT`, S-46)."""
        return settings.SUPPORT

    @property
    def sisters(self) -> list[dict[str, str]]:
        """Portals of sister divisions (S-18): each with `name`, `url`, and `for`."""
        return settings.SISTER_PORTALS

    @property
    def mail_reports(self) -> bool:
        """Whether a mail service tells what becomes of a mail (`settings.MAIL_SERVICE`); the demo plays one."""
        return bool(settings.DEMO or (settings.MAIL_SERVICE and settings.MAIL_REPORTS_SECRET))

    @property
    def demo(self) -> bool:
        """Whether people and policies are synthetic, which the footer says."""
        return bool(settings.DEMO)

    @property
    def legal(self) -> list[tuple[str, str]]:
        """The carrier's legal pages: label and address of those that the settings name (`settings.LEGAL_PAGES`)."""
        return [(label, href) for label, href in settings.LEGAL_PAGES.items() if href]

    @property
    def sign_in_url(self) -> str:
        """Where Sign in leads (S-05)."""
        return address_of("accounts:sign-in")

    @property
    def register_url(self) -> str:
        """Where Create an account leads (S-05)."""
        return address_of("accounts:register")

    @property
    def admin_url(self) -> str:
        """Where staff work."""
        return address_of("admin:index")

    @property
    def sign_out_url(self) -> str:
        """Where the Sign out form posts to."""
        return address_of("accounts:sign-out")


class Site(Fixed):
    """What is fixed, menu, and the age of the data. What costs a query is asked for only where a page shows it."""

    fixed = Fixed()

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def rendered_parts(self) -> dict[Node, str]:
        """What `{% fixed %}` has rendered already."""
        return rendered_parts()

    @cached_property
    def desks(self) -> dict[str, Desk]:
        """The support desks, each with whether someone is there now."""
        return desks()

    @cached_property
    def notices(self) -> list[Notice]:
        """What visitors should know before they sign in: maintenance ahead, and notices of staff."""
        return published.notices_for_visitors()

    @property
    def closures(self) -> list[Closure]:
        """What is closed for maintenance now."""
        return closing.in_effect()

    @property
    def year(self) -> int:
        """The year of the copyright line."""
        return carrier_today().year

    @cached_property
    def roles(self) -> str:
        """What the user is here: "Policyholder, agent"; staff too."""
        if not self.signed_in:
            return ""
        user = subject_of(self._request)
        held = reach_of(user).roles
        labels = [label for role, label in ROLE_LABELS.items() if role in held] + (["Staff"] if user.is_staff else [])
        return ", ".join(labels).capitalize()

    @cached_property
    def subject(self) -> User:
        """Whose page this is: the signed-in user, or the customer as whom staff look at it."""
        return subject_of(self._request)

    @cached_property
    def look(self) -> Look | None:
        """The look by which staff see this page as a customer (docs/security.md#view-as)."""
        return look_of(self._request) if self.signed_in else None

    @property
    def look_minutes(self) -> str:
        """How long the look goes on: "12 minutes"."""
        left = self.look.ends_at - timezone.now() if self.look is not None else dt.timedelta()
        minutes = max(1, round(left.total_seconds() / 60))
        return f"{minutes} minute{'s' if minutes > 1 else ''}"

    @property
    def printed(self) -> str:
        """Who printed the page and when, for its head on paper."""
        user, now = getattr(self._request, "user", None), timezone.localtime()
        # Django's own date_format is ten times as slow, and every page has this line.
        half = "a.m." if now.hour < 12 else "p.m."
        moment = f"{day_long(now)}, {now.hour % 12 or 12}:{now.minute:02} {half} {now.tzname()}"
        name = user.get_full_name() or user.get_username() if user is not None and user.is_authenticated else ""
        return f"{name} · {moment}" if name else moment

    @cached_property
    def signed_in(self) -> bool:
        """Signed in with a second factor given. An error page may come before there is a user at all."""
        return hasattr(self._request, "user") and sign_in_of(self._request) is SignIn.FULL

    @cached_property
    def menu(self) -> list[MenuItem]:
        """The entries of this user's menu (S-21)."""
        return menu_for(self._request) if self.signed_in else []

    @cached_property
    def account_menu(self) -> list[MenuItem]:
        """The pages of the user's own account; staff don't open a customer's."""
        return account_menu_for(self._request) if self.signed_in and self.look is None else []

    @cached_property
    def as_of(self) -> dt.datetime | None:
        """The moment of the carrier's data (B-09), for users who may see any; None before the first feed."""
        if not self.signed_in:
            return None
        read: Callable[[], dt.datetime | None] = import_string(settings.FEED_AS_OF)
        return read()


def site(request: HttpRequest) -> dict[str, Site]:
    """Context processor: `site` in every template."""
    return {"site": Site(request)}
