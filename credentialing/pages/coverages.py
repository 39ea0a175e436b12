"""Rows and tabs of the certificates page: the coverages to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.db.models import Exists, F, TextField

from core.keyset import first_keys, rows_of_keys
from core.listing import Tab, tabs_of
from core.search import query_of, words_query
from core.statements import IDS, prepared, written_once
from core.templatetags.show import day
from core.urls import address_for
from credentialing.filters import ACTIVE, LATER_TERMS, STATUSES, TERMS, of_status, of_term, with_holder_named
from policies.eligibility import Eligibility, Paper, judge_now
from policies.models import SCOPE, Coverage, Scope, coverages_not_retired, reach_of
from policies.names import fold, normalize_number
from policies.pages.terms import NAMES
from policies.words import Word, word_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet

    from accounts.models import User
    from credentialing.batches.grouping import Under
    from policies.models.coverage import CoverageQuerySet

# Rows of a policy are together, its insureds by last name; the id makes the key unique.
POLICY_NUMBER = F("term__policy__number_normalized")
ORDER = ("policy_number", "sort_key", "id")
# How the page groups: each insured with its holders beneath, or holders with their insureds (S-35).
BY_INSURED, BY_HOLDER = "insured", "holder"
GROUPS = [("", "No groups"), (BY_INSURED, "Insured"), (BY_HOLDER, "Holder")]
PARTS = dict(Coverage.Part.choices)
# What a row shows and its word and eligibility are read from; the list asks for no more.
_TERM, _POLICY = "term__", "term__policy__"
ROW_FIELDS = (
    *("public_id", "sort_key", "part", "form", "effective", "expires", "specialty", "ended_reason"),
    *(f"insured__{name}" for name in NAMES),
    *(f"{_TERM}{name}" for name in ("status", "effective", "expires")),
    *(
        f"{_POLICY}{name}"
        for name in ("source", "number", "number_normalized", "status", "status_date", "cancellation_effective")
    ),
    *(f"{_POLICY}company__{name}" for name in ("pending_cancellation", "says_cancelled")),
    *(f"{_POLICY}policyholder__{name}" for name in ("name", "state")),
)


def in_order(coverages: CoverageQuerySet) -> CoverageQuerySet:
    """Return them with what a row shows and with the key of their order."""
    return coverages.with_policy().annotate(
        policy_number=POLICY_NUMBER,
        was_last=~Exists(LATER_TERMS),
    )


def keys_in_order(coverages: CoverageQuerySet) -> CoverageQuerySet:
    """Return them with the key of their order alone, for pages whose rows are read by `rows_of`."""
    return coverages.annotate(policy_number=POLICY_NUMBER)


def rows_of(ids: list[int]) -> list[Coverage]:
    """Return the coverages of these ids, each with what a row shows and with the key of its order."""
    return _rows(ids=ids)


def first_rows(user: User, status: str, text: str, term: str = "") -> list[Coverage]:
    """Return the rows of the first page of a tab, or of what a text finds there, for `keyset_page`. `term`: one of
    `filters.TERMS`, or empty.

    Two queries: one for which they are, and one that joins what a row shows.
    """
    scope, words = reach_of(user).scope, fold(text).split()
    if not words and text.strip():
        return []
    number = normalize_number(text) or None
    values = {"number": number, "words": words_query(words)}
    keys = _first_keys(status=status, term=term, searched=bool(words), **values, **scope.values())
    return rows_of_keys(keys, rows_of)


@prepared(ids=IDS)
def _rows(*, ids: Any) -> QuerySet[Coverage]:
    return in_order(Coverage.objects.filter(pk__any=ids)).only(*ROW_FIELDS)


@written_once(**SCOPE, number=TextField(), words=TextField())
def _first_keys(*, status: str, term: str, searched: bool, number: Any, words: Any, **scope: Any) -> QuerySet[Any, Any]:
    reached = Scope(**scope)
    if searched:
        # What is found is within the scope already.
        sent = Coverage.objects.filter(coverages_not_retired())
        query = query_of(words)
        also = with_holder_named(query, reached)
        coverages = sent.found(number=number, query=query, scope=reached, also=also)
    else:
        coverages = Coverage.objects.open_to(reached)
    in_tab = of_status(coverages, status, reached.today)
    if term:
        in_tab = of_term(in_tab, term, reached.today)
    return first_keys(keys_in_order(in_tab), order=ORDER, whole=searched)


@dataclass(frozen=True, slots=True)
class Row:
    """A coverage, what it gives today, and the word of its status."""

    coverage: Coverage
    eligibility: Eligibility
    word: Word


@dataclass(frozen=True, slots=True)
class ListRow:
    """A coverage as the list shows it, in words, so that the template has nothing left to look up.

    `href` leads to its certificate or letter; `action` is empty where it gives none.
    """

    insured: str
    specialty: str
    policy: str
    policyholder: str
    part: str
    starts: str
    ends: str
    word: Word
    cancels: str
    reason: str
    href: str
    action: str
    public_id: str
    holders: Under | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of coverages."""

    rows: list[ListRow]
    tabs: list[Tab]
    q: str
    status: str
    term: str
    group: str
    holder: str

    @property
    def searched(self) -> bool:
        """Whether the list is narrowed by text, by a status other than the first, by term, or by holder."""
        return bool(self.q or self.term or self.holder) or self.status != ACTIVE

    @property
    def terms(self) -> list[tuple[str, str, bool]]:
        """The choices of the term: value, label, and whether it is chosen."""
        return [(value, label, value == self.term) for value, label in [("", "All terms"), *TERMS]]

    @property
    def groups(self) -> list[tuple[str, str, bool]]:
        """The choices of grouping: value, label, and whether it is chosen."""
        return [(value, label, value == self.group) for value, label in GROUPS]


def row_of(coverage: Coverage, gives: Eligibility | None = None) -> Row:
    """Return the row of a coverage that comes `in_order`; `gives`: what it gives, where that is known already."""
    was_last = cast("Any", coverage).was_last
    word = word_of(coverage, coverage.term.policy.today(), was_last=was_last)
    return Row(coverage, gives or judge_now(coverage), word)


def listing_of(
    coverages: Sequence[Coverage], query: Mapping[str, str], *, holders: Mapping[int, Under] | None = None
) -> Listing:
    """Return the rows of one page, of coverages that come `in_order`, and the tabs above them. `holders`: those to show
    beneath each, by its key."""
    q, status = query.get("q", "").strip(), query.get("status") or ACTIVE
    address = address_for("credentialing:issue")
    rows = [_list_row(row_of(coverage), address, (holders or {}).get(coverage.pk)) for coverage in coverages]
    chosen = (query.get(name, "") for name in ("term", "group", "holder"))
    return Listing(rows, tabs_of(STATUSES, query, default=ACTIVE), q, status, *chosen)


def _list_row(row: Row, address: Callable[[str], str], holders: Under | None) -> ListRow:
    coverage, gives = row.coverage, row.eligibility
    policy = coverage.term.policy
    return ListRow(
        insured=coverage.insured.display_name,
        specialty=coverage.specialty,
        policy=policy.number,
        policyholder=policy.policyholder.name,
        part=PARTS[coverage.part],
        starts=day(coverage.effective),
        ends=day(gives.ends or coverage.expires),
        word=row.word,
        cancels=day(gives.cancellation_effective),
        reason=gives.reason,
        href=address(coverage.public_id),
        action=_action(gives),
        public_id=coverage.public_id,
        holders=holders,
    )


def _action(gives: Eligibility) -> str:
    """Return what the row's link does; empty where there is nothing to do."""
    if gives.lacks_form:
        return f"Request {'letter' if gives.lacks_form == Paper.LETTER else 'certificate'}"
    if not gives.allows:
        return ""
    return f"Create {'letter' if gives.is_letter else 'certificate'}"
