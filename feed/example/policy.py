"""One invented policy: its policyholder, insureds, terms, coverages, and history."""

from __future__ import annotations

import datetime as dt
from random import Random

from feed.example.coverages import CoverageRows
from feed.example.members import Outline, members_of
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
from feed.example.rows import Ids, flag, money, policy_number
from feed.example.states import STATES, State
from feed.example.terms import PLANS, Schedule, Term, paid_through, schedule_of, years_later
from feed.example.words import FORMER_HASHES, PRIOR_CARRIERS, UNDERWRITERS, Address
from feed.example.writing import PackageWriter

# Of so many policies, one has a contact who had an account at a former portal.
TAKEN_OVER_EACH = 40
NONPAYMENT = "Nonpayment of premium"
OLDEST_CONTACT, YOUNGEST_CONTACT = 64, 25


class PolicyStory:
    """Writes every row of one policy. What is drawn depends on the seed and the policy, never on the rest of the book.

    A policy that was rewritten has the policyholder and the people of the one that replaced it.
    """

    def __init__(self, outline: Outline, *, seed: int, today: dt.date) -> None:
        self._outline = outline
        self._today = today
        self._owner = outline.rewritten_as or outline
        self._rng = Random(f"{seed}/{self._owner.index}")  # noqa: S311  # an invented book, repeatable
        people = Random(f"{seed}/{self._owner.index}/people")  # noqa: S311  # the same
        self._ids = Ids(policy=outline.index, owner=self._owner.index)
        self._number = policy_number(outline.index, outline.program)
        self._schedule: Schedule = schedule_of(outline, rng=self._rng, today=today)
        first = outline.insured_since or self._schedule.first_covered
        # Everyone is in all the terms, so nobody joined after the first of them began.
        self._members = [
            one._replace(person=one.person._replace(joined=min(one.person.joined, first))) if one.person else one
            for one in members_of(outline, rng=people, today=today)
        ]
        self._coverages = CoverageRows(outline, self._ids, self._schedule, self._members, rng=self._rng, today=today)
        self._billing, self._plan = self._paid_how()

    def write(self, out: PackageWriter) -> None:
        """Add the policy's rows to the package."""
        if not self._outline.rewritten_as:
            self._write_parties(out)
        self._write_policy(out)
        self._write_agents(out)
        for term in self._schedule.terms:
            self._write_term(out, term)
            if term.covered:
                self._coverages.write(out, term)

    def _paid_how(self) -> tuple[str, str]:
        """Return who bills and by which plan; a finance company pays for the year."""
        chance, plan = self._rng.random(), pick(self._rng, tuple(PLANS))
        billing = self._outline.billing or (
            "financed" if chance < 0.05 else "agency" if chance < 0.15 and self._outline.agency else "direct"
        )
        return billing, "annual" if billing == "financed" else self._outline.plan or plan

    # Parties.

    def _write_parties(self, out: PackageWriter) -> None:
        outline, rng, state = self._outline, self._rng, self._outline.state
        place = address(rng, state)
        first = self._members[0].person
        if outline.is_solo and first:
            name, kind, own = first.name, "individual", self._ids.insured(0)
            domain = f"practice{outline.index}.example"
            email = f"{plain(first.first)}.{plain(first.last)}@{domain}"
        else:
            name = outline.name or group_name(outline.practice, outline.index)
            kind, own = "organization", ""
            domain = f"{''.join(plain(name).split('.')[:2])}{outline.index}.example"
            email = f"office@{domain}"
        out.add(
            "policyholders.csv", policyholder_id=self._ids.holder, kind=kind, insured_id=own, name=name,
            phone=phone(rng, state), email=email, **place._asdict(), paperless=flag(rng.random() < 0.5),
        )  # fmt: skip
        addresses: set[str] = set()
        for number, member in enumerate(self._members):
            if member.person:
                self._write_person(out, number, member.person, domain=domain, place=place, addresses=addresses)
            else:
                site = number - outline.clinicians
                called = f"{name} – Site {site}" if site else name
                out.add(
                    "insureds.csv", insured_id=self._ids.insured(number), kind="entity", name=called,
                    npi=npi(outline.index, number), specialty_code=member.specialty.code,
                    specialty=member.specialty.name, email=f"office@{domain}", phone=phone(rng, state),
                    **place._asdict(),
                )  # fmt: skip
        self._write_contacts(out, domain=domain, zip_code=place.zip)

    def _write_person(
        self, out: PackageWriter, number: int, one: Person, *, domain: str, place: Address, addresses: set[str]
    ) -> None:
        outline, rng, state = self._outline, self._rng, self._outline.state
        own = self._ids.insured(number)
        mailbox = f"{plain(one.first)}.{plain(one.last)}"
        mailbox = mailbox if mailbox not in addresses else f"{mailbox}.{number}"
        addresses.add(mailbox)
        # One in two hundred has no email address on file; the feed warns about it.
        email = f"{mailbox}@{domain}"[:254] if rng.random() >= 0.005 else ""
        own_place = place if outline.is_solo or rng.random() < 0.7 else address(rng, state)
        out.add(
            "insureds.csv", insured_id=own, kind="person", first_name=one.first, middle_name=one.middle,
            last_name=one.last, suffix=one.suffix, credential=one.credential, npi=npi(outline.index, number),
            date_of_birth=one.born.isoformat(), specialty_code=one.specialty.code, specialty=one.specialty.name,
            email=email, phone=phone(rng, state), **own_place._asdict(),
        )  # fmt: skip
        self._write_license(out, own, state, one)
        if rng.random() < 0.12:
            other = pick(rng, STATES)
            if other is not state:
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
                capabilities="view_claims_history" if number == 0 and rng.random() < 0.3 else "",
                username=f"{plain(last)}{outline.index}" if taken_over else "",
                password_hash=(
                    FORMER_HASHES[outline.index // TAKEN_OVER_EACH % len(FORMER_HASHES)] if taken_over else ""
                ),
            )  # fmt: skip

    # The policy and its terms.

    def _write_policy(self, out: PackageWriter) -> None:
        outline, rng, today = self._outline, self._rng, self._today
        status_date, reason, effective, cure, by, amount = self._schedule.began, "", "", "", "", ""
        if outline.status == "pending_cancellation":
            day = today + dt.timedelta(days=5 + int(rng.random() * 20))
            status_date, reason, effective = today - dt.timedelta(days=10), NONPAYMENT, day.isoformat()
            # The installment that wasn't paid.
            cure = money(
                max(50, round(self._coverages.term_premium(self._schedule.began.year) * PLANS[self._plan] / 12))
            )
        elif outline.status == "cancelled":
            status_date, effective = self._schedule.ends, self._schedule.ends.isoformat()
            reason = pick(rng, (NONPAYMENT, "At the insured’s request", "Practice closed"))
            if heir := outline.rewritten_as:
                reason = f"Rewritten as {policy_number(heir.index, heir.program)}"
            elif reason == NONPAYMENT:
                by = (status_date + dt.timedelta(days=30)).isoformat()
                amount = money(max(50, round(self._coverages.term_premium(self._schedule.began.year) / 12)))
        elif outline.status == "expired":
            status_date, reason = self._schedule.ends, "Not renewed by the insured"
        elif outline.status == "nonrenewed":
            # Notice is given well before the term ends; until then the policy is in force.
            status_date, reason = self._schedule.ends - dt.timedelta(days=100), "Program withdrawn"
        elif outline.status == "pending":
            status_date = today
        underwriter, underwriter_phone, underwriter_email = UNDERWRITERS[outline.index % len(UNDERWRITERS)]
        out.add(
            "policies.csv", policy_number=self._number, company_id=outline.company, policyholder_id=self._ids.holder,
            billing_account_id=f"BA{outline.index:06}", program=outline.program, status=outline.status,
            status_date=status_date.isoformat(), status_reason=reason, cancellation_effective=effective,
            cure_amount=cure, reinstate_by=by, reinstatement_amount=amount, underwriter_name=underwriter,
            underwriter_phone=underwriter_phone, underwriter_email=underwriter_email,
        )  # fmt: skip

    def _write_term(self, out: PackageWriter, term: Term) -> None:
        premium = money(self._coverages.term_premium(term.effective.year))
        offer = term.offer_expires.isoformat() if term.offer_expires else ""
        quick = flag(term.status == "offered" and self._outline.is_solo)
        behind = self._outline.status == "pending_cancellation"
        through = paid_through(term, self._plan, today=self._today, behind=behind)
        out.add(
            "terms.csv", term_id=term.id, policy_number=self._number, status=term.status,
            effective=term.effective.isoformat(), expires=term.expires.isoformat(), premium=premium,
            payment_plan=self._plan, billing=self._billing, offer_expires=offer, quick_renew=quick,
            paid_through=through.isoformat() if through else "",
        )  # fmt: skip

    def _write_agents(self, out: PackageWriter) -> None:
        """Add the agency of record, and the one before it if it changed."""
        outline = self._outline
        if not outline.agency:
            return
        since = min(self._schedule.terms[0].effective, self._today - dt.timedelta(days=30))
        if outline.earlier_agency:
            handed_over = max(since + dt.timedelta(days=1), self._today - dt.timedelta(days=20))
            out.add(
                "agents_of_record.csv", policy_number=self._number, agency_id=Ids.agency(outline.earlier_agency),
                from_=since.isoformat(), to=handed_over.isoformat(),
            )  # fmt: skip
            since = handed_over
        out.add(
            "agents_of_record.csv", policy_number=self._number, agency_id=Ids.agency(outline.agency),
            from_=since.isoformat(),
        )  # fmt: skip
