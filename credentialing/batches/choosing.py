"""What was chosen on the page of coverages, and which insureds and terms it means.

A search stays a search until the items are settled: "all 5,000 of this search" is one line here, whatever is on later
pages.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core.dates import carrier_today
from core.memo import one_answer
from credentialing.filters import ACTIVE, narrow, of_holder
from credentialing.models import CarrierHolder, Holder
from policies.eligibility import judge_now
from policies.models import Coverage, Reach
from policies.rights import reach_with
from policies.roles import Capability

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from django.http import QueryDict

    from accounts.models import User
    from credentialing.renewal_run.pairs import Pair
    from policies.eligibility import Eligibility
    from policies.models import Membership

SEARCH = ("q", "status", "term", "holder", "run", "show")
# What one page can send: more is a search.
MOST_CHOSEN = 500
PARTS = {part: place for place, part in enumerate(Coverage.Part.values)}


@dataclass(frozen=True)
class Selection:
    """What was chosen: coverages, pairs of coverage and holder, holders with everyone they get certificates of, or a
    whole search. Ids are public ones; a holder is named by `ref_of`."""

    coverages: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    holders: tuple[str, ...] = ()
    search: Mapping[str, str] = field(default_factory=dict)
    whole: bool = False

    def __bool__(self) -> bool:
        return bool(self.whole or self.coverages or self.pairs or self.holders)

    @property
    def asks_holders(self) -> bool:
        """Whether anything was chosen without its holder."""
        named = self.search.get("holder") or (self.whole and self.search.get("run"))
        return bool(self.coverages or self.whole) and not named

    @property
    def stored(self) -> dict[str, Any]:
        """It as JSON, for `Batch.selection`."""
        return {
            "coverages": list(self.coverages),
            "pairs": [list(pair) for pair in self.pairs],
            "holders": list(self.holders),
            "search": dict(self.search),
            "whole": self.whole,
        }

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Selection:
        """Return what `stored` wrote."""
        return cls(
            tuple(stored.get("coverages", ())),
            tuple((coverage, ref) for coverage, ref in stored.get("pairs", ())),
            tuple(stored.get("holders", ())),
            stored.get("search", {}),
            bool(stored.get("whole")),
        )

    @classmethod
    def read(cls, sent: QueryDict) -> Selection:
        """Return what a form sent: `all`, or any of `coverage`, `pair` (coverage~holder), and `of_holder`."""
        search = {name: _text(sent[name])[:200] for name in SEARCH if sent.get(name)}
        if sent.get("all"):
            return cls(search=search, whole=True)
        pairs = [_text(pair).partition("~") for pair in sent.getlist("pair")[:MOST_CHOSEN]]
        return cls(
            tuple(map(_text, sent.getlist("coverage")[:MOST_CHOSEN])),
            tuple((coverage, ref) for coverage, _, ref in pairs if ref),
            tuple(map(_text, sent.getlist("of_holder")[:MOST_CHOSEN])),
            search,
        )


def _text(sent: object) -> str:
    """Return what a form sent without NUL, which PostgreSQL has no place for."""
    return str(sent).replace("\0", "")


@dataclass
class Target:
    """One insured in one term: the coverage that the certificate is of, and what it gives now.

    `refs`: the holders that were chosen with it. `is_open`: it was chosen without one, so the form's holders apply.
    """

    coverage: Coverage
    gives: Eligibility
    refs: set[str] = field(default_factory=set)
    is_open: bool = False


InsuredTerm = tuple[int, int]


def issuing_memberships(user: User) -> list[Membership]:
    """Return the memberships by which the user may issue, those of offices first; a batch is of one of them."""
    found = reach_with(user, Capability.ISSUE_CERTIFICATE).memberships
    return sorted(found, key=lambda each: (each.insured_id is not None, each.pk))


def targets_of(
    selection: Selection, *, user: User, membership: Membership, about: dt.date | None = None
) -> list[Target]:
    """Return the insureds and terms that a selection means, in the order of the list, as far as the membership opens
    them, and what they give about a day (None: today). Two queries, and two for each holder that was chosen whole."""
    chosen: dict[InsuredTerm, Target | None] = {}
    refs: defaultdict[InsuredTerm, set[str]] = defaultdict(set)
    is_open: set[InsuredTerm] = set()
    scope = Reach((membership,)).scope
    visible = Coverage.objects.open_to(scope)

    def take(coverages: Any, ref: str = "") -> None:
        for pair in _pairs(coverages):
            chosen.setdefault(pair, None)
            if ref:
                refs[pair].add(ref)
            else:
                is_open.add(pair)

    if selection.whole and selection.search.get("run"):
        for pair in pairs_of_run(selection.search, user=user, membership=membership):
            chosen.setdefault((pair.insured_id, pair.term_id), None)
            refs[pair.insured_id, pair.term_id].add(pair.ref)
    elif selection.whole:
        take(narrow(visible, selection.search, scope=scope, user=user), selection.search.get("holder", ""))
    if selection.coverages:
        take(visible.filter(public_id__in=selection.coverages), selection.search.get("holder", ""))
    status = {"status": selection.search.get("status") or ACTIVE, "term": selection.search.get("term", "")}
    for ref in selection.holders:
        take(of_holder(narrow(visible, status, scope=scope, user=user), ref, scope=scope, user=user), ref)
    if selection.pairs:
        by_ref: defaultdict[str, list[str]] = defaultdict(list)
        for public_id, ref in selection.pairs:
            by_ref[ref].append(public_id)
        for ref, public_ids in by_ref.items():
            take(visible.filter(public_id__in=public_ids), ref)
    return [
        Target(coverage, gives, refs[pair], pair in is_open)
        for pair, (coverage, gives) in _leading(visible, chosen, about).items()
    ]


def count_of(selection: Selection, *, user: User, membership: Membership) -> int:
    """Return how many insureds and terms a selection means, without what they give."""
    scope = Reach((membership,)).scope
    visible = Coverage.objects.open_to(scope)
    if selection.whole and selection.search.get("run"):
        found = pairs_of_run(selection.search, user=user, membership=membership)
        return len({(pair.insured_id, pair.term_id) for pair in found})
    if selection.whole:
        return _count(narrow(visible, selection.search, scope=scope, user=user))
    if not (selection.holders or selection.pairs):
        return _count(visible.filter(public_id__in=selection.coverages))
    return len(targets_of(selection, user=user, membership=membership))


def pairs_of_run(search: Mapping[str, str], *, user: User, membership: Membership) -> list[Pair]:
    """Return what a search on the board of a renewal means now; nothing where the membership doesn't open it."""
    from credentialing.renewal_run import pairs

    term = pairs.renewals_of(Reach((membership,)).scope).filter(public_id=search["run"]).first()
    if term is None:
        return []
    return pairs.board_of(term, membership, user=user).found(pairs.Search.of(search))


def _count(coverages: Any) -> int:
    """Return how many insureds and terms coverages are of."""
    return int(coverages.order_by().values("insured_id", "term_id").distinct().count())


def _pairs(coverages: Any) -> list[InsuredTerm]:
    """Return insured and term of coverages, each once, in the order of the list."""
    ordered = coverages.order_by("term__policy__number_normalized", "sort_key", "pk")
    return list(dict.fromkeys(ordered.values_list("insured_id", "term_id")))


def _leading(
    visible: Any, chosen: Iterable[InsuredTerm], about: dt.date | None = None
) -> dict[InsuredTerm, tuple[Coverage, Eligibility]]:
    """Return the coverage of each pair that its certificate is of: professional liability before other parts, but one
    that gives something before one that gives nothing."""
    pairs = list(chosen)
    if not pairs:
        return {}
    today = about or carrier_today()
    rows = (
        visible.filter(
            insured_id__any=list({insured for insured, _ in pairs}), term_id__any=list({term for _, term in pairs})
        )
        .leading_on(today)
        .with_policy()
    )
    found: defaultdict[InsuredTerm, list[tuple[Coverage, Eligibility]]] = defaultdict(list)
    with one_answer():
        for coverage in rows:
            found[coverage.insured_id, coverage.term_id].append((coverage, judge_now(coverage, asked=about)))
    return {pair: min(found[pair], key=_rank) for pair in pairs if pair in found}


def _rank(one: tuple[Coverage, Eligibility]) -> tuple[bool, int, int, int]:
    coverage, gives = one
    return not gives.allows, PARTS[coverage.part], -coverage.effective.toordinal(), coverage.pk


def ref_of(holder: Holder | CarrierHolder) -> str:
    """Return what names a holder in forms and addresses: of an address book, or on file with the carrier."""
    return f"{'own' if isinstance(holder, Holder) else 'file'}:{holder.public_id}"


def holder_by_ref(ref: str, *, user: User, membership: Membership | None = None) -> Holder | CarrierHolder | None:
    """Return the holder, if the user sees it (and it is in the book of the membership's party); None otherwise."""
    kind, _, public_id = ref.replace("\0", "").partition(":")
    if kind == "own":
        books = Holder.objects.visible_to(user) if membership is None else Holder.objects.in_books_of([membership])
        return books.filter(public_id=public_id).first()
    if kind == "file":
        return CarrierHolder.objects.visible_to(user).filter(public_id=public_id).first()
    return None
