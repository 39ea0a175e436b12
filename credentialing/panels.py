"""The latest certificates, on home and on a policy's page (S-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from core.panels import Panel, PanelLink, Slot
from core.urls import address_for
from credentialing.models import Certificate
from policies.models import reach_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from accounts.models import User
    from core.panels import Provider
    from policies.models import Policy

MOST = 4


def latest_certificates(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the latest certificates that the user sees, of one policy where it is given. One query.

    Before the first certificate, home shows every customer the way to it; a policy's page shows nothing.
    """
    certificates = Certificate.objects.visible_to(user)
    slot: Slot = "home"
    if policy is not None:
        certificates, slot = certificates.filter(coverage__term__policy=policy), "policy"
    latest = list(certificates[:MOST])
    if not latest and (policy is not None or not reach_of(user)):
        return
    yield Panel(
        "Certificates",
        slot,
        template="credentialing/_latest.html",
        context={"certificates": latest},
        order=40,
        links=(PanelLink("All certificates", reverse("credentialing:certificates")),) if latest else (),
    )


def certificate_address() -> Callable[[str], str]:
    """Return what makes the address where a coverage's certificate or letter is created, from its public id."""
    return address_for("credentialing:issue")


PANELS: list[Provider] = [latest_certificates]
