"""The policies that every example book has at its front: the cast's, and one for each situation worth seeing."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from feed.example.people import Person
from feed.example.practices import (
    BY_CODE,
    HOSPITAL,
    MULTISPECIALTY,
    NURSE_PRACTITIONERS,
    SCHOOL_OF_NURSING,
    SURGERY_CENTER,
    WOMENS_HEALTH,
    Practice,
)

# The cast's policies.
GROUP, SOLO = 0, 1
GROUP_SIZE = 60
GROUP_NAME = "Kestrel Hill Medical Group"
ADMINISTRATOR = ("Marisol", "Whitcomb")
AGENT = ("Desmond", "Achterberg")
# The place in the group of the clinician who has left and has a tail offer, and of the one who came in mid-term.
LEAVER, JOINER = 7, 12
# One policy replaced the next one in the middle of its term.
REWRITTEN, REWRITTEN_FROM = 18, 19
NONRENEWED = 9
# A health system, and the two entities that it owns.
SYSTEM_NAME = "Blue Heron Health System"
SYSTEM_HOSPITAL, SYSTEM_GROUP = 23, 24
REINSTATED = 25
# The cast's agency loses this client: another agency is of record from a day that is known already.
BROKER_CHANGES, BROKER_CHANGES_IN = 26, 12


@dataclass(frozen=True)
class Story:
    """What is decided about a policy; fields that are empty, zero, or None are drawn at random.

    `change`: what happens to the first clinician in the middle of the current term (`members.CHANGES`). `reason`: the
    code of why it ended. `tail`: the status of the tail that was chosen. `lapse`: the policy was cancelled and
    reinstated with days between. `leave`: the first clinician is away in March of the current term. `returned`: a
    payment came back from the bank. `autopay`: who collects.
    """

    status: str = "active"
    program: str = "physicians"
    size: int = 0
    name: str = ""
    company: str = ""
    state: str = ""
    practice: Practice | None = None
    claims_made: bool | None = None
    excess: bool = False
    renewal: str = ""
    billing: str = ""
    plan: str = ""
    autopay: str = ""
    change: str = ""
    reason: str = ""
    tail: str = ""
    lapse: bool = False
    leave: bool = False
    returned: bool = False


# What nobody decides in advance.
NO_STORY = Story()
STORIES = {
    GROUP: Story(
        size=GROUP_SIZE, name=GROUP_NAME, state="NY", practice=MULTISPECIALTY, claims_made=True, renewal="bound",
        billing="direct", plan="monthly", autopay="none",
    ),
    SOLO: Story(
        size=1, state="NY", practice=MULTISPECIALTY, claims_made=True, billing="direct", plan="monthly",
        autopay="none", leave=True,
    ),
    2: Story(size=14, renewal="offered", billing="direct", plan="quarterly", autopay="carrier"),
    3: Story(claims_made=False, billing="direct", autopay="portal"),
    4: Story("pending_cancellation", size=1, billing="direct", plan="quarterly", autopay="none", returned=True),
    6: Story("cancelled", size=3, state="CT", claims_made=True, billing="direct", plan="annual",
             reason="insured_request", tail="elected"),
    7: Story("expired", state="OH", size=1, claims_made=True, reason="retired"),
    8: Story("pending"),
    NONRENEWED: Story("nonrenewed", size=4, reason="other"),
    # A compensation fund, and another agency of record than before.
    10: Story(size=5, state="IN", claims_made=True),
    11: Story(program="dental", renewal="bound", billing="direct", plan="semiannual"),
    12: Story(renewal="offered", billing="financed"),
    13: Story(program="allied", renewal="accepted", billing="agency"),
    14: Story(size=1, renewal="declined", billing="direct", plan="quarterly", autopay="none"),
    # Surplus lines: taxed, and the costs of defense are inside the limits.
    15: Story(size=2, state="CT", company="C2", claims_made=True),
    REWRITTEN: Story(size=3, claims_made=True, billing="direct", plan="quarterly"),
    REWRITTEN_FROM: Story("cancelled", size=3, claims_made=True, reason="rewritten", billing="direct", plan="annual"),
    # A nurse practitioner with occurrence coverage, then a physician with an excess layer.
    20: Story(program="allied", size=1, state="CT", practice=NURSE_PRACTITIONERS, claims_made=False),
    21: Story(size=1, state="NY", claims_made=True, excess=True),
    22: Story(program="facility", size=9, practice=SURGERY_CENTER),
    SYSTEM_HOSPITAL: Story(
        program="facility", size=30, name="Blue Heron Regional Medical Center", state="OH", practice=HOSPITAL,
        claims_made=True,
    ),
    SYSTEM_GROUP: Story(
        size=26, name="Blue Heron Physician Enterprise", state="OH", practice=MULTISPECIALTY, claims_made=True
    ),
    REINSTATED: Story(size=1, state="CT", claims_made=True, billing="direct", plan="quarterly", lapse=True),
    BROKER_CHANGES: Story(size=1, state="MA"),
    # Higher limits in mid-term, then a lighter specialty.
    27: Story(size=1, state="CT", claims_made=True, billing="direct", plan="quarterly", change="limits"),
    28: Story(size=1, state="MA", practice=WOMENS_HEALTH, claims_made=True, billing="direct", plan="monthly",
              change="specialty"),
    29: Story(
        program="student", size=40, name="Valley State School of Nursing", state="IL", practice=SCHOOL_OF_NURSING,
        claims_made=False,
    ),
    30: Story("cancelled", size=1, state="NY", claims_made=True, reason="retired", tail="granted"),
    31: Story("cancelled", size=1, state="AZ", claims_made=True, reason="nonpayment", billing="direct", plan="monthly"),
    32: Story("cancelled", size=1, state="CO", claims_made=True, reason="deceased", tail="granted"),
    33: Story("cancelled", size=2, state="MA", claims_made=True, reason="insured_request", tail="paid"),
    # States that want a filed form for certificates: the second company has none for Texas.
    34: Story(size=1, state="TX", company="C1"),
    35: Story(size=2, state="GA", company="C1"),
    36: Story(size=1, state="TX", company="C3"),
    37: Story("cancelled", size=1, state="IL", claims_made=True, reason="underwriting", tail="declined"),
    38: Story("cancelled", size=1, state="FL", claims_made=True, reason="nonpayment", tail="lapsed"),
    39: Story("nonrenewed", size=1, state="CT", reason="underwriting"),
}  # fmt: skip
# Books of this size or larger have all the stories.
ALL_STORIES = max(STORIES) + 1


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
