"""Which questions a practice and a clinician are asked (docs/spec.md#b-16)."""

from __future__ import annotations

import pytest

from policies.renewals.questions import CLINICIAN, LIMITS_UP, PRACTICE, SPECIALTY, clinician_sets, practice_sets

ALL = (*PRACTICE, *CLINICIAN, LIMITS_UP, SPECIALTY)


@pytest.mark.parametrize(
    ("program", "specialty", "asked"),
    [
        ("physicians", "Family medicine, no surgery", ["clinician"]),
        ("physicians", "Orthopedic surgery", ["clinician", "surgery"]),
        ("physicians", "Obstetrics and gynecology", ["clinician", "surgery", "obstetrics"]),
        ("physicians", "Family medicine, minor surgery", ["clinician", "surgery"]),
        ("physicians", "Anesthesiology", ["clinician", "anesthesia"]),
        ("allied", "Nurse-midwife", ["clinician", "obstetrics"]),
        ("physicians", "Psychiatry", ["clinician", "psychiatry"]),
        ("student", "Surgery", ["clinician"]),
        ("physicians", "", ["clinician"]),
    ],
)
def test_a_specialty_is_asked_its_own(program: str, specialty: str, asked: list[str]) -> None:
    assert [each.name for each in clinician_sets(program, [specialty])] == asked


def test_a_program_is_asked_its_own() -> None:
    assert [each.name for each in practice_sets("facility")] == ["practice", "facility"]
    assert [each.name for each in practice_sets("dental")] == ["practice"]


def test_a_key_is_one_questions_for_good_and_every_set_has_a_version() -> None:
    keys = [question.key for each in ALL for question in each.questions]
    assert len(keys) == len(set(keys))
    assert all(each.version for each in ALL)
