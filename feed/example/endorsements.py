"""The endorsements of the example book, and what they add to a coverage: wordings and extra benefits."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import NamedTuple

from feed.example.people import pick
from feed.example.practices import PHYSICIAN_CODES, Specialty

_PHYSICIANS = " ".join(sorted(PHYSICIAN_CODES))


class Endorsement(NamedTuple):
    """An endorsement by form number, edition, and title, for the specialties named by code, or for all clinicians.

    `solo`: only for a clinician in a practice of one. `shown`: marked for certificates. `extra`: the benefit that it
    adds, as label and limit.
    """

    form: str
    edition: str
    title: str
    codes: str = ""
    solo: bool = False
    shown: bool = True
    extra: tuple[str, str] | None = None


TELEMEDICINE = Endorsement("LM-E-214", "01-26", "Telemedicine, scheduled states", "FM1 IM1 PD1 PS1 NE1 DE2 NP1 NP3")
LOCUM = Endorsement("LM-E-221", "01-26", "Locum tenens (60 days)", _PHYSICIANS)
MOONLIGHTING = Endorsement("LM-E-230", "07-25", "Moonlighting, scheduled facility", "EM2 IM1 HM1 AN1 RA1")
PART_TIME = Endorsement("LM-E-236", "01-26", "Part-time practice (20 hours or less)")
LEAVE = Endorsement("LM-E-240", "01-26", "Leave of absence")
CORPORATION = Endorsement(
    "LM-E-251", "07-25", "Additional named insured, professional corporation", f"{_PHYSICIANS} DG1", solo=True
)
INCREASED_LIMITS = Endorsement("LM-E-262", "01-26", "Retroactive date for increased limits")
LICENSING = Endorsement(
    "LM-E-270", "06-26", "Regulatory and licensing defense $50,000",
    extra=("Regulatory and licensing defense", "$50,000 each proceeding"),
)  # fmt: skip
CYBER = Endorsement(
    "LM-E-275", "06-26", "Cyber $100,000", shown=False, extra=("Cyber liability", "$100,000 each policy period")
)
# Nobody's business but the policy's own people's.
BARIATRIC = Endorsement("LM-E-280", "01-26", "Exclusion, bariatric surgery", "GS3", shown=False)
SEPARATE_LIMITS = Endorsement("LM-E-290", "01-26", "Separate entity limits")
UNLIMITED_TAIL = Endorsement("LM-E-305", "01-26", "Unlimited extended reporting")
# What clinicians buy; the others come with what happens to a coverage.
OFFERED = (TELEMEDICINE, LOCUM, MOONLIGHTING, PART_TIME, CORPORATION, LICENSING, CYBER, BARIATRIC)
ENDORSEMENTS = (*OFFERED, LEAVE, INCREASED_LIMITS, SEPARATE_LIMITS, UNLIMITED_TAIL)

LOCUM_WORDING = "A locum tenens in the insured’s place, for up to 60 days in a policy period"


@cache
def endorsements_for(code: str, *, solo: bool) -> tuple[Endorsement, ...]:
    """Return what a clinician of this specialty can buy."""
    return tuple(one for one in OFFERED if (not one.codes or code in one.codes.split()) and (solo or not one.solo))


def bought(rng: Random, specialty: Specialty, *, solo: bool) -> tuple[Endorsement, ...]:
    """Return up to two endorsements that a clinician has, by form number."""
    if rng.random() >= 0.3:
        return ()
    offered = endorsements_for(specialty.code, solo=solo)
    return tuple(sorted({pick(rng, offered), pick(rng, offered)}))
