"""What policies add to home: one's own coverage, the policies one represents, an agent's book (S-08, S-22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse

from core.panels import Panel, PanelLink
from policies.models import Policy
from policies.pages.home import glance_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User
    from core.panels import Provider
    from policies.pages.home import Glance


def at_a_glance(user: User, *, policy: Policy | None = None) -> Iterator[Panel]:
    """Panels of home. The policy's own page is of policies' own making, and needs none."""
    if policy is not None:
        return
    glance = glance_of(user)
    headline = glance.headline
    all_policies = (PanelLink("All policies", reverse("policies:list")),)
    if glance.own:
        yield Panel(
            "Your coverage",
            "home",
            template="policies/_home_own.html",
            context={"own": _leading(glance), "notices": _own_notices(glance)},
            order=10,
            headline=headline,
            links=() if glance.held and not glance.individual else all_policies,
        )
    if glance.held and not (glance.own and glance.individual):
        yield Panel(
            "Policies that you manage",
            "home",
            template="policies/_home_held.html",
            context={"held": glance.held, "more": glance.more_policies},
            order=20,
            headline=headline,
            links=all_policies,
        )
    if glance.book is not None:
        yield Panel(
            "Your clients",
            "home",
            template="policies/_home_book.html",
            context={"book": glance.book},
            order=30,
            headline=headline,
            links=(PanelLink("All client policies", reverse("policies:list")),),
        )


def _leading(glance: Glance) -> list[object]:
    """The coverages in force; where there are none, the last ones, so that a letter can still be had."""
    in_force = [own for own in glance.own if own.in_force]
    return list(in_force or glance.own[:3])


def _own_notices(glance: Glance) -> list[object]:
    """What waits on the policies that stand behind one's own coverage: each as far as one sees it."""
    held = {one.status.policy.pk: one.status for one in glance.held} if glance.individual else {}
    seen = {own.status.policy.pk: own.status for own in glance.own} | held
    return [notice for status in seen.values() for notice in status.notices]


PANELS: list[Provider] = [at_a_glance]
