"""The page that issues: one insured in one term, the parts to choose from, and what each gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.money import whole_dollars
from core.templatetags.show import day
from core.urls import address_for
from credentialing.pages.coverages import Row, in_order, row_of
from policies.eligibility import chosen_part, judge_parts
from policies.models import Coverage

if TYPE_CHECKING:
    import datetime as dt

    from accounts.models import User
    from policies.eligibility import Part


@dataclass(frozen=True, slots=True)
class OtherPart:
    """A part that isn't on this certificate, and why. `href`: where its own is created; empty where it gives none."""

    name: str
    reason: str
    href: str
    action: str


@dataclass(frozen=True)
class Choice:
    """What can be issued for one insured in one term.

    `own`: the part that the address names. `parts`: those that give the same, which go on one certificate; of a letter,
    only the one that ended. `others`: those that give something else, or nothing.
    """

    coverages: list[Coverage]
    own: Part
    parts: list[Part]
    others: list[OtherPart]
    row: Row

    @property
    def is_letter(self) -> bool:
        return self.own.gives.is_letter

    def about(self, asked: dt.date) -> list[Part]:
        """Return all parts as judged about another day."""
        return judge_parts(self.coverages, asked=asked)


def choice_of(coverage: Coverage, *, user: User) -> Choice:
    """Return the choice for the insured and term of a coverage that came `in_order` and `visible_to` the user.

    One query, and what the rule asks.
    """
    seen = Coverage.objects.visible_to(user).filter(term=coverage.term_id, insured=coverage.insured_id)
    coverages = [coverage, *in_order(seen.exclude(pk=coverage.pk))]
    parts = judge_parts(coverages)
    own = chosen_part(parts, coverage)
    together = [part for part in parts if part.gives.kind == own.gives.kind]
    if own.gives.is_letter or not own.gives.allows:
        together = [own]
    others = [_other(part) for part in parts if part not in together]
    return Choice(coverages, own, together, others, row_of(own.coverage, own.gives))


def in_words(part: Part) -> str:
    """Return a part as a choice: 'Excess liability, claims-made: $1,000,000 / $3,000,000, Mar 1 – Dec 31, 2026'."""
    coverage, gives = part.coverage, part.gives
    limits = f"{whole_dollars(coverage.limit_per_claim)} / {whole_dollars(coverage.limit_aggregate)}"
    period = f"{day(gives.starts or coverage.effective)} – {day(gives.ends or coverage.expires)}"
    return f"{_name(part)}: {limits}, {period}"


def _name(part: Part) -> str:
    return f"{part.coverage.get_part_display()}, {part.coverage.get_form_display().lower()}"


def _other(part: Part) -> OtherPart:
    gives = part.gives
    if not gives.allows:
        return OtherPart(_name(part), gives.reason, "", "")
    href = address_for("credentialing:issue")(part.coverage.public_id)
    if gives.is_letter:
        return OtherPart(_name(part), f"ended on {day(gives.ends)}.", href, "Create letter")
    reason = f"begins on {day(gives.begins)}." if gives.begins else "in force now."
    return OtherPart(_name(part), reason, href, "Create certificate")
