"""One synthetic policy: its holder, insureds, terms, coverages, and what became of it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from random import Random

from feed.example.people import (
    Address,
    Person,
    address,
    drawn,
    group_name,
    license_number,
    npi,
    person,
    phone,
    pick,
    plain,
)
from feed.example.words import (
    ALLIED,
    ALLIED_LIMITS,
    DENTAL_LIMITS,
    ENDORSEMENTS,
    ENTITIES,
    PRACTICES,
    PRIOR_CARRIERS,
    STATES,
    Limits,
    Practice,
    Specialty,
    State,
)
from feed.example.writing import PackageWriter

YEAR = dt.timedelta(days=365)
# In the cast's group this clinician has left, and has a tail on offer.
LEAVER = 7
RENEWALS = (("offered", 0.45), ("bound", 0.40), ("accepted", 0.10), ("declined", 0.05))
PLANS = ("annual", "semiannual", "quarterly", "monthly", "tenpay")
FIRST_NUMBER = 100_000
# Limits of an excess layer above the primary ones.
EXCESS = (1_000_000, 3_000_000)
# Days that a policy still has to go of which notice of nonrenewal was given.
NONRENEWED_LEFT = 70


@dataclass(frozen=True)
class Outline:
    """What is settled about a policy before chance has its say.

    `clinicians` are those insured besides entities; `agency` and `earlier_agency` are numbers, 0 for none; `named` is
    the first clinician of the cast. `began`: the first day of the current or last term. `insured_since`: retroactive
    dates are no later. `rewritten_as`: the policy that took this one's place, for the same holder and insureds. What is
    empty or None below is left to chance.
    """

    index: int
    clinicians: int
    status: str
    program: str
    company: str
    agency: int
    earlier_agency: int = 0
    state: State | None = None
    named: Person | None = None
    claims_made: bool | None = None
    renewal: str = ""
    practice: Practice | None = None
    began: dt.date | None = None
    excess: bool = False
    insured_since: dt.date | None = None
    rewritten_as: Outline | None = None


@dataclass(frozen=True)
class Term:
    """A term of the policy, and whether coverages are written for it."""

    id: str
    status: str
    effective: dt.date
    expires: dt.date
    covered: bool
    offer_expires: dt.date | None = None


def money(amount: float) -> str:
    """US dollars with two places."""
    return f"{amount:.2f}"


def flag(value: bool) -> str:
    """`true` or `false`."""
    return "true" if value else "false"


def years_later(day: dt.date, years: int) -> dt.date:
    """The same day of another year; the last of February stays in it."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)


def holder_id(index: int) -> str:
    """The carrier's id of a policy's holder."""
    return f"PH{index:06}"


def insured_id(index: int, member: int) -> str:
    """The carrier's id of an insured: the policy's, and its place in it. Entities stand after the clinicians."""
    return f"IN{index:06}-{member:04}"


def policy_number(index: int, program: str) -> str:
    """A policy number as it is printed."""
    prefix = {"physicians": "MPL", "allied": "AHP", "dental": "DNT", "facility": "FAC"}[program]
    return f"{prefix}-{FIRST_NUMBER + index}"


def agency_id(number: int) -> str:
    """The carrier's id of an agency, counted from 1."""
    return f"AG{number:04}"


class PolicyStory:
    """Writes every row of one policy. Chance depends on the seed and the policy alone, not on the book around it."""

    def __init__(self, outline: Outline, *, seed: int, today: dt.date) -> None:
        self._outline = outline
        self._today = today
        # A policy that was rewritten had the people of the one that took its place.
        self._of = outline.rewritten_as or outline
        self._rng = Random(f"{seed}/{self._of.index}")  # noqa: S311  # a book of fiction, repeatable
        self._state = outline.state or pick(self._rng, STATES)
        self._number = policy_number(outline.index, outline.program)
        self._solo = outline.clinicians == 1
        by_chance = self._rng.random() < 0.75
        self._claims_made = by_chance if outline.claims_made is None else outline.claims_made
        if self._state.occurrence and outline.program == "physicians":
            self._claims_made = False
        self._practice = outline.practice or pick(self._rng, PRACTICES[outline.program])
        # Premium of one clinician in the current term.
        self._rate = 3_000 + int(self._rng.random() * 1_200) * 10
        self._limits = pick(self._rng, self._sold())
        by_chance = self._state.code == "NY" and outline.program == "physicians" and self._rng.random() < 0.15
        self._excess = outline.excess or (by_chance and not outline.named)
        self._people: list[Person] = []
        self._entity = ENTITIES[outline.program]
        self._entities = 0 if self._solo else 1 + (outline.clinicians > 40) + (outline.clinicians > 400) * 4
        self._name = "" if self._solo else group_name(self._rng, self._practice, self._of.index)
        self._place: Address = address(self._rng, self._state)

    def write(self, out: PackageWriter) -> None:
        """Add the policy's rows to the package."""
        outline = self._outline
        for member in range(outline.clinicians):
            kind = self._practice.employs if self._is_employed(member) else self._practice.specialties
            one = outline.named if member == 0 and outline.named else person(self._rng, kind, self._today)
            self._people.append(one)
        terms = self._terms()
        self._first = outline.insured_since or min(term.effective for term in terms if term.covered)
        # Everybody is in all the terms, so nobody joined later than the first of them began.
        self._people = [one._replace(joined=min(one.joined, self._first)) for one in self._people]
        # Full prior acts, for the same people in every term.
        self._prior_acts = {member for member in range(outline.clinicians) if self._rng.random() < 0.06}
        if not outline.rewritten_as:
            self._write_parties(out)
        self._write_policy(out)
        self._write_agents(out, terms)
        for term in terms:
            self._write_term(out, term)
            if term.covered:
                self._write_coverages(out, term)

    def _sold(self) -> Limits:
        """The limits that are sold to this program in this state; a fund fixes them for everybody."""
        if self._state.fund or self._outline.program in {"physicians", "facility"}:
            return self._state.limits
        return ALLIED_LIMITS if self._outline.program == "allied" else DENTAL_LIMITS

    def _is_employed(self, member: int) -> bool:
        """Whether the member is one of the staff whom a group employs, whose limits are shared."""
        return member % 5 == 4 and not self._solo and bool(self._practice.employs)

    # Parties.

    def _write_parties(self, out: PackageWriter) -> None:
        outline, rng = self._outline, self._rng
        holder = holder_id(outline.index)
        name = self._people[0].name if self._solo else self._name
        domain = f"practice{outline.index}.example"
        email = f"{plain(self._people[0].last)}@{domain}" if self._solo else f"office@{domain}"
        kind = "individual" if self._solo else "organization"
        own = insured_id(outline.index, 0) if self._solo else ""
        paperless = flag(rng.random() < 0.5)
        out.add("policyholders.csv", holder, kind, own, name, phone(rng, self._state), email, *self._place, paperless)
        for member, one in enumerate(self._people):
            self._write_insured(out, member, one, domain)
        for entity in range(self._entities):
            number = outline.clinicians + entity
            called = self._name if entity == 0 else f"{self._name} – Site {entity}"
            out.add(
                "insureds.csv", insured_id(outline.index, number), "entity", called, "", "", "", "", "", "", "",
                self._entity.code, self._entity.name, f"office@{domain}", phone(rng, self._state), *self._place,
            )  # fmt: skip
        self._write_contacts(out, holder, domain)

    def _write_insured(self, out: PackageWriter, member: int, one: Person, domain: str) -> None:
        outline, rng = self._outline, self._rng
        own = insured_id(outline.index, member)
        # One in two hundred has no mail address on file; the feed warns of it.
        email = f"{plain(one.first)}.{plain(one.last)}.{member}@{domain}"[:254] if rng.random() >= 0.005 else ""
        place = self._place if self._solo or rng.random() < 0.7 else address(rng, self._state)
        out.add(
            "insureds.csv", own, "person", "", one.first, one.middle, one.last, one.suffix, one.specialty.credential,
            npi(outline.index * 10_000 + member), one.born.isoformat(), one.specialty.code, one.specialty.name, email,
            phone(rng, self._state), *place,
        )  # fmt: skip
        number = license_number(rng, self._state, one.specialty)
        out.add("licenses.csv", own, self._state.code, number, self._month_end(rng))
        if rng.random() < 0.12:
            other = pick(rng, STATES)
            if other.code != self._state.code:
                number = license_number(rng, other, one.specialty)
                out.add("licenses.csv", own, other.code, number, self._month_end(rng))
        if rng.random() < 0.15:
            self._write_prior(out, own, one)

    def _month_end(self, rng: Random) -> str:
        month = (self._today.replace(day=1) + dt.timedelta(days=31 * (1 + int(rng.random() * 24)))).replace(day=1)
        return (month - dt.timedelta(days=1)).isoformat()

    def _write_prior(self, out: PackageWriter, own: str, one: Person) -> None:
        """Coverage with another carrier before this one; now and then there is a gap after it, or a tail was bought."""
        rng = self._rng
        gap = dt.timedelta(days=60) if rng.random() < 0.1 else dt.timedelta(0)
        ended = one.joined - gap
        began = years_later(ended, -1 - int(rng.random() * 5))
        form = "occurrence" if rng.random() < 0.3 else "claims_made"
        tail = years_later(ended, 3).isoformat() if form == "claims_made" and rng.random() < 0.3 else ""
        retroactive = began.isoformat() if form == "claims_made" else ""
        number = f"X{int(rng.random() * 1_000_000):06}"
        out.add(
            "prior_coverages.csv", own, pick(rng, PRIOR_CARRIERS), number, form, began.isoformat(), ended.isoformat(),
            retroactive, tail,
        )  # fmt: skip

    def _write_contacts(self, out: PackageWriter, holder: str, domain: str) -> None:
        """Who acts for the holder: the clinician alone, or a group's office; a few had an account elsewhere."""
        outline, rng = self._outline, self._rng
        if self._solo:
            people = [self._people[0]]
        else:
            people = [person(rng, ALLIED, self._today) for _ in range(2 if outline.clinicians > 8 else 1)]
        for number, one in enumerate(people):
            taken_over = outline.index % 40 == 3 and number == 0
            email = f"{plain(one.first)}.{plain(one.last)}@{domain}"[:254]
            out.add(
                "contacts.csv", f"CT{outline.index:06}-{number}", "policyholder", holder, one.first, one.last, email,
                phone(rng, self._state), self._place.zip, one.born.isoformat(),
                "administrator" if number == 0 else "member",
                "view_claims_history" if number == 0 and rng.random() < 0.3 else "",
                f"{plain(one.last)}{outline.index}" if taken_over else "",
            )  # fmt: skip

    # The policy and its terms.

    def _write_policy(self, out: PackageWriter) -> None:
        outline, rng, today = self._outline, self._rng, self._today
        status_date, reason, effective, cure, by, amount = self._began(), "", "", "", "", ""
        if outline.status == "pending_cancellation":
            day = today + dt.timedelta(days=5 + int(rng.random() * 20))
            status_date, reason, effective = today - dt.timedelta(days=10), "Non-payment of premium", day.isoformat()
            cure = money(500 + int(rng.random() * 400) * 10)
        elif outline.status == "cancelled":
            day = self._ended()
            status_date, effective = day, day.isoformat()
            reason = pick(rng, ("Non-payment of premium", "At the insured’s request", "Practice closed"))
            if reason == "Non-payment of premium":
                by, amount = (day + dt.timedelta(days=30)).isoformat(), money(800 + int(rng.random() * 300) * 10)
            if heir := outline.rewritten_as:
                reason, by, amount = f"Rewritten as {policy_number(heir.index, heir.program)}", "", ""
        elif outline.status == "expired":
            status_date, reason = self._ended(), "Not renewed by the insured"
        elif outline.status == "nonrenewed":
            # Notice is given well before the term's end; until then the policy is in force.
            status_date, reason = self._end - dt.timedelta(days=100), "Program withdrawn"
        elif outline.status == "pending":
            status_date = today
        out.add(
            "policies.csv", self._number, outline.company, holder_id(self._of.index), f"BA{outline.index:06}",
            outline.program, outline.status, status_date.isoformat(), reason, effective, cure, by, amount,
        )  # fmt: skip

    def _began(self) -> dt.date:
        """The first day of the current or last term, on the first or fifteenth of a month."""
        return self._current

    def _ended(self) -> dt.date:
        """The day on which a policy that has ended did."""
        return self._end

    def _terms(self) -> list[Term]:
        """The policy's terms, earliest first."""
        outline, rng, today = self._outline, self._rng, self._today
        ended = outline.status in {"cancelled", "expired"}
        if outline.status == "nonrenewed":
            # Ends in ten weeks, or ended lately and the carrier has not said more yet.
            left = NONRENEWED_LEFT if rng.random() < 0.7 else -int(rng.random() * 60)
            began = years_later(today + dt.timedelta(days=left), -1)
        elif outline.status == "pending":
            began = today + dt.timedelta(days=10 + int(rng.random() * 40))
        elif ended:
            began = today - dt.timedelta(days=400 + int(rng.random() * 500))
        else:
            since = 300 if outline.renewal else 100 if outline.named else 15 + int(rng.random() * 320)
            began = today - dt.timedelta(days=since)
        on_a_first = outline.status not in {"pending", "nonrenewed"}
        began = began.replace(day=1 if rng.random() < 0.8 else 15) if on_a_first else began
        if began + YEAR <= today and not ended and outline.status != "nonrenewed":
            began = today - dt.timedelta(days=300)
        began = outline.began or began
        self._current, expires = began, years_later(began, 1)
        self._end = began + dt.timedelta(days=200) if outline.status == "cancelled" else expires
        if outline.rewritten_as and outline.rewritten_as.began:
            self._end = outline.rewritten_as.began
        last = {"pending": "accepted", "cancelled": "cancelled", "expired": "expired"}
        if outline.status == "nonrenewed" and expires <= today:
            last["nonrenewed"] = "expired"
        terms = [self._term(began, expires, last.get(outline.status, "bound"))]
        earlier = 0 if outline.status == "pending" or outline.began else int(rng.random() * 3)
        for back in range(1, earlier + 1):
            start = years_later(began, -back)
            terms.insert(0, self._term(start, years_later(began, 1 - back), "expired", covered=back == 1))
        if outline.status == "active" and (expires - today).days < 120:
            terms.append(self._renewal(expires))
        return terms

    def _term(self, effective: dt.date, expires: dt.date, status: str, *, covered: bool = True) -> Term:
        return Term(f"T{self._outline.index:06}-{effective.year}", status, effective, expires, covered)

    def _renewal(self, effective: dt.date) -> Term:
        """The term that follows: offered, accepted or bound already; an offer is no coverage."""
        status = self._outline.renewal or drawn(self._rng, RENEWALS)
        return Term(
            f"T{self._outline.index:06}-{effective.year}",
            status,
            effective,
            years_later(effective, 1),
            covered=status == "bound",
            offer_expires=effective,
        )

    def _write_term(self, out: PackageWriter, term: Term) -> None:
        rng, outline = self._rng, self._outline
        years = term.effective.year - self._current.year
        premium = money(round(outline.clinicians * self._rate * 1.03**years))
        billing = "direct" if rng.random() < 0.8 else "agency" if outline.agency else "financed"
        offer = term.offer_expires.isoformat() if term.offer_expires else ""
        quick = flag(term.status == "offered" and self._solo)
        paid = min(term.expires, max(term.effective, self._today)).isoformat() if term.status == "bound" else ""
        out.add(
            "terms.csv", term.id, self._number, term.status, term.effective.isoformat(), term.expires.isoformat(),
            premium, pick(rng, PLANS), billing, offer, quick, paid,
        )  # fmt: skip

    def _write_agents(self, out: PackageWriter, terms: list[Term]) -> None:
        """The agency of record, and the one before where it changed."""
        outline = self._outline
        if not outline.agency:
            return
        since = min(terms[0].effective, self._today - dt.timedelta(days=30))
        if outline.earlier_agency:
            handed_over = max(since + dt.timedelta(days=1), self._today - dt.timedelta(days=20))
            out.add(
                "agents_of_record.csv", self._number, agency_id(outline.earlier_agency), since.isoformat(),
                handed_over.isoformat(),
            )  # fmt: skip
            since = handed_over
        out.add("agents_of_record.csv", self._number, agency_id(outline.agency), since.isoformat(), "")

    # Coverages.

    def _write_coverages(self, out: PackageWriter, term: Term) -> None:
        outline = self._outline
        for member, one in enumerate(self._people):
            self._write_coverage(out, term, member, one)
        for entity in range(self._entities):
            self._write_row(
                out, term, outline.clinicians + entity, part="entity", retroactive=self._current, prior_acts=False,
                shared=entity > 0, specialty=self._entity, expires=self._stop(term), reason=self._reason(term),
            )  # fmt: skip

    def _write_coverage(self, out: PackageWriter, term: Term, member: int, one: Person) -> None:
        """A clinician's coverage in a term; in groups some leave within it and are offered a tail."""
        rng = self._rng
        leaves = term.status == "bound" and not self._solo and rng.random() < 0.02
        if self._outline.named:
            leaves = term.status == "bound" and member == LEAVER
        expires, reason = self._stop(term), self._reason(term)
        if leaves and term.effective < self._today:
            expires = min(max(term.effective + dt.timedelta(days=30), self._today - dt.timedelta(days=12)), expires)
            reason = "Left the group"
        row = self._write_row(
            out, term, member, part="professional", retroactive=one.joined, prior_acts=member in self._prior_acts,
            shared=self._is_employed(member), specialty=one.specialty, expires=expires, reason=reason,
        )  # fmt: skip
        if self._excess and not self._is_employed(member):
            self._write_row(
                out, term, member, part="excess", retroactive=max(one.joined, self._excess_since()),
                prior_acts=False, shared=False, specialty=one.specialty, expires=expires, reason=reason,
            )  # fmt: skip
        # What goes on in another policy needs no tail.
        goes_on = self._outline.rewritten_as is not None
        if reason and self._claims_made and term.status in {"bound", "cancelled"} and not goes_on:
            self._write_tail(out, row, expires)

    def _write_row(
        self, out: PackageWriter, term: Term, member: int, *, part: str, retroactive: dt.date, prior_acts: bool,
        shared: bool, specialty: Specialty, expires: dt.date, reason: str,
    ) -> str:  # fmt: skip
        rng, outline = self._rng, self._outline
        is_excess = part == "excess"
        own = f"CV{outline.index:06}-{term.effective.year}-{member:04}{'X' if is_excess else ''}"
        each, aggregate = EXCESS if is_excess else self._limits
        claims_made = self._claims_made
        prior_acts = prior_acts and claims_made
        date = min(retroactive, self._first).isoformat() if claims_made and not prior_acts else ""
        deductible = money(5_000) if rng.random() < 0.1 and not is_excess else money(0)
        endorsed = rng.random() < 0.3 and part == "professional"
        added = ";".join(sorted({pick(rng, ENDORSEMENTS), pick(rng, ENDORSEMENTS)})) if endorsed else ""
        if part == "professional" and specialty.code == "GS3" and rng.random() < 0.3:
            added = ";".join(filter(None, (added, "LM-E-280 Exclusion, bariatric surgery")))
        fund, fund_limits = ("", "") if is_excess else (self._state.fund, self._state.fund_limits)
        out.add(
            "coverages.csv", own, term.id, insured_id(self._of.index, member), part,
            "claims_made" if claims_made else "occurrence", date, flag(prior_acts), money(each), money(aggregate),
            flag(shared), deductible, term.effective.isoformat(), expires.isoformat(),
            money(1_500 + int(rng.random() * 2_000) * 5), specialty.code, specialty.name, added, fund, fund_limits,
            reason,
        )  # fmt: skip
        return own

    def _excess_since(self) -> dt.date:
        """Higher limits were bought later than the first ones: earlier acts have the primary limit alone."""
        return years_later(self._current.replace(day=1), -3)

    def _stop(self, term: Term) -> dt.date:
        """The day on which the term's coverages stop: its last, or that of the cancellation."""
        return self._end if term.status == "cancelled" else term.expires

    def _reason(self, term: Term) -> str:
        if term.status != "cancelled":
            return ""
        return "Policy rewritten" if self._outline.rewritten_as else "Policy cancelled"

    def _write_tail(self, out: PackageWriter, coverage: str, ended: dt.date) -> None:
        """The carrier's offer of an extended reporting endorsement: one row for each option."""
        rng = self._rng
        decide_by = ended + dt.timedelta(days=60)
        chance = rng.random()
        status = "lapsed" if decide_by < self._today else "offered"
        chosen = 2 if status == "lapsed" and chance < 0.3 else None
        for number, (option, years, price) in enumerate((("1y", 1, 4_200), ("3y", 3, 7_800), ("unlimited", 0, 11_500))):
            out.add(
                "ere_offers.csv", f"ERE-{coverage[2:]}-{number}", coverage,
                "paid" if number == chosen else "declined" if chosen is not None else status, decide_by.isoformat(),
                option, money(price), "4" if price > 5_000 else "", "", ended.isoformat(),
                years_later(ended, years).isoformat() if years else "",
            )  # fmt: skip
