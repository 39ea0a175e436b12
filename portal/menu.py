"""The menu by role (S-21): only what exists, and only what leads somewhere for this user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.urls import reverse

from accounts.guards import user_of
from policies.models import reach_of

if TYPE_CHECKING:
    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry. `current` is the value of aria-current: "page" on the page itself, "true" below it, else nothing."""

    label: str
    href: str
    icon: str
    current: str = ""


# Label, url name, icon: the customers' areas. Staff work in admin, and see these where they are customers as well.
HOME = ("Home", "home", "house")
AREAS = (
    ("Policies", "policies:list", "shield-check"),
    ("Certificates", "credentialing:home", "file-badge"),
)


def menu_for(request: HttpRequest) -> list[MenuItem]:
    """The entries for the user of this request, who is signed in and verified."""
    path, user = request.path, user_of(request)
    entries = [HOME, *AREAS] if reach_of(user) else [HOME]
    items = [
        MenuItem(label, href, icon, _current(path, href))
        for label, href, icon in ((label, reverse(name), icon) for label, name, icon in entries)
    ]
    if user.is_staff:
        items.append(MenuItem("Admin", reverse("admin:index"), "wrench"))
    return items


def _current(path: str, href: str) -> str:
    if path == href:
        return "page"
    return "true" if href != "/" and path.startswith(href) else ""
