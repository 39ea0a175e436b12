"""The latest certificates, on home and on a policy's page (S-20)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField

from core.dates import carrier_today
from core.panels import Panel, PanelLink, Slot
from core.statements import prepared
from core.urls import address_for, address_of
from credentialing.holders.request_words import sentence_of
from credentialing.models import Certificate, HolderRequest
from policies.models import SCOPE, Scope, of_agencies, reach_of
from policies.rights import reach_with
from policies.roles import Capability

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
        links=(PanelLink("All certificates", address_of("credentialing:certificates")),) if latest else (),
    )


def loss_run_of_policy(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the way to the loss run of a policy, to those who hold it or serve it. No query: the policy's page has read
    the agents of record already."""
    if policy is None:
        return
    reach = reach_with(user, Capability.VIEW_LOSS_RUN)
    held = policy.policyholder_id in reach.policyholder_ids
    if not held and reach.agency_ids:
        today = carrier_today()
        held = any(one.agency_id in reach.agency_ids for one in policy.appointments if one.is_in_office(today))
    if held:
        yield Panel(
            "Claims",
            "policy",
            lines=("A loss run lists the policy’s claims and what was paid.",),
            order=60,
            links=(PanelLink("Loss run of this policy", address_for("credentialing:loss-run")(policy.public_id)),),
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


@prepared(**SCOPE)
def _holder_requests(**scope: Any) -> QuerySet[HolderRequest]:
    """Return the own parties' requests that haven't come to their end, those that wait for the customer first."""
    return HolderRequest.objects.open_to(Scope(**scope)).select_related("policy", "standing__holder")[:MOST]


def holder_requests(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the requests about holders that wait: for the user, or for us with the time by which we answer. One query,
    on home alone."""
    if policy is not None or not reach_of(user):
        return
    found = list(_holder_requests(**reach_of(user).scope.values()))
    if not found:
        return
    waits = [one for one in found if one.status == HolderRequest.Status.ANSWERED]
    yield Panel(
        "Requests about holders",
        "home",
        template="credentialing/holders/_requests.html",
        context={"requests": [(one, sentence_of(one)) for one in found]},
        order=45,
        links=(PanelLink("All requests", address_of("credentialing:holder-requests")),),
        attention=tuple(
            PanelLink("Reply to us", one.get_absolute_url(), f"{one.get_kind_display()}, {one.policy.number}")
            for one in waits
        ),
    )


PANELS: list[Provider] = [latest_certificates, holder_requests, loss_run_of_policy]
