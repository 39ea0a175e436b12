"""The kinds of change requests (S-32), and how one is added.

A kind is a `Kind`: its words, its form (`forms.ChangeForm`), its rule where staff have settled nothing else, and, where
the change needs one, its supplemental application (`forms.SupplementForm`) and a statement to sign. A module lists its
kinds in `KINDS`, and is named in `MODULES`. A kind whose pages are elsewhere (a roster) has `start` instead of a form,
and opens its requests by `opening.open_request`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any

from django.utils.module_loading import import_string

from policies.models.membership import Membership

if TYPE_CHECKING:
    from policies.change_requests.forms import ChangeForm, SupplementForm
    from policies.models import Policy

MODULES = (
    "policies.change_requests.kinds.people",
    "policies.change_requests.kinds.practice",
    "policies.change_requests.kinds.coverage",
    "policies.change_requests.kinds.policy",
    "policies.change_requests.kinds.contact",
    "policies.change_requests.kinds.roster",
    "policies.change_requests.kinds.other",
)
MANAGERS = frozenset({Membership.Role.POLICYHOLDER.value, Membership.Role.AGENT.value})
HOLDERS = frozenset({Membership.Role.POLICYHOLDER.value})


class Group(StrEnum):
    """Under which heading a kind is offered, in this order."""

    PEOPLE = "People on the policy"
    PRACTICE = "Changes in practice"
    COVERAGE = "Coverage"
    POLICY = "The policy"
    OTHER = "Anything else"


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for a kind at a company and in a state: see `policies.models.ChangeRule`. None: not limited."""

    offered: bool = True
    reason: str = ""
    days_back: int | None = None
    days_ahead: int | None = None
    shortest: int | None = None
    longest: int | None = None
    not_with_funds: tuple[str, ...] = ()
    note: str = ""
    certificate: str = ""


def _fits(_policy: Policy) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of change.

    `title`: 'Leave of absence'; `hint`: when to choose it. `form`: its questions; `start`: instead of a form, the name
    of a page of its own, which takes the policy's public id. `supplement`: gets the form with its checked answers, and
    returns the form of the supplemental application that they call for, or None. `statement`: gets the same, and
    returns the text to sign by typing one's name, or nothing; `warns_of_fraud`: the state's fraud warning goes with it,
    as it does with every supplemental application. `fits`: why a policy can't have it, or nothing. `premium`: the
    premium may change. `after_end`: it can be asked for once the policy has ended, too. `roles`: who may ask for it; an
    agent doesn't appoint another agent. `certificate`: gets the form, and returns what certificates will say.
    `listed`: offered among the kinds; one that isn't is reached from a page of its own.
    """

    key: str
    title: str
    hint: str
    group: Group
    form: type[ChangeForm] | None = None
    start: str = ""
    rule: Rule = field(default_factory=Rule)
    supplement: Callable[[Any], type[SupplementForm] | None] | None = None
    statement: Callable[[Any], str] | None = None
    certificate: Callable[[Any], str] | None = None
    fits: Callable[[Policy], str] = _fits
    premium: bool = False
    after_end: bool = False
    warns_of_fraud: bool = False
    roles: frozenset[str] = MANAGERS
    listed: bool = True


def kind_of(key: str) -> Kind | None:
    """Return the kind of this key, or None."""
    return kinds().get(key)


@cache
def kinds() -> dict[str, Kind]:
    """Return every kind by its key, in the order in which they're offered. Raises ValueError for a key twice."""
    found = [kind for module in MODULES for kind in import_string(f"{module}.KINDS")]
    order = list(Group)
    by_key = {kind.key: kind for kind in sorted(found, key=lambda kind: order.index(kind.group))}
    if len(by_key) != len(found):
        raise ValueError("Two kinds of change requests have one key.")
    return by_key
