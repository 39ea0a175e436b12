"""The outline of a policy and its members: everything about them that is the same in every term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from feed.example.endorsements import SEPARATE_LIMITS, Endorsement, bought
from feed.example.people import Person, person
from feed.example.practices import ENTITIES, LIGHTER, PHYSICIAN_CODES, Practice, Specialty
from feed.example.states import ALL, ALLIED_LIMITS, DENTAL_LIMITS, Fund, Limits, State
from feed.example.stories import GROUP, JOINER, LEAVER, NO_STORY, Story

# Clinicians leave groups of this size and larger, and join them.
LEAVERS_FROM = 4
# Share of its clinicians' premium that an entity pays.
ENTITY_SHARE = 0.06
# What happens to a clinician within the current term.
LEAVES, JOINS, LIMITS, SPECIALTY = CHANGES = ("leaves", "joins", "limits", "specialty")
SITES = ("Main Campus", "North Clinic", "Riverside Clinic", "Surgery Pavilion")


@dataclass(frozen=True)
class Outline:
    """What is decided about a policy before anything is drawn at random.

    `clinicians` doesn't count entities; `agency` and `earlier_agency` are numbers, 0 for none; `named` is the cast's
    clinician, `administrator` the first and last name of the cast's contact. `began`: first day of the current or last
    term, or None where it is drawn. `insured_since`: retroactive dates are no later. `rewritten_as`: the policy that
    replaced this one, for the same policyholder and insureds.
    """

    index: int
    clinicians: int
    status: str
    program: str
    company: str
    state: State
    practice: Practice
    agency: int
    earlier_agency: int = 0
    named: Person | None = None
    administrator: tuple[str, str] | None = None
    story: Story = NO_STORY
    began: dt.date | None = None
    insured_since: dt.date | None = None
    rewritten_as: Outline | None = None

    @property
    def is_solo(self) -> bool:
        """Whether one clinician is policyholder and insured at once."""
        return self.clinicians == 1

    @property
    def entities(self) -> int:
        """How many entities are insured; large groups have several sites."""
        return 0 if self.is_solo else 1 + (self.clinicians > 40) + (self.clinicians > 400) * 4


class Member(NamedTuple):
    """An insured of a policy; `person` is None for an entity. `change`: what happens in the current term."""

    person: Person | None
    specialty: Specialty
    premium: float
    shares_limits: bool
    deductible: int
    prior_acts: bool
    endorsements: tuple[Endorsement, ...]
    change: str = ""
    on_leave: bool = False
    site: str = ""


def is_enrolled(fund: Fund, specialty: Specialty) -> bool:
    """Return whether a state's fund enrolls this specialty; all of them enroll physicians and their entities."""
    if fund.enrolls == ALL or specialty.code in PHYSICIAN_CODES:
        return True
    return specialty in {ENTITIES["physicians"], ENTITIES["facility"]} or specialty.code in fund.enrolls.split()


def limits_sold(program: str, state: State, practice: Practice) -> Limits:
    """Return the limits a program sells in a state; a fund fixes them for everyone it enrolls."""
    if program in {"physicians", "facility"}:
        return state.limits
    if state.fund and is_enrolled(state.fund, practice.specialties[0]):
        return state.limits
    return DENTAL_LIMITS if program == "dental" else ALLIED_LIMITS


def members_of(outline: Outline, *, rng: Random, today: dt.date) -> list[Member]:
    """Return the clinicians, then the entities. A policy and the one that replaced it have the same members."""
    clinicians = list(_clinicians(outline, rng=rng, today=today))
    share = sum(one.premium for one in clinicians) * ENTITY_SHARE
    specialty = ENTITIES[outline.program]
    entities = [
        Member(
            person=None,
            specialty=specialty,
            premium=share,
            shares_limits=number > 0,
            deductible=0,
            prior_acts=False,
            endorsements=(SEPARATE_LIMITS,) if number == 0 else (),
        )
        for number in range(outline.entities)
    ]
    return clinicians + entities


def _clinicians(outline: Outline, *, rng: Random, today: dt.date) -> Iterator[Member]:
    practice = outline.practice
    for place in range(outline.clinicians):
        employed = place % 5 == 4 and bool(practice.employs)
        one = person(rng, practice.employs if employed else practice.specialties, today)
        named = outline.named if place == 0 else None
        one = named or one
        yield Member(
            person=one,
            specialty=one.specialty,
            premium=one.specialty.premium * outline.state.rate * (0.9 + 0.2 * rng.random()),
            shares_limits=employed,
            deductible=5_000 if rng.random() < 0.1 else 0,
            prior_acts=rng.random() < 0.06 and not named,
            endorsements=bought(rng, one.specialty, solo=outline.is_solo),
            change=_change(outline, rng, place, one),
            on_leave=rng.random() < 0.01 and not outline.named and outline.program != "student",
            site=SITES[place % len(SITES)] if outline.clinicians >= 8 else "",
        )


def _change(outline: Outline, rng: Random, place: int, one: Person) -> str:
    """Return what happens to a clinician within the current term."""
    chance, grouped = rng.random(), outline.clinicians >= LEAVERS_FROM
    if outline.index == GROUP:
        return {LEAVER: LEAVES, JOINER: JOINS}.get(place, "")
    if outline.story.change and place == 0:
        return outline.story.change
    if outline.named or outline.rewritten_as or outline.insured_since or outline.program == "student":
        return ""
    shares = (
        (LEAVES, 0.02 if grouped else 0),
        (JOINS, 0.01 if grouped and place else 0),
        (LIMITS, 0.02),
        (SPECIALTY, 0.02 if one.specialty.code in LIGHTER else 0),
    )
    for change, share in shares:
        if chance < share:
            return change
        chance -= share
    return ""
