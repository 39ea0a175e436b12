"""What the pages of a renewal run show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from core.listing import Tab
from core.memo import one_answer
from credentialing.batches.requirements import Requirements
from credentialing.models import CarrierHolder, Delivery, Holder
from credentialing.renewal_run.pairs import ISSUED, LACKING, NOT_NEEDED, SENT, STATES
from policies.eligibility import judge_now
from policies.models import Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from credentialing.renewal_run.pairs import Pair, Search
    from policies.models import Membership, Term

MAILS: dict[str, str] = dict(Delivery.Status.choices)


@dataclass(frozen=True)
class Progress:
    """How far a renewal is. `done`: what is issued, sent, or not needed, of `all`."""

    lacking: int
    issued: int
    sent: int
    not_needed: int

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Progress:
        """Return it from the numbers by state."""
        return cls(counts[LACKING], counts[ISSUED], counts[SENT], counts[NOT_NEEDED])

    @property
    def done(self) -> int:
        return self.issued + self.sent + self.not_needed

    @property
    def all(self) -> int:
        return self.done + self.lacking

    @property
    def words(self) -> str:
        """'1,240 of 5,000 are done.'"""
        return f"{self.done:,} of {self.all:,} are done."


@dataclass(frozen=True)
class Line:
    """An insured and a holder, in words. `problems`: what this holder will reject, or why nothing can be issued."""

    pair: Pair
    insured: str
    specialty: str
    state: str
    mail: str
    problems: list[str]

    @property
    def is_lacking(self) -> bool:
        return self.pair.state == LACKING

    @property
    def came_back(self) -> bool:
        """Whether the latest email of it came back or couldn't be sent."""
        return self.pair.mail in Delivery.UNDELIVERED


def until(days: int) -> str:
    """Return 'begins in 23 days', 'began 2 days ago'."""
    if days == 0:
        return "begins today"
    number = f"{abs(days)} day{'' if abs(days) == 1 else 's'}"
    return f"begins in {number}" if days > 0 else f"began {number} ago"


def lines_of(pairs: Sequence[Pair], membership: Membership) -> list[Line]:
    """Return the lines of a page. Six queries, however many."""
    coverages = Coverage.objects.with_policy().in_bulk({pair.coverage_id for pair in pairs})
    holders = _holders_of(pairs, membership)
    asked = Requirements(holders.values(), list(coverages.values()))
    lines = []
    with one_answer():
        for pair in pairs:
            coverage = coverages[pair.coverage_id]
            gives = judge_now(coverage)
            problems = [gives.reason] if not gives.allows else []
            if gives.allows and pair.state == LACKING:
                problems = asked.complaints(holders.get(pair.ref), coverage, gives)
            lines.append(
                Line(
                    pair,
                    coverage.insured.display_name,
                    coverage.specialty,
                    STATES[pair.state],
                    MAILS.get(pair.mail, ""),
                    problems,
                )
            )
    return lines


def _holders_of(pairs: Sequence[Pair], membership: Membership) -> dict[str, Holder]:
    """Return the holders of a page by what names them. One that is on file only asks as it would in the book."""
    ids = {
        kind: {pair.ref.partition(":")[2] for pair in pairs if pair.ref.startswith(kind)} for kind in ("own", "file")
    }
    found = {
        f"own:{holder.public_id}": holder
        for holder in Holder.objects.in_books_of([membership]).filter(public_id__in=ids["own"])
    }
    for on_file in CarrierHolder.objects.not_retired().filter(public_id__in=ids["file"]):
        found[f"file:{on_file.public_id}"] = Holder(name=on_file.name, fingerprint=on_file.fingerprint)
    return found


def tabs_of(search: Search, progress: Progress) -> list[Tab]:
    """Return a tab for each state, with its number."""
    numbers = {LACKING: progress.lacking, ISSUED: progress.issued, SENT: progress.sent, NOT_NEEDED: progress.not_needed}
    tabs = [Tab(f"All {progress.all:,}", _href(search, ""), not search.show)]
    return tabs + [
        Tab(f"{label} {numbers[state]:,}", _href(search, state), search.show == state)
        for state, label in STATES.items()
    ]


def _href(search: Search, show: str) -> str:
    asked = {"show": show, "q": search.q}
    return "?" + urlencode({name: value for name, value in asked.items() if value})


@dataclass(frozen=True)
class Renewal:
    """A renewal in the list."""

    term: Term
    progress: Progress
    begins: str
    is_late: bool
