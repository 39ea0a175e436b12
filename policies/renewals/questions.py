"""The questions of renewal applications: sets with versions, by program and specialty.

A set's questions change only together with its version: what a person answered is kept with the words of the question
and the version. A key stays a question's own for good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


# "Family medicine, no surgery" has nothing to do with surgery.
LEFT_OUT = re.compile(r"\b(?:no|excluding|without)\s+(?:major\s+|minor\s+)?[a-z-]+")


class Kind(StrEnum):
    """How a question is answered."""

    YES_NO = "yes_no"
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"


@dataclass(frozen=True)
class Question:
    """One question. `details`: what a yes asks for; empty where a yes needs no more."""

    key: str
    text: str
    kind: Kind = Kind.YES_NO
    details: str = ""
    help: str = ""


@dataclass(frozen=True)
class QuestionSet:
    """Questions under one heading. `programs`: empty for all of them; `specialties`: beginnings of words of the
    specialty, empty for all of them."""

    name: str
    version: str
    title: str
    questions: tuple[Question, ...]
    programs: frozenset[str] = frozenset()
    specialties: tuple[str, ...] = ()

    def is_for(self, program: str, specialties: Sequence[str] = ()) -> bool:
        """Whether a program and one of these specialties is asked it."""
        if self.programs and program not in self.programs:
            return False
        if not self.specialties:
            return True
        words = [word for each in specialties for word in re.findall(r"[a-z-]+", LEFT_OUT.sub("", each.lower()))]
        return any(word.startswith(beginning) for word in words for beginning in self.specialties)

    @property
    def label(self) -> str:
        """Name and version, as an answer keeps them."""
        return f"{self.name} {self.version}"


CLINICAL = frozenset({"physicians", "dental", "allied"})
WHICH_STATES = "Which states, and about what share of the practice?"

# What changes in the practice (the policyholder answers).
PRACTICE: tuple[QuestionSet, ...] = (
    QuestionSet(
        "practice",
        "2026-11",
        "Changes in the practice",
        (
            Question("sites", "Will you open, close, or move a practice site?", details="Which, where, and when?"),
            Question(
                "services",
                "Will you add or stop a procedure or a service?",
                details="Which, who does it, and with what training?",
            ),
            Question("telehealth", "Do you see patients in other states by telehealth?", details=WHICH_STATES),
            Question("locum", "Will you use locum tenens?", details="For whom, when, and how long?"),
            Question(
                "uninsured",
                "Do clinicians work with you whom another company insures, or nobody?",
                details="Who, and who insures them?",
            ),
            Question(
                "ownership",
                "Has the ownership or the legal name of the practice changed, or will it?",
                details="What changes, and when?",
            ),
            Question(
                "other_coverage",
                "Has another company declined, cancelled, or not renewed coverage of this practice within 12 months?",
                details="Which company, when, and why?",
            ),
        ),
    ),
    QuestionSet(
        "facility",
        "2026-11",
        "The facility",
        (
            Question("beds", "How many licensed beds, or operating rooms, do you have?", Kind.NUMBER),
            Question("visits", "About how many outpatient visits do you have a year?", Kind.NUMBER),
            Question(
                "accreditation",
                "Has an accreditation or a license been limited, suspended, or given up within 12 months?",
                details="Which, when, and why?",
            ),
        ),
        programs=frozenset({"facility"}),
    ),
    QuestionSet(
        "school",
        "2026-11",
        "The program of study",
        (
            Question("students", "How many students will have clinical work in the next term?", Kind.NUMBER),
            Question("sites_of_training", "Will students work at other sites than now?", details="Where?"),
        ),
        programs=frozenset({"student"}),
    ),
)

# What each clinician answers.
CLINICIAN: tuple[QuestionSet, ...] = (
    QuestionSet(
        "clinician",
        "2026-11",
        "You and your work",
        (
            Question(
                "hours",
                "About how many hours a week do you work under this policy?",
                Kind.NUMBER,
                help="Count patient care, on-call time at the site, and charting.",
            ),
            Question(
                "work",
                "Has your work changed within 12 months, or will it: specialty, procedures, hours, or a leave?",
                details="What changes, and from when?",
            ),
            Question(
                "elsewhere",
                "Do you work as a clinician outside this policy, such as moonlighting?",
                details="Where, and who insures that work?",
            ),
            Question("own_telehealth", "Do you see patients in other states by telehealth?", details=WHICH_STATES),
            Question(
                "license",
                "Within 12 months, has a license, registration, or privilege of yours been investigated, limited, "
                "suspended, or given up?",
                details="Which, when, and how did it end?",
            ),
            Question(
                "conviction",
                "Within 12 months, have you been charged with or convicted of an offense other than a traffic "
                "violation?",
                details="What, when, and how did it end?",
            ),
            Question(
                "unreported",
                "Do you know of a claim, or of an event that may lead to one, that you haven’t reported to us?",
                details="What happened, and when? Don’t include the patient’s name.",
                help="Report it now, too: this answer isn’t a report under the policy.",
            ),
        ),
    ),
    QuestionSet(
        "surgery",
        "2026-11",
        "Procedures",
        (
            Question("procedures", "About how many procedures under anesthesia do you do a year?", Kind.NUMBER),
            Question(
                "new_procedures",
                "Do you do a procedure that you didn’t do a year ago?",
                details="Which, and with what training?",
            ),
            Question(
                "office_surgery",
                "Do you operate in an office with more than local anesthesia?",
                details="Where, and who accredits the office?",
            ),
        ),
        programs=CLINICAL,
        specialties=("surg", "orthop", "urolog", "otolaryng", "ophthalm", "gynecolog", "obstet", "plastic"),
    ),
    QuestionSet(
        "obstetrics",
        "2026-11",
        "Deliveries",
        (
            Question("deliveries", "About how many babies do you deliver a year?", Kind.NUMBER),
            Question(
                "home_births",
                "Do you attend births outside a hospital?",
                details="Where, and how many a year?",
            ),
        ),
        programs=CLINICAL,
        specialties=("obstet", "midwi", "nurse-midwi"),
    ),
    QuestionSet(
        "anesthesia",
        "2026-11",
        "Anesthesia",
        (
            Question("supervises", "How many nurse anesthetists do you supervise at one time, at most?", Kind.NUMBER),
            Question(
                "pain", "Do you treat chronic pain?", details="With which procedures, and what share of your work?"
            ),
        ),
        programs=CLINICAL,
        specialties=("anesth", "pain"),
    ),
    QuestionSet(
        "psychiatry",
        "2026-11",
        "Psychiatry",
        (
            Question("inpatients", "Do you treat inpatients?", details="Where, and about how many a month?"),
            Question("forensic", "Do you give opinions in court?", details="What kind, and how often?"),
        ),
        programs=CLINICAL,
        specialties=("psych",),
    ),
)

# What a change to one coverage asks.
LIMITS_UP = QuestionSet(
    "limits-up",
    "2026-11",
    "Higher limits",
    (
        Question("limits_why", "Why are higher limits needed?", Kind.TEXT, help="A hospital’s bylaws, for example."),
        Question(
            "limits_known",
            "Do you know of a claim, or of an event that may lead to one, to which the higher limits might apply?",
            details="What happened, and when? Don’t include the patient’s name.",
        ),
    ),
)
SPECIALTY = QuestionSet(
    "specialty",
    "2026-11",
    "Another specialty",
    (
        Question("specialty_from", "From which day?", Kind.DATE),
        Question("specialty_training", "What training or board certification covers it?", Kind.TEXT),
        Question("specialty_procedures", "Which procedures come with it, or end?", Kind.TEXT),
    ),
)


def practice_sets(program: str) -> list[QuestionSet]:
    """Return what the policyholder of a program is asked."""
    return [each for each in PRACTICE if each.is_for(program)]


def clinician_sets(program: str, specialties: Sequence[str]) -> list[QuestionSet]:
    """Return what a clinician with these specialties is asked."""
    return [each for each in CLINICIAN if each.is_for(program, specialties)]
