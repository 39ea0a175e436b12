"""Rows, tabs, and orders of the list of policies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import F
from django.db.models.functions import Lower

from core.listing import Sorting, Tab, sorting_of, tabs_of
from core.money import whole_dollars
from core.statements import IDS, prepared
from core.templatetags.show import day
from core.urls import address_for
from policies.filters import STATUSES
from policies.models import SCOPE, Coverage, Membership, Policy, Scope, Term, reach_of
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.models import User
    from core.listing import Column
    from policies.models.policy import PolicyQuerySet

PROGRAMS = dict(Policy.Program.choices)
POLICY_FIELDS = (
    "number",
    "number_normalized",
    "public_id",
    "program",
    "status",
    "status_date",
    "cancellation_effective",
    "policyholder__name",
    "policyholder__state",
)
# By name of column: number first, since that is the order along an index.
ORDERS = {"number": ("number_normalized", "id"), "policyholder": ("policyholder_name", "id")}
TERM_FIELDS = ("policy_id", "status", "effective", "expires", "premium")


class Row(TypedDict):
    """A policy as the list shows it, in words, so that the template has nothing left to look up."""

    number: str
    href: str
    policyholder: str
    program: str
    word: Word
    note: str
    term: str
    premium: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What the list shows: `shows_premium` where the user sees any of these policies whole."""

    rows: list[Row]
    tabs: list[Tab]
    shows_premium: bool
    sorting: Sorting
    q: str
    status: str

    @property
    def columns(self) -> dict[str, Column]:
        """The heads of the columns that sort."""
        return {
            "policyholder": self.sorting.column("policyholder", "Policyholder"),
            "number": self.sorting.column("number", "Policy"),
        }

    @property
    def searched(self) -> bool:
        """Whether the list is narrowed."""
        return bool(self.q or self.status)


def rows_of(policies: PolicyQuerySet) -> PolicyQuerySet:
    """With what `listing_of` needs of each policy, and no more."""
    return policies.select_related("policyholder").only(*POLICY_FIELDS)


def in_order(policies: PolicyQuerySet, sorting: Sorting) -> PolicyQuerySet:
    """With the key of the order that the user chose."""
    return (
        policies.annotate(policyholder_name=Lower("policyholder__name")) if sorting.name == "policyholder" else policies
    )


def listing_of(user: User, policies: Sequence[Policy], query: Mapping[str, str]) -> Listing:
    """Return the rows of one page of policies; one query, three for a user who is insured on some and manages
    others."""
    q, status = query.get("q", "").strip(), query.get("status", "")
    tabs = tabs_of([("", "All"), *STATUSES], query)
    sorting = sorting_of(query, ORDERS)
    if not policies:
        return Listing([], tabs, False, sorting, q, status)
    terms: dict[int, list[Term]] = {policy.pk: [] for policy in policies}
    for term in _terms(policy_ids=list(terms)):
        terms[term.policy_id].append(term)
    managed = _managed(user, policies)
    address = address_for("policies:policy")
    own = _own(user, [policy for policy in policies if policy.pk not in managed])
    rows = []
    for policy in policies:
        if policy.pk in managed:
            shown = status_of(policy, terms[policy.pk], policy.today())
        else:
            shown = status_for_insured(policy, own[policy.pk], terms[policy.pk], policy.today())
        rows.append(_row(shown, address, with_premium=policy.pk in managed))
    return Listing(rows, tabs, bool(managed), sorting, q, status)


def _row(shown: StatusOnDay, address: Callable[[str], str], *, with_premium: bool) -> Row:
    policy, term = shown.policy, shown.term
    return Row(
        number=policy.number,
        href=address(policy.public_id),
        policyholder=policy.policyholder.name,
        program=PROGRAMS[policy.program],
        word=shown.word,
        note=_note_of(shown),
        term=f"{day(term.effective)} – {day(term.expires)}" if term else "",
        premium=whole_dollars(term.premium) if with_premium and term and term.premium is not None else "",
    )


def _note_of(shown: StatusOnDay) -> str:
    """Return what follows the word of the status in its row: the date, or a sentence where the date alone would
    mislead."""
    if shown.word == Word.IN_FORCE:
        return ""
    is_own_end = shown.word == Word.EXPIRED and not shown.whole
    if shown.word == Word.PENDING_CANCELLATION or is_own_end or not shown.dated:
        return shown.sentence
    return shown.dated


def _own(user: User, policies: Sequence[Policy]) -> dict[int, list[Coverage]]:
    """Return the user's own coverages on policies that she is only insured on, by policy."""
    own: dict[int, list[Coverage]] = {policy.pk: [] for policy in policies}
    if not own:
        return own
    for coverage in _coverages(insured_ids=reach_of(user).insured_ids, policy_ids=list(own)):
        own[coverage.policy_id].append(coverage)
    return own


@prepared(insured_ids=IDS, policy_ids=IDS)
def _coverages(*, insured_ids: list[int], policy_ids: list[int]) -> QuerySet[Any]:
    coverages = Coverage.objects.not_retired().filter(
        insured_id__any=insured_ids, term__policy_id__any=policy_ids, term__retired_at=None
    )
    return coverages.with_segments().annotate(policy_id=F("term__policy_id"))


@prepared(policy_ids=IDS)
def _terms(*, policy_ids: list[int]) -> QuerySet[Term]:
    return Term.objects.not_retired().filter(policy_id__any=policy_ids).only(*TERM_FIELDS)


def _managed(user: User, policies: Sequence[Policy]) -> frozenset[int]:
    """Which of these the user sees whole, and so their premium: all of them for who is nowhere an insured."""
    if Membership.Role.INSURED not in reach_of(user).roles:
        return frozenset(policy.pk for policy in policies)
    scope = reach_of(user).only(Membership.Role.POLICYHOLDER, Membership.Role.AGENT).scope
    return frozenset(_whole(policy_ids=[policy.pk for policy in policies], **scope.values()))


@prepared(**SCOPE, policy_ids=IDS)
def _whole(*, policy_ids: list[int], **scope: Any) -> QuerySet[Any, int]:
    managed = Policy.objects.not_retired().filter(Scope(**scope).policies(), pk__any=policy_ids)
    return managed.values_list("pk", flat=True)
