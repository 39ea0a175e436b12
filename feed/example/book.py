"""The example book: its companies, agencies, and policies, and the cast that the demo's users belong to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from feed.example import stories
from feed.example.companies import BY_COMPANY, COMPANIES, WritingCompany, write_companies
from feed.example.holders import write_holders
from feed.example.members import Outline, members_of
from feed.example.people import Person, address, drawn, full_name, phone, pick, plain
from feed.example.policy import PolicyStory
from feed.example.practices import HOSPITAL, PRACTICES
from feed.example.rows import Ids, policy_number
from feed.example.seminars import write_seminars
from feed.example.states import BY_STATE, STATES, State
from feed.example.stories import NO_STORY, STORIES
from feed.example.terms import story_began
from feed.example.words import AGENCY_KINDS, AGENCY_PLACES, FIRST_AGENCY
from feed.example.writing import PackageWriter, folder_for
from feed.load.table_map import table_maps

SOURCE = "core"
# Answers to requests: an invented book knows none that were made in the portal.
NOT_IN_A_BOOK = {"requests.csv"}
LARGE_GROUP, LARGE_GROUP_SIZE, LARGE_FROM = 5, 5_000, 1_000
# This many policies at the front belong to the cast's agency, with gaps.
AGENCY_FRONT = 36
# A facility employs several clinicians, and a school has many students.
SMALLEST = {"facility": 4, "student": 20}

STATUSES = (
    ("active", 0.80),
    ("pending_cancellation", 0.03),
    ("cancelled", 0.06),
    ("expired", 0.04),
    ("nonrenewed", 0.03),
    ("pending", 0.04),
)
# Clinicians of a policy: (share, from, to). The larger a group, the rarer.
SIZES = ((0.76, 1, 1), (0.18, 2, 6), (0.05, 7, 20), (0.009, 21, 60), (0.001, 61, 200))
PROGRAMS = (("physicians", 0.74), ("allied", 0.12), ("dental", 0.10), ("facility", 0.03), ("student", 0.01))


@dataclass(frozen=True)
class Cast:
    """The carrier's ids of the parties that the demo's users belong to; all have an active policy.

    `insured_id` is a clinician of the group, `policyholder_id` the group (60 clinicians), `agency_id` an agency with
    ten policies or more; `practitioner_*` are the two sides of one solo clinician. `administrator` and `agent` are the
    first and last names of the group's and the agency's contacts.
    """

    source: str
    group_policy_number: str
    insured_id: str
    policyholder_id: str
    practitioner_policy_number: str
    practitioner_insured_id: str
    practitioner_policyholder_id: str
    agency_id: str
    administrator: tuple[str, str]
    agent: tuple[str, str]


def cast() -> Cast:
    """Return the cast of every example book of twelve policies or more."""
    group, solo = Ids(stories.GROUP, stories.GROUP), Ids(stories.SOLO, stories.SOLO)
    return Cast(
        source=SOURCE,
        group_policy_number=policy_number(stories.GROUP, "physicians"),
        insured_id=group.insured(0),
        policyholder_id=group.holder,
        practitioner_policy_number=policy_number(stories.SOLO, "physicians"),
        practitioner_insured_id=solo.insured(0),
        practitioner_policyholder_id=solo.holder,
        agency_id=Ids.agency(1),
        administrator=stories.ADMINISTRATOR,
        agent=stories.AGENT,
    )


def births_in_group(*, seed: int, today: dt.date) -> dict[str, dt.date]:
    """Return the dates of birth of the group's clinicians by the carrier's id of the insured; no database has them."""
    outline = _of_the_cast(stories.GROUP, stories.named_people(today)[stories.GROUP])
    people = Random(f"{seed}/{stories.GROUP}/people")  # noqa: S311  # as `PolicyStory` draws them
    ids = Ids(stories.GROUP, stories.GROUP)
    members = members_of(outline, rng=people, today=today)
    return {ids.insured(place): one.person.born for place, one in enumerate(members) if one.person}


def write_example_feed(
    out: Path, *, policies: int, seed: int, today: dt.date, as_of: dt.datetime, sequence: int = 1
) -> None:
    """Write a full package of the Parties and Coverage files to a folder, or to an archive if `out` ends in `.zip`.

    The same arguments give the same bytes. Rows are streamed, so a book of 100,000 policies takes no more memory than
    one of 40. Raises ValueError for fewer than one policy, FileExistsError if `out` isn't a package.
    """
    if policies < 1:
        raise ValueError("A book needs at least one policy.")
    with (
        folder_for(out) as folder,
        PackageWriter(folder, headers(), source=SOURCE, sequence=sequence, as_of=as_of) as package,
    ):
        write_companies(package, today=today)
        write_holders(package)
        write_seminars(package, today=today)
        agencies = agencies_of(policies)
        for number in range(1, agencies + 1):
            _write_agency(package, number, seed=seed, today=today)
        for outline in outlines(policies, seed=seed, agencies=agencies, today=today):
            PolicyStory(outline, seed=seed, today=today).write(package)


def headers() -> dict[str, list[str]]:
    """Return the columns of each file, as the areas declare them."""
    return {
        table_map.file: [column.name for column in table_map.table.columns]
        for table_map in table_maps()
        if table_map.file not in NOT_IN_A_BOOK
    }


def agencies_of(policies: int) -> int:
    """Return how many agencies serve a book of this size."""
    return max(3, min(400, policies // 40))


def outlines(policies: int, *, seed: int, agencies: int, today: dt.date) -> Iterator[Outline]:
    """Yield the outline of each policy, the cast's first."""
    named = stories.named_people(today)
    before: Outline | None = None
    for index in range(policies):
        rng = Random(f"{seed}/outline/{index}")  # noqa: S311  # an invented book, repeatable
        if index in named:
            yield _of_the_cast(index, named[index])
            continue
        replaced_by = before if index == stories.REWRITTEN_FROM else None
        before = _outline(rng, index, policies=policies, agencies=agencies, today=today, replaced_by=replaced_by)
        yield before


def _of_the_cast(index: int, clinician: Person) -> Outline:
    story = STORIES[index]
    assert story.practice  # noqa: S101  # the cast's stories say so
    return Outline(
        index=index,
        clinicians=story.size,
        status=story.status,
        program=story.program,
        company=COMPANIES[0].id,
        state=BY_STATE[story.state],
        practice=story.practice,
        agency=1,
        named=clinician,
        administrator=stories.ADMINISTRATOR if index == stories.GROUP else None,
        story=story,
    )


def _outline(
    rng: Random, index: int, *, policies: int, agencies: int, today: dt.date, replaced_by: Outline | None
) -> Outline:
    agency, earlier = _agencies(rng, index, agencies)
    large = index == LARGE_GROUP and policies >= LARGE_FROM
    story = STORIES.get(index, NO_STORY)
    told = index in STORIES
    size = LARGE_GROUP_SIZE if large else story.size or _size(rng)
    status = "active" if large else story.status if told else drawn(rng, STATUSES)
    program = "facility" if large else story.program if told else drawn(rng, PROGRAMS)
    practice = HOSPITAL if large else story.practice or pick(rng, PRACTICES[program])
    # A quarter of the book may be with any of the companies; a policy was rewritten within one.
    by_chance = index % 4 == 3 and not replaced_by and not told
    company = BY_COMPANY.get(story.company) or (pick(rng, COMPANIES) if by_chance else COMPANIES[0])
    state = BY_STATE[story.state] if story.state else pick(rng, _states_of(company))
    return Outline(
        index=index,
        clinicians=max(size, SMALLEST.get(program, 1)),
        status=status,
        program=program,
        company=company.id,
        state=replaced_by.state if replaced_by else state,
        practice=replaced_by.practice if replaced_by else practice,
        agency=agency,
        earlier_agency=earlier,
        story=story,
        began=story_began(index, today),
        insured_since=story_began(stories.REWRITTEN_FROM, today) if index == stories.REWRITTEN else None,
        rewritten_as=replaced_by,
    )


def _states_of(company: WritingCompany) -> tuple[State, ...]:
    return tuple(BY_STATE[code] for code in company.states) or STATES


def _agencies(rng: Random, index: int, agencies: int) -> tuple[int, int]:
    """Return the agency of record, and the one before it if it changed (0: none)."""
    if index == stories.BROKER_CHANGES:
        return 2, 1
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


def _write_agency(package: PackageWriter, number: int, *, seed: int, today: dt.date) -> None:
    """Write an agency and the two people who act for it."""
    rng = Random(f"{seed}/agency/{number}")  # noqa: S311  # an invented book, repeatable
    state = STATES[0] if number == 1 else pick(rng, STATES)
    name = FIRST_AGENCY if number == 1 else f"{pick(rng, AGENCY_PLACES)} {pick(rng, AGENCY_KINDS)}"
    domain = f"agency{number}.example"
    place = address(rng, state)
    key = Ids.agency(number)
    package.add(
        "agencies.csv", agency_id=key, name=name, producer_code=f"PR{number:05}", phone=phone(rng, state),
        email=f"desk@{domain}", **place._asdict(),
    )  # fmt: skip
    for contact in range(2):
        first, last = stories.AGENT if number == 1 and contact == 0 else full_name(rng)
        born = today - dt.timedelta(days=int((30 + rng.random() * 30) * 365.25))
        package.add(
            "contacts.csv", contact_id=f"CA{number:04}-{contact}", party="agency", party_id=key, first_name=first,
            last_name=last, email=f"{plain(first)}.{plain(last)}@{domain}", phone=phone(rng, state), zip=place.zip,
            date_of_birth=born.isoformat(), role="administrator" if contact == 0 else "member",
        )  # fmt: skip
