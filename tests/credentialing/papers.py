"""Certificates made up in memory, of every kind that a page can show: for tests that compare many of them."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from credentialing.certificates.numbers import ALPHABET
from credentialing.models import Certificate

GIVEN = [
    "Ana María",
    "Łukasz",
    "J.",
    "Nguyễn Thị Ánh",
    "Wolfgang Amadeus Maximilian",
    "Mary-Jo",
    "Şule",
    "Özgür",
    "Finn",
]
LAST = [
    "Núñez-Đặng",
    "O’Brien",
    "Ó Súilleabháin",
    "Vandenberghe-Featherstonehaugh of Upper Saddle River",
    "Affleck",
    "Waffle-Fjord",
    "Müller",
    "Li",
    "Håkansson",
    "Krzyżanowska",
]
CREDENTIALS = ["MD", "DO", "DMD, MS", "MD, PhD, FACS", ""]
SPECIALTIES = [
    "Family Medicine",
    "Obstetrics and Gynecology",
    "Orthopedic Surgery: spine, hand, and upper extremity, including office-based procedures",
    "Anesthesiology",
]
HOLDERS = [
    ("Mercy Hospital", ["1 Main Street", "Albany, NY 12207"]),
    (
        "The Regional Medical Center of the Upper Hudson Valley, Department of Medical Staff Services and Credentialing",
        [
            "Attention: Office of Credentials Verification",
            "200 Hospital Plaza, Building C, Suite 1400",
            "Troy, NY 12180",
        ],
    ),
    ("Hôpital Saint-François d’Assise", ["Rue de l’Église 7", "Plattsburgh, NY 12901"]),
    ("AvMed", ["PO Box 1"]),
]
GROUPS = [
    ("Hudson Valley Surgical Group, PC", ["12 Park Avenue", "Kingston, NY 12401"]),
    (
        "Associates in Pulmonary, Critical Care, and Sleep Medicine of the Greater Capital District, PLLC",
        ["4 Elm Road", "Suite 9", "Albany, NY 12208"],
    ),
]
PRODUCERS = [
    None,
    {
        "name": "Finch & Waffle Agency",
        "address": ["9 Broad Street", "Newark, NJ 07102"],
        "code": "A1",
        "phone": "(973) 555-0142",
    },
]
ENDORSEMENTS = [
    "MPL-101 (01/24) Locum tenens",
    "MPL-220 (06/23) Exclusion of procedures outside the stated specialty, with exceptions for emergencies",
    "MPL-3 Good Samaritan acts",
    "MPL-90 (11/22) Telemedicine in states where the insured is licensed",
    "NY-7 (01/25) State amendatory endorsement",
]
TAIL = {"part": "Professional liability", "policy": "MPL-1", "occurrence": False, "in_place": []}


def paper(seed: int) -> Certificate:
    """Return the certificate of that number, unsaved: the same each time."""
    pick = random.Random(seed)  # noqa: S311
    letter = pick.random() < 0.15
    starts = dt.date(2026, pick.randint(1, 12), 1)
    ends = starts.replace(year=2027)
    given, last, credential = pick.choice(GIVEN), pick.choice(LAST), pick.choice(CREDENTIALS)
    if pick.random() < 0.5:
        last = "".join(pick.choice("aeioubcdfglmnrstvé") for _ in range(pick.randint(3, 11))).title()
    company = {
        "name": "Granite State Indemnity Company"
        if pick.random() < 0.8
        else "Granite State Physicians’ Reciprocal Insurance Exchange of North America",
        "address": ["1 Granite Square", "Concord, NH 03301"],
        "naic": pick.choice(["", "12345"]),
        "signatory": "Rosa Finch",
        "signatory_title": "Secretary",
        "signature": "",
    }
    number = f"MPL-{pick.randint(100, 999)}-{pick.randint(100, 999)}"
    group, group_address = pick.choice(GROUPS)
    holder = pick.choice([None, *HOLDERS])
    cancelled = None if letter or pick.random() < 0.9 else starts + dt.timedelta(days=200)
    snapshot = {
        "version": 5,
        "kind": "past_coverage_letter" if letter else "coi",
        "company": company,
        "producer": pick.choice(PRODUCERS),
        "named_insured": {"name": group, "address": group_address},
        "insured": {
            "name": f"{given} {last}{f', {credential}' if credential else ''}",
            "last_name": last,
            "specialty": pick.choice(SPECIALTIES),
            "npi": str(pick.randint(10**9, 2 * 10**9)) if pick.random() < 0.8 else "",
            "licenses": [f"NY {pick.randint(10**5, 10**6)}" for _ in range(pick.choice([0, 1, 1, 3]))],
        },
        "policy": {
            "number": number,
            "starts": str(starts),
            "ends": str(ends),
            "hour": "12:01 a.m. standard time at the named insured’s address",
        },
        "parts": [
            {
                **_entry(pick, number, group, starts if pick.random() < 0.9 else starts + dt.timedelta(40), ends),
                "deductible": pick.choice(["0.00", "0.00", "5000.00"]),
                "deductible_basis": pick.choice(["", "indemnity only"]),
                "endorsements": pick.sample(ENDORSEMENTS, pick.choice([0, 0, 1, 3, 5])),
                "scope": "",
                "locum": pick.choice(["", "", "Covered for up to 60 days in a policy period"]),
                "states": pick.choice(["", "", "NY, NJ, CT"]),
            }
        ]
        * (1 if letter else pick.choice([1, 1, 1, 2])),
        "form": pick.choice(
            [None, None, {"number": "MPL-C-7", "edition": "01/26", "legend": "Approved for use in New York."}]
        ),
        "about": str(starts),
        "standing": {
            "cancellation_effective": str(cancelled) if cancelled else None,
            "begins": None if letter or pick.random() < 0.9 else str(starts),
            "renewal": pick.random() < 0.5,
            "how_it_ended": pick.choice(["cancelled", "left", "ended", "term"]) if letter else "",
            "continued": None,
        },
        "history": [
            _entry(pick, number, group, starts.replace(year=2025 - back), starts.replace(year=2026 - back))
            for back in range(pick.choice([1, 2, 5]))
        ]
        if letter
        else [],
        "whole_history": pick.random() < 0.5,
        "tails": [TAIL | {"occurrence": pick.random() < 0.3}] * pick.choice([1, 1, 2]),
        "holder": {"name": holder[0], "address": holder[1]} if holder else None,
        "issued_on": str(starts + dt.timedelta(days=pick.randint(0, 60))),
        "as_of": {"at": f"{starts}T21:00:00-05:00", "zone": "America/New_York"},
        "contact": {"phone": "(800) 555-0100", "email": "service@granite.example", "hours": ""},
    }
    code = "".join(pick.choice(ALPHABET) for _ in range(29))
    return Certificate(
        kind="past_coverage_letter" if letter else "coi",
        snapshot=snapshot,
        serial=f"{'LPC' if letter else 'COI'}-2026-{code[:9]}",
        verification_code="-".join(code[place : place + 4] for place in range(9, 29, 4)),
        issued_on=starts,
        issued_at=dt.datetime(2026, 11, 30, 9, seed % 60, tzinfo=dt.UTC),
    )


def _entry(pick: random.Random, policy: str, group: str, starts: dt.date, ends: dt.date) -> dict[str, Any]:
    occurrence = pick.random() < 0.3
    per_claim = pick.choice(["500000.00", "1000000.00", "2300000.00"])
    return {
        "coverage": "made-up",
        "policy": policy,
        "named_insured": group,
        "part": pick.choice(["Professional liability", "Professional liability", "General liability"]),
        "form": "occurrence" if occurrence else "claims_made",
        "form_name": "occurrence" if occurrence else "claims-made",
        "retroactive": "Not applicable: occurrence form" if occurrence else f"July 1, {pick.randint(1999, 2025)}",
        "starts": str(starts),
        "ends": str(ends),
        "per": pick.choice(["per claim", "per medical incident"]),
        "per_claim": per_claim,
        "aggregate": pick.choice(["1500000.00", "3000000.00", "6900000.00"]),
        "shared": pick.random() < 0.2,
        "shared_with": pick.choice(["", group]),
        "defense": pick.choice(["", "outside the limits", "inside the limits"]),
        "prior_limits": [{"before": "2024-01-01", "per_claim": "500000.00", "aggregate": "1500000.00"}]
        if pick.random() < 0.1
        else [],
        "suspensions": [{"starts": str(starts), "ends": str(starts + dt.timedelta(days=30))}]
        if pick.random() < 0.07
        else [],
        "funds": [
            {
                "name": "State Excess Fund",
                "form": "occurrence",
                "limits": "$1,000,000",
                "starts": str(starts),
                "ends": str(ends),
            }
        ]
        if pick.random() < 0.1
        else [],
    }
