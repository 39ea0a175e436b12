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
ENTITY_SPECIALTY = Specialty("EN1", "Medical corporation or partnership", "")
BY_PROGRAM = {"physicians": PHYSICIANS, "allied": ALLIED, "dental": DENTAL, "facility": PHYSICIANS}


@dataclass(frozen=True)
class State:
    """A state of the book: towns with the beginning of their ZIPs, the limits sold there, its fund if it has one."""

    code: str
    area: str
    towns: tuple[tuple[str, str], ...]
    limits: tuple[tuple[int, int], ...] = ((1_000_000, 3_000_000), (1_000_000, 3_000_000), (2_000_000, 4_000_000))
    fund: str = ""
    fund_limits: str = ""


STATES = (
    State("NY", "518", (("Albany", "122"), ("Saratoga Springs", "128"), ("Poughkeepsie", "126"))),
    State("CT", "860", (("Hartford", "061"), ("New Haven", "065"))),
    State("MA", "617", (("Boston", "021"), ("Worcester", "016"))),
    State("OH", "614", (("Columbus", "432"), ("Dayton", "454"))),
    State("FL", "813", (("Tampa", "336"), ("Gainesville", "326")), ((250_000, 750_000), (500_000, 1_500_000))),
    State("IL", "312", (("Chicago", "606"), ("Peoria", "616"))),
    State("TX", "512", (("Austin", "787"), ("Lubbock", "794")), ((200_000, 600_000), (1_000_000, 3_000_000))),
    State(
        "IN",
        "317",
        (("Indianapolis", "462"), ("Bloomington", "474")),
        ((500_000, 1_500_000),),
        "Indiana patient’s compensation fund",
        "$1,300,000 per occurrence above the primary limit",
    ),
    State(
        "LA",
        "504",
        (("Baton Rouge", "708"), ("Shreveport", "711")),
        ((100_000, 300_000),),
        "Louisiana patient’s compensation fund",
        "$400,000 per claim above the primary limit",
    ),
    State("CO", "303", (("Denver", "802"), ("Fort Collins", "805"))),
    State("AZ", "602", (("Phoenix", "850"), ("Tucson", "857"))),
    State("CA", "415", (("San Francisco", "941"), ("Fresno", "937"))),
    State("HI", "808", (("Honolulu", "968"), ("Hilo", "967"))),
)

STREETS = (
    "Clinic Road", "Larkspur Lane", "Old Mill Street", "Harborview Avenue", "Juniper Court", "Cathedral Parkway",
    "Meadowbrook Drive", "Quarry Hill Road", "St. Brigid’s Terrace", "Two Rivers Boulevard",
)  # fmt: skip
SUITES = ("", "", "", "Suite 4", "Suite 210", "Floor 3", "Building C, Suite 1180")
GROUP_PLACES = (
    "Riverbend", "Cedar Hollow", "Northgate", "Three Lakes", "Willow Creek", "Stonebridge", "Harbor Point", "Summit",
    "Prairie View", "Bluestem", "Copper Canyon", "Silver Birch", "Lantern Hill", "Saint Aldhelm", "Marigold Valley",
)  # fmt: skip
GROUP_KINDS = (
    "Medical Group", "Physicians, P.C.", "Family Practice Associates, LLC", "Orthopedic & Spine Center",
    "Women’s Health Partners", "Anesthesia Consultants, PLLC", "Pediatrics", "Cardiology Associates, Ltd.",
    "Surgical Specialists", "Dental Arts",
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
    "Telemedicine", "Locum tenens", "Moonlighting", "Vicarious liability", "Part-time practice", "Regulatory defense",
)  # fmt: skip

COMPANIES = (
    ("C1", "Larkfield Mutual Insurance Company", "00901", "Imogen Vale", "President", "pay;autopay;ere;forms;renew"),
    ("C2", "Larkfield Specialty Insurance Company", "00902", "Imogen Vale", "President", "pay;ere;forms"),
    ("C3", "Harrow Vale Reciprocal Exchange", "00903", "Cornelius Ashdown", "Attorney-in-fact", "forms;renew"),
)
