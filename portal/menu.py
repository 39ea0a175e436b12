"""The menu by role (S-21): only what exists, and only what leads somewhere for this user."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One entry. `current` is the value of aria-current: "page" on the page itself, "true" below it, else nothing."""

    label: str
    href: str
    icon: str
    current: str = ""


# Label, url name, icon. Customers' areas; staff work in admin, and see these where they are customers as well.
ENTRIES = (
    ("Home", "home", "house"),
    ("Policies", "policies:list", "shield-check"),
    ("Certificates", "credentialing:home", "file-badge"),
)


def menu_for(request: HttpRequest) -> list[MenuItem]:
    """The entries for the user of this request, who is signed in and verified."""
    path = request.path
    user = request.user
    items = [
        MenuItem(label, href, icon, _current(path, href))
        for label, href, icon in ((label, reverse(name), icon) for label, name, icon in ENTRIES)
    ]
    if user.is_staff:
        items.append(MenuItem("Admin", reverse("admin:index"), "wrench"))
    return items


def _current(path: str, href: str) -> str:
    if path == href:
        return "page"
    return "true" if href != "/" and path.startswith(href) else ""
