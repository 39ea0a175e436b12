"""Panels of home: one's own coverage, the policies one represents, an agent's book (S-08, S-22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField

from core.panels import Panel, PanelLink
from core.statements import prepared
from core.urls import address_for, address_of
from policies.change_requests.opening import may_ask
from policies.change_requests.words import shown_of
from policies.delegates.people import places_of
from policies.models import SCOPE, ChangeRequest, Membership, Policy, Scope
from policies.pages.home import glance_of
from policies.pages.notices import notices_of
from policies.renewals.panels import PANELS as RENEWALS
from policies.renewals.panels import on_home as renewals_on_home
from policies.rights import capabilities, reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from django.db.models import QuerySet

    from accounts.models import User
    from core.panels import Provider
    from policies.pages.home import Glance
    from policies.pages.notices import Notice
    from policies.pages.status import StatusOnDay

MOST_CHANGES = 4
OF_CHANGE = ("public_id", "kind", "about", "status", "due_at", "policy__public_id", "policy__number")
WAITS_FOR_CUSTOMER = (ChangeRequest.Status.DRAFT, ChangeRequest.Status.ANSWERED)


def access(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield, on a policy's page, the way to who has access, for an administrator of its policyholder. No query."""
    if policy is None:
        return
    here = next((each for each in places_of(user) if each.policyholder_id == policy.policyholder_id), None)
    if here is not None:
        yield Panel(
            "Access",
            "policy",
            lines=("See who else can act here, invite a colleague, or end someone’s access.",),
            order=90,
            links=(PanelLink("Manage access", address_for("policies:access-party")(here.public_id)),),
        )


@prepared(**SCOPE)
def _open_changes(**scope: Any) -> QuerySet[ChangeRequest]:
    """Return the own parties' change requests that haven't come to their end, those that wait for the customer
    first."""
    return ChangeRequest.objects.open_to(Scope(**scope)).select_related("policy").only(*OF_CHANGE)[:MOST_CHANGES]


@prepared(**SCOPE, policy_id=BigIntegerField())
def _open_changes_of_policy(*, policy_id: int, **scope: Any) -> QuerySet[ChangeRequest]:
    of_policy = ChangeRequest.objects.open_to(Scope(**scope)).filter(policy=policy_id)
    return of_policy.select_related("policy").only(*OF_CHANGE)[:MOST_CHANGES]


def change_requests(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the change requests that go on, and on a policy's page the way to a new one (S-32). One query, for those
    who may ask for changes."""
    asking = reach_with(user, Capability.REQUEST_CHANGE, asks_policy=True)
    if not (asking.policyholder_ids or asking.agency_ids):
        return
    if policy is None:
        found = list(_open_changes(**asking.scope.values()))
        if found:
            yield Panel(
                "Change requests",
                "home",
                template="policies/changes/_open.html",
                context={"rows": shown_of(found), "names_policy": True},
                order=44,
                links=(PanelLink("All change requests", address_of("policies:changes")),),
                attention=tuple(_waiting_change(one) for one in found if one.status in WAITS_FOR_CUSTOMER),
            )
    elif may_ask(user, policy):
        found = list(_open_changes_of_policy(policy_id=policy.pk, **asking.scope.values()))
        yield Panel(
            "Changes",
            "policy",
            template="policies/changes/_open.html",
            context={"rows": shown_of(found), "names_policy": False},
            order=30,
            links=(
                PanelLink("Ask for a change", address_for("policies:change-new")(policy.public_id)),
                PanelLink("All change requests", address_for("policies:policy-changes")(policy.public_id)),
            ),
        )


def _waiting_change(asked: ChangeRequest) -> PanelLink:
    """Return what a request waits for, as home lists it."""
    what = "Finish or discard a draft" if asked.is_draft else "Reply to us"
    return PanelLink(what, asked.get_absolute_url(), f"{asked.kind_title}, {asked.policy.number}")


def documents(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield, on a policy's page, the way to its documents, for those who may have them (S-30). No query."""
    if policy is None or not capabilities(user, policy, among=[Capability.VIEW_DOCUMENTS]):
        return
    yield Panel(
        "Documents",
        "policy",
        lines=("Declarations, endorsements, invoices, applications, and notices, one by one or as one PDF.",),
        order=60,
        links=(PanelLink("See documents", address_for("policies:policy-documents")(policy.public_id)),),
    )


def _access_link(user: User, role: str) -> tuple[PanelLink, ...]:
    """Return home's link to who has access, for administrators."""
    if not any(place.role == role for place in places_of(user)):
        return ()
    return (PanelLink("Who has access", address_of("policies:access")),)


def at_a_glance(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Yield the panels of home. A policy's own page needs none from here."""
    if policy is not None:
        return
    glance = glance_of(user)
    yield from renewals_on_home(
        user,
        held=[one.status.term for one in glance.held],
        own=[one.term for one in glance.own],
        more=glance.more_policies,
    )
    if glance.own:
        links = _access_link(user, Membership.Role.POLICYHOLDER) if glance.held and glance.individual else ()
        yield _own_panel(glance, links)
    if glance.held and not (glance.own and glance.individual):
        yield _held_panel(glance, _access_link(user, Membership.Role.POLICYHOLDER))
    if glance.book is not None:
        yield Panel(
            "Your clients",
            "home",
            template="policies/_home_book.html",
            context={"book": glance.book},
            order=30,
            headline=glance.headline,
            links=(
                *_access_link(user, Membership.Role.AGENT),
                PanelLink("All client policies", address_of("policies:list")),
            ),
        )


def _all_policies() -> tuple[PanelLink, ...]:
    return (PanelLink("All policies", address_of("policies:list")),)


def _own_panel(glance: Glance, access: tuple[PanelLink, ...]) -> Panel:
    """One's own coverage, with what waits on its policies: each as far as one sees it."""
    own = [one for one in glance.own if one.in_force] or glance.own[:3]
    held = {one.status.policy.pk: one.status for one in glance.held} if glance.individual else {}
    seen = {one.status.policy.pk: one.status for one in glance.own} | held
    urgent, waiting = _notices(seen.values())
    return Panel(
        "Your coverage",
        "home",
        template="policies/_home_own.html",
        context={"own": own, "notices": urgent},
        order=10,
        headline=glance.headline,
        links=access if glance.held and not glance.individual else (*access, *_all_policies()),
        attention=waiting,
        has_primary=any(one.paper is not None for one in own),
    )


def _held_panel(glance: Glance, access: tuple[PanelLink, ...]) -> Panel:
    """Return the policies that one represents, with what waits on them."""
    urgent, waiting = _notices(one.status for one in glance.held)
    return Panel(
        "Policies you manage",
        "home",
        template="policies/_home_held.html",
        context={"held": glance.held, "more": glance.more_policies, "notices": urgent},
        order=20,
        headline=glance.headline,
        links=(*access, *_all_policies()),
        attention=waiting,
    )


def _notices(statuses: Iterable[StatusOnDay]) -> tuple[list[Notice], tuple[PanelLink, ...]]:
    """Part what is urgent, which leads the panel, from what waits, which is listed beside it."""
    urgent: list[Notice] = []
    waiting: list[PanelLink] = []
    for status in statuses:
        for notice in notices_of(status):
            if notice.is_urgent:
                urgent.append(notice)
            else:
                note = f"Policy {status.policy.number}"
                waiting.append(PanelLink(notice.title, status.policy.get_absolute_url(), note))
    return urgent, tuple(waiting)


PANELS: list[Provider] = [at_a_glance, *RENEWALS, documents, access, change_requests]
