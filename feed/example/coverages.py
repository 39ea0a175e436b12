"""The coverages of one invented policy, and the tails offered where they end."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random

from feed.example.members import Member, Outline, is_enrolled, limits_sold
from feed.example.people import pick
from feed.example.rows import Ids, flag, money
from feed.example.terms import Schedule, Term, years_later
from feed.example.writing import PackageWriter

# Limits of an excess layer above the primary ones, and its share of their premium.
EXCESS = (1_000_000, 3_000_000)
EXCESS_SHARE = 0.15
GROWTH = 1.03
# Options of an extended reporting endorsement: years (0 is unlimited), and the price as a share of the premium.
TAILS = (("1y", 1, 0.9), ("3y", 3, 1.5), ("unlimited", 0, 2.0))


class CoverageRows:
    """Writes the coverages of a policy's members."""

    def __init__(
        self,
        outline: Outline,
        ids: Ids,
        schedule: Schedule,
        members: Sequence[Member],
        *,
        rng: Random,
        today: dt.date,
    ) -> None:
        self._outline, self._ids, self._schedule, self._members = outline, ids, schedule, members
        self._rng, self._today = rng, today
        by_chance = rng.random() < 0.75
        self._claims_made = by_chance if outline.claims_made is None else outline.claims_made
        if outline.state.occurrence and outline.program == "physicians":
            self._claims_made = False
        self._limits = pick(rng, limits_sold(outline.program, outline.state, outline.practice))
        in_new_york = outline.state.code == "NY" and outline.program == "physicians" and not outline.named
        self._excess = (rng.random() < 0.15 and in_new_york) or outline.excess

    def term_premium(self, year: int) -> int:
        """Return the premium of the term that begins in `year`: what its coverages cost together."""
        total = 0
        for member in self._members:
            if not self._has_left(member, year):
                primary = self._primary(member, year)
                total += primary + (round(primary * EXCESS_SHARE) if self._has_excess(member) else 0)
        return total

    def write(self, out: PackageWriter, term: Term) -> None:
        """Add a term's coverages; in groups, some clinicians leave within the current term."""
        current = term.effective == self._schedule.began
        for place, member in enumerate(self._members):
            if self._has_left(member, term.effective.year):
                continue
            expires = self._schedule.ends if term.status == "cancelled" else term.expires
            reason = self._reason(term)
            if member.leaves and current and term.status == "bound" and term.effective < self._today:
                last = max(term.effective + dt.timedelta(days=30), self._today - dt.timedelta(days=12))
                expires, reason = min(last, expires), "Left the group"
            self._write_primary(out, term, place, expires=expires, reason=reason)
            if self._has_excess(member):
                self._write_excess(out, term, place, expires=expires, reason=reason)
            # Coverage that continues in another policy needs no tail.
            ends = bool(reason) and self._outline.rewritten_as is None and term.status in {"bound", "cancelled"}
            if ends and self._claims_made and member.person:
                coverage = self._ids.coverage(term.effective.year, place)
                self._write_tail(out, coverage, self._primary(member, term.effective.year), expires)

    def _has_left(self, member: Member, year: int) -> bool:
        """Whether a member left before the term that begins in `year`."""
        return member.leaves and year > self._schedule.began.year

    def _has_excess(self, member: Member) -> bool:
        return self._excess and not member.shares_limits and member.person is not None

    def _primary(self, member: Member, year: int) -> int:
        return round(member.premium * GROWTH ** (year - self._schedule.began.year))

    def _reason(self, term: Term) -> str:
        if term.status != "cancelled":
            return ""
        return "Policy rewritten" if self._outline.rewritten_as else "Policy cancelled"

    def _write_primary(self, out: PackageWriter, term: Term, place: int, *, expires: dt.date, reason: str) -> None:
        member = self._members[place]
        fund = self._outline.state.fund
        enrolled = fund if fund and is_enrolled(fund, member.specialty) else None
        prior_acts = member.prior_acts and self._claims_made
        since = min(member.person.joined if member.person else self._schedule.began, self._first)
        self._write_row(
            out, term, place, part="professional" if member.person else "entity",
            retroactive="" if prior_acts else since.isoformat(), prior_acts=prior_acts, limits=self._limits,
            shared=member.shares_limits, deductible=member.deductible, expires=expires,
            premium=self._primary(member, term.effective.year), endorsements=member.endorsements,
            fund=(enrolled.name, enrolled.limits) if enrolled else ("", ""), reason=reason,
        )  # fmt: skip

    def _write_excess(self, out: PackageWriter, term: Term, place: int, *, expires: dt.date, reason: str) -> None:
        member = self._members[place]
        # Higher limits were bought later: earlier acts have the primary limit only.
        since = min(years_later(self._schedule.began.replace(day=1), -3), self._first)
        joined = member.person.joined if member.person else since
        self._write_row(
            out, term, place, part="excess", retroactive=max(joined, since).isoformat(), prior_acts=False,
            limits=EXCESS, shared=False, deductible=0, expires=expires,
            premium=round(self._primary(member, term.effective.year) * EXCESS_SHARE), endorsements="", fund=("", ""),
            reason=reason,
        )  # fmt: skip

    @property
    def _first(self) -> dt.date:
        return self._outline.insured_since or self._schedule.first_covered

    def _write_row(
        self, out: PackageWriter, term: Term, place: int, *, part: str, retroactive: str, prior_acts: bool,
        limits: tuple[int, int], shared: bool, deductible: int, expires: dt.date, premium: int, endorsements: str,
        fund: tuple[str, str], reason: str,
    ) -> None:  # fmt: skip
        specialty = self._members[place].specialty
        out.add(
            "coverages.csv", coverage_id=self._ids.coverage(term.effective.year, place, excess=part == "excess"),
            term_id=term.id, insured_id=self._ids.insured(place), part=part,
            form="claims_made" if self._claims_made else "occurrence",
            retroactive_date=retroactive if self._claims_made else "", full_prior_acts=flag(prior_acts),
            limit_per_claim=money(limits[0]), limit_aggregate=money(limits[1]), limits_shared=flag(shared),
            deductible=money(deductible), effective=term.effective.isoformat(), expires=expires.isoformat(),
            premium=money(premium), specialty_code=specialty.code, specialty=specialty.name, endorsements=endorsements,
            fund=fund[0], fund_limits=fund[1], ended_reason=reason,
        )  # fmt: skip

    def _write_tail(self, out: PackageWriter, coverage: str, premium: int, ended: dt.date) -> None:
        """Add the offer of an extended reporting endorsement, one row for each option."""
        decide_by = ended + dt.timedelta(days=60)
        lapsed = decide_by < self._today
        chosen = "unlimited" if lapsed and self._rng.random() < 0.3 else ""
        for number, (option, years, share) in enumerate(TAILS):
            price = max(250, round(premium * share))
            status = "paid" if option == chosen else "declined" if chosen else "lapsed" if lapsed else "offered"
            out.add(
                "ere_offers.csv", offer_id=f"ERE-{coverage[2:]}-{number}", coverage_id=coverage, status=status,
                decide_by=decide_by.isoformat(), option=option, price=money(price),
                installments="4" if price > 5_000 else "", starts=ended.isoformat(),
                ends=years_later(ended, years).isoformat() if years else "",
            )  # fmt: skip
