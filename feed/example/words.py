"""Words of the synthetic book. Carriers, agencies, groups and people are invented; nothing here can be reached.

Mail addresses end in `.example`, telephone numbers are 555-01xx, and NPIs begin with 0, which no real one does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

FIRST_NAMES = (
    "Ana Lucía José Chloë Zoë Renée André Björn Søren Łukasz Jürgen Mónica Iñigo Siobhán Noël Aoife Émile Thảo "
    "Priya Arjun Mei Kenji Amara Kofi Leila Omar Yusuf Fatima Tobias Ingrid Marta Paolo Dmitri Olena Grace Henry "
    "Walter Ruth Miriam Daniel Esther Samuel Naomi Caleb Hannah Julian Clara Edwin Nora Felix Iris Hugo Stella Otto "
    "Maude Percy Beatrix Quentin Rosalind Theodore Winifred Ambrose Cordelia Desmond Eudora Florian Gideon Harriet "
    "Isadora Jasper Katarina Leopold Marisol Nikolai Ottilie Philippa Roderick Sabina Thaddeus Ursula Valentin"
).split()
LAST_NAMES = (
    "Núñez Müller Ångström Peña Çelik D’Amico O’Hara Østergaard Šimek Nguyễn Gutiérrez Lefèvre Żukowska Muñoz Brontë "
    "Okonkwo Adeyemi Banerjee Chaudhuri Deshpande Iyer Kapoor Ramanathan Takahashi Watanabe Yamamoto Kim Park Zhang "
    "Abernathy Blackwood Castellanos Dunleavy Eastmoor Fairweather Greenhalgh Hollingsworth Ivanova Jankowski "
    "Kessler Lindqvist MacAllister Northcott Oppenheim Pemberton Quimby Ravenscroft Silverstein Thistlewood Underhill "
    "Vandermeer Whitcombe Yarborough Zimmermann Ashdown Birchall Colquhoun Drummond Ellsworth Fothergill Gascoigne "
    "Haverstock Inglewood Jessop Kirkbride Langstaff Merriweather Netherton Osgood Prendergast Quarles Rutherford"
).split()
LONG_LAST_NAMES = (
    "Papadimitriou-Konstantinopoulos",
    "von und zu Hohenfels-Wittgenau",
    "Venkatanarasimharajuvaripeta",
    "de la Vega y Fernández-Mondragón",
)
SUFFIXES = ("Jr.", "Sr.", "II", "III", "IV")
INITIALS = "ABCDEFGHJKLMNPRSTVW"


class Specialty(NamedTuple):
    """A specialty with the credential of those who practise it."""

    code: str
    name: str
    credential: str


PHYSICIANS = (
    Specialty("FM1", "Family medicine, no surgery", "MD"),
    Specialty("IM1", "Internal medicine, no surgery", "MD"),
    Specialty("PD1", "Pediatrics, no surgery", "MD"),
    Specialty("PS1", "Psychiatry", "DO"),
    Specialty("AN1", "Anesthesiology", "MD"),
    Specialty("OB3", "Obstetrics and gynecology, major surgery", "MD"),
    Specialty("OS3", "Orthopedic surgery, including spine", "MD"),
    Specialty("GS3", "General surgery", "MD"),
    Specialty("RA1", "Radiology, diagnostic", "MD"),
    Specialty("EM2", "Emergency medicine, no major surgery", "DO"),
    Specialty("CD2", "Cardiovascular disease, minor surgery and catheterization", "MD"),
    Specialty("NS3", "Neurological surgery", "MD"),
)
ALLIED = (
    Specialty("NP1", "Nurse practitioner, primary care", "APRN"),
    Specialty("PA1", "Physician assistant", "PA-C"),
    Specialty("CR1", "Certified registered nurse anesthetist", "CRNA"),
    Specialty("NM1", "Certified nurse midwife", "CNM"),
    Specialty("PT1", "Physical therapist", "DPT"),
)
DENTAL = (
    Specialty("DG1", "General dentistry", "DDS"),
    Specialty("DO3", "Oral and maxillofacial surgery", "DMD"),
    Specialty("DP1", "Pediatric dentistry", "DDS"),
)
BY_CODE = {one.code: one for one in (*PHYSICIANS, *ALLIED, *DENTAL)}


class Practice(NamedTuple):
    """A kind of practice: how its name ends, who works there, and whom it employs beside them."""

    kind: str
    specialties: tuple[Specialty, ...]
    employs: tuple[Specialty, ...] = ()


def _practice(kind: str, codes: str, employs: str = "") -> Practice:
    return Practice(
        kind, tuple(BY_CODE[code] for code in codes.split()), tuple(BY_CODE[code] for code in employs.split())
    )


# The one table from which a group's name, its program and its clinicians' specialties are taken.
MULTISPECIALTY = _practice("Medical Group", "FM1 IM1 PD1 OB3 GS3 CD2 PS1 RA1", "NP1 PA1 PT1")
HOSPITAL = _practice("Regional Medical Center", "EM2 IM1 GS3 OS3 OB3 AN1 RA1 CD2 NS3 PD1", "NP1 PA1 CR1 NM1 PT1")
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
        _practice("Behavioral Health Associates", "PS1", "NP1"),
        _practice("Imaging Associates, P.A.", "RA1"),
        _practice("Emergency Physicians, LLP", "EM2", "PA1"),
    ),
    "allied": (
        _practice("Nurse Practitioners, PLLC", "NP1"),
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
}
NURSE_PRACTITIONERS = PRACTICES["allied"][0]
ENTITIES = {
    "physicians": Specialty("EN1", "Medical corporation or partnership", ""),
    "allied": Specialty("EN2", "Allied health corporation or partnership", ""),
    "dental": Specialty("EN3", "Dental corporation or partnership", ""),
    "facility": Specialty("EN4", "Health care facility", ""),
}


Limits = tuple[tuple[int, int], ...]
ONE_THREE = (1_000_000, 3_000_000)
TWO_FOUR = (2_000_000, 4_000_000)
ONE_SIX = (1_000_000, 6_000_000)
# Outside of the states' funds: nurses and therapists have a limit for each claim and a high aggregate.
ALLIED_LIMITS: Limits = (ONE_SIX, ONE_THREE)
DENTAL_LIMITS: Limits = (ONE_THREE, TWO_FOUR)


@dataclass(frozen=True)
class State:
    """A state of the book: towns with the beginning of their ZIPs and the area code of their telephones.

    `license` and `other_license`: what the license of a physician, and of anybody else, looks like; # is a digit.
    `limits`: what physicians buy there. `fund`: the state's compensation fund, if it has one, with what it adds.
    `occurrence`: physicians there are insured by occurrence.
    """

    code: str
    area: str
    towns: tuple[tuple[str, str], ...]
    license: str
    other_license: str
    limits: Limits = (ONE_THREE, ONE_THREE, TWO_FOUR)
    fund: str = ""
    fund_limits: str = ""
    occurrence: bool = False


STATES = (
    State("NY", "518", (("Albany", "122"), ("Saratoga Springs", "128")), "2#####", "3#####", ((1_300_000, 3_900_000),)),
    State("CT", "860", (("Hartford", "061"), ("Middletown", "064")), "1.0#####", "12.00####"),
    State("MA", "617", (("Boston", "021"), ("Cambridge", "021")), "2#####", "RN2######"),
    State("OH", "614", (("Columbus", "432"), ("Westerville", "430")), "35.1#####", "APRN.CNP.0#####"),
    State(
        "FL", "813", (("Tampa", "336"), ("Plant City", "335")), "ME1#####", "APRN11######",
        ((250_000, 750_000), (500_000, 1_500_000), ONE_THREE),
    ),
    State("IL", "312", (("Chicago", "606"),), "036-1#####", "209-0#####"),
    State(
        "TX", "512", (("Austin", "787"), ("Round Rock", "786")), "R####", "AP1#####",
        ((200_000, 600_000), (500_000, 1_000_000), ONE_THREE),
    ),
    State(
        "IN", "317", (("Indianapolis", "462"), ("Carmel", "460")), "010#####A", "7100####A", ((500_000, 1_500_000),),
        "Indiana Patient’s Compensation Fund", "$1,300,000 per occurrence above the primary limit",
    ),
    State(
        "LA", "225", (("Baton Rouge", "708"), ("Prairieville", "707")), "MD.2#####", "AP0####", ((100_000, 300_000),),
        "Louisiana Patient’s Compensation Fund", "$400,000 per claim above the primary limit",
    ),
    State(
        "PA", "412", (("Pittsburgh", "152"), ("Coraopolis", "151")), "MD4#####", "SP0#####", ((500_000, 1_500_000),),
        "Pennsylvania Mcare Fund", "$500,000 / $1,500,000 above the primary limit",
    ),
    State(
        "WI", "414", (("Milwaukee", "532"), ("Wauwatosa", "532")), "#####-20", "####-33", (ONE_THREE,),
        "Wisconsin Injured Patients and Families Compensation Fund", "Unlimited above the primary limit",
        occurrence=True,
    ),
    State(
        "KS", "316", (("Wichita", "672"), ("Derby", "670")), "04-4####", "53-7####", ((500_000, 1_500_000),),
        "Kansas Health Care Stabilization Fund", "$500,000 / $1,500,000 above the primary limit",
    ),
    State(
        "NM", "505", (("Albuquerque", "871"), ("Santa Fe", "875")), "MD20##-0###", "CNP-5####", ((250_000, 750_000),),
        "New Mexico Patient’s Compensation Fund", "$750,000 per occurrence above the primary limit",
    ),
    State(
        "NE", "402", (("Omaha", "681"), ("Lincoln", "685")), "3####", "11####", ((500_000, 1_000_000),),
        "Nebraska Excess Liability Fund", "$1,750,000 per occurrence above the primary limit",
    ),
    State("CO", "303", (("Denver", "802"), ("Boulder", "803")), "DR.00#####", "APN.099####-NP"),
    State("AZ", "602", (("Phoenix", "850"),), "5####", "AP1####"),
    State("CA", "415", (("San Francisco", "941"), ("San Rafael", "949")), "A1#####", "9500####"),
    State("HI", "808", (("Honolulu", "968"), ("Hilo", "967")), "MD-1####", "APRN-2###"),
)  # fmt: skip

STREETS = (
    "Clinic Road", "Larkspur Lane", "Old Mill Street", "Harborview Avenue", "Juniper Court", "Cathedral Parkway",
    "Meadowbrook Drive", "Quarry Hill Road", "St. Brigid’s Terrace", "Two Rivers Boulevard",
)  # fmt: skip
SUITES = ("", "", "", "Suite 4", "Suite 210", "Floor 3", "Building C, Suite 1180")
GROUP_PLACES = (
    "Riverbend", "Cedar Hollow", "Northgate", "Three Lakes", "Willow Creek", "Stonebridge", "Harbor Point", "Summit",
    "Prairie View", "Bluestem", "Copper Canyon", "Silver Birch", "Lantern Hill", "Saint Aldhelm", "Marigold Valley",
)  # fmt: skip
LONG_GROUP = (
    "The Interfaith Multispecialty Physicians’ and Advanced Practice Clinicians’ Cooperative of the Upper Valley, "
    "A Professional Corporation"
)
AGENCY_PLACES = (
    "Harborlight", "Stonemark", "Bellwether", "Oakhurst", "Keystone Ridge", "Fairlawn", "Grandview", "Pilot Rock",
    "Wren & Daughters", "Cobblestone",
)  # fmt: skip
AGENCY_KINDS = ("Insurance Agency", "Professional Liability Brokers, Inc.", "Risk Partners", "Insurance Services")
PRIOR_CARRIERS = (
    "Meridian Physicians Exchange", "Old Colony Medical Mutual", "Tri-Counties Reciprocal", "Halcyon Indemnity",
    "Bayou Doctors’ Trust",
)  # fmt: skip
ENDORSEMENTS = (
    "LM-E-214 Telemedicine, scheduled states", "LM-E-221 Locum tenens (60 days)",
    "LM-E-230 Moonlighting, scheduled facility", "LM-E-236 Part-time practice (20 hours or less)",
    "LM-E-251 Additional named insured, professional corporation",
    "LM-E-270 Regulatory and licensing defense $50,000", "LM-E-275 Cyber $100,000",
)  # fmt: skip

COMPANIES = (
    ("C1", "Larkfield Mutual Insurance Company", "00901", "Imogen Vale", "President", "pay;autopay;ere;forms;renew"),
    ("C2", "Larkfield Specialty Insurance Company", "00902", "Imogen Vale", "President", "pay;ere;forms"),
    ("C3", "Harrow Vale Reciprocal Exchange", "00903", "Cornelius Ashdown", "Attorney-in-fact", "forms;renew"),
)
