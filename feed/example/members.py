"""The outline of a policy and its members: everything about them that is the same in every term."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from feed.example.people import Person, person, pick
from feed.example.practices import (
    ENTITIES,
    PHYSICIAN_CODES,
    SEPARATE_LIMITS,
    Practice,
    Specialty,
    endorsements_for,
)
from feed.example.states import ALL, ALLIED_LIMITS, DENTAL_LIMITS, Fund, Limits, State

# In the cast's group, this clinician has left and has a tail offer.
LEAVER = 7
# Clinicians leave groups of this size and larger.
LEAVERS_FROM = 4
# Share of its clinicians' premium that an entity pays.
ENTITY_SHARE = 0.06


@dataclass(frozen=True)
class Outline:
    """What is decided about a policy before anything is drawn at random.

    `clinicians` doesn't count entities; `agency` and `earlier_agency` are numbers, 0 for none; `named` is the cast's
    clinician, `administrator` the first and last name of the cast's contact, and `name` the group's. `began`: first day
    of the current or last term. `insured_since`: retroactive dates are no later. `rewritten_as`: the policy that
    replaced this one, for the same policyholder and insureds. Other fields that are empty or None are drawn.
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
    name: str = ""
    claims_made: bool | None = None
    renewal: str = ""
    billing: str = ""
    plan: str = ""
    began: dt.date | None = None
    excess: bool = False
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
    """An insured of a policy; `person` is None for an entity. `leaves`: in the current term."""

    person: Person | None
    specialty: Specialty
    premium: float
    shares_limits: bool
    deductible: int
    prior_acts: bool
    endorsements: str
    leaves: bool


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
    return ALLIED_LIMITS if program == "allied" else DENTAL_LIMITS


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
            endorsements=str(SEPARATE_LIMITS) if number == 0 else "",
            leaves=False,
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
        leaves = rng.random() < 0.02 and outline.clinicians >= LEAVERS_FROM
        yield Member(
            person=one,
            specialty=one.specialty,
            premium=one.specialty.premium * outline.state.rate * (0.9 + 0.2 * rng.random()),
            shares_limits=employed,
            deductible=5_000 if rng.random() < 0.1 else 0,
            prior_acts=rng.random() < 0.06 and not named,
            endorsements=_endorsements(rng, one.specialty, solo=outline.is_solo),
            leaves=place == LEAVER if outline.named else leaves,
        )


def _endorsements(rng: Random, specialty: Specialty, *, solo: bool) -> str:
    """Return up to two endorsements, separated as in the feed."""
    if rng.random() >= 0.3:
        return ""
    offered = endorsements_for(specialty.code, solo=solo)
    return ";".join(sorted({str(pick(rng, offered)), str(pick(rng, offered))}))
