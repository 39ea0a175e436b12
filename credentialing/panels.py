"""The latest certificates, on home and on a policy's page (S-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField
from django.urls import reverse

from core.panels import Panel, PanelLink, Slot
from core.statements import prepared
from core.urls import address_for
from credentialing.models import Certificate
from policies.models import SCOPE, Scope, of_agencies, reach_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import QuerySet

    from accounts.models import User
    from core.panels import Provider
    from policies.models import Policy

MOST = 4


def latest_certificates(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the latest certificates that the user sees, of one policy where it is given. One query.

    Before the first certificate, home shows every customer the way to it; a policy's page shows nothing.
    """
    scope = reach_of(user).scope.values()
    slot: Slot = "home"
    if policy is None:
        latest = _latest(**scope)
    else:
        latest, slot = _latest_of_policy(policy_id=policy.pk, **scope), "policy"
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


@prepared(of_agencies, **SCOPE)
def _latest(**scope: Any) -> QuerySet[Certificate]:
    return Certificate.objects.open_to(Scope(**scope))[:MOST]


@prepared(**SCOPE, policy_id=BigIntegerField())
def _latest_of_policy(*, policy_id: int, **scope: Any) -> QuerySet[Certificate]:
    return Certificate.objects.open_to(Scope(**scope)).filter(coverage__term__policy=policy_id)[:MOST]


PANELS: list[Provider] = [latest_certificates]
