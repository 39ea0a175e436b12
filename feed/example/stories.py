"""The policies that every example book has at its front: the cast's, and one for each situation worth seeing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from feed.example.people import Person
from feed.example.practices import BY_CODE, NURSE_PRACTITIONERS, SURGERY_CENTER, Practice
from feed.example.terms import NONRENEWED_LEFT, years_later

# The cast's policies.
GROUP, SOLO = 0, 1
GROUP_SIZE = 60
GROUP_NAME = "Kestrel Hill Medical Group"
ADMINISTRATOR = ("Marisol", "Whitcomb")
AGENT = ("Desmond", "Achterberg")
# One policy replaced the next one in the middle of its term.
REWRITTEN, REWRITTEN_FROM = 18, 19
NONRENEWED = 9


@dataclass(frozen=True)
class Story:
    """What is decided about a policy; fields that are empty or None are drawn at random."""

    status: str
    program: str
    size: int = 0
    renewal: str = ""
    billing: str = ""
    plan: str = ""
    state: str = ""
    practice: Practice | None = None
    claims_made: bool | None = None
    excess: bool = False


STORIES = {
    2: Story("active", "physicians", size=14, renewal="offered"),
    3: Story("active", "physicians", claims_made=False),
    4: Story("pending_cancellation", "physicians", size=1, billing="direct", plan="quarterly"),
    6: Story("cancelled", "physicians", size=3, claims_made=True),
    7: Story("expired", "physicians"),
    8: Story("pending", "physicians"),
    NONRENEWED: Story("nonrenewed", "physicians", size=4),
    # A compensation fund, and another agency of record than before.
    10: Story("active", "physicians", size=5, state="IN", claims_made=True),
    11: Story("active", "dental", renewal="bound"),
    12: Story("active", "physicians", renewal="offered", billing="financed"),
    13: Story("active", "allied", renewal="accepted", billing="agency"),
    14: Story("active", "physicians", size=1, renewal="declined"),
    REWRITTEN: Story("active", "physicians", size=3, claims_made=True),
    REWRITTEN_FROM: Story("cancelled", "physicians", size=3, claims_made=True),
    # A nurse practitioner with occurrence coverage, then a physician with an excess layer.
    20: Story("active", "allied", size=1, state="CT", practice=NURSE_PRACTITIONERS, claims_made=False),
    21: Story("active", "physicians", size=1, state="NY", claims_made=True, excess=True),
    22: Story("active", "facility", size=9, practice=SURGERY_CENTER),
}


def named_people(today: dt.date) -> dict[int, Person]:
    """Return the cast's clinicians by policy: the same in every book, with retroactive dates decades back."""
    return {
        GROUP: Person(
            first="Lucía",
            middle="M.",
            last="Núñez-Abernathy",
            suffix="",
            credential="MD",
            specialty=BY_CODE["IM1"],
            born=dt.date(1969, 4, 23),
            joined=dt.date(today.year - 24, 7, 1),
        ),
        SOLO: Person(
            first="Tobias",
            middle="",
            last="Lindqvist",
            suffix="Jr.",
            credential="MD",
            specialty=BY_CODE["PS1"],
            born=dt.date(1975, 10, 2),
            joined=dt.date(today.year - 11, 1, 1),
        ),
    }


def began(index: int, today: dt.date) -> dt.date | None:
    """Return the first day of a story's current or last term, or None if it is drawn."""
    rewritten = (today - dt.timedelta(days=120)).replace(day=1)
    if index == NONRENEWED:
        return years_later(today + dt.timedelta(days=NONRENEWED_LEFT), -1)
    if index == REWRITTEN:
        return rewritten
    return (rewritten - dt.timedelta(days=240)).replace(day=1) if index == REWRITTEN_FROM else None
