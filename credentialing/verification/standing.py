"""What holds today of what a paper certified, part by part, by the rule in `policies.eligibility`.

Never a reason, and 'cancelled' only where the company's setting says so. What that rule refuses to certify, this
doesn't say either: it sends the reader to a person.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from core.money import whole_dollars
from core.templatetags.show import day_long
from credentialing.certificates.sheet import Sheet
from policies.eligibility import Eligibility, is_too_old, judge
from policies.models import Coverage, Membership, Policy, Suspension, Term

if TYPE_CHECKING:
    from credentialing.models import Certificate


class Kind(StrEnum):
    """What holds today."""

    IN_FORCE = "in_force"
    ENDING = "ending"
    NOT_COVERED = "not_covered"
    UPCOMING = "upcoming"
    ENDED = "ended"
    TOO_OLD = "too_old"
    UNKNOWN = "unknown"


WORDS = {
    Kind.IN_FORCE: "In force",
    Kind.ENDING: "In force, with an end ahead",
    Kind.NOT_COVERED: "Services aren’t covered today",
    Kind.UPCOMING: "Bound, not in force yet",
    Kind.ENDED: "Ended",
    Kind.TOO_OLD: "We can’t say today",
    Kind.UNKNOWN: "We can’t say online",
}


@dataclass(frozen=True, slots=True)
class Holding:
    """One part that was certified: its name, what holds today, and in which sentences."""

    part: str
    kind: Kind
    sentences: tuple[str, ...]

    @property
    def word(self) -> str:
        """What holds today, in a few words."""
        return WORDS[self.kind]


def holdings_of(certificate: Certificate, *, today: dt.date, as_of: dt.datetime | None) -> list[Holding]:
    """Return what holds on `today` of each part of a certificate or letter, from data as of `as_of`.

    `certificate` comes `with_policy`. Five queries and three for each part, at most.
    """
    ids = [part.get("coverage") or certificate.coverage.public_id for part in _parts(certificate)]
    found = {each.public_id: each for each in Coverage.objects.with_policy().filter(public_id__in=ids)}
    sheet = Sheet(certificate.snapshot)
    return [
        _holding(certificate, sheet, index, found.get(public_id), today=today, as_of=as_of)
        for index, public_id in enumerate(ids)
    ]


def _parts(certificate: Certificate) -> list[dict[str, str]]:
    snapshot = certificate.snapshot
    parts: list[dict[str, str]] = snapshot.get("parts") or [snapshot["coverage"]]
    return parts


def _holding(
    certificate: Certificate,
    sheet: Sheet,
    index: int,
    certified: Coverage | None,
    *,
    today: dt.date,
    as_of: dt.datetime | None,
) -> Holding:
    """Return what holds of one part; `certified` is its coverage, None where we have it no more."""
    part = sheet.parts[index]
    gives, speaks = Eligibility(""), certified
    if certified is not None and certified.retired_at is None:
        speaks = _speaking(certified, today)
        gives = judge(speaks, today=today, as_of=as_of)
    if certified is None or speaks is None or not gives.allows or gives.ends is None:
        old = certified is not None and (as_of is None or is_too_old(as_of, certified.term.policy.source))
        return Holding(part.part, Kind.TOO_OLD if old else Kind.UNKNOWN, (_unknown(old=old),))
    if gives.is_letter:
        return Holding(part.part, Kind.ENDED, _ended(certificate, speaks, gives, today=today, as_of=as_of))
    changed = _changed_limits(speaks, part.per_claim, part.aggregate)
    if gives.begins:
        text = f"Bound. Coverage begins on {day_long(gives.begins)} and runs to {day_long(gives.ends)}."
        return Holding(part.part, Kind.UPCOMING, (text, *changed))
    kind, text = Kind.IN_FORCE, f"In force on {day_long(today)}. Coverage runs to {day_long(gives.ends)}."
    if (cancels := gives.cancellation_effective) is not None:
        what = "Coverage ends" if cancels == gives.ends else "Cancellation is pending for"
        kind, text = Kind.ENDING, f"In force on {day_long(today)}. {what} {_on(cancels, gives)}."
    away = _away(speaks, today)
    return Holding(part.part, Kind.NOT_COVERED if away else kind, (text, *away, *changed))


def _on(cancels: dt.date, gives: Eligibility) -> str:
    return f"on {day_long(cancels)}" if cancels == gives.ends else day_long(cancels)


def _speaking(certified: Coverage, today: dt.date) -> Coverage:
    """Return the segment of the coverage's chain that speaks today: a change in mid-term doesn't end it."""
    if certified.leads_on(today):
        return certified
    chain = [segment.pk for segment in certified.links if segment.pk is not None]
    segments = Coverage.objects.not_retired().with_policy().filter(pk__in=chain)
    return next((each for each in segments if each.leads_on(today)), certified)


def _unknown(*, old: bool) -> str:
    if old:
        return "The company’s data is too old to say what holds today."
    return "We can’t say online what holds today. Please call or email us."


def _ended(
    certificate: Certificate, coverage: Coverage, gives: Eligibility, *, today: dt.date, as_of: dt.datetime | None
) -> tuple[str, ...]:
    """Return the sentence on the end, as a letter has it, and one on what continues it."""
    assert gives.ends is not None  # noqa: S101  # a letter has an end
    number, day = coverage.term.policy.number, day_long(gives.ends)
    if gives.how_it_ended == "cancelled":
        text = f"Policy {number} was cancelled, and coverage under it ended on {day}."
    else:
        text = f"Coverage ended on {day}."
    later = _later(certificate, coverage, gives.ends)
    if later is None:
        return (text,)
    now = judge(_speaking(later, today), today=today, as_of=as_of)
    if not now.speaks_of_today or now.starts is None or now.ends is None:
        return (text,)
    same = later.term.policy_id == coverage.term.policy_id
    where = "under a later term of the same policy" if same else f"under policy {later.term.policy.number}"
    verb = "is bound" if now.begins else "continued"
    return (text, f"Coverage {verb} {where}, from {day_long(now.starts)} to {day_long(now.ends)}.")


def _later(certificate: Certificate, coverage: Coverage, ends: dt.date) -> Coverage | None:
    """Return the insured's coverage of the same part that goes on where this one ended, without a gap: on the same
    policy, or on the one that replaced it.

    A policy of another policyholder is only named where the insured issued the paper: a group doesn't say where else
    its clinicians were insured (`credentialing.certificates.history`).
    """
    policy = coverage.term.policy
    policies = [policy.pk] if policy.replaced_by_id is None else [policy.pk, policy.replaced_by_id]
    found = (
        Coverage.objects.not_retired()
        .with_policy()
        .filter(insured=coverage.insured_id, part=coverage.part, term__policy__in=policies)
        .filter(term__status__in=Term.TAKEN_UP, effective__lte=ends, expires__gt=ends)
        .exclude(pk=coverage.pk)
        .order_by("effective", "pk")
    )
    by_insured = certificate.membership.role == Membership.Role.INSURED
    return next(
        (
            each
            for each in found
            if each.ends > ends
            and each.term.policy.status != Policy.Status.PENDING
            and (by_insured or each.term.policy.policyholder_id == policy.policyholder_id)
        ),
        None,
    )


def _changed_limits(now: Coverage, per_claim: str, aggregate: str) -> tuple[str, ...]:
    """Return the sentence on limits that differ from those certified; none where they are the same."""
    limits = whole_dollars(now.limit_per_claim), whole_dollars(now.limit_aggregate)
    if limits == (per_claim, aggregate):
        return ()
    return (f"The limits have changed: they are {limits[0]} / {limits[1]} from {day_long(now.effective)}.",)


def _away(coverage: Coverage, today: dt.date) -> tuple[str, ...]:
    """Return the sentence on days without coverage that today is one of."""
    chain = [segment.pk for segment in coverage.links if segment.pk is not None]
    rows = Suspension.objects.not_retired().filter(coverage__in=chain)
    leave = next((each for each in rows if each.in_force_on(today)), None)
    if leave is None:
        return ()
    until = f"to {day_long(leave.ends)}" if leave.ends else "until further notice"
    return (f"Professional services from {day_long(leave.starts)}, {until}, aren’t covered.",)
