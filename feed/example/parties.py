"""Rows of one policy's parties: the policyholder, the insureds with licenses and earlier carriers, and the contacts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from random import Random

from feed.example.members import Member, Outline
from feed.example.people import (
    Person,
    address,
    full_name,
    group_name,
    license_number,
    npi,
    phone,
    pick,
    plain,
)
from feed.example.rows import Ids, flag
from feed.example.segments import Segments
from feed.example.states import STATES, State
from feed.example.stories import SYSTEM_GROUP, SYSTEM_HOSPITAL, SYSTEM_NAME
from feed.example.terms import years_later
from feed.example.words import FORMER_HASHES, PRIOR_CARRIERS, Address
from feed.example.writing import PackageWriter
from policies.roles import Capability

# Of so many policies, one has a contact who had an account at a former portal.
TAKEN_OVER_EACH = 40
OLDEST_CONTACT, YOUNGEST_CONTACT = 64, 25
SYSTEM = f"PHS{SYSTEM_HOSPITAL:05}"


def holder_name(outline: Outline, members: Sequence[Member]) -> str:
    """Return the name of the policyholder: the clinician's own, or the group's."""
    first = members[0].person
    if outline.is_solo and first:
        return first.name
    return outline.story.name or group_name(outline.practice, outline.index)


class PartyRows:
    """Writes the parties of one policy."""

    def __init__(
        self, outline: Outline, ids: Ids, members: Sequence[Member], segments: Segments, *, name: str, seed: int,
        today: dt.date,
    ) -> None:  # fmt: skip
        self._outline, self._ids, self._members, self._segments = outline, ids, members, segments
        self._name, self._today = name, today
        self._rng = Random(f"{seed}/{outline.index}/parties")  # noqa: S311  # an invented book, repeatable

    def write(self, out: PackageWriter) -> None:
        """Add the rows of the policyholder, of all insureds, and of who acts for them."""
        outline, rng, state = self._outline, self._rng, self._outline.state
        place = address(rng, state)
        first = self._members[0].person
        if outline.is_solo and first:
            kind, own = "individual", self._ids.insured(0)
            domain = f"practice{outline.index}.example"
            email = f"{plain(first.first)}.{plain(first.last)}@{domain}"
        else:
            kind, own = "organization", ""
            domain = f"{''.join(plain(self._name).split('.')[:2])}{outline.index}.example"
            email = f"office@{domain}"
        if outline.index == SYSTEM_HOSPITAL:
            self._write_system(out, place)
        out.add(
            "policyholders.csv", policyholder_id=self._ids.holder, kind=kind, insured_id=own, name=self._name,
            phone=phone(rng, state), email=email, **place._asdict(), paperless=flag(rng.random() < 0.5),
            parent_id=SYSTEM if outline.index in {SYSTEM_HOSPITAL, SYSTEM_GROUP} else "",
        )  # fmt: skip
        addresses: set[str] = set()
        for number, member in enumerate(self._members):
            if member.person:
                self._write_person(out, number, member.person, domain=domain, place=place, addresses=addresses)
            else:
                site = number - outline.clinicians
                called = f"{self._name} – Site {site}" if site else self._name
                out.add(
                    "insureds.csv", insured_id=self._ids.insured(number), kind="entity", name=called,
                    npi=npi(outline.index, number), specialty_code=member.specialty.code,
                    specialty=member.specialty.name, email=f"office@{domain}", phone=phone(rng, state),
                    **place._asdict(),
                )  # fmt: skip
        self._write_contacts(out, domain=domain, zip_code=place.zip)

    def _write_system(self, out: PackageWriter, place: Address) -> None:
        """Add the health system that owns the entity, and who acts for it."""
        domain = "blueheronsystem.example"
        out.add(
            "policyholders.csv", policyholder_id=SYSTEM, kind="organization", name=SYSTEM_NAME,
            phone=phone(self._rng, self._outline.state), email=f"risk@{domain}", **place._asdict(),
            paperless=flag(True),
        )  # fmt: skip
        first, last = full_name(self._rng)
        out.add(
            "contacts.csv", contact_id=f"CT{SYSTEM}-0", party="policyholder", party_id=SYSTEM, first_name=first,
            last_name=last, email=f"{plain(first)}.{plain(last)}@{domain}"[:254],
            phone=phone(self._rng, self._outline.state), zip=place.zip,
            date_of_birth=years_later(self._today, -48).isoformat(), role="administrator",
        )  # fmt: skip

    def _write_person(
        self, out: PackageWriter, number: int, one: Person, *, domain: str, place: Address, addresses: set[str]
    ) -> None:
        outline, rng, state = self._outline, self._rng, self._outline.state
        own, specialty = self._ids.insured(number), self._segments.specialty_now(number)
        mailbox = f"{plain(one.first)}.{plain(one.last)}"
        mailbox = mailbox if mailbox not in addresses else f"{mailbox}.{number}"
        addresses.add(mailbox)
        # One in two hundred has no email address on file; the feed warns about it.
        email = f"{mailbox}@{domain}"[:254] if rng.random() >= 0.005 or outline.named else ""
        own_place = place if outline.is_solo or rng.random() < 0.7 else address(rng, state)
        out.add(
            "insureds.csv", insured_id=own, kind="person", first_name=one.first, middle_name=one.middle,
            last_name=one.last, suffix=one.suffix, credential=one.credential, npi=npi(outline.index, number),
            date_of_birth=one.born.isoformat(), specialty_code=specialty.code, specialty=specialty.name,
            email=email, phone=phone(rng, state), **own_place._asdict(),
        )  # fmt: skip
        # Students have no license yet.
        if one.credential:
            self._write_license(out, own, state, one)
            if rng.random() < 0.12 and (other := pick(rng, STATES)) is not state:
                self._write_license(out, own, other, one)
            if rng.random() < 0.15:
                self._write_prior(out, own, one)

    def _write_license(self, out: PackageWriter, own: str, state: State, one: Person) -> None:
        """Add a license that expires at the end of a month."""
        rng = self._rng
        month = self._today.replace(day=1) + dt.timedelta(days=31 * (1 + int(rng.random() * 24)))
        expires = month.replace(day=1) - dt.timedelta(days=1)
        number = license_number(rng, state, one.credential)
        out.add("licenses.csv", insured_id=own, state=state.code, number=number, expires=expires.isoformat())

    def _write_prior(self, out: PackageWriter, own: str, one: Person) -> None:
        """Add coverage with another carrier before this one, sometimes followed by a gap or a tail."""
        rng = self._rng
        gap = dt.timedelta(days=60) if rng.random() < 0.1 else dt.timedelta(0)
        ended = one.joined - gap
        began = years_later(ended, -1 - int(rng.random() * 5))
        form = "occurrence" if rng.random() < 0.3 else "claims_made"
        tail = years_later(ended, 3).isoformat() if form == "claims_made" and rng.random() < 0.3 else ""
        retroactive = began.isoformat() if form == "claims_made" else ""
        number = f"X{int(rng.random() * 1_000_000):06}"
        out.add(
            "prior_coverages.csv", insured_id=own, carrier=pick(rng, PRIOR_CARRIERS), policy_number=number, form=form,
            effective=began.isoformat(), expires=ended.isoformat(), retroactive_date=retroactive, ere_ends=tail,
        )  # fmt: skip

    def _write_contacts(self, out: PackageWriter, *, domain: str, zip_code: str) -> None:
        """Add who acts for the policyholder: the clinician, or the group's office; a few had an account elsewhere."""
        outline, rng = self._outline, self._rng
        for number in range(2 if outline.clinicians > 8 else 1):
            age = YOUNGEST_CONTACT + rng.random() * (OLDEST_CONTACT - YOUNGEST_CONTACT)
            born = self._today - dt.timedelta(days=int(age * 365.25))
            first, last = full_name(rng)
            if number == 0 and outline.administrator:
                first, last = outline.administrator
            if outline.is_solo and (own := self._members[0].person):
                first, last, born = own.first, own.last, own.born
            taken_over = outline.index % TAKEN_OVER_EACH == 3 and number == 0
            out.add(
                "contacts.csv", contact_id=f"CT{outline.index:06}-{number}", party="policyholder",
                party_id=self._ids.holder, first_name=first, last_name=last,
                email=f"{plain(first)}.{plain(last)}@{domain}"[:254], phone=phone(rng, outline.state), zip=zip_code,
                date_of_birth=born.isoformat(), role="administrator" if number == 0 else "member",
                capabilities=";".join(Capability) if number == 0 and rng.random() < 0.3 else "",
                username=f"{plain(last)}{outline.index}" if taken_over else "",
                password_hash=(
                    FORMER_HASHES[outline.index // TAKEN_OVER_EACH % len(FORMER_HASHES)] if taken_over else ""
                ),
            )  # fmt: skip
