"""How far a user reaches: their memberships in effect, asked for once a request, and the rows that they open.

Every `visible_to` of policies goes through here. The conditions name the parties as plain ids, and roles that the
user doesn't have are not asked about: that keeps the queries short for the database to plan and for Django to write.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Case, DateField, Field, OuterRef, Q, QuerySet, When

from core.dates import carrier_today
from core.memo import once
from core.search import ids_found
from core.statements import IDS, prepared
from policies.models.coverage import Coverage
from policies.models.details import details_as_json
from policies.models.membership import Membership
from policies.models.parties import Policyholder
from policies.models.policy import AgentOfRecord, Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User

ROLE = Membership.Role

_kept: ContextVar[dict[int, Reach] | None] = ContextVar("reach_of_users_in_this_request", default=None)


def of_agencies(shape: Mapping[str, Any]) -> bool:
    """Whether a statement of this shape (`by_values` of `prepared`) is an agent's: no one way to the clients is good
    for an agency with twenty and for one with 20,000."""
    return ROLE.AGENT in shape["roles"]


def named_so(path: str, party: Any, query: SearchQuery, scope: Scope | None) -> Q:
    """Return the condition that a query finds the name of a policyholder or insured, at the end of `path`, of rows
    within a scope.

    From the side that is the smaller: of one's own, each name is looked at; of a book, what is found.
    """
    roles = scope.roles if scope is not None else frozenset({ROLE.AGENT})
    few = roles == {ROLE.INSURED} or (party is Policyholder and ROLE.AGENT not in roles)
    return Q(**{f"{path}__search": query} if few else {f"{path}__among": ids_found(party, query)})


# The values of a scope, for `prepared`.
SCOPE: dict[str, Field[Any, Any]] = {
    "insured_ids": IDS,
    "policyholder_ids": IDS,
    "held_ids": IDS,
    "agency_ids": IDS,
    "today": DateField(),
}


@dataclass(frozen=True)
class Scope:
    """The rows that memberships open, as conditions. A prepared queryset gets places instead of the ids and the day:
    its SQL differs by the roles only."""

    roles: frozenset[str]
    insured_ids: Any
    policyholder_ids: Any
    held_ids: Any
    agency_ids: Any
    today: Any

    def values(self) -> dict[str, Any]:
        """Return what a prepared queryset that makes a scope is called with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def policies(self, path: str = "") -> Q:
        """Return the condition on a policy: held, insured on, or served by the agency of record today.

        `path` leads to the policy from the rows that are filtered, `"policy__"` for terms.
        """
        if self.roles == {ROLE.POLICYHOLDER}:
            return Q(**{f"{path}policyholder_id__any": self.held_ids})
        own = Coverage.objects.filter(insured_id__any=self.insured_ids, retired_at=None)
        own_policies = own.order_by().values("term__policy_id")
        if self.roles == {ROLE.INSURED}:
            # As one value they are found first: a join could as well look at all 5,000 on a group's policy.
            return Q(**{f"{path}pk__any": ArraySubquery(own_policies)})
        sets: list[QuerySet[Any, Any]] = []
        if ROLE.INSURED in self.roles:
            sets.append(own_policies)
        if ROLE.POLICYHOLDER in self.roles:
            sets.append(Policy.objects.filter(policyholder_id__any=self.held_ids).values("pk"))
        if ROLE.AGENT in self.roles:
            sets.append(self._served)
        return _in_any_of(sets, path)

    def coverages(self, path: str = "") -> Q:
        """Return the condition on a coverage: one's own, and every one on the policies held or served.

        `path` leads to the coverage from the rows that are filtered, `"coverage__"` for certificates: a condition on
        joined rows costs half of one on a set of ids.
        """
        if self.roles == {ROLE.INSURED}:
            return Q(**{f"{path}insured_id__any": self.insured_ids})
        if self.roles == {ROLE.POLICYHOLDER}:
            return Q(**{f"{path}term__policy__policyholder_id__any": self.held_ids})
        if self.roles == {ROLE.AGENT}:
            return Q(**{f"{path}term__policy_id__in": self._served})
        sets: list[QuerySet[Any, Any]] = []
        coverages = Coverage.objects.values("pk")
        if ROLE.INSURED in self.roles:
            sets.append(coverages.filter(insured_id__any=self.insured_ids))
        if ROLE.POLICYHOLDER in self.roles:
            sets.append(coverages.filter(term__policy__policyholder_id__any=self.held_ids))
        if ROLE.AGENT in self.roles:
            sets.append(coverages.filter(term__policy_id__in=self._served))
        return _in_any_of(sets, path)

    @cached_property
    def _served(self) -> QuerySet[Any, Any]:
        """Ids of the policies that the agencies are agents of record for today."""
        of_record = AgentOfRecord.objects.on(self.today).filter(agency_id__any=self.agency_ids)
        return of_record.order_by().values("policy_id")


@dataclass(frozen=True)
class Reach:
    """Memberships in effect of one user, and the conditions on policies and coverages that they come to."""

    memberships: tuple[Membership, ...]
    # Policyholders whose policies the user sees, and no more, as an administrator of their parent. A part of a reach
    # has none: what asks for rows by a role or a capability asks for the user's own parties.
    child_ids: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Whether the user is a customer at all."""
        return bool(self.memberships)

    @cached_property
    def roles(self) -> frozenset[str]:
        """The roles that the user has."""
        return frozenset(membership.role for membership in self.memberships)

    @cached_property
    def insured_ids(self) -> list[int]:
        """The insureds that the user is."""
        return [m.insured_id for m in self.memberships if m.role == ROLE.INSURED and m.insured_id]

    @cached_property
    def policyholder_ids(self) -> list[int]:
        """The policyholders that the user represents."""
        return [m.policyholder_id for m in self.memberships if m.role == ROLE.POLICYHOLDER and m.policyholder_id]

    @cached_property
    def held_ids(self) -> list[int]:
        """Those, and the children of those that the user administers: holders of the policies that the user sees."""
        return [*self.policyholder_ids, *self.child_ids]

    @cached_property
    def agency_ids(self) -> list[int]:
        """The agencies that the user works at."""
        return [m.agency_id for m in self.memberships if m.role == ROLE.AGENT and m.agency_id]

    def own_coverages(self, policy: Policy) -> list[Coverage]:
        """Return the insureds' own coverages on a policy, the latest first. One query, kept for the rest of a request.

        Those in a term that was retired, too: they still let their insured see the policy.
        """
        if not self.insured_ids:
            return []
        return once(
            ("own coverages", policy.pk, *self.insured_ids),
            lambda: _own_coverages(policy_id=policy.pk, insured_ids=self.insured_ids),
        )

    def only(self, *roles: str) -> Reach:
        """Return the part of it that comes by these roles."""
        return Reach(tuple(membership for membership in self.memberships if membership.role in roles))

    @cached_property
    def scope(self) -> Scope:
        """The parties by kind, as the conditions take them."""
        return Scope(
            self.roles, self.insured_ids, self.policyholder_ids, self.held_ids, self.agency_ids, carrier_today()
        )

    def policies(self, path: str = "") -> Q:
        """Return the condition on a policy; see `Scope.policies`."""
        return self.scope.policies(path)

    def coverages(self, path: str = "") -> Q:
        """Return the condition on a coverage; see `Scope.coverages`."""
        return self.scope.coverages(path)


def _in_any_of(sets: list[QuerySet[Any, Any]], path: str = "") -> Q:
    """One union of indexed sets, rather than an OR that would walk the whole table."""
    if not sets:
        return Q(pk__in=[])
    first, *others = sets
    return Q(**{f"{path}pk__in": first.union(*others) if others else first})


def coverages_not_retired(path: str = "") -> Q:
    """Return the condition that the carrier still sends a coverage, its term and its policy."""
    return Q(
        **{
            f"{path}retired_at": None,
            f"{path}term__retired_at": None,
            f"{path}term__policy__retired_at": None,
        }
    )


@prepared(policy_id=BigIntegerField(), insured_ids=IDS)
def _own_coverages(*, policy_id: int, insured_ids: list[int]) -> QuerySet[Coverage]:
    own = Coverage.objects.not_retired().filter(term__policy=policy_id, insured_id__any=insured_ids)
    rows = own.select_related("insured").annotate(detail_rows=details_as_json())
    return rows.order_by("-effective", "part", "id")


@prepared(user_id=BigIntegerField())
def _memberships(*, user_id: int) -> QuerySet[Membership]:
    """Return the user's memberships that nobody has revoked, an administrator's with its party's `child_ids`.

    One level: a child's own children are the child's affair.
    """
    children = Policyholder.objects.not_retired().filter(parent=OuterRef("policyholder")).order_by().values("pk")
    begun = Membership.objects.filter(user_id=user_id, revoked_at=None).select_related("given_under").order_by("pk")
    return begun.annotate(
        child_ids=Case(When(administrator=True, role=ROLE.POLICYHOLDER, then=ArraySubquery(children)))
    )


def reach_of(user: User) -> Reach:
    """Return the user's reach now. One query; within a request (see `policies.middleware`) the first answer is kept."""
    kept = _kept.get()
    if kept is not None and user.pk in kept:
        return kept[user.pk]
    today = carrier_today()
    may_be_customer = user.is_active and not user.is_of_staff
    begun = _memberships(user_id=user.pk) if may_be_customer else ()
    held = tuple(membership for membership in begun if membership.is_in_effect(today))
    reach = Reach(held, tuple({child for each in held for child in getattr(each, "child_ids", None) or ()}))
    if kept is not None:
        kept[user.pk] = reach
    return reach


@contextmanager
def asked_once() -> Iterator[None]:
    """Within this block each user's memberships are read once: the length of a request, never longer."""
    token = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(token)


def forget(user_id: int) -> None:
    """Drop the cached reach after changing a user's memberships."""
    kept = _kept.get()
    if kept is not None:
        kept.pop(user_id, None)
