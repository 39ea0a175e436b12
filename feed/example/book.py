"""The synthetic book: which policies there are, and the cast that demo users are attached to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from django.utils.module_loading import import_string

from feed.example.people import Person, address, drawn, phone, pick, plain
from feed.example.policy import (
    NONRENEWED_LEFT,
    Outline,
    PolicyStory,
    agency_id,
    holder_id,
    insured_id,
    policy_number,
    years_later,
)
from feed.example.words import (
    AGENCY_KINDS,
    AGENCY_PLACES,
    COMPANIES,
    FIRST_NAMES,
    HOSPITAL,
    LAST_NAMES,
    MULTISPECIALTY,
    NURSE_PRACTITIONERS,
    PHYSICIANS,
    PRACTICES,
    STATES,
)
from feed.example.writing import PackageWriter, folder_for

SOURCE = "core"
STATES_BY_CODE = {state.code: state for state in STATES}
# The first policies are the cast's, the same in every book.
GROUP, SOLO = 0, 1
GROUP_SIZE = 60
LARGE_GROUP, LARGE_GROUP_SIZE, LARGE_FROM = 5, 5_000, 1_000
# So many policies at the front belong to the cast's agency, with gaps.
AGENCY_FRONT = 36
MINIMUM = 12

STATUSES = (
    ("active", 0.80),
    ("pending_cancellation", 0.03),
    ("cancelled", 0.06),
    ("expired", 0.04),
    ("nonrenewed", 0.03),
    ("pending", 0.04),
)
FIXED_PROGRAMS = {
    2: "physicians", 3: "physicians", 4: "physicians", 6: "physicians", 7: "physicians", 8: "physicians",
    9: "physicians", 10: "physicians", 11: "dental", 12: "physicians", 13: "allied",
    18: "physicians", 19: "physicians", 20: "allied", 21: "physicians", 22: "facility",
}  # fmt: skip
# Clinicians of a policy: (share, from, to). Groups grow rarer as they grow.
SIZES = ((0.76, 1, 1), (0.18, 2, 6), (0.05, 7, 20), (0.009, 21, 60), (0.001, 61, 200))
PROGRAMS = (("physicians", 0.75), ("allied", 0.12), ("dental", 0.10), ("facility", 0.03))
# What a book of forty shows for certain.
FIXED_STATUSES = {
    4: "pending_cancellation", 6: "cancelled", 7: "expired", 8: "pending", 9: "nonrenewed",
    2: "active", 3: "active", 10: "active", 11: "active", 12: "active", 13: "active",
    18: "active", 19: "cancelled", 20: "active", 21: "active", 22: "active",
}  # fmt: skip
FIXED_SIZES = {2: 14, 4: 1, 6: 3, 9: 4, 10: 5, 18: 3, 19: 3, 20: 1, 21: 1, 22: 9}
FIXED_RENEWALS = {2: "offered", 11: "bound", 12: "offered", 13: "accepted"}
FIXED_FORMS = {3: False, 6: True, 10: True, 18: True, 19: True, 20: False, 21: True}
FUND, NONRENEWED = 10, 9
# One policy took the place of the next one in the middle of its term; a nurse is insured by occurrence; a physician has
# an excess layer.
REWRITTEN, REWRITTEN_FROM = 18, 19
NURSE, EXCESS = 20, 21
FIXED_STATES = {FUND: "IN", NURSE: "CT", EXCESS: "NY"}
FIXED_PRACTICES = {NURSE: NURSE_PRACTITIONERS, 22: PRACTICES["facility"][0]}
# A facility employs several clinicians.
FACILITY_FROM = 4


@dataclass(frozen=True)
class Cast:
    """The carrier's ids of the parties that the demo's users are attached to; all have an active policy.

    `insured_id` is a clinician of the group, `policyholder_id` the group (60 clinicians), `agency_id` an agency with
    ten policies or more; `practitioner_*` are the two sides of one solo clinician.
    """

    source: str
    group_policy_number: str
    insured_id: str
    policyholder_id: str
    practitioner_policy_number: str
    practitioner_insured_id: str
    practitioner_policyholder_id: str
    agency_id: str


def cast() -> Cast:
    """The cast of every example book of twelve policies or more."""
    return Cast(
        source=SOURCE,
        group_policy_number=policy_number(GROUP, "physicians"),
        insured_id=insured_id(GROUP, 0),
        policyholder_id=holder_id(GROUP),
        practitioner_policy_number=policy_number(SOLO, "physicians"),
        practitioner_insured_id=insured_id(SOLO, 0),
        practitioner_policyholder_id=holder_id(SOLO),
        agency_id=agency_id(1),
    )


def write_example_feed(
    out: Path, *, policies: int, seed: int, today: dt.date, as_of: dt.datetime, sequence: int = 1
) -> None:
    """Write a full package of the Parties and Coverage files to a folder, or to an archive if `out` ends in `.zip`.

    The same arguments give the same bytes. Streams, so a book of 100,000 policies takes no more memory than one of 40.
    Raises ValueError below one policy, FileExistsError where `out` holds something else than a package.
    """
    if policies < 1:
        raise ValueError("A book has at least one policy.")
    with (
        folder_for(out) as folder,
        PackageWriter(folder, headers(), source=SOURCE, sequence=sequence, as_of=as_of) as package,
    ):
        for company in COMPANIES:
            _write_company(package, *company)
        agencies = agencies_of(policies)
        for number in range(1, agencies + 1):
            _write_agency(package, number, seed=seed, today=today)
        for outline in outlines(policies, seed=seed, agencies=agencies, today=today):
            PolicyStory(outline, seed=seed, today=today).write(package)


def headers() -> dict[str, list[str]]:
    """File → columns, as the areas declare them."""
    tables = import_string("policies.feed.TABLES")
    return {table.file: [column.name for column in table.columns] for table in tables}


def agencies_of(policies: int) -> int:
    """How many agencies serve a book of that size."""
    return max(3, min(400, policies // 40))


def outlines(policies: int, *, seed: int, agencies: int, today: dt.date) -> Iterator[Outline]:
    """What each policy is, the cast's first."""
    named = named_people(today)
    heir: Outline | None = None
    for index in range(policies):
        rng = Random(f"{seed}/outline/{index}")  # noqa: S311  # a book of fiction, repeatable
        if index in named:
            yield Outline(
                index=index,
                clinicians=GROUP_SIZE if index == GROUP else 1,
                status="active",
                program="physicians",
                company=COMPANIES[0][0],
                agency=1,
                state=STATES[0],
                named=named[index],
                claims_made=True,
                practice=MULTISPECIALTY,
            )
            continue
        agency, earlier = _agencies(rng, index, agencies)
        large = index == LARGE_GROUP and policies >= LARGE_FROM
        size = LARGE_GROUP_SIZE if large else FIXED_SIZES.get(index) or _size(rng)
        status = "active" if large else FIXED_STATUSES.get(index) or drawn(rng, STATUSES)
        program = "facility" if large else FIXED_PROGRAMS.get(index) or drawn(rng, PROGRAMS)
        by_chance = index % 4 == 3 and index != REWRITTEN_FROM
        outline = Outline(
            index=index,
            clinicians=max(size, FACILITY_FROM) if program == "facility" else size,
            status=status,
            program=program,
            company=pick(rng, COMPANIES)[0] if by_chance else COMPANIES[0][0],
            agency=agency,
            earlier_agency=earlier,
            state=STATES_BY_CODE.get(FIXED_STATES.get(index, "")),
            claims_made=FIXED_FORMS.get(index),
            renewal="" if large else FIXED_RENEWALS.get(index, ""),
            practice=HOSPITAL if large else FIXED_PRACTICES.get(index),
            began=_began(index, today),
            insured_since=_began(REWRITTEN_FROM, today) if index == REWRITTEN else None,
            excess=index == EXCESS,
            rewritten_as=heir if index == REWRITTEN_FROM else None,
        )
        heir = outline
        yield outline


def _began(index: int, today: dt.date) -> dt.date | None:
    """The first day of the terms that are settled; None where chance has its say."""
    rewritten = (today - dt.timedelta(days=120)).replace(day=1)
    if index == NONRENEWED:
        return years_later(today + dt.timedelta(days=NONRENEWED_LEFT), -1)
    if index == REWRITTEN:
        return rewritten
    return (rewritten - dt.timedelta(days=240)).replace(day=1) if index == REWRITTEN_FROM else None


def named_people(today: dt.date) -> dict[int, Person]:
    """The clinicians of the cast, by policy: the same names in every book, with retroactive dates decades back."""
    return {
        GROUP: Person(
            "Lucía", "M.", "Núñez-Abernathy", "", PHYSICIANS[1], dt.date(1969, 4, 23), dt.date(today.year - 24, 7, 1)
        ),
        SOLO: Person(
            "Tobias", "", "Lindqvist", "Jr.", PHYSICIANS[3], dt.date(1975, 10, 2), dt.date(today.year - 11, 1, 1)
        ),
    }


def _agencies(rng: Random, index: int, agencies: int) -> tuple[int, int]:
    """The agency of record, and the one before it where it changed (0: none)."""
    if index < AGENCY_FRONT:
        agency = 1 if index % 3 != 2 else 2
    else:
        # A few agencies serve much of the book.
        agency = 0 if rng.random() < 0.2 else 1 + int(rng.random() ** 2 * agencies)
    changed = bool(agency) and (index % 12 == 10 or rng.random() < 0.04)
    earlier = 1 + agency % agencies if changed else 0
    return agency, earlier


def _size(rng: Random) -> int:
    chance = rng.random()
    for share, low, high in SIZES:
        if chance < share:
            return low + int(rng.random() * (high - low + 1))
        chance -= share
    return 1


def _write_company(
    package: PackageWriter, key: str, name: str, naic: str, signatory: str, title: str, services: str
) -> None:
    place = ("1 Larkfield Way", "", "Hartford", "CT", "06103")
    package.add("companies.csv", key, name, naic, *place, signatory, title, services)


def _write_agency(package: PackageWriter, number: int, *, seed: int, today: dt.date) -> None:
    """An agency and the two people who act for it."""
    rng = Random(f"{seed}/agency/{number}")  # noqa: S311  # a book of fiction, repeatable
    state = STATES[0] if number == 1 else pick(rng, STATES)
    name = "Harborlight Insurance Agency" if number == 1 else f"{pick(rng, AGENCY_PLACES)} {pick(rng, AGENCY_KINDS)}"
    domain = f"agency{number}.example"
    place = address(rng, state)
    producer = f"PR{number:05}"
    key = agency_id(number)
    package.add("agencies.csv", key, name, producer, phone(rng, state), f"desk@{domain}", *place)
    for contact in range(2):
        first, last = pick(rng, FIRST_NAMES), pick(rng, LAST_NAMES)
        born = today - dt.timedelta(days=int((30 + rng.random() * 30) * 365.25))
        package.add(
            "contacts.csv", f"CA{number:04}-{contact}", "agency", key, first, last,
            f"{plain(first)}.{plain(last)}@{domain}", phone(rng, state), place.zip, born.isoformat(),
            "administrator" if contact == 0 else "member", "", "",
        )  # fmt: skip
