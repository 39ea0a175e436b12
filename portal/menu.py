"""The menu by role (S-21): only entries that lead somewhere for this user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from accounts.guards import subject_of
from core import areas
from core.areas import MenuEntry
from core.urls import address_of
from policies.models import reach_of
from policies.rights import holds
from policies.roles import Capability

if TYPE_CHECKING:
    from django.http import HttpRequest

    from accounts.models import User


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry. `current` is the value of aria-current: "page" on the page itself, "true" below it, else nothing."""

    label: str
    href: str
    icon: str
    current: str = ""
    hint: str = ""


HOME = MenuEntry("Home", "home", "house")


def menu_for(request: HttpRequest) -> list[MenuItem]:
    """Return the entries for the user of this request, who is signed in and verified.

    Staff work in admin, and see the customers' areas where they are customers as well.
    """
    path, user = request.path, subject_of(request)
    entries = [HOME, *areas.menu()] if reach_of(user) else [HOME]
    items = _one_current([_item(path, entry.label, address_of(entry.url_name), entry.icon) for entry in entries])
    if user.is_staff:
        items.append(MenuItem("Admin", address_of("admin:index"), "wrench"))
    return items


def quick_links_for(user: User) -> list[MenuItem]:
    """Return the quick links of home (S-20), for a user with any membership."""
    if not reach_of(user):
        return []
    return [
        MenuItem(entry.label, address_of(entry.url_name), entry.icon, hint=entry.hint)
        for entry in areas.quick_links()
        if not entry.needs or holds(user, Capability(entry.needs))
    ]


def account_menu_for(request: HttpRequest) -> list[MenuItem]:
    """Return the pages of the user's own account, for its navigation and the menu under the user's name."""
    return [_account_item(request.path, entry) for entry in areas.account_pages()]


def _account_item(path: str, entry: MenuEntry) -> MenuItem:
    item = _item(path, entry.label, address_of(entry.url_name), entry.icon)
    if any(path.startswith(address_of(name)) for name in entry.covers):
        return replace(item, current="true")
    return item


def _item(path: str, label: str, href: str, icon: str) -> MenuItem:
    return MenuItem(label, href, icon, _current(path, href))


def _one_current(items: list[MenuItem]) -> list[MenuItem]:
    """Leave only the nearest entry current, where one's pages are below another's."""
    nearest = max((item for item in items if item.current), key=lambda item: len(item.href), default=None)
    return [item if item is nearest or not item.current else replace(item, current="") for item in items]


def _current(path: str, href: str) -> str:
    if path == href:
        return "page"
    return "true" if href != "/" and path.startswith(href) else ""
