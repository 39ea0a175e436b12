"""Rows of coverages, and of what belongs to one: endorsements, suspensions, prior limits, extras, and funds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random

from feed.example.endorsements import (
    INCREASED_LIMITS,
    LEAVE,
    LOCUM,
    LOCUM_WORDING,
    MOONLIGHTING,
    TELEMEDICINE,
    Endorsement,
)
from feed.example.members import Member, Outline, is_enrolled
from feed.example.rows import Ids, flag, money
from feed.example.segments import LEFT, Segment, Segments
from feed.example.states import STATES
from feed.example.tails import Tails
from feed.example.terms import Schedule, Term
from feed.example.writing import PackageWriter

# What the first limit is for: the policy's own words, by form and program.
BASES = {"claims_made": "claim", "occurrence": "medical_incident"}
COST_CENTER = 4_100
# Policies of which nothing goes on.
ENDED = {"cancelled", "expired", "nonrenewed"}
SCOPE = "Limited to professional services on behalf of {name}"
MOONLIGHTS = "; moonlighting at {facility} is included"
FACILITIES = ("Two Rivers Regional Hospital", "Prairie View Surgery Center", "Marigold County Free Clinic")


class CoverageRows:
    """Writes the coverages of a policy's members."""

    def __init__(
        self,
        outline: Outline,
        ids: Ids,
        schedule: Schedule,
        members: Sequence[Member],
        segments: Segments,
        *,
        name: str,
        reason: str,
        seed: int,
        today: dt.date,
    ) -> None:
        self._outline, self._ids, self._schedule, self._members = outline, ids, schedule, members
        self._segments, self._name, self._today = segments, name, today
        self._rng = Random(f"{seed}/{outline.index}/coverages")  # noqa: S311  # an invented book, repeatable
        self._tails = Tails(outline, reason=reason, rng=self._rng, seed=seed, today=today)

    def write(self, out: PackageWriter, term: Term) -> None:
        """Add a term's coverages, and the tails offered where one ends."""
        for one in self._segments.of(term):
            member = self._members[one.place]
            extended = self._tails.write(out, one) if self._is_left(term, one) else None
            leave = self._leave(term, one, member) if one.part == "professional" else None
            endorsements = [*member.endorsements] if one.part in {"professional", "entity"} else []
            endorsements += [INCREASED_LIMITS] if one.prior else []
            endorsements += [LEAVE] if leave else []
            endorsements += [extended] if extended else []
            self._write_row(out, term, one, member, endorsements)
            self._write_details(out, one, endorsements, leave)
            if one.part in {"professional", "entity"}:
                self._write_fund(out, one)

    def _is_left(self, term: Term, one: Segment) -> bool:
        """Whether claims-made coverage of a person ends here; what continues in another policy needs no tail."""
        if one.form != "claims_made" or one.part != "professional" or self._outline.rewritten_as:
            return False
        if one.reason == LEFT:
            return True
        last = term.effective == self._schedule.began and one.expires == self._schedule.ends
        return last and self._outline.status in ENDED and self._schedule.ends <= self._today

    def _write_row(
        self, out: PackageWriter, term: Term, one: Segment, member: Member, endorsements: Sequence[Endorsement]
    ) -> None:
        outline = self._outline
        retroactive = one.retroactive.isoformat() if one.retroactive else ""
        inside = outline.company == "C2" and one.part != "general"
        deductible = member.deductible if one.part == "professional" else 0
        shared = member.shares_limits and one.part != "excess"
        grouped = not outline.is_solo
        out.add(
            "coverages.csv", coverage_id=one.id, term_id=term.id, insured_id=self._ids.insured(one.place),
            part=one.part, form=one.form, retroactive_date=retroactive, full_prior_acts=flag(one.prior_acts),
            limit_per_claim=money(one.limits[0]), limit_aggregate=money(one.limits[1]), limit_basis=self._basis(one),
            limits_shared=flag(shared), limits_shared_with=self._name if shared and grouped else "",
            defense="inside" if inside else "outside", deductible=money(deductible),
            deductible_basis=("indemnity_and_expense" if inside else "indemnity") if deductible else "",
            effective=one.effective.isoformat(), expires=one.expires.isoformat(), premium=money(one.premium),
            specialty_code=one.specialty.code, specialty=one.specialty.name, ended_reason=one.reason,
            scope=self._scope(one, member, endorsements), states=self._states(one, endorsements),
            locum=LOCUM_WORDING if LOCUM in endorsements else "", site=member.site,
            cost_center=f"{COST_CENTER + one.place % 7 * 10}" if member.site else "", continues=one.continues,
        )  # fmt: skip

    def _basis(self, one: Segment) -> str:
        """Return what the first limit is for; nurses and therapists have it for each claim, whatever the form."""
        if one.part == "general":
            return "occurrence"
        return "claim" if self._outline.program in {"allied", "student"} else BASES[one.form]

    def _scope(self, one: Segment, member: Member, endorsements: Sequence[Endorsement]) -> str:
        if not member.shares_limits or not member.person or one.part != "professional":
            return ""
        scope = SCOPE.format(name=self._name)
        if MOONLIGHTING in endorsements:
            scope += MOONLIGHTS.format(facility=FACILITIES[one.place % len(FACILITIES)])
        return scope

    def _states(self, one: Segment, endorsements: Sequence[Endorsement]) -> str:
        if TELEMEDICINE not in endorsements or one.part != "professional":
            return ""
        further = {STATES[(one.place + step) % len(STATES)].code for step in (1, 4)} - {self._outline.state.code}
        return ", ".join([self._outline.state.code, *sorted(further)])

    def _leave(self, term: Term, one: Segment, member: Member) -> tuple[dt.date, dt.date] | None:
        """Return the days of a leave within this segment of the current term."""
        if term.effective != self._schedule.began or term.status != "bound":
            return None
        if self._outline.story.leave and one.place == 0:
            march = dt.date(term.effective.year, 3, 1)
            starts = march if march >= term.effective else march.replace(year=march.year + 1)
            days = 31
        elif member.on_leave:
            starts, days = term.effective + dt.timedelta(days=60), 60 + one.place % 60
        else:
            return None
        ends = starts + dt.timedelta(days=days)
        return (starts, ends) if one.effective <= starts and ends <= one.expires else None

    def _write_details(
        self, out: PackageWriter, one: Segment, endorsements: Sequence[Endorsement],
        leave: tuple[dt.date, dt.date] | None,
    ) -> None:  # fmt: skip
        for endorsement in endorsements:
            out.add(
                "endorsements.csv", coverage_id=one.id, form_number=endorsement.form, edition=endorsement.edition,
                title=endorsement.title, effective=one.effective.isoformat(), expires=one.expires.isoformat(),
                on_certificate=flag(endorsement.shown),
            )  # fmt: skip
            if endorsement.extra:
                label, limit = endorsement.extra
                out.add("extras.csv", coverage_id=one.id, label=label, limit=limit)
        if leave:
            out.add(
                "suspensions.csv", suspension_id=f"SU-{one.id[2:]}", coverage_id=one.id, from_=leave[0].isoformat(),
                to=leave[1].isoformat(),
                reason_code="leave" if self._outline.story.leave or one.place % 5 else "other",
            )  # fmt: skip
        if one.prior:
            day, limits = one.prior
            out.add(
                "prior_limits.csv", coverage_id=one.id, incidents_before=day.isoformat(),
                limit_per_claim=money(limits[0]), limit_aggregate=money(limits[1]),
            )  # fmt: skip

    def _write_fund(self, out: PackageWriter, one: Segment) -> None:
        """Add the enrollment in the state's fund; a few lapsed by themselves."""
        fund = self._outline.state.fund
        if not fund or not is_enrolled(fund, one.specialty):
            return
        expires = one.expires
        if self._rng.random() < 0.02:
            expires = one.effective + (one.expires - one.effective) / 2
        out.add(
            "fund_enrollments.csv", coverage_id=one.id, fund=fund.name, form=fund.form or one.form,
            limits=fund.limits, effective=one.effective.isoformat(), expires=expires.isoformat(),
        )  # fmt: skip
