"""The carrier's seminars, who took them, and the premium credits they earned."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from feed.example.members import Member, Outline
from feed.example.people import full_name, pick
from feed.example.rows import Ids, flag, policy_number
from feed.example.segments import Segments
from feed.example.stories import GROUP, SOLO
from feed.example.terms import Schedule, Term, years_later
from feed.example.writing import PackageWriter

ONLINE, LIVE = "online", "live"
EVERYONE = "physicians;allied;dental;facility"
# Percent for a course of two hours or more, and the most in a term.
EACH, MOST, LONG_ENOUGH = 3, 6, 2.0
ATTEND = 0.35
HOST = "https://seminars.larkfield.example/"


class Seminar(NamedTuple):
    """A seminar; `days` from today to a live one, or since when an online one is there (negative: in the past)."""

    id: str
    title: str
    kind: str
    hours: float
    days: int
    programs: str = EVERYONE
    location: str = ""
    seats: int | None = None
    eligible: bool = True


SEMINARS = (
    Seminar("SM-101", "Missed Follow-Up: Closing the Loop on Test Results", ONLINE, 2.0, -800),
    Seminar("SM-102", "Informed Refusal", ONLINE, 1.0, -700, eligible=False),
    Seminar("SM-103", "Charting That Defends Itself", ONLINE, 2.0, -650, f"{EVERYONE};student"),
    Seminar("SM-104", "When the Patient Leaves Angry: Disclosure and Apology Laws", ONLINE, 1.5, -600),
    Seminar("SM-105", "Prescribing Controlled Substances, 2026", ONLINE, 2.0, -320, "physicians;allied;dental"),
    Seminar("SM-106", "Supervision and Collaboration with APRNs", ONLINE, 1.0, -420, "physicians;allied"),
    Seminar("SM-107", "AI at the Bedside: Liability of Decision Support", ONLINE, 2.0, -150),
    Seminar("SM-108", "Telehealth Across State Lines", ONLINE, 1.5, -500, "physicians;allied"),
    Seminar("SM-201", "Shoulder Dystocia Drill", LIVE, 4.0, 33, "physicians;facility",
            "Simulation Center, 1 Larkfield Way, Hartford, CT", 40),
    Seminar("SM-202", "Shoulder Dystocia Drill", LIVE, 4.0, -170, "physicians;facility",
            "Simulation Center, 1 Larkfield Way, Hartford, CT", 40),
    Seminar("SM-203", "Basic Risk Management, New York (5 h with project)", LIVE, 5.0, -95, "physicians",
            "Two Rivers Conference Center, Albany, NY", 120),
    Seminar("SM-204", "Basic Risk Management, New York (5 h with project)", LIVE, 5.0, 61, "physicians",
            "Two Rivers Conference Center, Albany, NY", 120),
    Seminar("SM-205", "Follow-Up Course", LIVE, 2.0, 19, "physicians", "Two Rivers Conference Center, Albany, NY", 80),
)  # fmt: skip


class Attended(NamedTuple):
    """A seat that a clinician took; `completed`, or None for a live seminar still to come."""

    place: int
    seminar: Seminar
    completed: dt.date | None


def write_seminars(out: PackageWriter, *, today: dt.date) -> None:
    """Add the catalog."""
    for one in SEMINARS:
        day = today + dt.timedelta(days=one.days)
        live = one.kind == LIVE
        minutes = int(one.hours * 60) + 15
        ends = dt.datetime.combine(day, dt.time(9)) + dt.timedelta(minutes=minutes)
        out.add(
            "seminars.csv", seminar_id=one.id, title=one.title, kind=one.kind,
            starts=f"{day.isoformat()}T09:00" if live else f"{day.isoformat()}T00:00",
            ends=ends.strftime("%Y-%m-%dT%H:%M") if live else "",
            timezone="America/New_York", location=one.location,
            url="" if live else f"{HOST}{one.id.lower()}/", seats=one.seats, cme_credits=f"{one.hours:.2f}",
            hours=f"{one.hours:.2f}", programs=one.programs, credit_eligible=flag(one.eligible),
        )  # fmt: skip


class CourseRows:
    """Writes which seminars the members of one policy took, and their credits."""

    def __init__(
        self, outline: Outline, ids: Ids, schedule: Schedule, segments: Segments, members: Sequence[Member], *,
        seed: int, today: dt.date,
    ) -> None:  # fmt: skip
        self._outline, self._ids, self._schedule, self._segments = outline, ids, schedule, segments
        self._today = today
        self._rng = Random(f"{seed}/{outline.index}/seminars")  # noqa: S311  # an invented book, repeatable
        known = outline.status != "pending" and outline.rewritten_as is None and outline.program != "student"
        self._attended = self._draw(members) if known else []
        self._credits = [one for term in schedule.terms if term.covered for one in self._earned(term)]

    def credits(self) -> dict[str, int]:
        """Return the dollars that each term costs less, by its id."""
        sums: dict[str, int] = {}
        for term, _, percent, annual in self._credits:
            if dollars := round(annual * percent / 100):
                sums[term.id] = sums.get(term.id, 0) + dollars
        return sums

    def write(self, out: PackageWriter) -> None:
        """Add the rows."""
        number = policy_number(self._outline.index, self._outline.program)
        for count, (place, seminar, completed) in enumerate(self._attended):
            out.add(
                "attendance.csv", attendance_id=f"AT{self._ids.policy:06}-{count:04}", seminar_id=seminar.id,
                insured_id=self._ids.insured(place), policy_number=number,
                completed=completed.isoformat() if completed else "",
                cme_credits=f"{seminar.hours:.2f}" if completed else "",
            )  # fmt: skip
        if self._outline.clinicians >= 8 and self._attended:
            # Somebody of the staff came along, who isn't insured.
            first, last = full_name(self._rng)
            live = next(one for one in SEMINARS if one.kind == LIVE and one.days < 0)
            out.add(
                "attendance.csv", attendance_id=f"AT{self._ids.policy:06}-S", seminar_id=live.id,
                participant=f"{first} {last}", policy_number=number,
                completed=(self._today + dt.timedelta(days=live.days)).isoformat(), cme_credits="0.00",
            )  # fmt: skip
        for term, place, percent, _ in self._credits:
            granted = min(term.effective, self._today)
            out.add(
                "premium_credits.csv", insured_id=self._ids.insured(place), term_id=term.id, percent=f"{percent:.2f}",
                granted=granted.isoformat(),
            )  # fmt: skip

    def _draw(self, members: Sequence[Member]) -> list[Attended]:
        rng, offered = self._rng, [one for one in SEMINARS if self._outline.program in one.programs]
        found = []
        for place, member in enumerate(members):
            keen = place == 0 and self._outline.index in {GROUP, SOLO}
            if member.person is None or (rng.random() >= ATTEND and not keen):
                continue
            taken: set[str] = set()
            for _ in range(3 if keen else 1 + int(rng.random() * 2)):
                seminar = pick(rng, offered)
                if seminar.id not in taken:
                    taken.add(seminar.id)
                    found.append(Attended(place, seminar, self._completed(seminar)))
        if self._outline.index == GROUP:
            # Two courses a year ago: the most credit that a term can have.
            for seminar in (SEMINARS[0], SEMINARS[2]):
                found = [one for one in found if one[:2] != (0, seminar)]
                found.append(Attended(0, seminar, self._schedule.began - dt.timedelta(days=40)))
        return found

    def _completed(self, seminar: Seminar) -> dt.date | None:
        if seminar.kind == LIVE:
            return self._today + dt.timedelta(days=seminar.days) if seminar.days < 0 else None
        return self._today - dt.timedelta(days=1 + int(self._rng.random() * (-seminar.days - 2)))

    def _earned(self, term: Term) -> list[tuple[Term, int, int, int]]:
        """Return who has a credit in a term: the term, the place, the percent, and the premium of a whole year."""
        since = years_later(term.effective, -1)
        percents: dict[int, int] = {}
        for place, seminar, completed in self._attended:
            counts = seminar.eligible and seminar.hours >= LONG_ENOUGH
            if counts and completed and since <= completed < term.effective:
                percents[place] = min(MOST, percents.get(place, 0) + EACH)
        if not percents:
            return []
        annual = {
            one.place: one.annual
            for one in reversed(self._segments.of(term))
            if one.part == "professional" and one.effective == term.effective
        }
        return [(term, place, percent, annual[place]) for place, percent in percents.items() if place in annual]
