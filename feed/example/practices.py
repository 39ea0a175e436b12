"""Specialties, and the kinds of practice they work in.

A group's name, its program, and its clinicians' specialties all come from `PRACTICES`, so they can't contradict each
other: an anesthesia group insures anesthesiologists and nurse anesthetists, and a cardiology group isn't in the dental
program.
"""

from __future__ import annotations

from typing import NamedTuple

# Most physicians are MDs.
PHYSICIAN = ("MD",) * 8 + ("DO",)
DENTIST = ("DDS", "DMD")


class Specialty(NamedTuple):
    """A specialty, the credentials of its clinicians, and the yearly premium of one of them in dollars."""

    code: str
    name: str
    credentials: tuple[str, ...]
    premium: int


PHYSICIANS = (
    Specialty("FM1", "Family medicine, no surgery", PHYSICIAN, 11_000),
    Specialty("IM1", "Internal medicine, no surgery", PHYSICIAN, 12_500),
    Specialty("PD1", "Pediatrics, no surgery", PHYSICIAN, 10_000),
    Specialty("PS1", "Psychiatry", PHYSICIAN, 6_500),
    Specialty("AN1", "Anesthesiology", PHYSICIAN, 15_500),
    Specialty("OB3", "Obstetrics and gynecology, major surgery", PHYSICIAN, 54_000),
    Specialty("OS3", "Orthopedic surgery, including spine", PHYSICIAN, 47_000),
    Specialty("GS3", "General surgery", PHYSICIAN, 41_000),
    Specialty("RA1", "Radiology, diagnostic", PHYSICIAN, 18_000),
    Specialty("EM2", "Emergency medicine, no major surgery", PHYSICIAN, 24_000),
    Specialty("CD2", "Cardiovascular disease, minor surgery and catheterization", PHYSICIAN, 21_000),
    Specialty("NS3", "Neurological surgery", PHYSICIAN, 83_000),
    Specialty("GI2", "Gastroenterology, minor surgery", PHYSICIAN, 20_000),
    Specialty("NE1", "Neurology, no surgery", PHYSICIAN, 15_000),
    Specialty("DE2", "Dermatology, minor surgery", PHYSICIAN, 11_500),
    Specialty("UR3", "Urology, major surgery", PHYSICIAN, 27_000),
    Specialty("HM1", "Hospital medicine, no surgery", PHYSICIAN, 16_500),
)
ALLIED = (
    Specialty("NP1", "Nurse practitioner, primary care", ("APRN",), 1_900),
    Specialty("NP3", "Nurse practitioner, psychiatric and mental health", ("APRN",), 1_700),
    Specialty("PA1", "Physician assistant", ("PA-C",), 3_200),
    Specialty("CR1", "Certified registered nurse anesthetist", ("CRNA",), 5_400),
    Specialty("NM1", "Certified nurse midwife", ("CNM",), 14_000),
    Specialty("PT1", "Physical therapist", ("DPT",), 700),
)
DENTAL = (
    Specialty("DG1", "General dentistry", DENTIST, 2_300),
    Specialty("DO3", "Oral and maxillofacial surgery", DENTIST, 12_000),
    Specialty("DP1", "Pediatric dentistry", DENTIST, 3_100),
)
# What some physicians change to in the middle of a term: work that's less risky.
LIGHTER = {
    "OB3": Specialty("GY2", "Gynecology, minor surgery, no obstetrics", PHYSICIAN, 23_000),
    "OS3": Specialty("OS1", "Orthopedics, no surgery", PHYSICIAN, 19_000),
    "NS3": Specialty("NS1", "Neurosurgery consultation, no surgery", PHYSICIAN, 22_000),
    "GS3": Specialty("GS1", "General surgery, office procedures only", PHYSICIAN, 17_000),
    "CD2": Specialty("CD1", "Cardiovascular disease, no surgery", PHYSICIAN, 15_000),
    "EM2": Specialty("UC1", "Urgent care, no surgery", PHYSICIAN, 14_500),
    "UR3": Specialty("UR1", "Urology, no surgery", PHYSICIAN, 13_000),
}
# Students are insured by their school.
STUDENTS = (Specialty("ST1", "Nursing student", ("",), 25), Specialty("ST2", "Physical therapy student", ("",), 20))
BY_CODE = {one.code: one for one in (*PHYSICIANS, *ALLIED, *DENTAL, *STUDENTS)}
PHYSICIAN_CODES = frozenset(one.code for one in (*PHYSICIANS, *LIGHTER.values()))
# Entities pay a part of what their clinicians pay.
ENTITIES = {
    "physicians": Specialty("EN1", "Medical corporation or partnership", (), 0),
    "allied": Specialty("EN2", "Allied health corporation or partnership", (), 0),
    "dental": Specialty("EN3", "Dental corporation or partnership", (), 0),
    "facility": Specialty("EN4", "Health care facility", (), 0),
    "student": Specialty("EN5", "School of the health professions", (), 0),
}


class Practice(NamedTuple):
    """A kind of practice: how its name ends, its clinicians, and the staff it employs, who share its limits."""

    kind: str
    specialties: tuple[Specialty, ...]
    employs: tuple[Specialty, ...] = ()


def _practice(kind: str, codes: str, employs: str = "") -> Practice:
    return Practice(
        kind, tuple(BY_CODE[code] for code in codes.split()), tuple(BY_CODE[code] for code in employs.split())
    )


MULTISPECIALTY = _practice("Medical Group", "FM1 IM1 PD1 OB3 GS3 CD2 PS1 RA1 GI2 NE1 DE2 UR3", "NP1 PA1 NM1 PT1")
HOSPITAL = _practice("Regional Medical Center", "EM2 HM1 GS3 OS3 OB3 AN1 RA1 CD2 NS3 PD1", "NP1 PA1 CR1 NM1 PT1")
PRACTICES: dict[str, tuple[Practice, ...]] = {
    "physicians": (
        MULTISPECIALTY,
        _practice("Physicians, P.C.", "IM1 FM1", "NP1 PA1"),
        _practice("Family Practice Associates, LLC", "FM1 PD1", "NP1 PA1"),
        _practice("Orthopedic & Spine Center", "OS3 NS3", "PA1 PT1"),
        _practice("Women’s Health Partners", "OB3", "NM1 NP1"),
        _practice("Anesthesia Consultants, PLLC", "AN1", "CR1"),
        _practice("Pediatrics", "PD1", "NP1"),
        _practice("Cardiology Associates, Ltd.", "CD2", "NP1 PA1"),
        _practice("Surgical Specialists", "GS3", "PA1"),
        _practice("Behavioral Health Associates", "PS1", "NP3"),
        _practice("Imaging Associates, P.A.", "RA1"),
        _practice("Emergency Physicians, LLP", "EM2", "PA1"),
        _practice("Digestive Health, P.C.", "GI2", "NP1 PA1"),
        _practice("Neurology Clinic", "NE1", "NP1"),
        _practice("Dermatology", "DE2", "PA1"),
        _practice("Urology Partners, LLC", "UR3", "PA1"),
        _practice("Hospitalists, PLLC", "HM1", "NP1 PA1"),
    ),
    "allied": (
        _practice("Nurse Practitioners, PLLC", "NP1"),
        _practice("Psychiatric Nursing, PLLC", "NP3"),
        _practice("Physical Therapy", "PT1"),
        _practice("Midwifery Associates", "NM1"),
        _practice("Nurse Anesthesia Services, LLC", "CR1"),
    ),
    "dental": (
        _practice("Dental Arts", "DG1"),
        _practice("Oral & Maxillofacial Surgery", "DO3"),
        _practice("Pediatric Dentistry", "DP1"),
    ),
    "facility": (
        _practice("Ambulatory Surgery Center", "GS3 OS3 AN1", "CR1"),
        _practice("Urgent Care Center", "EM2 FM1", "NP1 PA1"),
        HOSPITAL,
    ),
    "student": (
        _practice("School of Nursing", "ST1"),
        _practice("College of Health Sciences", "ST1 ST2"),
    ),
}
SCHOOL_OF_NURSING = PRACTICES["student"][0]
NURSE_PRACTITIONERS = PRACTICES["allied"][0]
SURGERY_CENTER = PRACTICES["facility"][0]
WOMENS_HEALTH = next(one for one in PRACTICES["physicians"] if one.specialties == (BY_CODE["OB3"],))
