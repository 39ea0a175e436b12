"""Rows, tabs, and orders of the list of policies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import BooleanField, ExpressionWrapper, TextField
from django.db.models.functions import Lower

from core.keyset import MOST_COUNTED, first_keys, first_page, rows_of_keys
from core.listing import Sorting, Tab, sorting_of, tabs_of
from core.money import whole_dollars
from core.search import query_of, words_query
from core.statements import IDS, prepared, written_once
from core.templatetags.show import day
from core.urls import address_for
from policies.filters import STATUSES
from policies.models import SCOPE, BookFigure, Membership, Policy, Scope, Term, of_agencies, reach_of
from policies.names import fold, normalize_number
from policies.pages.status import StatusOnDay, status_for_insured, status_of
from policies.pages.terms import by_policy, with_own
from policies.words import Word

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import Exists, QuerySet

    from accounts.models import User
    from core.listing import Column
    from policies.models.policy import PolicyQuerySet
    from policies.models.term import TermQuerySet

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


@dataclass(frozen=True, slots=True)
class Row:
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


def rows_of(policies: PolicyQuerySet, scope: Scope) -> PolicyQuerySet:
    """With what `listing_of` needs of each policy, and no more.

    Someone who is insured on some and manages others sees only these whole: `is_managed` tells them apart.
    """
    rows = policies.select_related("policyholder").only(*POLICY_FIELDS)
    managing = scope.roles - {Membership.Role.INSURED}
    if managing in (scope.roles, frozenset()):
        return rows
    managed = replace(scope, roles=managing).policies()
    return rows.annotate(is_managed=ExpressionWrapper(managed, output_field=BooleanField()))


def in_order(policies: PolicyQuerySet, order: tuple[str, ...]) -> PolicyQuerySet:
    """With the key of the order that the user chose."""
    by_policyholder = "policyholder_name" in order[0]
    return policies.annotate(policyholder_name=Lower("policyholder__name")) if by_policyholder else policies


def unsearched_first_page(user: User, order: tuple[str, ...]) -> list[Policy]:
    """Return the rows of the page that the list opens with, for `keyset_page`."""
    return _first_page(order=order, **reach_of(user).scope.values())


def searched_first_page(user: User, order: tuple[str, ...], text: str) -> list[Policy]:
    """Return the rows of the first page of what a text finds, for `keyset_page`; see `PolicyQuerySet.search`."""
    words = fold(text).split()
    if not words:
        return unsearched_first_page(user, order) if not text.strip() else []
    scope = reach_of(user).scope.values()
    keys = _first_found(order=order, number=normalize_number(text) or None, words=words_query(words), **scope)
    return rows_of_keys(keys, lambda ids: _rows(ids=ids, order=order, **scope))


@written_once(**SCOPE, number=TextField(), words=TextField())
def _first_found(*, order: tuple[str, ...], number: Any, words: Any, **scope: Any) -> QuerySet[Any, Any]:
    # What is found is within the scope already.
    found = Policy.objects.not_retired().found(number=number, query=query_of(words), scope=Scope(**scope))
    return first_keys(in_order(found, order), order=order, whole=True)


@prepared(**SCOPE, ids=IDS)
def _rows(*, ids: Any, order: tuple[str, ...], **scope: Any) -> QuerySet[Policy]:
    return in_order(rows_of(Policy.objects.filter(pk__any=ids), Scope(**scope)), order)


@prepared(of_agencies, **SCOPE)
def _first_page(*, order: tuple[str, ...], **scope: Any) -> QuerySet[Policy]:
    visible = Policy.objects.not_retired().filter(Scope(**scope).policies())
    rows = in_order(rows_of(visible, Scope(**scope)), order)
    return first_page(rows, order=order, count=True, many=many_of(Scope(**scope)))


def many_of(scope: Scope) -> Exists | None:
    """Return the condition that the list is longer than is counted, for `keyset_page`; None for who isn't an agent.

    The policies in force of one of the user's agencies are in the list, whatever else is.
    """
    if Membership.Role.AGENT not in scope.roles:
        return None
    return BookFigure.objects.filter(agency_id__any=scope.agency_ids).on(scope.today).serve_more_than(MOST_COUNTED)


def listing_of(user: User, policies: Sequence[Policy], query: Mapping[str, str]) -> Listing:
    """Return the rows of one page of policies, which come from `rows_of`. One query."""
    q, status = query.get("q", "").strip(), query.get("status", "")
    tabs = tabs_of([("", "All"), *STATUSES], query)
    sorting = sorting_of(query, ORDERS)
    if not policies:
        return Listing([], tabs, False, sorting, q, status)
    reach = reach_of(user)
    insured = bool(reach.insured_ids)
    managed = {policy.pk for policy in policies if not insured or getattr(policy, "is_managed", False)}
    ids = [policy.pk for policy in policies]
    found = by_policy(ids, _terms(policy_ids=ids, insured_ids=reach.insured_ids, insured=insured))
    address = address_for("policies:policy")
    rows = []
    for policy in policies:
        terms = found.terms[policy.pk]
        if policy.pk in managed:
            shown = status_of(policy, terms, policy.today())
        else:
            shown = status_for_insured(policy, found.own[policy.pk], terms, policy.today())
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


@prepared(policy_ids=IDS, insured_ids=IDS)
def _terms(*, policy_ids: list[int], insured_ids: list[int], insured: bool) -> TermQuerySet:
    """Return the policies' terms; `insured`: with the user's own coverages."""
    terms = Term.objects.not_retired().filter(policy_id__any=policy_ids)
    return with_own(terms, insured_ids) if insured else terms.only(*TERM_FIELDS)
